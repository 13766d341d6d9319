"""The admin API: what it answers, whom it answers, and that nothing asked of it disturbs the proxy."""

import json
import pathlib
import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import requests
import yaml

from raw_origin import Gate, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, Gateway, jwt_authenticator, open_routes, servers, sidegate, staff_routes
from support.polling import wait_until
from support.ports import free_port
from support.raw import RawClient, ask, chunked, request
from support.steady_load import SteadyLoad

PROBES = {
    "/healthz": "text/plain; charset=utf-8",
    "/readyz": "text/plain; charset=utf-8",
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
}
STATE = {
    "/config": "application/yaml",
    "/routes": "application/json",
    "/upstreams": "application/json",
    "/authenticators": "application/json",
}
EVERYTHING = {**PROBES, **STATE}
ADMIN_TOKEN = "a-token-for-the-admin-api-that-nobody-guesses"
JSON_TYPE = "Content-Type: application/json"
NOBODY = "http://127.0.0.1:1"  # an upstream that is not there


def reloads(gateway):
    return gateway.metrics().total("sidegate_config_reloads_total")


def read(gateway, path):
    response = requests.get(gateway.admin_url + path, timeout=TIMEOUT)
    assert response.status_code == 200
    return response.json()


def ask_admin(gateway, method, path, *fields, body=b"", **more):
    """One request, with the admin API's own name as `Host` unless another is given."""
    host = more.pop("host", f"127.0.0.1:{gateway.admin_port}")
    return ask(gateway.admin_port, request(method, path, *fields, host=host, body=body, **more), method)


def ask_for_reload(gateway, *fields, body=b"{}", **more):
    return ask_admin(gateway, "POST", "/reload", *fields, body=body, **more)


@pytest.fixture(scope="module")
def plain(module_gateways):
    """A gateway whose admin API is asked for this and that; nobody uses its proxy."""
    health = free_port()
    return module_gateways.start(
        {**staff_routes({"env": "JWT_KEY"}, NOBODY), "health": {"address": f"127.0.0.1:{health}"}, "workers": 2},
        environment={"JWT_KEY": tokens.KEY}, health_port=health)


# -- paths and methods

@pytest.mark.parametrize("path", EVERYTHING)
def test_what_can_be_read(plain, path):
    """HEAD is GET without the body, and a query changes nothing."""
    answer = ask_admin(plain, "GET", path)
    assert (answer.status, answer.get("Content-Type"), answer.get("Cache-Control")) == (
        200, EVERYTHING[path], "no-store")
    assert answer.complete and answer.body
    head = ask_admin(plain, "HEAD", path)
    assert (head.status, head.get("Content-Type"), head.body) == (200, EVERYTHING[path], b"")
    assert int(head.get("Content-Length")) > 0
    assert ask_admin(plain, "GET", path + "?verbose=1").status == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/config/", "/Config", "//config", "/x/../config", "/%63onfig",
                                  "/reload/", "/healthz/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there(plain, method, path):
    answer = ask_admin(plain, method, path, JSON_TYPE)
    assert (answer.status, json.loads(answer.body)) == (404, {"error": "Not found"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FROBNICATE"])
@pytest.mark.parametrize("path", EVERYTHING)
def test_what_can_only_be_read(plain, method, path):
    answer = ask_admin(plain, method, path, JSON_TYPE)
    assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_reload_is_only_posted(plain, method):
    before = reloads(plain)
    answer = ask_admin(plain, method, "/reload", JSON_TYPE)
    assert (answer.status, answer.get("Allow")) == (405, "POST")
    assert reloads(plain) == before


@pytest.mark.parametrize("content_type", [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/jsonp", "text/json", "text/plain; application/json", "application", "json",
])
def test_a_post_that_is_not_json_is_refused(plain, content_type):
    """What a form in somebody's page could send."""
    before = reloads(plain)
    fields = [] if content_type is None else [f"Content-Type: {content_type}"]
    assert ask_for_reload(plain, *fields).status == 415
    assert ask_for_reload(plain, *fields, body=b"").status == 415
    assert reloads(plain) == before


def test_a_post_of_two_types_is_refused(plain):
    before = reloads(plain)
    assert ask_for_reload(plain, "Content-Type: text/plain", JSON_TYPE).status in (400, 415)
    assert reloads(plain) == before


@pytest.mark.parametrize("fields, body", [
    ([JSON_TYPE], b"{}"),
    ([JSON_TYPE], b""),
    (["Content-Type: Application/JSON ; charset=utf-8"], b"{}"),
    ([JSON_TYPE], b"this is read by nobody"),
    ([JSON_TYPE, "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    ([JSON_TYPE, "Expect: 100-continue"], b"{}"),
], ids=["json", "empty", "parameters", "garbage", "chunked", "continue"])
def test_a_reload_that_is_posted(plain, fields, body):
    before = reloads(plain)
    answer = ask_for_reload(plain, *fields, body=body)
    assert (answer.status, answer.get("Content-Type")) == (200, "application/json")
    assert json.loads(answer.body) == {"status": "reloaded", "warnings": []}
    assert reloads(plain) == before + 1


def test_a_connection_is_kept(plain):
    host = f"127.0.0.1:{plain.admin_port}"
    with RawClient(plain.admin_port) as client:
        for path in ("/healthz", "/reload", "/config", "/nothing", "/routes"):
            answer = client.send(request("GET", path, host=host)).read_response()
            assert answer.complete and answer.get("Connection") is None
        assert client.send(request("POST", "/reload", JSON_TYPE, host=host, body=b"{}")).read_response().status == 200
        assert client.send(request("GET", "/readyz", host=host)).read_response().status == 200


# -- whom it answers

FOREIGN_HOSTS = ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example",
                 "192.0.2.1:{port}", "10.0.0.1", "localhost:x", "[::1", "", "localhost, evil.example"]
OWN_HOSTS = ["127.0.0.1", "127.0.0.1:{port}", "localhost", "LocalHost:{port}", "localhost.", "[::1]:{port}"]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(plain, host):
    """DNS rebinding: a page's own name that leads here by now."""
    before, host = reloads(plain), host.format(port=plain.admin_port)
    for path in [*EVERYTHING, "/nothing"]:
        assert ask_admin(plain, "GET", path, host=host).status in (400, 403), path
    assert ask_for_reload(plain, JSON_TYPE, host=host).status in (400, 403)
    assert reloads(plain) == before


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_its_own_host_is_answered(plain, host):
    assert ask_admin(plain, "GET", "/config", host=host.format(port=plain.admin_port)).status == 200


@pytest.mark.parametrize("fields, more", [
    ([], {"host": None}),
    ([], {"host": None, "version": "HTTP/1.0"}),
    (["Host: evil.example"], {}),
    (["Host: localhost"], {"host": "evil.example"}),
], ids=["no host", "no host in HTTP/1.0", "a foreign one behind", "a foreign one before"])
def test_no_single_host_is_refused(plain, fields, more):
    before = reloads(plain)
    assert ask_admin(plain, "GET", "/config", *fields, **more).status in (400, 403)
    assert ask_for_reload(plain, JSON_TYPE, *fields, **more).status in (400, 403)
    assert reloads(plain) == before


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:{port}", "http://localhost"])
def test_any_origin_is_refused(plain, origin):
    before, field = reloads(plain), "Origin: " + origin.format(port=plain.admin_port)
    for method, path in [("GET", "/config"), ("HEAD", "/routes"), ("GET", "/metrics"), ("OPTIONS", "/reload")]:
        answer = ask_admin(plain, method, path, field)
        assert (answer.status, answer.all("Access-Control-Allow-Origin")) == (403, []), path
    assert ask_for_reload(plain, JSON_TYPE, field).status == 403
    assert reloads(plain) == before


@pytest.mark.parametrize("path", [*STATE, "/reload", "/explain", "/revocations", "/"])
def test_the_health_listener_has_only_its_three(plain, path):
    before = reloads(plain)
    for method in ("GET", "HEAD", "POST"):
        asked = request(method, path, JSON_TYPE, host="localhost", body=b"{}")
        assert ask(plain.health_port, asked, method).status == 404
    assert reloads(plain) == before


@pytest.mark.parametrize("path", PROBES)
def test_the_health_listener_answers_by_any_name(plain, path):
    for method, host in (("GET", "10.1.2.3:9902"), ("HEAD", "probe.example")):
        answer = ask(plain.health_port, request(method, path, host=host), method)
        assert (answer.status, answer.get("Content-Type")) == (200, PROBES[path])
    answer = ask(plain.health_port, request("POST", path, host="probe.example"))
    assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize("method, path", [*(("GET", path) for path in EVERYTHING), ("POST", "/reload"),
                                          ("POST", "/explain"), ("POST", "/revocations")])
def test_admin_paths_mean_nothing_on_a_public_listener(gateways, origin, method, path):
    """Whatever `Host` says, they are the application's."""
    origin.handler = lambda exchange: (exchange.read_body(), exchange.send(ok(b"the application")))
    gateway = gateways.start(open_routes(origin.url))
    for host in ("example", f"127.0.0.1:{gateway.admin_port}", "localhost"):
        answer = gateway.ask(request(method, path, JSON_TYPE, host=host, body=b"{}"))
        assert (answer.status, answer.body) == (200, b"the application")
    assert reloads(gateway) == 0


def test_on_a_unix_socket(gateways, origin, tmp_path):
    """For its owner and group alone; a name of the machine is still asked for."""
    path = tmp_path / "admin.sock"
    gateway = gateways.start(open_routes(origin.url))
    file = pathlib.Path(gateway.command[-1])
    file.write_text(json.dumps({**json.loads(file.read_text()), "admin": {"address": f"unix:{path}"}}))
    assert ask_for_reload(gateway, JSON_TYPE).status == 200
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    assert ask(str(path), request("GET", "/config", host="localhost")).status == 200
    assert ask(str(path), request("GET", "/config", host="evil.example")).status == 403
    assert gateway.terminate() == 0 and not path.exists()


# -- the token

@pytest.fixture(scope="module", params=["0.0.0.0", "[::]", "127.0.0.1"])
def guarded(request, tmp_path_factory):
    """A gateway whose admin API has a token. Its readiness is asked of the health listener, which needs none."""
    folder = tmp_path_factory.mktemp("guarded")
    port, admin, health = free_port(), free_port(), free_port()
    (folder / "token").write_text(ADMIN_TOKEN + "\n")
    path = folder / "guarded.yaml"
    path.write_text(json.dumps({
        "version": 1, "workers": 1, **open_routes(NOBODY), "shutdown": {"grace": "10ms", "timeout": "5s"},
        "listeners": {"public": {"address": f"127.0.0.1:{port}"}},
        "admin": {"address": f"{request.param}:{admin}", "token": {"file": "token"}},
        "health": {"address": f"127.0.0.1:{health}"},
    }))
    gateway = Gateway(folder, "guarded", port, admin, None, path, health_port=health)
    try:
        gateway.wait_ready(lambda: is_healthy(gateway))
        yield gateway
    finally:
        assert gateway.terminate() == 0


def is_healthy(gateway):
    try:
        return requests.get(gateway.health_url + "/readyz", timeout=TIMEOUT).status_code == 200
    except requests.ConnectionError:
        return False


def bearer(token=ADMIN_TOKEN, scheme="Bearer"):
    return f"Authorization: {scheme} {token}"


@pytest.mark.parametrize("fields", [
    [], [bearer(ADMIN_TOKEN[:-1])], [bearer(ADMIN_TOKEN + "x")], [bearer(ADMIN_TOKEN.upper())], [bearer("")],
    ["Authorization: Bearer"], [f"Authorization: {ADMIN_TOKEN}"], [bearer(scheme="Basic")], [bearer() + " x"],
    [bearer("wrong"), bearer()], [bearer(), bearer()], [f"Cookie: token={ADMIN_TOKEN}"],
    [f"X-Admin-Token: {ADMIN_TOKEN}"],
], ids=repr)
def test_without_the_token(guarded, fields):
    for path in [*EVERYTHING, "/nothing", f"/config?token={ADMIN_TOKEN}"]:
        answer = ask_admin(guarded, "GET", path, *fields)
        assert answer.status == 401, path
        assert re.match(r"Bearer\b", answer.get("WWW-Authenticate"))
        assert json.loads(answer.body) == {"error": "Authentication required"}
    assert ask_for_reload(guarded, JSON_TYPE, *fields).status == 401
    metrics = ask_admin(guarded, "GET", "/metrics", bearer()).body.decode()
    assert re.search(r'sidegate_config_reloads_total\{result="(success|failure)"\} [1-9]', metrics) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_with_the_token(guarded, scheme):
    for path in EVERYTHING:
        assert ask_admin(guarded, "GET", path, bearer(scheme=scheme)).status == 200, path
    assert ask_admin(guarded, "GET", "/nothing", bearer()).status == 404
    assert ask_admin(guarded, "GET", "/reload", bearer()).status == 405
    assert ask_for_reload(guarded, bearer()).status == 415


def test_the_token_does_not_open_it_to_pages(guarded):
    assert ask_admin(guarded, "GET", "/config", bearer(), "Origin: http://evil.example").status == 403
    assert ask_admin(guarded, "GET", "/config", bearer(), host="evil.example").status == 403


def test_the_health_listener_needs_no_token(guarded):
    for path in PROBES:
        assert requests.get(guarded.health_url + path, timeout=TIMEOUT).status_code == 200


def test_the_token_is_shown_nowhere(guarded):
    shown = ask_admin(guarded, "GET", "/config", bearer()).body.decode()
    assert yaml.safe_load(shown)["admin"]["token"] == "<redacted>"
    printed = sidegate("check", "--print", "--config", guarded.command[-1])
    assert printed.returncode == 0
    assert yaml.safe_load(printed.stdout)["admin"]["token"] == "<redacted>"
    for text in (shown, printed.stdout, printed.stderr, guarded.stdout, guarded.stderr):
        assert ADMIN_TOKEN not in text


@pytest.mark.parametrize("address", ["0.0.0.0:9901", "[::]:9901", "192.0.2.1:9901", "admin.example:9901"])
def test_off_loopback_a_token_is_required(tmp_path, address):
    def check(**token):
        blocks = {"version": 1, "listeners": {"public": {"address": "127.0.0.1:8080"}}, **open_routes(NOBODY),
                  "admin": {"address": address, **token}}
        (tmp_path / "sidegate.yaml").write_text(json.dumps(blocks, indent=2))
        return sidegate("check", "--config", "sidegate.yaml", folder=tmp_path)

    refused = check()
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert re.match(r"sidegate\.yaml:\d+:\d+: at admin\.address: .*token: \{env: NAME\}", line)
    assert check(token=ADMIN_TOKEN).returncode == 0


@pytest.mark.parametrize("address", ["127.0.0.1:9901", "[::1]:9901", "localhost:9901", "unix:/run/admin.sock"])
def test_on_loopback_no_token_is_required(tmp_path, address):
    blocks = {"version": 1, "listeners": {"public": {"address": "127.0.0.1:8080"}}, **open_routes(NOBODY),
              "admin": {"address": address}}
    (tmp_path / "sidegate.yaml").write_text(json.dumps(blocks))
    assert sidegate("check", "--config", "sidegate.yaml", folder=tmp_path).returncode == 0


# -- /config

def test_the_configuration_shown_is_one(gateways, origin, tmp_path):
    """With its secrets put back `check` accepts it, and it means the same: printed again it is the same text."""
    secrets = [ADMIN_TOKEN, tokens.KEY, "another-key-that-is-long-enough-for-HS256", "short"]
    (tmp_path / "key").write_text(secrets[2])
    blocks = staff_routes({"env": "JWT_KEY"}, origin.url, f"unix:{tmp_path}/app.sock", max_connections=7)
    blocks["authenticators"]["staff"]["jwt"].update(
        keys=[{"secret": {"env": "JWT_KEY"}}, {"secret": {"file": "key"}, "until": "2099-01-01T00:00:00Z"},
              {"secret": secrets[3], "allow_weak": True}],
        issuer="https://auth.example", audience=["a", "b"], leeway="5s", max_age="24h", type="at+jwt")
    blocks["routes"].insert(0, {
        "name": "odd: {name} # \"quoted\"", "host": ["app.example", "*.app.example"], "path": ["/a/{id}/**", "/b"],
        "methods": ["GET", "PATCH"], "authenticate": "optional", "upstream": "app", "timeout": "1500ms",
        "max_body": "10MiB", "rewrite": {"strip_prefix": "/", "prefix": "/api", "host": "app.internal"},
        "inject": {"X-Odd": "%7B{claims.a.b|it's \"odd\"}"}, "csrf": "none", "encoded_slash": "keep",
        "forward_credential": False, "close_at_expiry": False})
    gateway = gateways.start({**blocks, "watch": True, "limits": {"head": "16KiB", "memory": "64MiB"},
                              "access_log": {"path": "access.log", "query": True}}, environment={"JWT_KEY": tokens.KEY})
    file = tmp_path / "with-token.yaml"
    whole = json.loads((tmp_path / "gateway0.yaml").read_text())
    (tmp_path / "gateway0.yaml").write_text(json.dumps({**whole, "admin": {**whole["admin"], "token": ADMIN_TOKEN}}))
    assert ask_for_reload(gateway, JSON_TYPE).status == 200
    shown = ask_admin(gateway, "GET", "/config", bearer()).body.decode()
    assert not any(secret in shown for secret in secrets)
    assert shown.count('"<redacted>"') == len(secrets)
    assert "{" not in re.sub(r'"[^"\n]*(?:\\"[^"\n]*)*"', "", shown), "block YAML"

    restored = shown
    for secret in secrets:
        restored = restored.replace('"<redacted>"', json.dumps(secret), 1)
    file.write_text(restored)
    printed = sidegate("check", "--print", "--config", file)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == shown
    before = sidegate("check", "--print", "--config", tmp_path / "gateway0.yaml", environment={"JWT_KEY": tokens.KEY})
    assert before.stdout == shown


# -- live state

KEY_ENDS = "2099-01-01T00:00:00Z"


def state_configuration(origin):
    blocks = staff_routes({"env": "JWT_KEY"}, origin.url)
    jwt = blocks["authenticators"]["staff"]["jwt"]
    jwt.update(issuer="https://auth.example", audience=["tts", "utm"], keys=[
        {"secret": {"env": "JWT_KEY"}}, {"secret": {"file": "key"}, "until": KEY_ENDS},
        {"secret": "x" * 40, "until": "2001-01-01T00:00:00Z"}])
    unused = {"jwt": {"token": [{"bearer": "Authorization"}], "keys": [{"secret": "y" * 48}],
                      "algorithms": ["HS256", "HS384"]}}
    return {
        "workers": 2, "inject": INJECT,
        "upstreams": {"app": servers(origin.url, NOBODY), "gone": servers(NOBODY)},
        "authenticators": {"staff": blocks["authenticators"]["staff"], "unused": unused},
        "routes": [
            {"name": "public", "path": "/public/**", "authenticate": "none", "upstream": "app"},
            {"name": "gone", "path": "/gone", "authenticate": "none", "upstream": "gone"},
            {"name": "profile", "host": ["app.example", "*.app.example"], "path": ["/users/{id}/**", "/me"],
             "methods": ["GET", "PATCH"], "authenticate": ["staff"], "upstream": "app"},
            {"name": "unused", "path": "/unused", "authenticate": ["unused"], "upstream": "gone"},
        ],
    }


@pytest.fixture
def live(gateways, origin, tmp_path):
    (tmp_path / "key").write_text("another-key-that-is-long-enough-for-HS256")
    return gateways.start(state_configuration(origin), environment={"JWT_KEY": tokens.KEY})


def claim_token(**more):
    return tokens.token(**{"iss": "https://auth.example", "aud": "tts", **more})


def profile(token=None):
    fields = [bearer(token)] if token else []
    return request("GET", "/me", *fields, host="app.example")


def test_routes_show_the_traffic(live):
    assert all((route["requests"], route["answers"], route["mean_us"]) == (0, {}, None)
               for route in read(live, "/routes")["routes"])
    for data, status in [(request("GET", "/public/a"), 200), (request("POST", "/public/b", body=b"x"), 200),
                         (request("GET", "/gone"), 502), (profile(claim_token()), 200), (profile(claim_token()), 200),
                         (profile(), 401), (request("POST", "/me", host="app.example"), 405),
                         (request("GET", "/nowhere"), 404)]:
        assert live.ask(data).status == status
    (public, gone, private, unused) = read(live, "/routes")["routes"]
    for route in (public, gone, private):
        assert 0 < route.pop("mean_us") < 60_000_000
    assert public == {"name": "public", "path": ["/public/**"], "authenticate": "none", "upstream": "app",
                      "requests": 2, "answers": {"200": 2}}
    assert gone == {"name": "gone", "path": ["/gone"], "authenticate": "none", "upstream": "gone",
                    "requests": 1, "answers": {"502": 1}}
    assert private == {"name": "profile", "host": ["app.example", "*.app.example"],
                       "path": ["/users/{id}/**", "/me"], "methods": ["GET", "PATCH"], "authenticate": ["staff"],
                       "upstream": "app", "requests": 3, "answers": {"200": 2, "401": 1}}
    assert unused == {"name": "unused", "path": ["/unused"], "authenticate": ["unused"], "upstream": "gone",
                      "requests": 0, "answers": {}, "mean_us": None}


def test_a_route_shows_its_listener(gateways, origin):
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url), "routes": [
        {"path": "/**", "listener": "public", "authenticate": "optional", "upstream": "app"}]})
    assert read(gateway, "/routes") == {"routes": [
        {"name": "route-1", "listener": "public", "path": ["/**"], "authenticate": "optional", "upstream": "app",
         "requests": 0, "answers": {}, "mean_us": None}]}


def test_a_client_that_left_is_an_answer_of_0(live, origin):
    gate = Gate()
    origin.handler = lambda exchange: gate.wait()
    client = live.raw().send(request("GET", "/public/given-up"))
    wait_until(lambda: origin.requests, "it arrived")
    client.reset()
    public = wait_until(lambda: [route for route in read(live, "/routes")["routes"] if route["requests"]], "it is over")
    assert [(route["name"], route["answers"]) for route in public] == [("public", {"0": 1})]
    gate.open()


def test_upstreams_show_their_connections_and_answers(live, origin):
    """A request that no server answered counts as an answer of 0; a server that was passed over has none."""
    gate = Gate()

    def behave(exchange):
        exchange.read_body()
        if exchange.request.target.startswith("/public/slow"):
            gate.wait()
        exchange.send(ok(status=b"201 Created" if exchange.request.method == "POST" else b"200 OK"))

    origin.handler = behave
    nothing = {"connections": {"active": 0, "idle": 0}, "answers": {}}
    gone = {"name": "gone", "servers": [{"url": NOBODY, **nothing}], "retries": 0, "mean_us": None}
    assert read(live, "/upstreams") == {"upstreams": [
        {"name": "app", "servers": [{"url": origin.url, **nothing}, {"url": NOBODY, **nothing}],
         "retries": 0, "mean_us": None}, gone]}
    slow = []
    for number in range(3):
        slow.append(live.raw().send(request("GET", f"/public/slow/{number}")))
        wait_until(lambda: len(origin.requests) == len(slow), "it arrived")
    assert read(live, "/upstreams")["upstreams"][0]["servers"][0] == {
        "url": origin.url, "connections": {"active": 3, "idle": 0}, "answers": {}}
    gate.open()
    assert [client.read_response().status for client in slow] == [200] * 3
    assert live.ask(request("POST", "/public/x", body=b"x")).status == 201
    assert live.ask(request("GET", "/gone")).status == 502
    state = wait_until(lambda: [answer for answer in [read(live, "/upstreams")["upstreams"]]
                                if answer[0]["servers"][0]["connections"]["active"] == 0], "all are idle")[0]
    assert 0 < state[0].pop("mean_us") < 60_000_000
    (server, unreachable) = state[0].pop("servers")
    gone["servers"][0]["answers"] = {"0": 1}
    assert state == [{"name": "app", "retries": 0}, gone]
    assert unreachable == {"url": NOBODY, **nothing}
    assert (server["url"], server["answers"]) == (origin.url, {"200": 3, "201": 1})
    assert server["connections"]["idle"] == origin.open_connections
    for client in slow:
        client.socket.close()


def test_upstreams_show_their_retries(gateways, origin):
    def only_once(exchange):
        exchange.read_body()
        if exchange.request.number > 1:
            return exchange.close()
        return exchange.send(ok())

    origin.handler = only_once
    gateway = gateways.start(open_routes(origin.url))
    assert [gateway.ask(request("GET", "/")).status for _ in range(3)] == [200] * 3
    (app,) = read(gateway, "/upstreams")["upstreams"]
    assert (app["retries"], app["servers"][0]["answers"]) == (2, {"200": 3})


def test_authenticators_show_their_keys_and_decisions(live, tmp_path):
    decisions = {
        "accepted": [claim_token(), claim_token(), claim_token(key="another-key-that-is-long-enough-for-HS256")],
        "missing": [None, None], "malformed": ["garbage"],
        "bad_signature": [tokens.last_bit_flipped(claim_token()), claim_token(key="x" * 40)],
        "expired": [claim_token(lifetime=-5)], "not_yet_valid": [claim_token(nbf=4_000_000_000)],
        "wrong_issuer": [claim_token(iss="https://evil.example")], "wrong_audience": [claim_token(aud="other")],
        "missing_claim": [claim_token(user_id=None, subject=None)],
    }
    for outcome, credentials in decisions.items():
        for credential in credentials:
            assert live.ask(profile(credential)).status == (200 if outcome == "accepted" else 401), outcome
    answer = read(live, "/authenticators")
    assert set(answer) == {"authenticators"}
    (staff, unused) = answer["authenticators"]
    counted = staff.pop("decisions")
    known = staff.pop("verified_cache")
    assert set(known) == {"entries", "hits", "misses"}
    assert known["hits"] + known["misses"] == sum(map(len, decisions.values())) - len(decisions["missing"])
    assert {outcome: count for outcome, count in counted.items() if count} == {
        outcome: len(credentials) for outcome, credentials in decisions.items()}
    assert staff == {
        "name": "staff", "kind": "jwt", "issuer": "https://auth.example", "audience": ["tts", "utm"],
        "algorithms": ["HS256"], "keys": [
            {"name": "keys[0] (env JWT_KEY)", "in_use": True},
            {"name": f"keys[1] (file {tmp_path}/key)", "in_use": True, "until": KEY_ENDS},
            {"name": "keys[2] (text)", "in_use": False, "until": "2001-01-01T00:00:00Z"},
        ]}
    assert set(unused.pop("decisions").values()) == {0}
    assert unused == {"name": "unused", "kind": "jwt", "algorithms": ["HS256", "HS384"],
                      "keys": [{"name": "keys[0] (text)", "in_use": True}],
                      "verified_cache": {"entries": 0, "hits": 0, "misses": 0}}


def test_live_state_agrees_with_the_metrics(live):
    for data in [request("GET", "/public/a"), request("GET", "/gone"), profile(claim_token()), profile()] * 3:
        live.ask(data)
    metrics = live.metrics()
    for route in read(live, "/routes")["routes"]:
        assert route["requests"] == metrics.total("sidegate_requests_total", route=route["name"])
        for status, count in route["answers"].items():
            assert count == metrics.total("sidegate_requests_total", route=route["name"], code=status)
    for upstream in read(live, "/upstreams")["upstreams"]:
        for server in upstream["servers"]:
            labels = {"upstream": upstream["name"], "server": server["url"]}
            assert sum(server["answers"].values()) == metrics.total("sidegate_upstream_requests_total", **labels)
            for state, count in server["connections"].items():
                assert count == metrics.total("sidegate_upstream_connections", state=state, **labels)
    for authenticator in read(live, "/authenticators")["authenticators"]:
        name = authenticator["name"]
        for outcome, count in authenticator["decisions"].items():
            assert count == metrics.total("sidegate_auth_decisions_total", authenticator=name, outcome=outcome)
        for result, member in (("hit", "hits"), ("miss", "misses")):
            assert authenticator["verified_cache"][member] == metrics.total(
                "sidegate_cache_total", cache=f"{name}.verified", result=result)
        for key in authenticator["keys"]:
            if "until" in key:
                moment = datetime.fromisoformat(key["until"]).timestamp()
                assert moment == metrics.total(
                    "sidegate_key_expiry_timestamp_seconds", authenticator=name, key=key["name"])


@pytest.mark.parametrize("path", [
    "/routes", "/upstreams", "/authenticators", "/metrics", "/config", "/health/integrations"])
def test_state_is_read_while_configurations_change(gateways, origin, path):
    """Of each answer all belongs to one configuration: the large one or the small one."""
    small = staff_routes(tokens.KEY, origin.url)
    large = {
        "upstreams": {**{f"u{number}": servers(NOBODY) for number in range(100)}, **small["upstreams"]},
        "authenticators": {f"a{number}": jwt_authenticator(tokens.KEY) for number in range(50)},
        "routes": [{"name": f"r{number}", "path": f"/{number}", "authenticate": [f"a{number % 50}"],
                    "upstream": f"u{number % 100}"} for number in range(300)],
    }
    gateway = gateways.start({**small, "workers": 2})
    file = pathlib.Path(gateway.command[-1])
    texts = [json.dumps({**json.loads(file.read_text()), **blocks}) for blocks in (large, small)]
    changed = threading.Event()

    def read_on():
        with requests.Session() as session:
            while not changed.is_set():
                assert session.get(gateway.admin_url + path, timeout=TIMEOUT).status_code == 200

    with ThreadPoolExecutor(4) as threads, requests.Session() as session:
        readers = [threads.submit(read_on) for _ in range(4)]
        try:
            for number in range(30):
                file.write_text(texts[number % 2])
                assert session.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT).status_code == 200
        finally:
            changed.set()
        for reader in readers:
            reader.result()
    assert gateway.status is None


def test_no_page_shows_a_secret(live):
    token = claim_token()
    assert live.ask(profile(token)).status == 200
    for path in EVERYTHING:
        text = requests.get(live.admin_url + path, timeout=TIMEOUT).text
        for secret in (tokens.KEY, "another-key-that-is-long", "x" * 40, token, token.rsplit(".", 1)[1]):
            assert secret not in text, path


# -- requests that are slow, too large or broken

def test_slow_requests_disturb_nobody(gateways, origin):
    """More of them than the admin API serves at once: neither the proxy nor the probes notice, and it recovers."""
    health = free_port()
    gateway = gateways.start({**open_routes(origin.url), "health": {"address": f"127.0.0.1:{health}"}, "workers": 2},
                             health_port=health)
    begun = f"POST /reload HTTP/1.1\r\nHost: localhost\r\n{JSON_TYPE}\r\nContent-Length: 10\r\n\r\n{{".encode()
    with SteadyLoad(gateway.port) as load:
        stuck = [RawClient(gateway.admin_port).send(begun[: 10 + number]) for number in range(100)]
        load.wait_for_answers(200)
        assert requests.get(gateway.health_url + "/healthz", timeout=TIMEOUT).status_code == 200
        for client in stuck:
            client.socket.close()
        assert gateway.is_ready()
    assert not load.lost and {attempt.status for attempt in load.answered} == {200}
    assert reloads(gateway) == 0


def test_a_reader_that_does_not_read_disturbs_nobody(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    asked = request("GET", "/metrics", host="localhost") * 200
    with SteadyLoad(gateway.port, kept=2, fresh=2) as load:
        lazy = [RawClient(gateway.admin_port, receive_buffer=4096).send(asked) for _ in range(8)]
        load.wait_for_answers(100)
        assert gateway.is_ready()
        for client in lazy:
            client.reset()
    assert not load.lost and {attempt.status for attempt in load.answered} == {200}


@pytest.mark.parametrize("data, status", [
    (request("GET", "/config", "X-Large: " + "x" * 20_000, host="localhost"), 431),
    (request("GET", "/" + "x" * 20_000, host="localhost"), 431),
    (request("POST", "/reload", JSON_TYPE, host="localhost", body=b" " * 100_000), 413),
    (request("POST", "/reload", JSON_TYPE, "Content-Length: 99999999999", host="localhost"), 413),
    (request("POST", "/reload", JSON_TYPE, "Transfer-Encoding: chunked", host="x") + chunked(b" " * 100_000), 413),
    (b"this is no HTTP at all\r\n\r\n", 400),
    (request("POST", "/reload", JSON_TYPE, "Content-Length: x", host="localhost"), 400),
    (request("GET", "/config", "Broken Field: x", host="localhost"), 400),
], ids=["head", "target", "body", "announced body", "chunked body", "no HTTP", "length", "field"])
def test_oversized_and_broken_requests(plain, data, status):
    """Answered where that is possible, and the connection ends; the next one is served as ever."""
    before = reloads(plain)
    with RawClient(plain.admin_port) as client:
        client.send_in_pieces(data, 16_384)
        assert client.read_response().status == status
        assert client.is_closed()
    assert reloads(plain) == before and plain.is_ready()
