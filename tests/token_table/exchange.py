"""Tokens of other makers are put before Sidegate, and tokens that Sidegate minted before them."""

import base64
import json
import time
from dataclasses import dataclass, field

from raw_origin import RawOrigin
from support import tokens
from support.gateway import jwt_authenticator, servers, sidegate
from support.raw import request
from support.token_makers import ALGORITHMS, MAKERS, TokenKey, answers, sign_job, verify_job


@dataclass
class Exchange:
    """What a maker and Sidegate made of each other's tokens of one algorithm. Without a token the maker has refused to
    make one, and nothing else was tried."""

    claims: dict
    token: str = None
    verified: dict = None  # by `sidegate token verify`: the claims that it printed
    flipped_verified: dict = None  # the same, of the token with one bit flipped
    status: int = None  # the gateway's answer to it
    user: str = None  # whom the application was told
    flipped_statuses: list = field(default_factory=list)  # a bit of the header, of the payload, of the signature
    minted: dict = None  # the maker's answer to Sidegate's token
    minted_wrong_key: dict = None  # the same, with somebody else's key

    @property
    def holds(self):
        """Whether each took the other's tokens, and refused what it had to."""
        accepted = self.verified == self.claims and (self.status, self.user) == (200, self.claims["sub"])
        refused = self.flipped_verified is None and self.flipped_statuses == [401, 401, 401]
        return (accepted and refused and self.minted == {"claims": self.claims}
                and set(self.minted_wrong_key) == {"error"})


def exchanges(gateways, folder, keys):
    """An Exchange for every algorithm and maker, by (algorithm, maker)."""
    claims = _claims()
    made = {pair: Exchange(claims) for pair in ((name, maker) for name in ALGORITHMS for maker in MAKERS)}
    commands = _Commands(folder, keys)
    _ask_makers(made, keys, {name: commands.mint(name, claims) for name in ALGORITHMS})
    with RawOrigin() as origin:
        gateway = _gateway(gateways, commands, origin)
        for (name, _), exchange in made.items():
            if exchange.token:
                _ask_gateway(exchange, gateway, origin, name)
                exchange.verified = commands.verify(name, exchange.token)
                exchange.flipped_verified = commands.verify(name, tokens.last_bit_flipped(exchange.token))
    return made


def _claims():
    """Of every JSON type, with characters of every size. Of integers those that every maker can hold."""
    now = int(time.time())
    return {"sub": "4711", "iat": now, "exp": now + 3600, "name": "Zoë \u20ac \U0001f600", "admin": False,
            "manager": None, "roles": ["a", {"system": "TTS", "role": "User"}], "ratio": 0.5, "most": 2**53 - 1, "": {}}


def _ask_makers(made, keys, minted):
    strangers = {name: TokenKey(name) for name in keys}
    jobs = []
    for (name, maker), exchange in made.items():
        jobs += [sign_job(maker, keys[name], exchange.claims), verify_job(maker, keys[name], minted[name]),
                 verify_job(maker, strangers[name], minted[name])]
    given = iter(answers(jobs))
    for exchange in made.values():
        exchange.token = next(given).get("token")
        exchange.minted, exchange.minted_wrong_key = next(given), next(given)


class _Commands:
    """`sidegate token` with a file for each key."""

    def __init__(self, folder, keys):
        self.folder, self.keys = folder, keys
        for name, key in keys.items():
            (folder / f"{name}.signing").write_text(key.signing_text)
            self.verifying_file(name).write_text(key.verifying_text)

    def verifying_file(self, name):
        return self.folder / f"{name}.verifying"

    def mint(self, name, claims):
        done = sidegate("token", "mint", "--key", self.folder / f"{name}.signing", "--alg", self.keys[name].algorithm,
                        "--claims", json.dumps(claims))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def verify(self, name, token):
        """The claims, or None where it is refused."""
        algorithm = self.keys[name].algorithm
        done = sidegate("token", "verify", "--key", self.verifying_file(name), "--alg", algorithm, token)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout) if done.returncode == 0 else None


def _gateway(gateways, commands, origin):
    """One with an authenticator and a route for each algorithm."""
    def key_of(name):
        file = str(commands.verifying_file(name))
        return {"secret": {"file": file}} if "secret" in commands.keys[name].verifying else {"pem_file": file}

    return gateways.start({
        "upstreams": {"app": servers(origin.url)},
        "authenticators": {
            name: jwt_authenticator(None, keys=[key_of(name)], algorithms=[key.algorithm], subject="sub")
            for name, key in commands.keys.items()},
        "inject": {"X-User-Id": "{subject}"},
        "routes": [{"path": f"/{name}", "authenticate": [name], "upstream": "app"} for name in commands.keys],
    })


def _ask_gateway(exchange, gateway, origin, name):
    def status_of(token):
        return gateway.ask(request("GET", f"/{name}", f"Authorization: Bearer {token}")).status

    exchange.status = status_of(exchange.token)
    exchange.user = origin.requests[-1].get("X-User-Id") if exchange.status == 200 else None
    exchange.flipped_statuses = [status_of(_flipped(exchange.token, part)) for part in range(3)]


def _flipped(token, which):
    """The same token with one bit changed in the middle of a part."""
    parts = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[which] + "=" * (-len(parts[which]) % 4)))
    raw[len(raw) // 2] ^= 1
    return ".".join([*parts[:which], tokens.encode(bytes(raw)), *parts[which + 1:]])
