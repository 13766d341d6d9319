"""Tokens made by PyJWT, and ones that no library would make."""

import base64
import json
import time

import jwt

DAY = 24 * 3600  # what is made before the tests begin holds for as long as they take
KEY = "a-signing-key-that-is-long-enough-for-HS256"


def claims(subject="42", lifetime=DAY, **more):
    return {"user_id": subject, "exp": int(time.time()) + lifetime, **more}


def token(key=KEY, algorithm="HS256", headers=None, **more):
    """A signed token; keyword arguments are those of `claims`. A claim of None is left out."""
    payload = {name: value for name, value in claims(**more).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header=None, signature="", **more):
    """A token with `alg: none`, or another header of the caller's choice."""
    parts = (json.dumps(header or {"alg": "none", "typ": "JWT"}), json.dumps(claims(**more)))
    return ".".join([*(encode(part.encode()) for part in parts), signature])


def tampered(good, **changes):
    """The same token with another payload and the old signature."""
    header, payload, signature = good.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return ".".join([header, encode(json.dumps({**decoded, **changes}).encode()), signature])


def last_bit_flipped(good):
    """The same token with one bit of its signature changed."""
    head, signature = good.rsplit(".", 1)
    raw = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    raw[0] ^= 1
    return head + "." + encode(bytes(raw))
