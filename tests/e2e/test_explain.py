"""`sidegate explain` and the running proxy say the same: each request of the table is explained, and then sent to a
gateway with the same configuration.
"""

import json
import re
import time
from dataclasses import dataclass, field

import pytest

from raw_origin import RawOrigin
from support import tokens
from support.gateway import INJECT, ROOT, jwt_authenticator, servers, sidegate
from support.raw import request

KEY, OLD_KEY = tokens.KEY, "the-key-before-it-which-is-long-enough-too"
GOOD = tokens.token()
SECRETS = {"JWT_KEY": KEY, "OLD_KEY": OLD_KEY}


def rich(*urls):
    """Routes of every kind, and limits that a test can pass."""
    strict_one = jwt_authenticator({"env": "JWT_KEY"}, issuer="https://login.example", audience=["tts"], type="JWT",
                                   leeway="5s", require_claims=["exp", "user_id"])
    strict_one["jwt"]["keys"].append({"secret": {"env": "OLD_KEY"}, "until": "2030-01-31T00:00:00Z"})
    return {
        "limits": {"head": "4KiB", "headers": 20, "target": "256B", "token": "1KiB"},
        "upstreams": {"app": servers(*urls), "other": servers(*urls)},
        "authenticators": {"staff": jwt_authenticator({"env": "JWT_KEY"}), "strict": strict_one},
        "inject": {**INJECT, "X-Department": "{claims.department|}"},
        "routes": [
            {"name": "public", "path": "/public/**", "authenticate": "none", "upstream": "app"},
            {"name": "upload", "path": "/upload", "methods": ["PUT", "POST"], "authenticate": "none", "upstream": "app",
             "max_body": "16B"},
            {"name": "strict", "path": "/strict/**", "authenticate": ["strict"], "upstream": "app"},
            {"name": "keep", "path": "/keep/**", "authenticate": "none", "upstream": "app", "encoded_slash": "keep",
             "path_parameters": "keep"},
            {"name": "api", "host": "api.example", "path": "/v1/**", "authenticate": ["staff"], "upstream": "other",
             "forward_credential": False, "rewrite": {"strip_prefix": "/v1", "prefix": "/app", "host": "app.internal"}},
            {"name": "free", "path": "/free", "authenticate": ["staff"], "upstream": "app", "csrf": "none"},
            {"name": "private", "path": "/private/**", "authenticate": ["staff"], "upstream": "app"},
        ],
    }


@dataclass
class Case:
    name: str
    reason: str  # "" where it is forwarded
    url: str = "/public/x"
    fields: list = field(default_factory=list)
    method: str = "GET"
    body: bytes = b""

    @property
    def bytes(self):
        names_host = any(each.lower().startswith("host:") for each in self.fields)
        host = None if names_host else "localhost"
        return request(self.method, self.url, *self.fields, host=host, body=self.body)

    @property
    def words(self):
        return [self.method, self.url, *(word for each in self.fields for word in ("-H", each))]


def bearer(token):
    return [f"Authorization: Bearer {token}"]


def cookie(token):
    return [f"Cookie: theme=dark; access_token={token}"]


def strict(**claims):
    return bearer(tokens.token(**{"iss": "https://login.example", "aud": "tts", **claims}))


REFUSED = [
    # the credential
    Case("nothing", "missing", "/private/x"),
    Case("another scheme", "missing", "/private/x", ["Authorization: Basic dXNlcjpwYXNzd29yZA=="]),
    Case("an empty cookie", "missing", "/private/x", ["Cookie: access_token="]),
    Case("an opaque token", "malformed", "/private/x", bearer("f3a9c1d2e5b74088")),
    Case("no subject's form", "missing_claim", "/private/x", bearer(tokens.token(subject={"id": 42}))),
    Case("another type", "malformed", "/strict/x", bearer(tokens.token(headers={"typ": "at+jwt"}))),
    Case("a claim with a line break", "malformed", "/private/x", bearer(tokens.token(department="a\nb"))),
    Case("a bad signature", "bad_signature", "/private/x", bearer(tokens.last_bit_flipped(GOOD))),
    Case("alg none", "bad_signature", "/private/x", bearer(tokens.unsigned())),
    Case("expired", "expired", "/private/x", cookie(tokens.token(lifetime=-60))),
    Case("not yet", "not_yet_valid", "/private/x", bearer(tokens.token(nbf=int(time.time()) + tokens.DAY // 2))),
    Case("issued in the future", "not_yet_valid", "/strict/x", strict(iat=int(time.time()) + tokens.DAY // 2)),
    Case("another issuer", "wrong_issuer", "/strict/x", strict(iss="https://evil.example")),
    Case("another audience", "wrong_audience", "/strict/x", strict(aud=["ums", "iam"])),
    Case("no audience", "missing_claim", "/strict/x", bearer(tokens.token(iss="https://login.example"))),
    Case("a long token", "token_too_large", "/private/x", bearer("e" * 1025)),
    Case("two Authorizations", "several_authorizations", "/private/x", bearer(GOOD) + bearer(GOOD)),
    Case("a cookie twice", "ambiguous_cookie", "/private/x", [f"Cookie: access_token={GOOD}; access_token=x"]),
    Case("a quoted cookie", "quoted_cookie", "/private/x", [f'Cookie: access_token="{GOOD}"']),
    # the request line
    Case("a blank in the target", "bad_request_line", "/public/a b"),
    Case("no target", "bad_request_line", ""),
    Case("a method that is none", "bad_method", method="G@T"),
    Case("CONNECT", "connect_method", "example:443", method="CONNECT"),
    # the target
    Case("another scheme", "bad_target", "ftp://localhost/public/x"),
    Case("no slash", "bad_target", "public/x"),
    Case("a fragment", "bad_target", "/public/x#part"),
    Case("percent and nothing", "bad_percent_encoding", "/public/%4"),
    Case("an encoded NUL", "encoded_control", "/public/%00"),
    Case("an encoded slash", "encoded_slash", "/public/a%2fb"),
    Case("an encoded slash on no route", "encoded_slash", "/nowhere/a%2Fb"),
    Case("a semicolon", "path_parameters", "/public/x;y"),
    Case("up and out", "climbs_above_root", "/public/../../x"),
    Case("hidden dots", "hidden_dot_segment", "/keep/..%2fx"),
    Case("a long target", "target_too_long", "/public/" + "x" * 256),
    # the lines
    Case("a line feed", "bare_line_feed", fields=["A: b\nc: d"]),
    Case("a carriage return", "bare_carriage_return", fields=["A: b\rc: d"]),
    Case("a folded line", "obsolete_folding", fields=["A: b", " c: d"]),
    Case("no name", "bad_field_name", fields=[": b"]),
    Case("a name that is none", "bad_field_name", fields=["A(: b"]),
    Case("a blank before the colon", "space_around_field_name", fields=[f"Cookie : access_token={GOOD}"]),
    Case("a control character", "control_character", fields=["A: b\x01"]),
    Case("too many headers", "too_many_fields", fields=[f"A{i}: b" for i in range(20)]),
    Case("a long head", "head_too_large", fields=["A: " + "b" * 4096]),
    # the framing
    Case("two Hosts", "several_hosts", fields=["Host: localhost", "Host: localhost"]),
    Case("no host", "bad_host", fields=["Host:"]),
    Case("a host that is none", "bad_host", fields=["Host: a/b"]),
    Case("a length with a sign", "bad_content_length", fields=["Content-Length: +1"], method="POST"),
    Case("two lengths", "several_content_lengths", fields=["Content-Length: 1", "Content-Length: 1"], method="POST"),
    Case("another coding", "bad_transfer_encoding", fields=["Transfer-Encoding: gzip, chunked"], method="POST"),
    Case("length and coding", "conflicting_framing", fields=["Transfer-Encoding: chunked", "Content-Length: 5"],
         method="POST"),
    Case("a WebSocket with a body", "bad_upgrade",
         fields=["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 1"]),
    Case("a long body", "body_too_large", "/upload", method="PUT", body=b"x" * 17),
    # the routes
    Case("no route", "no_route", "/nowhere"),
    Case("no route of that host", "no_route", "/v1/x", ["Host: other.example"]),
    Case("another method", "method_not_allowed", "/upload", method="DELETE"),
    Case("another site", "cross_site", "/private/x", cookie(GOOD) + ["Origin: https://evil.example"], method="POST"),
    Case("HEAD", "missing", "/private/x", method="HEAD"),
]

FORWARDED = [
    Case("plain", ""),
    Case("a cookie", "", "/private/x?a=b", cookie(GOOD) + ["Accept: */*", "X-Note: shown"]),
    Case("a bearer token", "", "/private//a/../b", bearer(tokens.token(user_type="admin", department="R&D, 100%"))),
    Case("the rotated key", "", "/strict/x",
         bearer(tokens.token(OLD_KEY, iss="https://login.example", aud=["x", "tts"]))),
    Case("everything that is removed", "", "/public/x",
         ["X-User-Id: 1", "x_user_id: 2", "X-Auth-Method: x", "X-Department: y", "Forwarded: for=1.2.3.4",
          "X-Forwarded-For: 1.2.3.4", "X-Request-Id: mine", "Connection: close, X-Mine", "X-Mine: 1", "TE: trailers",
          "Proxy-Authorization: Basic c2VjcmV0LXdvcmQ=", "Expect: something", "tracestate: a=b", "Accept: text/html"]),
    Case("a trace that goes on", "",
         fields=["traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate: a=b"]),
    Case("rewritten, without its credential", "", "/v1/users/7", ["Host: API.example:8080", *cookie(GOOD)]),
    Case("its only cookie taken away", "", "/v1/x", ["Host: api.example", f"Cookie: access_token={GOOD}"]),
    Case("a second credential goes", "", "/private/x", cookie(GOOD) + bearer(tokens.token(subject="7"))),
    Case("the own site", "", "/private/x", cookie(GOOD) + ["Origin: http://localhost"], method="POST"),
    Case("another site where it may", "", "/free", cookie(GOOD) + ["Origin: https://evil.example"], method="POST"),
    Case("a body", "", "/upload", method="PUT", body=b"x" * 16),
    Case("kept", "", "/keep/a%2fb;c"),
    Case("HEAD", "", method="HEAD"),
    Case("a method of its own", "", method="FROB"),
]

# What a request's head cannot bring about by itself, or not over this command line: it is sent in HTTP/1.1 and in
# origin form, has a Host, and is whole; its body is not read; and nothing happens to it afterwards.
ELSEWHERE = {
    "accepted", "revoked", "rejected", "unavailable", "unsupported_version", "missing_host", "bad_chunk", "bad_trailer",
    "target_authority_mismatch", "too_many_connections", "out_of_memory", "client_timeout", "not_authorized",
    "origin_unreachable", "origin_broken", "origin_timeout", "origin_exhausted", "draining", "tunnel_idle",
    "client_gone",
}


def ids(cases):
    return [pytest.param(case, id=f"{case.reason or 'forwarded'}: {case.name}") for case in cases]


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin):
    return module_gateways.start(rich(module_origin.url), SECRETS)


def run_explain(configuration, *words, **options):
    return sidegate("explain", "--config", configuration, *words, environment=SECRETS, **options)


def explained(gateway, case, folder):
    """The JSON, after the exit status was compared with it and the text."""
    data = []
    if case.body:
        path = folder / "body"
        path.write_bytes(case.body)
        data = ["--data", path]
    done = run_explain(gateway.command[-1], "--json", *case.words, *data)
    assert not done.stderr
    told = json.loads(done.stdout)
    text = run_explain(gateway.command[-1], *case.words, *data)
    assert done.returncode == text.returncode == (1 if case.reason else 0)
    refused = case.reason and f"refused with {told['status']}: {case.reason}"
    assert text.stdout.splitlines()[1] == "would be " + (refused or f"forwarded to {told['forward']['upstream']}")
    for output in (done.stdout, text.stdout):
        assert_tells_no_secret(output, case)
    return told


def assert_tells_no_secret(output, case):
    """No key, and of no credential more than its first few characters."""
    credentials = [value for each in case.fields for name, _, value in [each.partition(":")]
                   if name.strip().lower() in ("authorization", "cookie", "proxy-authorization")]
    words = [word for each in credentials for word in re.split(r"[ ;=.\"]+", each) if len(word) >= 8]
    for secret in [KEY, OLD_KEY, *words]:
        for start in range(0, max(1, len(secret) - 12), 4):
            piece = secret[start:start + 12]
            assert piece in ("access_token",) or piece not in output, piece


def as_shown(head):
    """The lines of a head that arrived, as `explain` shows them."""
    own_trace = b"00f067aa0ba902b7" in head
    lines = []
    for line in head.decode("utf-8", "replace").removesuffix("\r\n\r\n").split("\r\n"):
        name = line.partition(":")[0].lower()
        if name == "cookie":
            line = re.sub(r"=[^;]*", "=<redacted>", line)
        elif name == "authorization":
            line = re.sub(r": .*", ": <redacted>", line)
        elif name == "x-request-id":
            line = re.sub(r": [0-9a-f]{32}$", ": <new>", line)
        elif name == "traceparent" and not own_trace:
            line = re.sub(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01$", "00-<new>-<new>-01", line)
        lines.append(line)
    return lines


@pytest.mark.parametrize("case", ids(REFUSED))
def test_the_proxy_refuses_what_is_explained_as_refused(case, gateway, module_origin, tmp_path):
    told = explained(gateway, case, tmp_path)
    before = len(module_origin.requests)
    assert (told["verdict"], told["reason"]) == ("refuse", case.reason)
    response = gateway.ask(case.bytes, case.method)
    assert response.status == told["status"] == told["answer"]["status"]
    assert response.body.decode() == told["answer"]["body"]
    for further in told["answer"]["headers"]:
        assert response.get(further["name"]) == further["value"]
    assert len(told["answer"]["headers"]) == sum(bool(response.get(name)) for name in ("WWW-Authenticate", "Allow"))
    line = gateway.access_line(response)
    assert line["reason"] == case.reason
    assert line.get("route") == told.get("route")
    assert line.get("subject") == told.get("caller", {}).get("subject")
    assert len(module_origin.requests) == before, "nothing was forwarded"


@pytest.mark.parametrize("case", ids(FORWARDED))
def test_the_proxy_forwards_what_is_explained_as_forwarded(case, gateway, module_origin, tmp_path):
    told = explained(gateway, case, tmp_path)
    before = len(module_origin.requests)
    assert told["verdict"] == "forward"
    response = gateway.ask(case.bytes, case.method)
    assert response.status == 200
    line = gateway.access_line(response)
    assert len(module_origin.requests) == before + 1
    arrived = module_origin.requests[-1]
    forward = told["forward"]
    assert as_shown(arrived.head) == forward["head"]
    assert (forward["path"], forward["host"]) == (arrived.target, arrived.get("Host"))
    for injected in forward["injected"]:
        assert arrived.get(injected["name"]) == injected["value"]
    kept = [name for name, _ in arrived.fields]
    for removed in forward["removed"]:
        assert removed["cause"] in ("replaced", "credential", "forwarding") or removed["name"] not in kept, removed
    assert (line["route"], line["upstream"]) == (told["route"], forward["upstream"])
    assert line["path"] == told["request"]["path"]
    assert line["server"] in forward["servers"]
    assert line["client_ip"] == told["request"]["client_ip"]
    assert line.get("subject") == told.get("caller", {}).get("subject")


def test_every_reason_of_a_request_stands_in_the_table():
    names = set(re.findall(r'\{Reason::\w+, "(\w+)"', (ROOT / "src/base/reason.cpp").read_text()))
    assert names == {case.reason for case in REFUSED} | ELSEWHERE


# -- the configurations of the project

def test_the_smallest_configuration():
    [credential] = bearer(tokens.token(sub="7"))
    done = run_explain(ROOT / "config/smallest.yaml", "GET", "/x", "-H", credential)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "signature               made by keys[0] (env JWT_KEY)" in done.stdout
    assert "X-User-Id: 7" in done.stdout


def test_the_gateway_of_several_applications():
    path = ROOT / "config/gateway.yaml"
    environment = {**SECRETS, "OLD_JWT_KEY": OLD_KEY}
    claims = {"iss": "https://login.example", "aud": "intranet"}

    def verdict(*words):
        done = sidegate("explain", "--config", path, *words, environment=environment)
        return done.returncode, done.stdout.splitlines()[1].removeprefix("would be ")

    good = ("-H", f"Cookie: access_token={tokens.token(**claims)}")
    assert verdict("GET", "https://tickets.example/status") == (0, "forwarded to tickets")
    assert verdict("GET", "https://tickets.example/1") == (1, "refused with 401: missing")
    assert verdict("GET", "https://tickets.example/1", *good) == (0, "forwarded to tickets")
    assert verdict("GET", "https://de.wiki.example/1") == (0, "forwarded to wiki")
    assert verdict("GET", "https://payroll.example/people/7", *good) == (0, "forwarded to payroll")
    assert verdict("GET", "https://payroll.example/people/7/x", *good) == (1, "refused with 404: no_route")
    assert verdict("--listener", "intranet", "POST", "/batch/1") == (1, "refused with 401: missing")
    elsewhere = verdict("--listener", "intranet", "GET", "https://tickets.example/status")
    assert elsewhere == (1, "refused with 404: no_route")


def test_the_sidecar_of_the_environment(tmp_path):
    done = sidegate("explain", "GET", "/public/x", environment={"DJANGO_JWT_SIGNING_KEY": KEY}, folder=tmp_path)
    assert done.returncode == 0, done.stderr


# -- words

def test_the_client_behind_a_trusted_proxy(tmp_path):
    listeners = {"inner": {"address": "127.0.0.1:8080"},
                 "outer": {"address": "127.0.0.1:8081", "trusted_proxies": ["10.0.0.0/8"]}}
    path = tmp_path / "sidegate.yaml"
    path.write_text(json.dumps({"version": 1, "listeners": listeners, **rich("http://127.0.0.1:8000")}))
    words = ("--json", "--client-ip", "10.0.0.1", "GET", "/public/x", "-H", "X-Forwarded-For: 192.0.2.7")
    inner, outer = (json.loads(run_explain(path, "--listener", name, *words).stdout) for name in ("inner", "outer"))
    assert (inner["request"]["client_ip"], outer["request"]["client_ip"]) == ("10.0.0.1", "192.0.2.7")
    assert "X-Forwarded-For: 10.0.0.1" in inner["forward"]["head"]
    assert "X-Forwarded-For: 192.0.2.7, 10.0.0.1" in outer["forward"]["head"]


def test_the_body_of_standard_input(gateway):
    for body, status in (("x" * 16, 0), ("x" * 17, 1)):
        done = run_explain(gateway.command[-1], "PUT", "/upload", "--data", "-", text=body)
        assert done.returncode == status, done.stdout
        assert f"{len(body)} bytes, of 16 at most" in done.stdout


def test_a_body_in_chunks_is_refused_as_it_comes(gateway):
    words = ("PUT", "/upload", "-H", "Transfer-Encoding: chunked", "--data", "-")
    done = run_explain(gateway.command[-1], *words, text="x" * 17)
    assert (done.returncode, done.stdout.splitlines()[1]) == (1, "would be refused with 413: body_too_large")
    chunked = request("PUT", "/upload", "Transfer-Encoding: chunked") + b"11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
    response = gateway.ask(chunked, "PUT")
    assert (response.status, gateway.access_line(response)["reason"]) == (413, "body_too_large")


@pytest.mark.parametrize("words, says", [
    (["GET"], "URL is required"),
    (["GET", "/x", f"Bearer-{GOOD}"], "too many words"),
    (["GET", "/x", f"--frobnicate={GOOD}"], "unknown option --frobnicate"),
    (["GET", "/x", "-H"], "--header"),
    (["GET", "/x", "-H", f"Authorization Bearer {GOOD}"], 'header 1 is no "Name: value"'),
    (["GET", "/x", "-H", f"A: b\r\nAuthorization: Bearer {GOOD}"], "header 1 holds a line break"),
    (["GET", f"http://user:{GOOD}@h/x"], "the URL holds a name or a password"),
    (["GET", "/x", "--listener", "publik"], 'no listener is called "publik" (did you mean "public"?)'),
    (["GET", "/x", "--client-ip", "localhost"], "no IP address"),
    (["PUT", "/x", "--data", "/nowhere/body"], "cannot read /nowhere/body: No such file or directory"),
    (["PUT", "/x", "--data", "/"], "cannot read /"),
])
def test_wrong_words(words, says, gateway):
    done = run_explain(gateway.command[-1], *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr and not done.stdout
    assert GOOD[:20] not in done.stderr, "a secret may stand in any word"


def test_a_wrong_configuration(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("version: 1\nrouts: []\n")
    done = run_explain(path, "GET", "/x")
    assert done.returncode == 2 and not done.stdout
    assert 'did you mean "routes"?' in done.stderr
