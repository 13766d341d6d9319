"""Ports for the programs under test."""

import random
import socket

# Below Linux's range for outgoing connections, so that none of those can take a port between its choice and its use.
_FIRST, _LAST = 20000, 30000
_next = random.randrange(_FIRST, _LAST)


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
    global _next
    for _ in range(_FIRST, _LAST):
        port, _next = _next, _next + 1 if _next + 1 < _LAST else _FIRST
        if _is_free(port):
            return port
    raise RuntimeError("no free port")
