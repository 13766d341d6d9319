"""Every algorithm with every form of key from every source: what Sidegate did with it when it was tried.

A cell is an authenticator of its own, with that key and that algorithm alone. `sidegate check` looks at all of them at
once; those that it does not refuse stand in a running gateway, which is asked with a good token and with a bad one.
"""

import json
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass

from raw_origin import RawOrigin, ok
from support import tokens
from support.gateway import servers, sidegate
from support.key_pairs import jwk_set
from support.raw import request
from support.token_makers import ALGORITHMS, HMACS, hmac_token

SOURCES = ["environment", "file", "URL", "OpenID discovery"]
FORMS = ["raw secret", "JWK", "JWK Set", "PEM public key", "PEM certificate"]
# The key of the configuration for a form in a file, but for a raw secret.
FILE_KEYS = {"JWK": "jwk_file", "JWK Set": "jwks_file", "PEM public key": "pem_file", "PEM certificate": "pem_file"}
AUDIENCE = "tts"


@dataclass(frozen=True)
class Cell:
    """What happened: the error of the check, or else the answers to a good token and to one of another signature."""

    error: str = None
    good: int = None
    bad: int = None

    @property
    def accepted(self):
        return (self.good, self.bad) == (200, 401)


@dataclass(frozen=True)
class _Trial:
    """A cell that is to be tried."""

    place: tuple  # (algorithm, form, source)
    name: str  # of its authenticator, route and file
    algorithm: str  # as tokens say it
    text: str  # the key in its form
    token: callable  # makes one from claims


def cells(gateways, folder, keys):
    """A Cell for every (algorithm, form, source)."""
    trials = [_trial(index, place, keys) for index, place in enumerate(
        (algorithm, form, source) for source in SOURCES for algorithm in ALGORITHMS for form in FORMS)]
    tried = {}
    with ExitStack() as running:
        issuer, origin = (running.enter_context(RawOrigin()) for _ in range(2))
        issuer.handler = _publishing(trials, issuer)
        for source in SOURCES:
            of_source = [trial for trial in trials if trial.place[2] == source]
            tried.update(_try(gateways, folder, of_source, issuer.url, origin.url))
    return tried


def _trial(index, place, keys):
    algorithm, form, _ = place
    key = keys[algorithm]
    text, token = _of_hmac(key, form, keys["RS256"].pair) if algorithm in HMACS else _of_pair(key, form)
    return _Trial(place, f"cell-{index}", key.algorithm, text, token)


def _of_hmac(key, form, somebody):
    """The secret in its forms. It has no PEM: the public key of somebody, which everyone knows, stands in its place."""
    jwk = {"kty": "oct", "k": tokens.encode(key.secret.encode())}
    texts = {"raw secret": key.secret, "JWK": json.dumps(jwk), "JWK Set": jwk_set(jwk),
             "PEM public key": somebody.public_pem, "PEM certificate": somebody.certificate}
    secret = texts[form] if form.startswith("PEM") else key.secret
    return texts[form], lambda claims: hmac_token(secret, claims, key.algorithm)


def _of_pair(key, form):
    """The public key in its forms. It is no secret: one of an HMAC stands in its place."""
    pair = key.pair
    texts = {"raw secret": "x" * 64, "JWK": json.dumps(pair.jwk()), "JWK Set": jwk_set(pair.jwk()),
             "PEM public key": pair.public_pem, "PEM certificate": pair.certificate}
    return texts[form], key.token


# -- the configuration

def _key(trial, folder, issuer_url):
    _, form, source = trial.place
    if source == "environment":
        return {"secret": {"env": _variable(trial)}}
    if source == "URL":
        return {"jwks_url": _issuer(trial, issuer_url) + "/keys"}
    if source == "OpenID discovery":
        return {"oidc_issuer": _issuer(trial, issuer_url)}
    path = folder / trial.name
    path.write_text(trial.text)
    return {FILE_KEYS[form]: str(path)} if form in FILE_KEYS else {"secret": {"file": str(path)}}


def _variable(trial):
    return trial.name.upper().replace("-", "_")


def _issuer(trial, issuer_url):
    return f"{issuer_url}/{trial.name}"


def _configuration(trials, folder, issuer_url, origin_url):
    def authenticator(trial):
        return {"jwt": {"token": [{"bearer": "Authorization"}], "keys": [_key(trial, folder, issuer_url)],
                        "algorithms": [trial.algorithm], "issuer": _issuer(trial, issuer_url), "audience": [AUDIENCE]}}

    return {
        "upstreams": {"app": servers(origin_url)},
        "authenticators": {trial.name: authenticator(trial) for trial in trials},
        "routes": [{"path": f"/{trial.name}", "authenticate": [trial.name], "upstream": "app"} for trial in trials],
    }


def _publishing(trials, issuer):
    """A handler that answers with the keys of each cell, and with a discovery document that says where they are."""
    documents = {}
    for trial in trials:
        its = _issuer(trial, issuer.url)
        documents[f"/{trial.name}/keys"] = trial.text
        documents[f"/{trial.name}/.well-known/openid-configuration"] = json.dumps(
            {"issuer": its, "jwks_uri": its + "/keys"})

    def handler(exchange):
        exchange.read_body()
        text = documents.get(exchange.request.target)
        exchange.send(ok(text.encode()) if text else ok(b"", status=b"404 Not Found"))

    return handler


# -- trying

def _try(gateways, folder, trials, issuer_url, origin_url):
    environment = {_variable(trial): trial.text for trial in trials if trial.place[2] == "environment"}
    blocks = _configuration(trials, folder, issuer_url, origin_url)
    errors = _check(folder, blocks, environment)
    left = [trial for trial in trials if trial.name not in errors]
    tried = {trial.place: Cell(error=errors[trial.name]) for trial in trials if trial.name in errors}
    if left:
        kept = _configuration(left, folder, issuer_url, origin_url)
        gateway = gateways.start({**kept, **_waiting_for_keys(left)}, environment)
        tried.update({trial.place: _ask(gateway, trial, issuer_url) for trial in left})
    return tried


def _waiting_for_keys(trials):
    """Some issuers publish nothing that can be used, which the gateway would wait for."""
    return {} if trials[0].place[2] in ("environment", "file") else {"startup_timeout": "1s"}


_ERROR = re.compile(r"^\S+:\d+:\d+: at authenticators\.(?P<name>[\w-]+)\.(?P<key>\S+): (?P<says>.*)$")


def _check(folder, blocks, environment):
    """The first error of each authenticator that has one."""
    path = folder / "check.yaml"
    path.write_text(json.dumps({"version": 1, "listeners": {"public": {"address": "127.0.0.1:1"}}, **blocks}, indent=1))
    done = sidegate("check", "--config", path, environment=environment)
    errors = {}
    for line in done.stderr.splitlines():
        if found := _ERROR.match(line):
            errors.setdefault(found["name"], found["says"])
        else:
            assert "warning" in line, line
    assert (done.returncode == 2) == bool(errors), done.stderr
    return errors


def _ask(gateway, trial, issuer_url):
    end = int(time.time()) + 600
    token = trial.token({"sub": "42", "exp": end, "iss": _issuer(trial, issuer_url), "aud": AUDIENCE})
    good, bad = (gateway.ask(request("GET", f"/{trial.name}", f"Authorization: Bearer {each}")).status
                 for each in (token, tokens.last_bit_flipped(token)))
    return Cell(good=good, bad=bad)
