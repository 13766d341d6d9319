"""Ports for the programs under test."""

import socket

# Below Linux's range for outgoing connections, so that none of those can take a port between its choice and its use.
_ALL, _EACH = range(20000, 32000), 750


def _claim():
    """Ports of this process alone: a peer that is stopped finds its own free when it comes back. As ports do, the name
    belongs to the network namespace, and goes with the process."""
    for first in _ALL[::_EACH]:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sidegate-tests-ports-{first}")
            return claim, range(first, first + _EACH)
        except OSError:
            claim.close()
    raise RuntimeError(f"{len(_ALL) // _EACH} other processes have claimed all ports")


_held, _own = _claim()
_place = 0


def _is_free(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET6 and not isinstance(error, PermissionError) and error.errno in (97, 99):
                continue  # no IPv6 here
            return False
    return True


def free_port():
    """A TCP port that nobody listens on. The same one is not given twice until all others were."""
    global _place
    for _ in _own:
        port, _place = _own[_place], (_place + 1) % len(_own)
        if _is_free(port):
            return port
    raise RuntimeError("no free port")
