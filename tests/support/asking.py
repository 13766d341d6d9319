"""Gateways that ask others while a request waits: their configuration, and what can be seen of the asking."""

import itertools
import json
import signal
import time
from contextlib import ExitStack

import requests

from support import tokens
from support.gateway import INJECT, TIMEOUT, servers
from support.peers import API_KEY
from support.polling import PATIENCE, wait_until
from support.raw import request

# The Auth Service's paths.
VALIDATE = "/api/v1/users/token/validate/"
REFRESH = "/api/v1/users/token/refresh/"
USER_INFO = "/api/v1/tts/user-info/"
USERS_INFO = "/api/v1/tts/users-info/"
TOKEN_INFO = "/api/v1/system-users/token-info"
CREDENTIALS = "/api/v1/system-users/credentials"
INTROSPECT = "/token/introspection"

UNAVAILABLE = {"error": "Auth service unavailable"}
INVALID = {"error": "Invalid token"}
TOKEN_PLACES = [{"cookie": "access_token"}, {"bearer": "Authorization"}]
BEARER = [{"bearer": "Authorization"}]
CLIENT_SECRET = "the-secret-of-sidegate-which-nobody-guesses"
NEVER_OPENS = {"consecutive": 100_000, "of_at_least": 100_000}

# A call that is to be answered has time for a machine that stalls. One that is not has little, so that nobody waits for
# long; the caller's answer then comes by IN_TIME, half a second before what a request falls back on (a second later).
PATIENT = {"timeout": f"{5 * PATIENCE:.0f}s"}
CALL_TIMEOUT = 1
IMPATIENT = {"timeout": f"{CALL_TIMEOUT * 1000:.0f}ms"}
IN_TIME = CALL_TIMEOUT + 0.5
AT_ONCE = 0.05 * PATIENCE


# -- configuration

def remote(url, **more):
    """Option 2 of the integration guide: whether a token holds, the Auth Service says."""
    return {"remote": {
        "token": TOKEN_PLACES,
        "url": url,
        "send_as": {"cookie": "access_token"},
        "claims": {"subject": "user_id"},
        **PATIENT,
        **more,
    }}


def introspection(url, **more):
    return {"introspection": {
        "token": BEARER,
        "url": url,
        "client": {"id": "sidegate", "secret": CLIENT_SECRET, "auth": "basic"},
        "subject": ["sub", "username", "client_id"],
        **PATIENT,
        **more,
    }}


def api_key():
    """What the Auth Service knows the gateway by."""
    return {"api_key": {"header": "X-API-Key", "value": API_KEY}}


def guarded(origin, authenticators, **more):
    """Each authenticator guards the folder of its name, the first one everything else; /public is open."""
    first = next(iter(authenticators))
    return {
        "workers": 2,
        "upstreams": {"app": servers(origin.url)},
        "authenticators": authenticators,
        "inject": INJECT,
        "routes": [
            {"path": "/public/**", "authenticate": "none", "upstream": "app"},
            *({"path": f"/{name}/**", "authenticate": [name], "upstream": "app"} for name in authenticators),
            {"path": "/**", "authenticate": [first], "upstream": "app"},
        ],
        **more,
    }


def looking_up(blocks, **directories):
    """The same configuration, with user information on each route of an authenticator that it is for."""

    def of(route):
        names = [name for name, directory in directories.items() if set(directory["for"]) & set(route["authenticate"])]
        return {**route, **({"user_info": names[0]} if names else {})}

    return {**blocks, "user_info": directories, "routes": [of(route) for route in blocks["routes"]]}


# -- tokens that nobody verifies here

_numbers = itertools.count(1)


def new_token(**claims):
    """One that was never asked about, and is no JWT unless it has claims."""
    number = next(_numbers)
    return tokens.token(jti=str(number), **claims) if claims else f"opaque-token-number-{number}"


# -- asking the gateway

def bearer(token):
    return f"Authorization: Bearer {token}"


def cookie(token):
    return f"Cookie: access_token={token}"


def ask(gateway, token, target="/x", *fields):
    return gateway.ask(request("GET", target, bearer(token), *fields))


def status_of(gateway, token, target="/x"):
    return ask(gateway, token, target).status


def ask_at_once(gateway, *tokens):
    """One request for each token, sent as close to one another as one thread can; the answers."""
    with ExitStack() as stack:
        clients = [stack.enter_context(gateway.raw()) for _ in tokens]
        for client, token in zip(clients, tokens):
            client.send(request("GET", "/x", bearer(token)))
        return [client.read_response() for client in clients]


def timed(action):
    """What it returned, and the seconds that it took."""
    began = time.monotonic()
    result = action()
    return result, time.monotonic() - began


def in_time(ask_anew):
    """The answer that came by `IN_TIME`, and how many were asked for: a machine that stalls has two more tries."""
    for tries in range(1, 4):
        answer, seconds = timed(ask_anew)
        if seconds < IN_TIME:
            return answer, tries
    raise AssertionError(f"{seconds:.2f} s, and no sooner before: {answer}")


def assert_unavailable(answer):
    assert answer.status == 503, answer.body
    assert json.loads(answer.body) == UNAVAILABLE
    assert int(answer.get("Retry-After")) >= 1
    assert answer.get("WWW-Authenticate") is None


def assert_invalid(answer):
    assert answer.status == 401, answer.body
    assert json.loads(answer.body) == INVALID
    assert 'error="invalid_token"' in answer.get("WWW-Authenticate")


def last_request(origin):
    return origin.requests[-1]


def wait_for_status(gateway, token, status, target="/x", timeout=10):
    """Asks again and again, and returns the answer."""

    def check():
        answer = ask(gateway, token, target)
        return answer if answer.status == status else None

    return wait_until(check, lambda: f"{status} for {target}\n{gateway.tail()}", timeout)


def end_at_once(gateway):
    """Without the seconds of grace that a gateway has which was started from environment variables."""
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not gateway.is_ready(), "it drains")
    gateway.send(signal.SIGTERM)
    gateway.wait()


# -- what the gateway says of the asking

def cache_of(gateway, answer):
    """Where the access log says that what decided came from."""
    return gateway.access_line(answer).get("cache")


def gauge(gateway, metric, name):
    """Its value for whoever has that name."""
    metrics = gateway.metrics()
    values = [value for found, labels, value in metrics.samples if found == metric and labels["name"] == name]
    assert len(values) == 1, metrics.text
    return values[0]


def circuit(gateway, name):
    """0 closed, 1 half-open, 2 open."""
    return gauge(gateway, "sidegate_circuit_state", name)


def purge(gateway, **what):
    answer = requests.post(gateway.admin_url + "/cache/purge", json=what, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(gateway, path):
    """What the admin API says there."""
    answer = requests.get(gateway.admin_url + path, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()
