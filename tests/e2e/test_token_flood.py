"""A million tokens, each a different one: each is asked about, and the gateway's memory has a bound.

nginx is the Auth Service and the application. Many requests are sent ahead on each of many connections.
"""

import contextlib
import os
import re
import threading

import pytest

from support.asking import NEVER_OPENS, guarded, remote, status_of
from support.nginx import Nginx
from support.polling import PATIENCE
from support.raw import RawClient

# All that has a bound has reached it after the first of them: later under a sanitizer, which keeps what was freed.
WARM, TOKENS = (100_000, 1_000_000) if PATIENCE == 1 else (50_000, 100_000)
GROWTH_KIB_MAX = 4 * 1024 if PATIENCE == 1 else 16 * 1024  # a sanitizer's allocator scatters more
CONNECTIONS = 64  # more than the calls that are made at the same time
AHEAD = 50
KEPT = 2_000
STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")


@pytest.fixture
def service(tmp_path):
    """Refuses whatever is called bad."""
    nginx = Nginx(tmp_path, {"= /validate": r"{\"user_id\":42}", "/": "ok"},
                  directives='if ($cookie_access_token ~ "^bad") { return 401; }', name="service")
    yield nginx.wait_until_listening()
    nginx.terminate()


def yield_to_others(threads):
    """Whatever else runs goes first: this is load, and nothing here is about time."""
    for thread in threads:
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, int(thread), 10)


def request_with(token):
    return b"GET /x HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode()


class Flood:
    """Sends requests with bad and good tokens in turn, none twice."""

    def __init__(self, port, count):
        self._turns, self._port = iter(range(count // AHEAD)), port
        self._lock, self.statuses, self.problems = threading.Lock(), {}, []

    def run(self, name):
        threads = [threading.Thread(target=self._run, args=(name,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.problems, self.problems[:3]
        return self.statuses

    def _run(self, name):
        yield_to_others([threading.get_native_id()])
        try:
            with RawClient(self._port, timeout=60) as client:
                while (turn := self._next()) is not None:
                    self._exchange(client, [f"{'bad' if number % 2 else 'good'}-{name}-{turn}-{number}"
                                            for number in range(AHEAD)])
        except Exception as problem:  # the test's, told when it ends
            self.problems.append(repr(problem))

    def _next(self):
        with self._lock:
            return next(self._turns, None)

    def _exchange(self, client, tokens):
        client.send(b"".join(map(request_with, tokens)))
        data = b""
        # The last of them is refused.
        while data.count(b"HTTP/1.1 ") < len(tokens) or not data.endswith(b'{"error":"Invalid token"}'):
            piece = client.socket.recv(65536)
            assert piece, data[-300:]
            data += piece
        with self._lock:
            for status in STATUS.findall(data):
                self.statuses[int(status)] = self.statuses.get(int(status), 0) + 1


def test_a_million_tokens(gateways, service):
    asks = remote(service.url + "/validate", timeout="20s", circuit_breaker=NEVER_OPENS,
                  cache={"ttl": "1h", "negative_ttl": "1h", "max_entries": KEPT})
    gateway = gateways.start({**guarded(service, {"session": asks}), "access_log": {"path": "none"}})
    yield_to_others(os.listdir(f"/proc/{service.pid}/task"))
    yield_to_others(os.listdir(f"/proc/{gateway.pid}/task"))

    def flood(name, count):
        assert Flood(gateway.port, count).run(name) == {200: count // 2, 401: count // 2}

    known = "good-and-known"
    assert status_of(gateway, known) == 200
    flood("first", WARM)
    warm = gateway.memory_kib()
    flood("second", TOKENS - WARM)
    assert gateway.memory_kib() - warm < GROWTH_KIB_MAX
    metrics = gateway.metrics()
    assert metrics.total("sidegate_cache_entries", cache="session") <= 2 * KEPT
    assert metrics.total("sidegate_cache_total", cache="session", result="miss") == TOKENS + 1, "each was asked about"
