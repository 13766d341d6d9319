"""Many requests at the same moment, all with one token that nobody has seen: how often the Auth Service is asked."""

import http.client
import socket
import time
from dataclasses import dataclass

from load import LoadFailure

CALLERS = 100
BURSTS = 10  # each with a token of its own


@dataclass
class Calls:
    """Of one contestant in one round."""

    requests: int
    calls_per_1000: float  # to the Auth Service, for 1,000 requests
    longest_burst: float  # seconds until the last of a burst had its answer


def measure(server, auth_service, issuer):
    callers = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(CALLERS)]
    try:
        before = auth_service.calls()
        longest = max(_burst(server, callers, issuer.mint("HS256")) for _ in range(BURSTS))
        calls = auth_service.calls() - before
    finally:
        for caller in callers:
            caller.close()
    server.forget_logs()
    requests = CALLERS * BURSTS
    return Calls(requests, calls / requests * 1000, longest)


def _burst(server, callers, token):
    """All are asked before an answer is read. The seconds that it took."""
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    started = time.monotonic()
    try:
        for caller in callers:
            caller.sendall(request)
        statuses = {_status(caller) for caller in callers}
    except (OSError, http.client.HTTPException) as error:
        raise LoadFailure(f"{server.contestant.name}: {error!r}\n{server.process.tail()}") from error
    if statuses != {200}:
        raise LoadFailure(f"{server.contestant.name}: not every request was answered with 200: {sorted(statuses)}")
    return time.monotonic() - started


def _status(caller):
    answer = http.client.HTTPResponse(caller)
    answer.begin()
    answer.read()
    return answer.status
