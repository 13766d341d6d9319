"""Whether a contestant does its job, before its speed is of interest."""

import http.client

from origin import BODY_BYTES
from tokens import USER_ID


class WrongAnswer(Exception):
    """A contestant that does not do what it is measured for."""


def check(server, issuer, stranger):
    """`stranger` is an issuer whose tokens no contestant may believe."""
    algorithm = server.contestant.algorithm
    good = issuer.usual(algorithm or "HS256")
    for path, size in BODY_BYTES.items():
        _expect(server, "a good token", path, good, 200, length=size)
    if not algorithm:
        return
    _expect(server, "a good token and a forged identity", "/user-id", good, 200, body=USER_ID)
    _expect(server, "a good token of somebody else", "/user-id", issuer.mint(algorithm, "4218"), 200, body="4218")
    _expect(server, "no token", "/", None, 401)
    _expect(server, "a token of another key", "/", stranger.mint(algorithm), 401)
    _expect(server, "an expired token", "/", issuer.mint(algorithm, expires_in=-1), 401)
    _expect(server, "nonsense instead of a token", "/", "nonsense", 401)


def _expect(server, what, path, token, status, body=None, length=None):
    name = server.contestant.name
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        headers = {"X-User-Id": "1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        got = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswer(f"{name}: {what}: {error!r}\n{server.process.tail()}") from error
    finally:
        connection.close()
    if answer.status != status:
        raise WrongAnswer(f"{name}: {what}: {answer.status} instead of {status}: {got[:200]}")
    if body is not None and got != body:
        raise WrongAnswer(f"{name}: {what}: the origin was sent {got[:200]!r} instead of {body!r}")
    if length is not None and len(got) != length:
        raise WrongAnswer(f"{name}: {what}: {len(got)} bytes instead of {length}")
