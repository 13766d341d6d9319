"""Whether a contestant does its job, before its speed is of interest."""

import http.client

import tokens
from contestants import BODY_BYTES

USER_ID = "4217"


class WrongAnswer(Exception):
    """A contestant that does not do what it is measured for."""


def check(contestant, key):
    good = tokens.mint(key, USER_ID)
    _expect(contestant, "a good token", "/", good, 200, length=BODY_BYTES)
    if not contestant.authenticates:
        return
    _expect(contestant, "a good token and a forged identity", "/user-id", good, 200, body=USER_ID)
    _expect(contestant, "no token", "/", None, 401)
    _expect(contestant, "a token of another key", "/", tokens.mint(tokens.make_key(), USER_ID), 401)
    _expect(contestant, "an expired token", "/", tokens.mint(key, USER_ID, expires_in=-1), 401)
    _expect(contestant, "nonsense instead of a token", "/", "nonsense", 401)


def _expect(contestant, what, path, token, status, body=None, length=None):
    connection = http.client.HTTPConnection("127.0.0.1", contestant.port, timeout=5)
    try:
        headers = {"X-User-Id": "1"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        got = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise WrongAnswer(f"{contestant.name}: {what}: {error!r}\n{contestant.process.tail()}") from error
    finally:
        connection.close()
    if answer.status != status:
        raise WrongAnswer(f"{contestant.name}: {what}: {answer.status} instead of {status}: {got[:200]}")
    if body is not None and got != body:
        raise WrongAnswer(f"{contestant.name}: {what}: the origin was sent {got[:200]!r} instead of {body!r}")
    if length is not None and len(got) != length:
        raise WrongAnswer(f"{contestant.name}: {what}: {len(got)} bytes instead of {length}")
