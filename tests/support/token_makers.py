"""Other makers of JSON Web Tokens, asked by jobs: PyJWT, and npm's jose and jsonwebtoken.

A job is what `sign_job` or `verify_job` makes, for the maker of that name; its answer is {"token": …}, {"claims": …},
or {"error": …} where the maker refuses. tests/peers/jose_tools/batch.js has the same for npm's.
"""

import hashlib
import hmac
import json
import secrets

import jwt

from support import tokens
from support.key_pairs import KeyPair
from support.peers import PEERS
from support.process import run

MAKERS = ["PyJWT", "jose", "jsonwebtoken"]
HMACS = ["HS256", "HS384", "HS512"]
RSAS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
# Ed25519 and Ed448 are two curves of one algorithm, EdDSA.
ALGORITHMS = [*HMACS, *RSAS, "ES256", "ES384", "ES512", "Ed25519", "Ed448"]
JOSE_TOOLS = PEERS / "jose_tools"


class TokenKey:
    """What tokens of an algorithm are signed and verified with: a secret as text, or the two halves as PEM."""

    def __init__(self, name):
        if name in HMACS:
            self.algorithm, self.secret = name, secrets.token_urlsafe(64)
            self.signing = self.verifying = {"secret": self.secret}
        else:
            self.pair = KeyPair("EdDSA" if name == "Ed25519" else name)
            self.algorithm = self.pair.algorithm
            self.signing, self.verifying = {"private": self.pair.private_pem}, {"public": self.pair.public_pem}

    def token(self, claims, **header):
        if "secret" in self.signing:
            return hmac_token(self.secret, claims, self.algorithm, **header)
        return jwt.encode(claims, self.pair.private, self.algorithm, headers=header)

    @property
    def signing_text(self):
        return _only_value(self.signing)

    @property
    def verifying_text(self):
        return _only_value(self.verifying)


def hmac_token(secret, claims, algorithm="HS256", **header):
    """One with whatever for its secret, text or bytes: PyJWT would refuse a public key, and an empty one. Claims that
    are text already go in as they are."""
    payload = claims if isinstance(claims, str) else json.dumps(claims)
    covered = ".".join(tokens.encode(part.encode()) for part in (json.dumps({"alg": algorithm, **header}), payload))
    secret = secret.encode() if isinstance(secret, str) else secret
    signature = hmac.new(secret, covered.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
    return covered + "." + tokens.encode(signature)


def npm_versions():
    """By package; they are written down exactly."""
    return json.loads((JOSE_TOOLS / "package.json").read_text())["dependencies"]


def sign_job(maker, key, claims):
    return {"library": maker, "sign": claims, "algorithm": key.algorithm, "key": key.signing}


def verify_job(maker, key, token):
    return {"library": maker, "verify": token, "algorithms": [key.algorithm], "key": key.verifying}


def answers(jobs):
    """The answers in the order of the jobs; npm's makers are asked all at once, by one process."""
    others = [job for job in jobs if job["library"] != "PyJWT"]
    theirs = iter(_npm_answers(others) if others else [])
    return [_pyjwt_answer(job) if job["library"] == "PyJWT" else next(theirs) for job in jobs]


def _npm_answers(jobs):
    assert (JOSE_TOOLS / "node_modules").exists(), f"run: npm ci --prefix {JOSE_TOOLS}"
    done = run(["node", JOSE_TOOLS / "batch.js"], text=json.dumps(jobs), timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(jobs)
    return found


def _pyjwt_answer(job):
    key = _only_value(job["key"])
    try:
        if "sign" in job:
            return {"token": jwt.encode(job["sign"], key, algorithm=job["algorithm"])}
        return {"claims": jwt.decode(job["verify"], key, algorithms=job["algorithms"])}
    except (jwt.PyJWTError, NotImplementedError) as error:
        return {"error": str(error)}


def _only_value(key):
    (value,) = key.values()
    return value
