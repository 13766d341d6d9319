"""What a proxy holds in memory for connections that have asked once and now wait."""

import contextlib
import socket
import time
from dataclasses import dataclass

from load import LoadFailure
from origin import BODY_BYTES

SETTLE_SECONDS = 5


@dataclass
class Memory:
    """Resident bytes, and what the connections added to them."""

    start_bytes: int  # once it listens
    warm_bytes: int  # after the checks, before the connections: what comes with the first request comes once
    idle_bytes: int  # some seconds after the last request
    bytes_per_connection: float


def measure(server, token, connections):
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    warm_bytes = server.process.resident_bytes()
    with contextlib.ExitStack() as opened:
        for _ in range(connections):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            _ask(client, request, server.contestant.name)
        time.sleep(SETTLE_SECONDS)
        idle_bytes = server.process.resident_bytes()
    return Memory(server.bytes_at_start, warm_bytes, idle_bytes, (idle_bytes - warm_bytes) / connections)


def _ask(client, request, name):
    client.sendall(request)
    answer = b""
    while not answer.endswith(b"x" * BODY_BYTES["/"]):
        received = client.recv(65536)
        answer += received
        if not received or not answer.startswith(b"HTTP/1.1 200 "):
            raise LoadFailure(f"{name}: not answered with 200: {answer[:300]!r}")
