"""Waiting for something without sleeping for a fixed time."""

import os
import time

# A binary under a sanitizer is several times slower; what is waited for stays the same.
PATIENCE = float(os.environ.get("SIDEGATE_TEST_PATIENCE", "1"))


def wait_until(condition, message, timeout=10, interval=0.01):
    """Calls `condition` until it gives something true, and returns that."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout * PATIENCE:g} s: {message() if callable(message) else message}")
        time.sleep(interval)


def settled(measure, quiet=0.4, timeout=20):
    """Waits until `measure()` has not changed for `quiet` seconds, and returns it. They are counted in looks, since a
    machine that stalls is not quiet."""
    interval, deadline = 0.02, time.monotonic() + timeout * PATIENCE
    last, same = measure(), 0
    while same * interval < quiet * PATIENCE:
        assert time.monotonic() < deadline, f"still changing after {timeout * PATIENCE:g} s: {last}"
        time.sleep(interval)
        now = measure()
        last, same = now, same + 1 if now == last else 0
    return last
