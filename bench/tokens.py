"""Keys and tokens for the measurement: HS256 by the standard library, RS256 and ES256 by the command openssl."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import time

HOUR = 3600
USER_ID = "4217"

_KEY_OPTIONS = {"RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}


class Issuer:
    """Whose tokens are good: it has one key for each algorithm, the private ones in `folder`."""

    def __init__(self, folder):
        folder.mkdir()
        self._folder = folder
        self.secret = secrets.token_hex(32)  # a text, so that it fits a configuration file and an environment variable
        for algorithm, options in _KEY_OPTIONS.items():
            _openssl("genpkey", "-quiet", "-algorithm", *options, "-out", self._private_key(algorithm))
            _openssl("pkey", "-in", self._private_key(algorithm), "-pubout", "-out", self.public_key(algorithm))
        self._usual = {algorithm: self.mint(algorithm) for algorithm in ("HS256", *_KEY_OPTIONS)}

    def public_key(self, algorithm):
        """The file."""
        return self._folder / f"{algorithm}.pem"

    def usual(self, algorithm):
        """The one token of all requests where they do not need different ones."""
        return self._usual[algorithm]

    def mint(self, algorithm, user_id=USER_ID, expires_in=24 * HOUR):
        """A token as services issue them: the claims of a person, about 250 bytes before the signature."""
        now = int(time.time())
        claims = {"token_type": "access", "exp": now + expires_in, "iat": now, "jti": secrets.token_hex(16),
                  "user_id": user_id, "user_type": "staff"}
        signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode())
                          for part in ({"alg": algorithm, "typ": "JWT"}, claims))
        return f"{signed}.{_encode(self._sign(algorithm, signed.encode()))}"

    def _private_key(self, algorithm):
        return self._folder / f"{algorithm}.private.pem"

    def _sign(self, algorithm, signed):
        if algorithm == "HS256":
            return hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        signature = _openssl("dgst", "-sha256", "-sign", self._private_key(algorithm), text=signed)
        return _two_numbers(signature) if algorithm == "ES256" else signature


def _two_numbers(der):
    """RFC 7518 section 3.4: r and s in 32 bytes each, where openssl writes a DER sequence of two integers."""
    end_of_r = 4 + der[3]
    numbers = der[4:end_of_r], der[end_of_r + 2:]
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in numbers)


def _openssl(*words, text=b""):
    return subprocess.run(["openssl", *words], input=text, capture_output=True, check=True, timeout=20).stdout


def _encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
