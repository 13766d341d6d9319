"""What is written: the access log, a JSON object for each request, and the log of the program itself."""

import json
import re
import time

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, servers, sidegate
from support.ports import free_port
from support.raw import SWITCHING, UPGRADE, EndOfStream, RawClient, request

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
OUTCOMES = {"accepted", "missing", "malformed", "bad_signature", "expired", "not_yet_valid", "wrong_issuer",
            "wrong_audience", "missing_claim", "revoked", "rejected", "unavailable"}


def is_reason(value):
    return isinstance(value, str) and re.fullmatch(r"[a-z_]+", value)


def is_text(value):
    return isinstance(value, str) and value != ""


def is_count(value):
    return type(value) is int and value >= 0


def is_duration(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 60_000


# Every member that a line may have, and what its value must be.
MEMBERS = {
    "time": lambda value: isinstance(value, str) and TIME.fullmatch(value),
    "level": lambda value: value in ("info", "warning"),
    "msg": lambda value: value == "request",
    "request_id": lambda value: is_text(value) and re.fullmatch(r"[!-~]{1,128}", value),
    "trace_id": lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}", value),
    "route": is_text,
    "method": is_text,
    "path": is_text,
    "status": lambda value: type(value) is int and (value == 0 or 100 <= value <= 599),
    "duration_ms": is_duration,
    "upstream": is_text,
    "server": is_text,
    "upstream_ms": is_duration,
    "bytes_in": is_count,
    "bytes_out": is_count,
    "client_ip": is_text,
    "subject": is_text,
    "authenticator": is_text,
    "auth_outcome": lambda value: value in OUTCOMES,
    "cache": lambda value: value in ("hit", "miss"),
    "auth_reason": lambda value: is_reason(value) and value not in ("accepted", "missing"),
    "audit": lambda value: value is True,
    "reason": is_reason,
}
ALWAYS = {"time", "level", "msg", "request_id", "status", "duration_ms", "bytes_in", "bytes_out", "client_ip"}
READ = ALWAYS | {"method", "path"}
ROUTED = READ | {"route"}
SENT = ROUTED | {"trace_id", "upstream", "server"}  # a trace is passed on or begun with what is forwarded
ANSWERED = SENT | {"upstream_ms"}
REFUSED = {"audit", "reason"}
DECIDED = {"authenticator", "auth_outcome"}
LOOKED_UP = DECIDED | {"cache"}  # a token, whether it is known by then or not


def bearer(**claims):
    return "Authorization: Bearer " + tokens.token(**{"iss": "issuer", "aud": "tts", **claims})


def get(target, *fields, **more):
    return request("GET", target, *fields, **more)


# Credentials that are refused, by the reason. Each is a value of the metric's label too.
REFUSED_CREDENTIALS = {
    "malformed": "Authorization: Bearer nonsense",
    "bad_signature": bearer(key="another-key-of-more-than-32-bytes"),
    "expired": bearer(lifetime=-60),
    "not_yet_valid": bearer(nbf=int(time.time()) + 3600),
    "wrong_issuer": bearer(iss="other"),
    "wrong_audience": bearer(aud="other"),
    "missing_claim": bearer(user_id=None),
}

# What is sent, the status and the reason of the refusal if it is one, and the members that its line then has.
KINDS = {
    "answered": (get("/public/x"), 200, None, ANSWERED),
    "posted": (request("POST", "/public/x", body=b"a body"), 200, None, ANSWERED),
    "refused by the origin": (get("/public/500"), 500, None, ANSWERED),
    "accepted": (get("/private/x", bearer()), 200, None, ANSWERED | LOOKED_UP | {"subject"}),
    "missing": (get("/private/x"), 401, "missing", ROUTED | DECIDED | REFUSED),
    **{reason: (get("/private/x", field), 401, reason, ROUTED | LOOKED_UP | REFUSED | {"auth_reason"})
       for reason, field in REFUSED_CREDENTIALS.items()},
    "too long a token": (get("/private/x", bearer(padding="x" * 3000)), 401, "token_too_large",
                         ROUTED | DECIDED | REFUSED | {"auth_reason"}),
    "no route": (get("/nowhere"), 404, "no_route", READ | REFUSED),
    "no route, but a trace": (get("/nowhere", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                              404, "no_route", READ | REFUSED | {"trace_id"}),
    "method not allowed": (request("POST", "/reading"), 405, "method_not_allowed", READ | REFUSED),
    "cross site": (request("POST", "/private/x", "Origin: https://evil",
                           "Cookie: access_token=" + bearer().split()[-1]),
                   403, "cross_site", ROUTED | LOOKED_UP | REFUSED | {"subject"}),
    "body too large": (request("POST", "/small", body=b"x" * 2000), 413, "body_too_large", ROUTED | REFUSED),
    "target too long": (get("/public/" + "x" * 2000), 414, "target_too_long", ALWAYS | REFUSED),
    "head too large": (get("/public/x", "X-Padding: " + "x" * 9000), 431, "head_too_large", ALWAYS | REFUSED),
    "another version": (get("/public/x", version="HTTP/2.0"), 505, "unsupported_version", ALWAYS | REFUSED),
    "bad target": (get("/%zz"), 400, "bad_percent_encoding", READ | REFUSED),
    "not HTTP": (b"nonsense\r\n\r\n", 400, "bad_request_line", ALWAYS | REFUSED),
    "unreachable": (get("/gone"), 502, "origin_unreachable", SENT | REFUSED),
    "broken": (get("/public/broken"), 502, "origin_broken", SENT | REFUSED),
    "late": (get("/late"), 504, "origin_timeout", SENT | REFUSED),
    "tunnel": (get("/public/tunnel", *UPGRADE), 101, None, ANSWERED),
}


def answer(exchange):
    exchange.read_body()
    target = exchange.request.target
    if target == "/public/tunnel":
        exchange.send(SWITCHING)
        exchange.close()
    elif target == "/public/broken":
        exchange.send(b"nonsense\r\n\r\n")
        exchange.close()
    elif target == "/late":
        exchange.origin.gate.wait()
    elif code := re.fullmatch(r"/public/(\d+)", target):
        exchange.send(ok(status=code[1].encode() + b" Whatever"))
    else:
        exchange.send(ok())


@pytest.fixture(scope="module")
def service():
    with RawOrigin() as running:
        running.handler, running.gate = answer, Gate()
        yield running
        running.gate.open()


def configuration(service):
    route = {"authenticate": "none", "upstream": "app"}
    return {
        "limits": {"token": "2KiB", "target": "1KiB", "head": "8KiB"},
        "upstreams": {
            "app": servers(service.url),
            "gone": servers(f"http://127.0.0.1:{free_port()}"),
            "late": servers(service.url, response_timeout="200ms"),
        },
        "authenticators": {"staff": jwt_authenticator(tokens.KEY, issuer="issuer", audience=["tts"])},
        "inject": INJECT,
        "routes": [
            {"name": "public", "path": "/public/**", **route},
            {"name": "private", "path": "/private/**", "authenticate": ["staff"], "upstream": "app"},
            {"name": "small", "path": "/small", "max_body": "1KiB", **route},
            {"name": "reading", "path": "/reading", "methods": ["GET"], **route},
            {"name": "gone", "path": "/gone", **route, "upstream": "gone"},
            {"name": "late", "path": "/late", **route, "upstream": "late"},
        ],
    }


@pytest.fixture(scope="module")
def gateway(module_gateways, service):
    return module_gateways.start(configuration(service))


def raw_lines(path):
    """The lines of a log, which is UTF-8 without anything that ends a line, or steers a terminal, for any reader."""
    data = path.read_bytes().decode()
    assert not re.search(r"[^\n -~\xa0-\u2027\u202a-\U0010ffff]", data), "control characters and separators are escaped"
    assert data == "" or data.endswith("\n")
    return data.split("\n")[:-1]


def json_objects(path):
    def each_once(pairs):
        assert len(dict(pairs)) == len(pairs), f"a member twice: {pairs}"
        return dict(pairs)

    lines = [json.loads(line, object_pairs_hook=each_once) for line in raw_lines(path)]
    assert all(isinstance(line, dict) for line in lines)
    return lines


# -- a line for each request

@pytest.mark.parametrize("data, status, reason, members", KINDS.values(), ids=KINDS)
def test_the_line_has_exactly_the_members_that_are_documented(gateway, data, status, reason, members):
    received = gateway.ask(data)
    assert received.status == status
    line = gateway.access_line(received)
    assert (line["status"], line.get("reason")) == (status, reason)
    assert set(line) == members
    for name, value in line.items():
        assert MEMBERS[name](value), (name, value)
    assert line["level"] == ("warning" if reason and status >= 500 else "info")
    assert line.get("upstream_ms", 0) <= line["duration_ms"]
    assert line["bytes_out"] > 0
    assert line["bytes_in"] == len(data) or reason and 0 < line["bytes_in"] < len(data), "refused before it was read"


def test_every_line_of_the_log_is_one_of_those(gateway):
    gateway.access_line(gateway.ask(get("/public/last")))
    for line in json_objects(gateway.stdout_path):
        assert ALWAYS <= set(line) <= set(MEMBERS)
        assert all(MEMBERS[name](value) for name, value in line.items()), line


def test_a_connection_that_is_turned_away_has_its_line(gateways, service):
    """It has its answer and its number in the metrics."""
    gateway = gateways.start({**configuration(service), "limits": {"connections": 1}})
    with gateway.raw() as first:
        assert first.send(get("/public/x")).read_response().status == 200
        refused = gateway.ask(get("/public/x"))
        assert refused.status == 503
        line = gateway.access_line(refused)
        assert (line["status"], line["reason"], line["audit"]) == (503, "too_many_connections", True)


# -- reasons

def json_texts(value):
    """Every text in it, however deep."""
    if isinstance(value, dict):
        return {text for item in value.values() for text in json_texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in json_texts(item)}
    return {value} if isinstance(value, str) else set()


def decisions(gateway):
    return {labels["outcome"]: value for name, labels, value in gateway.metrics().samples
            if name == "sidegate_auth_decisions_total"}


@pytest.mark.parametrize("reason", ["missing", *REFUSED_CREDENTIALS])
def test_a_refused_credential_has_one_name_in_the_log_and_in_the_metrics(gateway, reason):
    fields = [REFUSED_CREDENTIALS[reason]] if reason in REFUSED_CREDENTIALS else []
    before = decisions(gateway)
    line = gateway.access_line(gateway.ask(get("/private/x", *fields)))
    after = decisions(gateway)
    assert {outcome for outcome in after if after[outcome] != before[outcome]} == {reason}
    assert line["reason"] == line["auth_outcome"] == line.get("auth_reason", "missing") == reason


@pytest.mark.parametrize("reason", ["missing", *REFUSED_CREDENTIALS])
def test_explain_names_the_same_reason(gateway, reason):
    headers = dict([REFUSED_CREDENTIALS[reason].split(": ")]) if reason in REFUSED_CREDENTIALS else {}
    asked = {"method": "GET", "url": gateway.url + "/private/x", "headers": headers}
    explained = requests.post(gateway.admin_url + "/explain", json=asked, timeout=TIMEOUT)
    assert explained.status_code == 200, explained.text
    assert OUTCOMES & json_texts(explained.json()) == {reason}


# -- what a caller sends

FORGED = '{"time":"2030-01-01T00:00:00.000000Z","msg":"request","status":200,"subject":"root"}'
HOSTILE = {
    "line feed": "\n" + FORGED,
    "carriage return": "\r" + FORGED,
    "both": "\r\n" + FORGED + "\r\n",
    "NUL": "\0",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "delete": "\x7f",
    "C1": "\x85\x9b",
    "no UTF-8": "\xff\xc3\x28\xed\xa0\x80",
    "separators": "\u2028\u2029".encode().decode("latin-1"),
    "quotes": '","status":200,"x":"',
    "backslash": "\\",
    "escaped already": "\\n\\u000a%0a%0d",
    "template": "${jndi:ldap://x/} {subject} %s%n",
}


def hostile_requests(hostile):
    """The same bytes wherever a caller can put them, raw and percent-encoded."""
    encoded = "".join(f"%{byte:02X}" for byte in hostile.encode("latin-1"))
    return [
        get("/public/" + hostile), get("/public/" + encoded), get("/public/x?" + hostile), get("/public/x?" + encoded),
        get("/public/x", "X-Field: " + hostile), get("/public/x", "User-Agent: " + hostile),
        get("/public/x", "Referer: " + hostile), get("/public/x", hostile + ": name"),
        get("/public/x", "X-Request-Id: " + hostile), get("/public/x", "X-Forwarded-For: " + hostile),
        get("/public/x", "Forwarded: for=" + hostile), get("/public/x", "traceparent: " + hostile),
        get("/private/x", "Cookie: access_token=" + hostile), get("/private/x", "Authorization: Bearer " + hostile),
        get("/private/x", bearer(subject="a" + hostile)), get("/public/x", host=hostile),
        request("GET" + hostile, "/public/x"), request(hostile, "/public/x"),
        request("GET", "/public/x", version="HTTP/1.1" + hostile),
    ]


def answers_to(port, data):
    """All that come back for these bytes: some of the hostile ones end a request and begin another."""
    answers = []
    with RawClient(port) as client:
        client.send(data).finish_sending()
        try:
            while True:
                answers.append(client.read_response())
        except EndOfStream:
            return answers


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_caller_can_break_a_line_or_forge_one(gateways, service, hostile, log_format):
    """Nor where a caller's words about itself are believed: one line for each answer, with the status that it had."""
    listener = {"address": f"127.0.0.1:{free_port()}", "trusted_proxies": ["127.0.0.1"]}
    gateway = gateways.start({**configuration(service), "listeners": {"public": listener},
                              "log": {"format": log_format}, "access_log": {"path": "stdout", "query": True}})
    port = int(listener["address"].split(":")[1])
    answers = []
    for data in hostile_requests(hostile):
        answers += answers_to(port, data)
    assert gateway.terminate() == 0

    lines = raw_lines(gateway.stdout_path)
    ids = [answer.get("X-Request-Id") for answer in answers]
    if log_format == "json":
        written = json_objects(gateway.stdout_path)
        about = {line["request_id"]: line["status"] for line in written}
        assert about == {request_id: answer.status for request_id, answer in zip(ids, answers)}
        assert all(set(line) <= {*MEMBERS, "query"} and line.get("subject") != "root" for line in written)
    else:
        assert all(TIME.match(line) for line in lines)
        statuses = [int(line.split(" ")[1]) for line in lines]
        assert sorted(statuses) == sorted(answer.status for answer in answers)
    assert len(lines) == len(answers)
    assert raw_lines(gateway.stderr_path)


def test_an_id_that_a_trusted_proxy_gave_is_written_as_it_was(gateways, service):
    """1 to 128 visible characters, quotes and backslashes among them."""
    port = free_port()
    listener = {"address": f"127.0.0.1:{port}", "trusted_proxies": ["127.0.0.1"]}
    gateway = gateways.start({**configuration(service), "listeners": {"public": listener}})
    given = r'a","status":999,"x":"\u000a\\{}'
    with RawClient(port) as client:
        answered = client.send(get("/public/x", "X-Request-Id: " + given, "X-Forwarded-For: 9.8.7.6")).read_response()
    line = gateway.access_line(answered)
    assert (line["request_id"], line["status"], line["client_ip"]) == (given, 200, "9.8.7.6")


# -- what is asked for

@pytest.mark.parametrize("asked", [True, False])
def test_the_query_is_written_only_where_asked(gateways, service, asked):
    gateway = gateways.start({**configuration(service), "access_log": {"path": "stdout", "query": asked}})
    line = gateway.access_line(gateway.ask(get("/public/x?a=1&secret=%22b%22")))
    assert line["path"] == "/public/x"
    assert line.get("query") == ("a=1&secret=%22b%22" if asked else None)
    refused = gateway.access_line(gateway.ask(get("/public/%zz?secret=1")))
    assert refused["path"] == "/public/%zz" and (asked or "secret" not in gateway.stdout + gateway.stderr)


def test_text_for_people_says_the_same(gateways, service):
    gateway = gateways.start({**configuration(service), "log": {"format": "text"}})
    answers = {
        "200 GET /private/x": gateway.ask(get("/private/x", bearer(subject="Jane Doe"))),
        "401 GET /private/x": gateway.ask(get("/private/x", REFUSED_CREDENTIALS["expired"])),
    }
    assert gateway.terminate() == 0
    accepted, refused = raw_lines(gateway.stdout_path)
    for (start, answered), line in zip(answers.items(), (accepted, refused)):
        assert line.split(" ", 1)[1].startswith(start + " ")
        assert f"id={answered.get('X-Request-Id')}" in line.split() and "client=127.0.0.1" in line.split()
    assert 'subject="Jane Doe"' in accepted and "auth=accepted" in accepted.split()
    assert {"auth=expired", "refused=expired"} <= set(refused.split())
    for line in raw_lines(gateway.stderr_path):
        assert re.match(TIME.pattern + r" (debug|info|warning|error) +\w", line), line


def shout(gateway):
    """Makes the gateway say something at info (a start), and at warning (a peer that does not speak PROXY)."""
    with RawClient(gateway.proxy_port) as client:
        client.send(get("/public/x")).read_to_end()
    assert gateway.terminate() == 0
    return json_objects(gateway.stderr_path)


@pytest.fixture
def start_logging(gateways, service):
    """Starts one that also has a listener on which PROXY headers are expected."""

    def start(log, environment=None):
        port, proxied = free_port(), free_port()
        gateway = gateways.start({
            **configuration(service), "log": log,
            "listeners": {
                "public": {"address": f"127.0.0.1:{port}"},
                "proxied": {"address": f"127.0.0.1:{proxied}", "proxy_protocol": True,
                            "trusted_proxies": ["127.0.0.1"]},
            },
        }, environment=environment)
        gateway.port, gateway.proxy_port = port, proxied
        return gateway

    return start


@pytest.mark.parametrize("level, written", [
    ("debug", {"info", "warning"}), ("info", {"info", "warning"}), ("warning", {"warning"}), ("error", set()),
])
def test_levels(start_logging, level, written):
    """At the level asked for and above; the access log has a switch of its own."""
    gateway = start_logging({"level": level})
    assert gateway.ask(get("/public/x")).status == 200
    assert {line["level"] for line in shout(gateway)} - {"debug"} == written
    assert len(gateway.access_log()) == 1


def test_the_environment_has_the_last_word_on_level_and_format(start_logging):
    gateway = start_logging({"level": "error", "format": "text"},
                            {"SIDEGATE_LOG_LEVEL": "warning", "SIDEGATE_LOG_FORMAT": "json"})
    assert {line["level"] for line in shout(gateway)} == {"warning"}


def test_the_programs_own_log_is_an_object_a_line(start_logging):
    """With what happened in `msg`, and what it happened to beside it; every value a text."""
    gateway = start_logging({"level": "debug"})
    lines = shout(gateway)
    for line in lines:
        assert TIME.fullmatch(line["time"]) and line["level"] in ("debug", "info", "warning", "error")
        assert all(isinstance(value, str) for value in line.values())
    said = [line["msg"] for line in lines if line["level"] == "info"]
    assert {"listening", "ready", "draining", "stopped"} <= set(said)
    addresses = {line["listener"]: line["address"] for line in lines if line["msg"] == "listening"}
    assert addresses["public"] == f"127.0.0.1:{gateway.port}"
    (warning,) = [line for line in lines if line["level"] == "warning"]
    assert (warning["listener"], warning["peer"]) == ("proxied", "127.0.0.1")


# -- where it goes

def test_both_logs_in_files(gateways, service, tmp_path):
    own, access = tmp_path / "own.log", tmp_path / "access.log"
    own.write_text("an earlier line\n")
    gateway = gateways.start({**configuration(service), "log": {"path": "own.log"},
                              "access_log": {"path": "access.log"}})
    answered = gateway.ask(get("/public/x"))
    assert gateway.terminate() == 0
    assert (gateway.stdout, gateway.stderr) == ("", "")
    assert [line["request_id"] for line in json_objects(access)] == [answered.get("X-Request-Id")]
    earlier, *lines = own.read_text().splitlines()
    assert earlier == "an earlier line", "it is added to"
    assert json.loads(lines[-1])["msg"] == "stopped"


def test_both_logs_on_one_stream(gateways, service):
    """Lines of one do not break those of the other."""
    gateway = gateways.start({**configuration(service), "log": {"path": "stderr", "level": "debug"},
                              "access_log": {"path": "stderr"}})
    with gateway.raw() as client:
        for _ in range(50):
            assert client.send(get("/public/x")).read_response().status == 200
    assert gateway.terminate() == 0
    assert gateway.stdout == ""
    assert sum(line["msg"] == "request" for line in json_objects(gateway.stderr_path)) == 50


@pytest.mark.parametrize("block", ["log", "access_log"])
def test_a_log_that_cannot_be_opened(tmp_path, service, block):
    """Said at the start, and nothing is started: a gateway without its log would be found out too late."""
    path = tmp_path / "gateway.yaml"
    path.write_text(json.dumps({
        "version": 1, "listeners": {"public": {"address": f"127.0.0.1:{free_port()}"}},
        "admin": {"address": f"127.0.0.1:{free_port()}"}, **configuration(service),
        block: {"path": "no/such/folder/x.log"},
    }))
    done = sidegate("run", "--config", path)
    assert done.returncode == 1
    assert "no/such/folder/x.log" in done.stderr
