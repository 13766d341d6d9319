"""Running it: health, metrics, logs, signals, workers, listeners."""

import re
import signal
import threading
import time

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, open_routes, servers, sidegate, staff_routes
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.raw import EndOfStream, RawClient, request


def get(target="/", *fields, **more):
    return request("GET", target, *fields, **more)


COOKIE = "Cookie: access_token="


def fetch(url, **options):
    return requests.get(url, timeout=TIMEOUT, **options)


# -- admin and health

@pytest.fixture(scope="module")
def watched(module_gateways, tts_service):
    """A gateway with a health listener beside the admin API."""
    health = free_port()
    gateway = module_gateways.start({
        **staff_routes({"env": "JWT_KEY"}, tts_service.url),
        "health": {"address": f"127.0.0.1:{health}"},
    }, environment={"JWT_KEY": tokens.KEY}, health_port=health)
    return gateway


@pytest.mark.parametrize("surface", ["admin_url", "health_url"])
def test_health_and_readiness(watched, surface):
    base = getattr(watched, surface)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert fetch(base + path).status_code == 200, path
        assert requests.head(base + path, timeout=TIMEOUT).status_code == 200, path
    assert fetch(base + "/metrics").headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert requests.post(base + "/metrics", timeout=TIMEOUT).status_code in (403, 405)
    assert fetch(base + "/nothing").status_code == 404


def test_the_health_listener_has_no_admin_api(watched):
    assert fetch(watched.admin_url + "/config").status_code == 200
    for path in ("/config", "/routes", "/upstreams", "/authenticators", "/reload", "/"):
        assert fetch(watched.health_url + path).status_code == 404, path


def test_the_configuration_is_shown_without_secrets(watched):
    text = fetch(watched.admin_url + "/config").text
    assert "<redacted>" in text and tokens.KEY not in text
    assert "name: private" in text and f"127.0.0.1:{watched.port}" in text


def test_the_admin_api_is_not_for_browsers(watched):
    """A page of another site must not read it: neither by DNS rebinding nor from a script."""
    url = watched.admin_url + "/config"
    assert fetch(url, headers={"Host": "evil.example"}).status_code == 403
    assert fetch(url, headers={"Host": f"evil.example:{watched.admin_port}"}).status_code == 403
    assert fetch(url, headers={"Origin": "http://evil.example"}).status_code == 403
    assert fetch(url, headers={"Origin": "null"}).status_code == 403
    assert fetch(url, headers={"Host": f"localhost:{watched.admin_port}"}).status_code == 200


def test_probes_come_by_any_name(watched):
    assert fetch(watched.health_url + "/healthz", headers={"Host": "10.1.2.3:9902"}).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/config"])
def test_admin_paths_mean_nothing_on_a_listener(watched, path):
    assert watched.get(path).status_code == 401
    answer = watched.get(path, cookies={"access_token": tokens.token()})
    assert answer.json()["environ"]["PATH_INFO"] == path, "it came from the service"


# -- metrics

def test_requests_are_counted(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    cookie = COOKIE + tokens.token()
    expired = COOKIE + tokens.token(lifetime=-5)
    made = [get("/x", cookie)] * 3 + [get("/x")] * 2 + [get("/x", expired), get("/public/y")]
    made += [request("POST", "/x", cookie), request("FROBNICATE", "/x", cookie)]
    for data in made:
        gateway.ask(data)
    assert gateway.ask(get("/%zz")).status == 400

    metrics = gateway.metrics()
    total = "sidegate_requests_total"
    assert metrics.total(total, route="private", method="GET", code="200") == 3
    assert metrics.total(total, route="private", method="GET", code="401") == 3
    assert metrics.total(total, route="private", method="POST", code="200") == 1
    assert metrics.total(total, route="private", method="other", code="200") == 1
    assert metrics.total(total, route="public", method="GET", code="200") == 1
    assert metrics.total(total, code="400") == 1
    assert metrics.total(total) == len(made) + 1
    assert metrics.total("sidegate_request_duration_seconds_count", route="private") == 8
    assert metrics.total("sidegate_upstream_requests_total", upstream="app", server=origin.url, code="200") == 6
    assert metrics.total("sidegate_upstream_duration_seconds_count", upstream="app") == 6
    decisions = "sidegate_auth_decisions_total"
    assert metrics.total(decisions, authenticator="staff", outcome="accepted") == 5
    assert metrics.total(decisions, authenticator="staff", outcome="missing") == 2
    assert metrics.total(decisions, authenticator="staff", outcome="expired") == 1
    assert metrics.total("sidegate_connections_total", listener="public") == len(made) + 1
    assert metrics.total("sidegate_log_dropped_total") == 0
    assert metrics.total("sidegate_build_info") == 1
    assert metrics.total("process_resident_memory_bytes") > 0


def test_connections_are_counted_while_they_are_open(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    with gateway.raw() as client:
        client.send(get()).read_response()
        assert gateway.metrics().total("sidegate_connections", listener="public") == 1
        wait_until(lambda: gateway.metrics().total("sidegate_upstream_connections", state="idle") == 1, "an idle one")
    wait_until(lambda: gateway.metrics().total("sidegate_connections", listener="public") == 0, "it closed")


def test_no_label_comes_from_a_caller(gateways, origin):
    """A caller who could make series could fill the memory of Sidegate and of whoever scrapes it."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    before = len(gateway.metrics().samples)
    for number in range(30):
        marked = f"marked{number}"
        gateway.ask(request(marked.upper(), f"/public/{marked}?{marked}", f"X-User-Id: {marked}",
                            f"User-Agent: {marked}", host=f"{marked}.example"))
        gateway.ask(get("/x", COOKIE + tokens.token(subject=marked)))
    after = gateway.metrics()
    assert "marked" not in after.text.lower()
    assert len(after.samples) <= before + 10


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


def test_a_query_is_logged_where_asked(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "access_log": {"path": "stdout", "query": True}})
    assert gateway.access_line(gateway.ask(get("/x?a=1&b")))["query"] == "a=1&b"


def test_the_access_log_in_a_file(gateways, origin, tmp_path):
    path = tmp_path / "access.log"
    gateway = gateways.start({**open_routes(origin.url), "access_log": {"path": str(path)}})
    answer = gateway.ask(get("/x"))
    wait_until(lambda: path.exists() and answer.get("X-Request-Id") in path.read_text(), "the line in the file")
    assert gateway.stdout == ""


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


def test_lines_cannot_be_forged(gateways, origin):
    """CVE-2025-25294: what a caller sends is escaped, so a line stays one line."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    subject = 'a","status":200,"x":"\\u000a{}'
    answer = gateway.ask(get("/x/%22%7D", COOKIE + tokens.token(subject=subject)))
    line = gateway.access_line(answer)
    assert (line["subject"], line["path"]) == (subject, "/x/%22%7D")


def test_text_for_people(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "log": {"format": "text"}})
    gateway.ask(get("/for-people"))
    line = wait_until(lambda: [text for text in gateway.stdout.splitlines() if "/for-people" in text], "a line")[0]
    assert not line.startswith("{") and " 200 " in line


# -- secrets

def test_no_secret_is_written_anywhere(gateways, origin):
    """No token, key, cookie value or Authorization value, whole or in part, at any level, in no place."""
    accepted, expired = tokens.token(subject="7701"), tokens.token(subject="7702", lifetime=-60)
    forged = tokens.last_bit_flipped(tokens.token(subject="7703"))
    garbage, basic = "garbage-credential-value", "dXNlcjpzZWNyZXQtcGFzc3dvcmQ="
    session = "session-cookie-value-0123456789"
    gateway = gateways.start({
        **staff_routes({"env": "JWT_KEY"}, origin.url), "log": {"level": "debug"},
        "access_log": {"path": "stdout", "query": False},
    }, environment={"JWT_KEY": tokens.KEY})
    for credential in (accepted, expired, forged, garbage):
        for path in ("/x", "/public/x"):
            gateway.ask(get(path, f"{COOKIE}{credential}; session={session}"))
            gateway.ask(get(path, f"Authorization: Bearer {credential}"))
    gateway.ask(get("/x", f"Authorization: Basic {basic}"))
    gateway.ask(get("/x", f"{COOKIE}{accepted}; access_token={expired}"))  # ambiguous: 400
    gateway.ask(get(f"/x?access_token={accepted}"))
    gateway.ask(get("/x", f"Authorization: Bearer {accepted}", "Broken Field: y"))
    gateway.ask(get("/x", f"X-API-Key: {garbage}"))
    pages = [fetch(gateway.admin_url + path).text for path in ("/metrics", "/config")]
    printed = sidegate("check", "--print", "--config", gateway.command[-1], environment={"JWT_KEY": tokens.KEY}).stdout
    assert gateway.terminate() == 0
    everything = "\n".join([gateway.stdout, gateway.stderr, printed, *pages])
    for secret in (tokens.KEY, accepted, expired, forged, garbage, basic, session):
        for part in parts(secret):
            assert part not in everything, f"{part!r} of {secret!r}"


def parts(secret, length=12):
    """Every piece of that length. A token's header is the same for all tokens and no secret."""
    body = secret.partition(".")[2] if secret.count(".") == 2 else secret
    return {body[start : start + length] for start in range(len(body) - length + 1)}


# -- signals

def hold(origin):
    """The origin answers when the gate opens."""
    gate = Gate()

    def late(exchange):
        exchange.read_body()
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.send(ok(b"in the end"))

    origin.handler = late
    return gate


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_finish(gateways, origin, number):
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "200ms", "timeout": "20s"}})
    gate = hold(origin)
    with gateway.raw() as client:
        client.send(get("/slow"))
        wait_until(lambda: origin.requests, "the request arrived")
        gateway.send(number)
        wait_until(lambda: not gateway.is_ready(), "not ready at once")
        assert fetch(gateway.admin_url + "/healthz").status_code == 200, "it lives"
        wait_until(lambda: not accepts(gateway.port), "the listeners close after the grace period")
        assert gateway.status is None, "a request is under way"
        gate.open()
        answer = client.read_response()
        assert (answer.status, answer.body, answer.complete) == (200, b"in the end", True)
        assert client.is_closed()
    assert gateway.wait() == 0


def accepts(port):
    try:
        RawClient(port).socket.close()
        return True
    except ConnectionError:
        return False


def test_the_grace_period_still_serves(gateways, origin):
    """Until the balancer has noticed, new connections are answered."""
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "2s", "timeout": "10s"}})
    with gateway.raw() as kept:
        kept.send(get()).read_response()
        gateway.send(signal.SIGTERM)
        wait_until(lambda: not gateway.is_ready(), "not ready at once")
        assert gateway.ask(get()).status == 200
        answer = kept.send(get()).read_response()
        assert answer.status == 200
    assert gateway.wait() == 0


def test_an_idle_gateway_does_not_wait_for_idle_connections(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "10ms", "timeout": "20s"}})
    with gateway.raw() as idle, gateway.raw():
        idle.send(get()).read_response()
        gateway.send(signal.SIGTERM)
        started = time.monotonic()
        assert gateway.wait() == 0
        assert time.monotonic() - started < 5 * PATIENCE
        assert idle.is_closed()


def test_all_ends_by_the_timeout(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "10ms", "timeout": "500ms"}})
    gate = hold(origin)
    with gateway.raw() as client:
        client.send(get("/slow"))
        wait_until(lambda: origin.requests, "the request arrived")
        started = time.monotonic()
        gateway.send(signal.SIGTERM)
        assert gateway.wait() == 0
        assert 0.4 < time.monotonic() - started < 5 * PATIENCE
        with pytest.raises(EndOfStream):
            client.read_response()
    gate.open()


def test_a_second_signal_ends_at_once(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "30s", "timeout": "60s"}})
    gate = hold(origin)
    with gateway.raw() as client:
        client.send(get("/slow"))
        wait_until(lambda: origin.requests, "the request arrived")
        gateway.send(signal.SIGTERM)
        wait_until(lambda: not gateway.is_ready(), "not ready at once")
        started = time.monotonic()
        gateway.send(signal.SIGTERM)
        gateway.wait(5)
        assert time.monotonic() - started < 2 * PATIENCE
    gate.open()


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

def test_two_workers_count_together(gateways, origin):
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url), "workers": 2})
    cookie = COOKIE + tokens.token()

    def client():
        with gateway.raw() as connection:
            for _ in range(25):
                connection.send(get("/x", cookie)).read_response()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert gateway.metrics().total("sidegate_requests_total", route="private", code="200") == 200
    wait_until(lambda: len(gateway.access_log()) == 200, "a line for each")
    assert len({line["request_id"] for line in gateway.access_log()}) == 200


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
