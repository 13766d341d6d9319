"""What an operator sees of the services that are asked, and how he has what they said forgotten."""

import json
import calendar
import re
import time

import pytest
import requests

from raw_origin import RawOrigin
from support import tokens
from support.asking import (
    CLIENT_SECRET, IMPATIENT, INTROSPECT, REFRESH, USER_INFO, VALIDATE, api_key, ask, assert_unavailable, gauge,
    guarded, introspection, looking_up, new_token, purge, remote, status_of, told,
)
from support.gateway import TIMEOUT, jwt_authenticator, sidegate
from support.peers import API_KEY
from support.polling import wait_until
from support.raw import request
from support.switchboard import Switchboard, answering, fail, hang, is_overloaded
from test_no_secrets import assert_clean, every_piece, secret
from test_reload import file_of

YES = {"valid": True, "user_id": 42}


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture
def service():
    """Whoever is asked whatever: the last part of a token is its holder."""
    with Switchboard() as running:
        running.replies[VALIDATE] = lambda exchange: answering(
            {"user_id": exchange.request.get("Cookie").rpartition("-")[2]})(exchange)
        running.replies[INTROSPECT] = answering({"active": True, "sub": "42"})
        running.replies[USER_INFO] = answering({"email": "a@example.com"})
        yield running


def holder_of(token):
    return token.rpartition("-")[2]


def blocks(origin, service, **cache):
    """Something of every kind that is asked."""
    configured = guarded(origin, {
        "session": remote(service.url + VALIDATE, cache=cache),
        "opaque": introspection(service.url + INTROSPECT, cache=cache),
        "staff": jwt_authenticator(tokens.KEY),
    }, inject={"X-User-Id": "{subject}", "X-User-Email": "{user.email|}"})
    directory = {"for": ["session"], "url": service.url + USER_INFO + "{subject}/", "credential": api_key()}
    return {
        **looking_up(configured, directory=directory),
        "session_refresh": {"for": ["staff"], "cookie": "access_token", "refresh_cookie": "refresh_token",
                            "url": service.url + REFRESH},
    }


@pytest.fixture
def gateway(gateways, module_origin, service):
    return gateways.start(blocks(module_origin, service))


def refuse_purge(gateway, body, status, **options):
    options = {"headers": {"Content-Type": "application/json"}, **options}
    answer = requests.post(gateway.admin_url + "/cache/purge", data=body, timeout=TIMEOUT, **options)
    assert answer.status_code == status, answer.text
    return answer


# -- purging

def ask_twice(gateway, *tokens, target="/session/x"):
    for token in tokens * 2:
        assert status_of(gateway, token, target) == 200


def test_everything_is_forgotten(gateway, service):
    first, second, opaque = new_token(), new_token(), new_token()
    for _ in range(2):
        ask_twice(gateway, first, second)
        ask_twice(gateway, opaque, target="/opaque/x")
        assert purge(gateway) == {"purged": 5}  # what was said of three tokens and two users
    assert [service.count(path) for path in (VALIDATE, USER_INFO, INTROSPECT)] == [4, 4, 2]


def test_what_was_said_of_a_subject_is_forgotten(gateway, service):
    first, second = new_token(), new_token()
    ask_twice(gateway, first, second)
    purge(gateway, subject=holder_of(first))
    ask_twice(gateway, first, second)
    asked = [call.request.get("Cookie") for call in service.calls_of(VALIDATE)]
    assert asked == [f"access_token={token}" for token in (first, second, first)]
    users = [call.path for call in service.calls_of(USER_INFO)]
    assert users == [f"{USER_INFO}{holder_of(token)}/" for token in (first, second, first)]


def test_what_was_said_of_a_token_is_forgotten(gateway, service):
    """By whomever; what is known of the user is another matter."""
    first, second = new_token(), new_token()
    ask_twice(gateway, first, second)
    ask_twice(gateway, first, target="/opaque/x")
    purge(gateway, token=first)
    ask_twice(gateway, first, second)
    ask_twice(gateway, first, target="/opaque/x")
    asked = [call.request.get("Cookie") for call in service.calls_of(VALIDATE)]
    assert asked == [f"access_token={token}" for token in (first, second, first)]
    assert [service.count(path) for path in (USER_INFO, INTROSPECT)] == [2, 2]


def test_a_no_is_forgotten_as_well(gateway, service):
    token = new_token()
    service.replies[VALIDATE] = answering({"valid": False})
    assert [status_of(gateway, token) for _ in range(2)] == [401, 401]
    service.replies[VALIDATE] = answering(YES)
    assert status_of(gateway, token) == 401
    purge(gateway, token=token)
    assert status_of(gateway, token) == 200


def test_what_is_forgotten_does_not_serve_when_the_service_fails(gateways, module_origin, service):
    gateway, token = gateways.start(blocks(module_origin, service, stale_if_error="1h")), new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    assert status_of(gateway, token) == 200
    purge(gateway, token=token)
    assert_unavailable(ask(gateway, token))


def test_every_worker_forgets(gateway, service):
    """Whichever has kept it in front of it."""
    token = new_token()
    with gateway.raw() as first, gateway.raw() as second, gateway.raw() as third:
        clients = (first, second, third)

        def statuses():
            for client in clients:
                client.send(request("GET", "/session/x", f"Authorization: Bearer {token}"))
            return [client.read_response().status for client in clients]

        assert statuses() == [200] * 3
        service.replies[VALIDATE] = answering({"valid": False})
        assert statuses() == [200] * 3
        purge(gateway, token=token)
        assert statuses() == [401] * 3


def test_a_purge_is_audited_without_the_token(gateway, service):
    token = secret("purged token")
    service.replies[VALIDATE] = answering(YES)
    assert status_of(gateway, token) == 200
    purge(gateway, token=token)
    lines = wait_until(lambda: [line for line in gateway.log_lines() if line.get("audit")], gateway.tail)
    assert [(line["msg"], line["what"]) for line in lines] == [("answers of services were purged", "token")]
    assert_clean({"the log": gateway.stderr}, every_piece({"the token": token}))


@pytest.mark.parametrize("body", [
    b"", b"[]", b'{"subject": 42}', b'{"subject": ""}', b'{"token": ["a"]}', b'{"everything": true}',
    b'{"subject": "42", "subject": "7"}', b"{"])
def test_a_wrong_body_forgets_nothing(gateway, service, body):
    token = new_token()
    assert status_of(gateway, token) == 200
    refuse_purge(gateway, body, 422)
    assert status_of(gateway, token) == 200
    assert service.count(VALIDATE) == 1


def test_who_may_purge(gateway):
    assert requests.get(gateway.admin_url + "/cache/purge", timeout=TIMEOUT).status_code == 405
    refuse_purge(gateway, b"a=b", 415, headers={"Content-Type": "application/x-www-form-urlencoded"})
    origin = {"Content-Type": "application/json", "Origin": "https://evil.example"}
    refuse_purge(gateway, b"{}", 403, headers=origin)
    assert requests.post(gateway.url + "/cache/purge", json={}, timeout=TIMEOUT).status_code == 401


# -- how the services are

def integrations(gateway):
    answer = requests.get(gateway.admin_url + "/health/integrations", timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_services_that_answer_are_healthy(gateway, service):
    before = time.time()
    assert status_of(gateway, new_token()) == 200
    assert status_of(gateway, new_token(), "/opaque/x") == 200
    said = integrations(gateway)
    assert said["status"] == "healthy"
    assert {"session", "opaque", "directory"} <= said["services"].keys()
    for name in ("session", "opaque", "directory"):
        state = said["services"][name]
        assert state["status"] == "healthy"
        assert re.fullmatch(r"\d+(\.\d+)?(µs|ms|s)", state["response_time"]), state
        checked = time.strptime(state["last_check"][:19], "%Y-%m-%dT%H:%M:%S")
        assert before - 2 < calendar.timegm(checked) < time.time() + 2


def test_a_service_that_fails_is_not_healthy(gateway, service):
    service.replies[VALIDATE] = is_overloaded
    for _ in range(5):
        assert_unavailable(ask(gateway, new_token()))
    said = integrations(gateway)
    assert said["services"]["session"]["status"] == "unhealthy"
    assert said["status"] in ("degraded", "unhealthy")
    assert gauge(gateway, "sidegate_integration_up", "session") == 0
    assert status_of(gateway, new_token(), "/opaque/x") == 200
    assert integrations(gateway)["services"]["opaque"]["status"] == "healthy"
    assert gauge(gateway, "sidegate_integration_up", "opaque") == 1


def test_a_service_that_has_come_back_is_healthy(gateways, module_origin, service):
    configured = blocks(module_origin, service)
    configured["authenticators"]["session"]["remote"]["circuit_breaker"] = {"consecutive": 2, "open_for": "100ms"}
    gateway = gateways.start(configured)
    service.replies[VALIDATE] = is_overloaded
    for _ in range(3):
        ask(gateway, new_token())
    assert integrations(gateway)["services"]["session"]["status"] != "healthy"
    service.replies[VALIDATE] = answering(YES)
    wait_until(lambda: status_of(gateway, new_token()) == 200, "the circuit is closed")
    assert integrations(gateway)["services"]["session"]["status"] == "healthy"
    assert integrations(gateway)["status"] == "healthy"


def test_the_health_of_others_is_not_that_of_the_process(gateway, service):
    """A probe must not restart a gateway because the Auth Service is down."""
    service.stop()
    assert_unavailable(ask(gateway, new_token()))
    for path in ("/healthz", "/readyz"):
        assert requests.get(gateway.admin_url + path, timeout=TIMEOUT).status_code == 200


def test_the_state_of_authenticators(gateway):
    assert status_of(gateway, new_token()) == 200
    listed = {state["name"]: state for state in told(gateway, "/authenticators")["authenticators"]}
    assert listed.keys() == {"session", "opaque", "staff"}
    assert VALIDATE in json.dumps(listed["session"]) and INTROSPECT in json.dumps(listed["opaque"])


def test_how_long_calls_take_is_measured(gateway):
    for _ in range(3):
        assert status_of(gateway, new_token()) == 200
    metrics = gateway.metrics()
    assert metrics.total("sidegate_auth_remote_duration_seconds_count", authenticator="session") == 3
    assert metrics.total("sidegate_cache_entries", cache="session") == 3


# -- no secret anywhere

def test_nothing_that_is_secret_is_written(gateways, module_origin, service, tmp_path):
    """Tokens of callers, refresh tokens, keys and secrets of Sidegate's own: in no log, metric, or admin answer."""
    secrets = {name: secret(name) for name in (
        "token", "refused token", "unlucky token", "opaque token", "refresh token", "new refresh token", "email",
        "of a bad answer")}
    access, renewed = tokens.token(lifetime=-5, note=secret("claim")), tokens.token(note=secret("new claim"))
    secrets |= {f"{name} {number}": part for name, token in (("access", access), ("renewed", renewed))
                for number, part in enumerate(token.split(".")[1:])}
    configured = blocks(module_origin, service)
    configured["authenticators"]["session"]["remote"] |= IMPATIENT
    gateway = gateways.start({**configured, "log": {"level": "debug"}})

    def status(token, target="/session/x"):
        return status_of(gateway, token, target)

    service.replies[VALIDATE] = answering(YES)
    service.replies[USER_INFO] = answering({"email": secrets["email"]})
    assert status(secrets["token"]) == 200
    service.replies[VALIDATE] = answering({"valid": False, "detail": secrets["of a bad answer"]})
    assert status(secrets["refused token"]) == 401
    for reply in (fail, hang, answering({"valid": secrets["of a bad answer"]}),
                  lambda exchange: exchange.send(secrets["of a bad answer"].encode() + b"\r\n\r\n")):
        service.replies[VALIDATE] = reply
        assert status(secrets["unlucky token"]) == 503
    assert status(secrets["opaque token"], "/opaque/x") == 200
    service.replies[REFRESH] = answering({"access": renewed, "refresh": secrets["new refresh token"]})
    assert gateway.ask(request("GET", "/staff/x", f"Cookie: access_token={access}; "
                                                  f"refresh_token={secrets['refresh token']}")).status == 200
    purge(gateway, token=secrets["token"])

    admin = {path: requests.get(gateway.admin_url + path, timeout=TIMEOUT).text for path in (
        "/metrics", "/config", "/routes", "/upstreams", "/authenticators", "/health/integrations")}
    printed = sidegate("check", "--config", file_of(gateway), "--print", folder=tmp_path)
    wait_until(lambda: len(gateway.access_log()) >= 8, gateway.tail)
    written = {**admin, "access log": gateway.stdout, "log": gateway.stderr, "check": printed.stdout + printed.stderr}
    assert printed.returncode == 0 and CLIENT_SECRET not in printed.stdout
    assert_clean(written, every_piece({**secrets, "client": CLIENT_SECRET, "API key": API_KEY}))
