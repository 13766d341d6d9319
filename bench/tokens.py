"""HS256 tokens for the measurement, made with the standard library."""

import base64
import hashlib
import hmac
import json
import secrets
import time

HOUR = 3600


def make_key():
    """As a text, so that it fits a configuration file and an environment variable."""
    return secrets.token_hex(32)


def mint(key, user_id, expires_in=24 * HOUR):
    """A token as services issue them: the claims of a person, about 250 bytes."""
    now = int(time.time())
    claims = {"token_type": "access", "exp": now + expires_in, "iat": now, "jti": secrets.token_hex(16),
              "user_id": user_id, "user_type": "staff"}
    signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode())
                      for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encode(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def _encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
