"""Running it: the access log, workers, listeners, and rules of the configuration."""

import re
import time

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, open_routes, servers, staff_routes
from support.polling import wait_until
from support.ports import free_port
from support.raw import RawClient, request


def get(target="/", *fields, **more):
    return request("GET", target, *fields, **more)


COOKIE = "Cookie: access_token="


# -- the access log

def test_the_line_of_an_accepted_request(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    answer = gateway.ask(request("POST", "/tickets/../tickets/7?secret=1", COOKIE + tokens.token(), body=b"hello"))
    line = gateway.access_line(answer)
    expected = {
        "level": "info", "msg": "request", "route": "private", "method": "POST", "path": "/tickets/7", "status": 200,
        "upstream": "app", "server": origin.url, "client_ip": "127.0.0.1", "subject": "42", "authenticator": "staff",
        "auth_outcome": "accepted",
    }
    assert {name: line.get(name) for name in expected} == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["time"])
    assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"])
    assert 0 <= line["upstream_ms"] <= line["duration_ms"] < 60_000
    assert line["bytes_in"] >= 5 and line["bytes_out"] >= 2
    assert "audit" not in line
    assert "secret=1" not in gateway.stdout, "no query unless asked for"


@pytest.mark.parametrize("data, expected", [
    (get("/x"), {"status": 401, "auth_outcome": "missing", "route": "private"}),
    (get("/x", COOKIE + "garbage"), {"status": 401, "auth_outcome": "malformed", "authenticator": "staff"}),
    (get("/x", COOKIE + tokens.token(lifetime=-5)), {"status": 401, "auth_outcome": "expired",
                                                    "auth_reason": "expired"}),
    (get("/nowhere", host="other"), {"status": 404, "path": "/nowhere", "method": "GET"}),
    (get("/x%zz"), {"status": 400}),
    (get("/x", host=None), {"status": 400}),
    (b"nonsense\r\n\r\n", {"status": 400}),
], ids=lambda value: repr(value)[:40])
def test_the_lines_of_refusals(gateways, origin, data, expected):
    configuration = staff_routes(tokens.KEY, origin.url)
    configuration["routes"][1]["host"] = "example"
    gateway = gateways.start(configuration)
    answer = gateway.ask(data)
    line = gateway.access_line(answer)
    assert {name: line.get(name) for name in expected} == expected
    assert line["audit"] is True and line["client_ip"] == "127.0.0.1"
    assert "subject" not in line and "server" not in line


def test_no_access_log(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "access_log": {"path": "none"}})
    assert gateway.ask(get("/x")).status == 200
    assert gateway.terminate() == 0
    assert gateway.stdout == ""


def test_a_request_given_up_has_its_line(gateways, origin):
    """Exactly one, however it ended."""
    gateway = gateways.start(open_routes(origin.url))
    gate = Gate()
    origin.handler = lambda exchange: gate.wait()
    client = gateway.raw()
    client.send(get("/given-up"))
    wait_until(lambda: origin.requests, "the request arrived")
    client.reset()
    lines = wait_until(lambda: [line for line in gateway.access_log() if line.get("path") == "/given-up"], "its line")
    assert len(lines) == 1 and lines[0]["status"] == 0
    gate.open()


# -- signals

def test_a_peer_that_closes_is_no_signal(gateways, origin):
    """Writing to a closed connection raises SIGPIPE where nobody takes care."""
    gateway = gateways.start(open_routes(origin.url))

    def large(exchange):
        exchange.read_body()
        exchange.send(ok(bytes(8 << 20)))

    origin.handler = large
    for _ in range(5):
        client = gateway.raw()
        client.send(get()).read_head()
        client.reset()
    origin.handler = None
    assert gateway.ask(get()).status == 200


# -- workers and listeners

def test_several_listeners(gateways, origin, tmp_path):
    """A route without a listener stands on every listener that no route names."""
    first, second = free_port(), free_port()
    path = str(tmp_path / "local.sock")
    gateway = gateways.start({
        "listeners": {
            "public": {"address": f"127.0.0.1:{first}"},
            "inner": {"address": f"127.0.0.1:{second}"},
            "local": {"address": f"unix:{path}"},
        },
        "upstreams": {"app": servers(origin.url)},
        "authenticators": {"staff": jwt_authenticator(tokens.KEY)},
        "inject": INJECT,
        "routes": [
            {"name": "inner-only", "listener": "inner", "path": "/inner/**", "authenticate": "none", "upstream": "app"},
            {"name": "everywhere", "path": "/**", "authenticate": ["staff"], "upstream": "app"},
        ],
    })

    def status(address, target, *fields):
        with RawClient(address) as client:
            return client.send(get(target, *fields)).read_response().status

    cookie = COOKIE + tokens.token()
    assert status(second, "/inner/x") == 200
    assert status(second, "/other", cookie) == 404, "a named listener has the routes that name it"
    for address in (first, path):
        assert status(address, "/inner/x") == 401, "the route of the inner listener is not here"
        assert status(address, "/other", cookie) == 200
    metrics = gateway.metrics()
    assert [metrics.total("sidegate_connections_total", listener=name) for name in ("public", "inner", "local")] == [2, 2, 2]


def test_both_families(gateways, origin):
    """`[::]` takes IPv4 as well."""
    port = free_port()
    gateway = gateways.start({**open_routes(origin.url), "listeners": {"public": {"address": f"[::]:{port}"}}})
    for address in ("127.0.0.1", "[::1]"):
        response = requests.get(f"http://{address}:{port}/", timeout=TIMEOUT)
        assert response.status_code == 200
        assert gateway.access_line(response)["client_ip"] == address.strip("[]")
    assert {seen.get("x-forwarded-for") for seen in origin.requests} == {"127.0.0.1", "::1"}


def test_several_servers_take_turns(gateways, origin):
    with RawOrigin() as other:
        gateway = gateways.start(open_routes(origin.url, other.url))
        for _ in range(6):
            assert gateway.ask(get()).status == 200
        assert (len(origin.requests), len(other.requests)) == (3, 3)


# -- secrets and variables from the environment

def test_a_files_newline_is_no_part_of_a_secret(gateways, origin, tmp_path):
    key = tmp_path / "key"
    key.write_text(tokens.KEY + "\n")
    gateway = gateways.start(staff_routes({"file": "key"}, origin.url))  # relative to the configuration's folder
    assert gateway.ask(get("/x", COOKIE + tokens.token())).status == 200


def test_a_rotated_key_holds_until_its_time(gateways, origin):
    old, older = "the-old-key-that-is-still-long-enough-for-it", "an-older-key-that-is-still-long-enough-for-it"
    keys = [{"secret": tokens.KEY}, {"secret": old, "until": "2099-01-01T00:00:00Z"},
            {"secret": older, "until": "2020-01-01T00:00:00Z"}]
    configuration = staff_routes(tokens.KEY, origin.url)
    configuration["authenticators"] = {"staff": jwt_authenticator(tokens.KEY, keys=keys)}
    gateway = gateways.start(configuration)
    statuses = [gateway.ask(get("/x", COOKIE + tokens.token(key))).status for key in (tokens.KEY, old, older)]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("settings, claims, outcome", [
    ({"issuer": "https://a"}, {"iss": "https://a"}, "accepted"),
    ({"issuer": "https://a"}, {"iss": "https://b"}, "wrong_issuer"),
    ({"audience": ["tts"]}, {"aud": "tts"}, "accepted"),
    ({"audience": ["tts"]}, {"aud": ["x", "tts"]}, "accepted"),
    ({"audience": ["tts"]}, {"aud": "ttsx"}, "wrong_audience"),
    ({"audience": ["tts"]}, {}, "missing_claim"),
    ({"leeway": "1h"}, {"lifetime": -5}, "accepted"),
    ({"leeway": "30s"}, {"lifetime": -3600}, "expired"),
    ({"max_age": "1h"}, {"iat": int(time.time())}, "accepted"),
    ({"max_age": "1h"}, {"iat": int(time.time()) - 7200}, "expired"),
    ({"require_claims": ["exp", "tenant"]}, {"tenant": "x"}, "accepted"),
    ({"require_claims": ["exp", "tenant"]}, {}, "missing_claim"),
    ({"subject": "sub"}, {"sub": "me"}, "accepted"),
    ({"subject": "sub"}, {}, "missing_claim"),
])
def test_rules_for_claims(gateways, origin, settings, claims, outcome):
    configuration = staff_routes(tokens.KEY, origin.url)
    configuration["authenticators"] = {"staff": jwt_authenticator(tokens.KEY, **settings)}
    gateway = gateways.start(configuration)
    answer = gateway.ask(get("/x", COOKIE + tokens.token(**claims)))
    assert answer.status == (200 if outcome == "accepted" else 401)
    assert gateway.access_line(answer)["auth_outcome"] == outcome


@pytest.mark.parametrize("credential, status, identity", [
    ("", 200, None), (COOKIE + tokens.token(), 200, "42"), (COOKIE + tokens.token(lifetime=-5), 401, None),
], ids=["none", "good", "bad"])
def test_optional_authentication(gateways, origin, credential, status, identity):
    """Whoever comes without a credential passes unnamed; a bad one is not a missing one."""
    configuration = staff_routes(tokens.KEY, origin.url)
    configuration["routes"] = [{"path": "/**", "authenticate": "optional", "upstream": "app"}]
    gateway = gateways.start(configuration)
    answer = gateway.ask(get("/x", *([credential] if credential else []), "X-User-Id: 1"))
    assert answer.status == status
    assert [seen.get("x-user-id") for seen in origin.requests] == ([identity] if status == 200 else [])
