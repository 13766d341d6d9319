"""Forwarded headers and identity: what a caller says about itself, in whatever spelling, is not what the service hears.

Each advisory against software of this kind has a test named after it. Where a spelling matters, Flask under gunicorn is
asked: it makes variables of names, so that `X-User-Id`, `x_user_id` and more may become one.
"""

import json
from dataclasses import dataclass

import jwt
import pytest

from support import tokens
from support.gateway import INJECT, jwt_authenticator, open_routes, servers, staff_routes
from support.ports import free_port
from support.raw import ask, chunked, request

INVALID_TOKEN = b'{"error":"Invalid token"}'
# Tokens are made when the tests are collected, which may be long before they run.
TOKEN = tokens.token()
BEARER = f"Authorization: Bearer {TOKEN}"
COOKIE = f"Cookie: access_token={TOKEN}"


def get(target, *fields, **more):
    return request("GET", target, *fields, **more)


# -- what Flask takes for the caller

# Injected on every route, on one route only, and removed because `strip` says so.
OWNED = ["X-User-Id", "X-User-Type", "X-Auth-Method", "X-Tenant", "X-User-Anything", "X-Auth-Anything", "X-Role"]
STAFF = {"HTTP_X_USER_ID": "42", "HTTP_X_USER_TYPE": "staff", "HTTP_X_AUTH_METHOD": "staff"}
# Not the same in two requests, whatever was sent.
VOLATILE = {"REMOTE_PORT", "HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT"}
KEPT = "X-Plain: kept"


def identity_routes(url):
    def route(name, authenticate, **more):
        return {"name": name, "path": f"/{name}/**", "authenticate": authenticate, "upstream": "app", **more}

    return {
        "upstreams": {"app": servers(url)},
        "authenticators": {"staff": jwt_authenticator(tokens.KEY)},
        "inject": INJECT,
        "strip": ["X-User-*", "X-Auth-*", "X-Role"],
        "routes": [
            route("public", "none"), route("optional", "optional"), route("private", ["staff"]),
            route("tenants", ["staff"], inject={"X-Tenant": "{claims.tenant|}"}),
        ],
    }


@dataclass
class Caller:
    target: str
    fields: list
    identity: dict


CALLERS = {
    "anonymous on a public route": Caller("/public/report", [], {}),
    "anonymous on an optional route": Caller("/optional/report", [], {}),
    "cookie on a public route": Caller("/public/report", [COOKIE], {}),
    "cookie on a private route": Caller("/private/report", [COOKIE], STAFF),
    "bearer on an optional route": Caller("/optional/report", [BEARER], STAFF),
    "bearer, with no tenant, where tenants are told": Caller("/tenants/report", [BEARER], STAFF),
}

each_caller = pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)


class Flask:
    """The Flask service behind a gateway that listens on `port`."""

    def __init__(self, port):
        self.port = port

    def environ(self, data):
        """What the application sees of a request."""
        answer = ask(self.port, data)
        assert answer.status == 200, answer.body
        environ = json.loads(answer.body)["environ"]
        assert environ["HTTP_X_PLAIN"] == "kept", "fields of no meaning arrive"
        return {name: value for name, value in environ.items() if name not in VOLATILE}


@pytest.fixture(scope="module", params=[[], ["127.0.0.1/32"]], ids=["strangers", "trusted proxies"])
def flask(request, module_gateways, tts_service):
    """Whoever asks is a stranger, or a trusted proxy: neither may say who the caller is."""
    port = free_port()
    listeners = {"public": {"address": f"127.0.0.1:{port}", "trusted_proxies": request.param}}
    module_gateways.start({**identity_routes(tts_service.url), "listeners": listeners})
    return Flask(port)


def identity_of(environ):
    """The variables that an application could read an identity from, the credential itself apart."""
    words = ("USER", "X_AUTH", "TENANT", "ROLE")
    return {name: value for name, value in environ.items() if any(word in name for word in words)
            and name != "HTTP_USER_AGENT"}


def assert_unmoved(caller, honest, forged):
    """The forged request is to Flask what the honest one is, and that is what the caller's token says."""
    assert identity_of(honest) == caller.identity
    assert forged == honest


def every_second_upper(name):
    return "".join(letter.upper() if place % 2 else letter.lower() for place, letter in enumerate(name))


SPELLINGS = {
    "as it is": lambda name: name,
    "lower case": str.lower,
    "upper case": str.upper,
    "every second letter": every_second_upper,
    "underscores": lambda name: name.replace("-", "_"),
    "upper case and underscores": lambda name: name.upper().replace("-", "_"),
    "the first hyphen an underscore": lambda name: name.replace("-", "_", 1),
    "the last hyphen an underscore": lambda name: "_".join(name.rsplit("-", 1)),
    "dots": lambda name: name.replace("-", "."),
    "a dot and an underscore": lambda name: name.replace("-", ".", 1).replace("-", "_"),
    "tildes": lambda name: name.replace("-", "~"),
    "plus signs": lambda name: name.replace("-", "+"),
    "bars": lambda name: name.replace("-", "|"),
    "an underscore behind": lambda name: name + "_",
    "an underscore before": lambda name: "_" + name,
    "an exclamation mark before": lambda name: "!" + name,
    "an apostrophe behind": lambda name: name + "'",
    "a dot behind": lambda name: name + ".",
    "a caret before": lambda name: "^" + name,
    "a percent sign behind": lambda name: name + "%",
    "a variable's name": lambda name: "HTTP_" + name.upper().replace("-", "_"),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@each_caller
def test_cve_2026_39858_ghsa_5m6w_wvh7_57vm_aliases_of_an_owned_name_do_not_arrive(flask, caller, spelling):
    """Traefik removed `X-User-Id` and let `X_User_Id` pass, which the backend read as the same name."""
    forged = [f"{spelling(name)}: forged" for name in OWNED]
    honest_data, forged_data = (get(caller.target, *fields, *caller.fields, KEPT) for fields in ([], forged))
    assert_unmoved(caller, flask.environ(honest_data), flask.environ(forged_data))


VARIABLES = [
    "SCRIPT_NAME: /public", "PATH_INFO: /public/other", "REMOTE_USER: root", "REMOTE_ADDR: 10.0.0.1",
    "AUTH_TYPE: forged", "HTTP_X_USER_ID: 1", "HTTP_X_USER_TYPE: admin", "HTTP_X_AUTH_METHOD: forged",
    "QUERY_STRING: user=1", "REQUEST_METHOD: DELETE", "SERVER_NAME: forged",
    "wsgi.url_scheme: https", "HTTP_HOST: forged", "CONTENT_LENGTH: 5",
    "Remote-User: root", "Remote_User: root", "remote.user: root", "Remote-Groups: wheel", "Proxy: http://forged",
]


@pytest.mark.parametrize("field", VARIABLES)
@each_caller
def test_cve_2026_52845_no_field_becomes_a_variable_of_the_gateways_own(flask, caller, field):
    """Caddy let aliases through that CGI turns into variables such as REMOTE_USER. None of them may change any."""
    honest = flask.environ(get(caller.target, *caller.fields, KEPT))
    assert_unmoved(caller, honest, flask.environ(get(caller.target, field, *caller.fields, KEPT)))
    assert_unmoved(caller, honest, flask.environ(get(caller.target, *caller.fields, KEPT, field)))


FORWARDED_USER = ["X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
                  "X-Forwarded-Access-Token"]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_cve_2025_64484_a_forwarded_user_does_not_arrive_in_any_spelling(flask, spelling):
    """oauth2-proxy removed `X-Forwarded-User`, and WSGI read `X_Forwarded_User` as the same name."""
    caller = CALLERS["cookie on a private route"]
    forged = [f"{spelling(name)}: forged" for name in FORWARDED_USER]
    honest_data, forged_data = (get(caller.target, *caller.fields, *fields, KEPT) for fields in ([], forged))
    assert_unmoved(caller, flask.environ(honest_data), flask.environ(forged_data))


def with_trailers(target, fields, forged):
    body = chunked(b"abc", trailers=forged)
    return request("POST", target, *fields, "Transfer-Encoding: chunked", "Trailer: X-User-Id", KEPT, body=body)


# Ways of bringing a forged field in, beside a plain one. Each makes the honest request when it is given nothing.
WAYS = {
    "twice": lambda target, fields, forged: get(target, *forged, *fields, KEPT, *forged),
    "in other spellings at once": lambda target, fields, forged: get(
        target, *fields, KEPT, *[spelling(field) for field in forged for spelling in (str, str.upper)],
        *[field.replace("-", "_") for field in forged]),
    "empty": lambda target, fields, forged: get(
        target, *fields, KEPT, *[field.partition(":")[0] + ":" for field in forged]),
    "nominated and there": lambda target, fields, forged: get(target, *nominating(forged), *forged, *fields, KEPT),
    "nominated only": lambda target, fields, forged: get(target, *fields, KEPT, *nominating(forged)),
    "in absolute form": lambda target, fields, forged: get("http://example" + target, *fields, KEPT, *forged),
    "in HTTP/1.0": lambda target, fields, forged: get(target, *forged, *fields, KEPT, version="HTTP/1.0"),
    "in HTTP/1.0 with keep-alive": lambda target, fields, forged: get(
        target, "Connection: keep-alive", *forged, *fields, KEPT, version="HTTP/1.0"),
    "asking for an upgrade": lambda target, fields, forged: get(
        target, "Connection: Upgrade", "Upgrade: h2c", *nominating(forged), *forged, *fields, KEPT),
    "with a query": lambda target, fields, forged: get(target + "?X-User-Id=1&user_id=1", *fields, KEPT, *forged),
    "in trailers": with_trailers,
    "in trailers with underscores": lambda target, fields, forged: with_trailers(
        target, fields, [field.replace("-", "_") for field in forged]),
}


def nominating(fields):
    """`Connection` fields that name them in several ways."""
    names = [field.partition(":")[0] for field in fields]
    return [f"Connection: {', '.join(names)}", f"CONNECTION: keep-alive,{','.join(names).upper()}"] if names else []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@each_caller
def test_cve_2026_30851_what_the_gateway_owns_is_deleted_before_it_is_set(flask, caller, way):
    """Caddy deleted the caller's copy only where it had one of its own to set. An absent claim is an absent header."""
    honest = flask.environ(way(caller.target, caller.fields, []))
    forged = flask.environ(way(caller.target, caller.fields, [f"{name}: forged" for name in OWNED]))
    assert_unmoved(caller, honest, forged)


@pytest.mark.parametrize("tenant, told", [("acme", {"HTTP_X_TENANT": "acme"}), ("", {}), (None, {}), ([], {})])
def test_cve_2026_30851_an_absent_claim_is_an_absent_header(flask, tenant, told):
    """Whatever the caller sends: the header is what the claim says, and is not there where the claim says nothing."""
    token = tokens.token(tenant=tenant)
    forged = ["X-Tenant: forged", "x_tenant: forged", "X.Tenant: forged"]
    seen = flask.environ(get("/tenants/report", *forged, f"Authorization: Bearer {token}", KEPT))
    assert identity_of(seen) == {**STAFF, **told}


# -- the same in bytes

@pytest.fixture(scope="module")
def guarded(watch):
    return watch(lambda url: staff_routes(tokens.KEY, url))


def listed_routes(url):
    """Injects what a claim lists, beside the subject and the roles."""
    routes = staff_routes(tokens.KEY, url)
    inject = {"X-User-Id": "{subject}", "X-User-Roles": "{roles|}", "X-Team": "team {claims.team.name|none}"}
    return {**routes, "authenticators": {"staff": jwt_authenticator(tokens.KEY, roles="roles")}, "inject": inject}


@pytest.fixture(scope="module")
def listed(watch):
    return watch(listed_routes)


CONTROLS = ["\r\nX-User-Id: 1", "\n", "\r", "\0", "\x01b", "a\tb", "\x1b[2J", "a\x7f",
            "a\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize("value", CONTROLS, ids=ascii)
@pytest.mark.parametrize("claims", [
    lambda value: {"subject": "42" + value},
    lambda value: {"roles": ["good", "x" + value]},
    lambda value: {"roles": [{"system": value, "role": "x"}]},
    lambda value: {"team": {"name": "x" + value}},
    lambda value: {"team": {"name": [value]}},
], ids=["subject", "role", "role of a system", "nested claim", "list in a claim"])
def test_cve_2026_31908_cve_2026_39998_a_control_byte_in_an_injected_value_refuses_the_request(listed, claims, value):
    """APISIX wrote values into headers as they were, line ends included. Such a token must be refused."""
    data = get("/x", "Authorization: Bearer " + tokens.token(**claims(value)))
    assert listed.ask_refused(data, 401).body == INVALID_TOKEN


@pytest.mark.parametrize("fields", [
    ["X-User-Id: 1"],
    ["X-User-Id: 1", "x-user-id: 2", "X_USER_ID: 3"],
    ["Connection: Upgrade", "Upgrade: websocket", "X-User-Id: 1"],
    ["Connection: Upgrade, X-User-Id", "Upgrade: websocket", "X_User_Id: 1"],
], ids=" / ".join)
def test_cve_2026_31908_cve_2026_39998_spoofed_identity_is_replaced(guarded, fields):
    """APISIX let the caller's own identity headers stand beside those that it set."""
    _, seen = guarded.ask_forwarded(get("/x", *fields, BEARER, *fields))
    assert [(name, value) for name, value in seen.fields if "user" in name.lower()] == [
        ("X-User-Id", "42"), ("X-User-Type", "staff")]
    _, seen = guarded.ask_forwarded(get("/public/x", *fields))
    assert not [name for name in seen.names if "user" in name]


ELSEWHERE = ["X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-URI", "X-Original-URL", "X-Original-Path",
             "X-Rewrite-URL"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_cve_2026_40575_a_forwarded_uri_decides_nothing(guarded, name):
    """oauth2-proxy took the path for its skip rules from `X-Forwarded-Uri`, and trusted everybody with it."""
    guarded.ask_refused(get("/admin", f"{name}: /public/x"), 401)
    _, seen = guarded.ask_forwarded(get("/public/x", f"{name}: /admin"))
    assert seen.target == "/public/x" and b"/admin" not in seen.head


@pytest.mark.parametrize("name", ELSEWHERE)
def test_cve_2026_40575_a_forwarded_uri_of_a_trusted_proxy_decides_nothing(behind_a_proxy, name):
    """The fix left a door to the trusted. Not even a trusted proxy may say which path is decided on."""
    behind_a_proxy.ask_refused(get("/admin", f"{name}: /public/x"), 401)
    _, seen = behind_a_proxy.ask_forwarded(get("/public/x", f"{name}: /admin"))
    assert seen.target == "/public/x" and b"/admin" not in seen.head


@pytest.fixture(scope="module")
def behind_a_proxy(watch):
    """The one trusted proxy is who asks."""
    return watch(lambda url: staff_routes(tokens.KEY, url), trusted_proxies=["127.0.0.1/32"])


PROBES = ["kube-probe/1.29", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Envoy/HC", "oauth2-proxy/health"]


@pytest.mark.parametrize("agent", PROBES)
@pytest.mark.parametrize("target", ["/", "/admin", "/ping", "/healthz", "/readyz", "/metrics", "/oauth2/ping"])
def test_cve_2026_34457_ghsa_5hvv_m4w4_gf6v_a_probes_name_opens_nothing(guarded, agent, target):
    """oauth2-proxy answered any path with success when `User-Agent` named a health check."""
    guarded.ask_refused(get(target, f"User-Agent: {agent}"), 401)


@pytest.mark.parametrize("target, status", [
    ("/healthz", 200), ("/readyz", 200), ("/metrics", 200),
    ("/healthz/", 404), ("/healthz/x", 404), ("/Healthz", 404), ("//healthz", 404), ("/x/../healthz", 404),
    ("/healthz%2f..%2fconfig", 404), ("/admin", 404), ("/", 404),
])
def test_cve_2026_34457_ghsa_5hvv_m4w4_gf6v_health_endpoints_are_exact_paths(healthy, target, status):
    """Success is said on a listener of its own, by three exact paths, whoever asks."""
    for agent in PROBES:
        assert ask(healthy.health_port, get(target, f"User-Agent: {agent}")).status == status


@pytest.fixture(scope="module")
def healthy(module_gateways, tts_service):
    port = free_port()
    configuration = {**open_routes(tts_service.url), "health": {"address": f"127.0.0.1:{port}"}}
    return module_gateways.start(configuration, health_port=port)


def test_ghsa_vhr5_ggp3_qq85_rules_see_what_the_socket_says(guarded):
    """Oathkeeper believed `X-Forwarded-Proto` although told to trust nobody. Here a rule compares the own host."""
    own = ["Host: app.example", COOKIE, "Origin: http://app.example"]
    other = ["Host: app.example", COOKIE, "Origin: http://evil.example"]
    said = ["X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "Forwarded: host=evil.example;proto=http"]
    guarded.ask_forwarded(request("POST", "/x", *own, host=None))
    guarded.ask_refused(request("POST", "/x", *other, host=None), 403)
    guarded.ask_refused(request("POST", "/x", *said, *other, host=None), 403)


def test_ghsa_vhr5_ggp3_qq85_the_scheme_is_that_of_the_socket(guarded):
    """A plain connection is `http` to the service, whatever the caller says in whichever field."""
    said = ["X-Forwarded-Proto: https", "X-Forwarded-Scheme: https", "X-Forwarded-Protocol: ssl", "X-Forwarded-Ssl: on",
            "Forwarded: proto=https"]
    _, seen = guarded.ask_forwarded(get("/public/x", *said))
    assert seen.all("x-forwarded-proto") == ["http"] and "proto=http;" in seen.get("forwarded")
    assert b"https" not in seen.head and b"ssl" not in seen.head.lower()


FAMILY = ["X-Forwarded-Prefix: /forged", "X-Forwarded-Anything: forged", "X-Forwarded-: forged",
          "X-Forwarded-For-Original: forged", "X-Forwarded-Server: forged", "X-Forwarded-Tls-Client-Cert: forged",
          "X-Real-IP: 6.6.6.6", "x_forwarded_prefix: /forged", "X-FORWARDED-PREFIX: /forged"]


def forwarded_lines(seen):
    return [(name, value) for name, value in seen.fields
            if name.lower().replace("_", "-").startswith(("x-forwarded", "forwarded", "x-real"))]


@pytest.mark.parametrize("field", [*FAMILY, "X-Forwarded-Port: 6666", "x-forwarded-port: 6666"])
def test_cve_2026_35051_cve_2026_54764_the_forwarded_family_is_made_anew(guarded, field):
    """Traefik removed a list of names, and `X-Forwarded-Prefix` and `-Port` were not on it. The prefix is the rule."""
    _, seen = guarded.ask_forwarded(get("/public/x", field))
    assert forwarded_lines(seen) == [
        ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", str(guarded.port)),
        ("X-Forwarded-Host", "example"), ("Forwarded", 'for=127.0.0.1;proto=http;host="example"')]


@pytest.mark.parametrize("field", FAMILY)
def test_cve_2026_35051_a_trusted_proxy_passes_on_four_names_and_no_more(behind_a_proxy, field):
    """The rest of the family does not arrive even from a trusted proxy; what it may say does."""
    trusted = ["X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: front.example",
               "X-Forwarded-Port: 8443"]
    _, seen = behind_a_proxy.ask_forwarded(get("/public/x", *trusted, field))
    assert forwarded_lines(seen)[:4] == [
        ("X-Forwarded-For", "198.51.100.7, 127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Host", "front.example")]
    assert [name for name, _ in forwarded_lines(seen)[4:]] == ["Forwarded"]
    assert b"forged" not in seen.head and b"6.6.6.6" not in seen.head


CONTROL_FIELDS = ["X-Original-URL: /public/x", "X-Original-Path: /public/x", "X-Rewrite-URL: /public/x",
                  "X-HTTP-Method-Override: GET", "X-HTTP-Method: GET", "X-Method-Override: GET", "X-Request-Id: forged"]


@pytest.mark.parametrize("field", [*CONTROL_FIELDS, *[field.replace("-", "_") for field in CONTROL_FIELDS]])
def test_cve_2023_27487_fields_that_steer_are_removed(guarded, field):
    """Envoy believed a caller's `x-envoy-original-path`. What steers this gateway or a service does not arrive."""
    name, value = field.split(": ")
    guarded.ask_refused(get("/admin", field), 401)
    _, seen = guarded.ask_forwarded(get("/public/y", field))
    assert seen.start_line == "GET /public/y HTTP/1.1" and value not in seen.all(name)


@pytest.mark.parametrize("field", [
    "X-Envoy-Original-Path: /public/x", "X-Envoy-Internal: true", "X-Accel-Redirect: /public/x",
])
def test_cve_2023_27487_fields_of_other_gateways_steer_nothing(guarded, field):
    """They mean nothing here: the same refusal with them as without."""
    guarded.ask_refused(get("/admin", field), 401)


def assert_stranger(watched):
    """Nothing that the peer says about whom it speaks for is believed, logged or passed on."""
    said = ["X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Forwarded-Proto: https", "X-Request-Id: chosen"]
    answer, seen = watched.ask_forwarded(get("/public/x", *said))
    assert seen.all("x-forwarded-for") == ["127.0.0.1"] and seen.all("x-forwarded-proto") == ["http"]
    assert b"6.6.6.6" not in seen.head and b"chosen" not in seen.head
    assert watched.gateway.access_line(answer)["client_ip"] == "127.0.0.1"


def test_istio_2024_006_a_private_address_is_not_trusted_for_being_private(guarded):
    """Envoy trusted whoever called from a private network. Nobody is trusted who is not named."""
    assert_stranger(guarded)


def test_istio_2024_006_naming_some_networks_trusts_no_other(watch):
    """With the private networks named, loopback is still a stranger."""
    private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"]
    assert_stranger(watch(open_routes, trusted_proxies=private))


@pytest.mark.parametrize("said, client", [
    ("6.6.6.6, 192.168.1.7", "192.168.1.7"),
    ("6.6.6.6, 10.1.2.3, 127.0.0.1", "10.1.2.3"),
    ("127.0.0.1, 6.6.6.6", "6.6.6.6"),
    ("6.6.6.6, unknown", "127.0.0.1"),
    ("6.6.6.6, unknown, 192.168.1.7", "192.168.1.7"),
])
def test_istio_2024_006_private_addresses_in_a_trusted_list_are_clients(behind_a_proxy, said, client):
    """The client is the rightmost address that is no named proxy, be it private or not."""
    answer, seen = behind_a_proxy.ask_forwarded(get("/public/x", f"X-Forwarded-For: {said}"))
    assert behind_a_proxy.gateway.access_line(answer)["client_ip"] == client
    assert seen.all("x-forwarded-for") == [f"{said}, 127.0.0.1"]


NOMINATIONS = [
    ["Connection: X-User-Id"], ["Connection: x-user-id, X-USER-TYPE"], ["Connection: close, X-User-Id"],
    ["Connection: keep-alive", "Connection: X-User-Id,X-User-Type,X-Auth-Method"], ["Connection: ,, \tX-User-Id\t ,"],
    ["Connection: X_User_Id"],
]


@pytest.mark.parametrize("fields", NOMINATIONS, ids=" / ".join)
def test_ghsa_w9mr_28mw_j8hg_an_injected_header_cannot_be_nominated(guarded, fields):
    """Oathkeeper injected `X-User`, then dropped what the caller's `Connection` named, `X-User` among it."""
    _, seen = guarded.ask_forwarded(get("/x", *fields, BEARER))
    told = {name: value for name, value in seen.fields if name in INJECT}
    assert told == {"X-User-Id": "42", "X-User-Type": "staff", "X-Auth-Method": "staff"}
    assert [name for name in seen.names if name in ("x-user-id", "x-user-type", "x-auth-method")] == [
        "x-user-id", "x-user-type", "x-auth-method"]


@pytest.mark.parametrize("nominated", [
    "X-Forwarded-For", "x-forwarded-proto, X-Forwarded-Host, X-Forwarded-Port", "Forwarded, X-Request-Id, traceparent",
    "close, X-Forwarded-For, X-Real-IP",
])
@pytest.mark.parametrize("place", ["guarded", "behind_a_proxy"], ids=["from a stranger", "from a trusted proxy"])
def test_cve_2024_45410_forwarded_headers_cannot_be_nominated(request, place, nominated):
    """Traefik dropped its own `X-Forwarded-*` because the caller's `Connection` named them."""
    said = ["X-Forwarded-For: 198.51.100.7", "X-Forwarded-Host: front.example"]
    _, seen = request.getfixturevalue(place).ask_forwarded(get("/public/x", *said, f"Connection: {nominated}"))
    assert seen.get("x-forwarded-for").rpartition(" ")[2] == "127.0.0.1"
    ours = ("x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "x-request-id", "traceparent")
    assert all(seen.get(name) for name in ours), seen.fields


def test_cve_2024_45410_the_credential_and_the_host_cannot_be_nominated(guarded):
    """What the decision was made on arrives with the request that it was made for."""
    _, seen = guarded.ask_forwarded(get("/x", BEARER, "Connection: Authorization, Host, Cookie", "Cookie: a=1"))
    assert (seen.get("authorization"), seen.get("host"), seen.get("cookie")) == (f"Bearer {TOKEN}", "example", "a=1")


FORGED = tokens.token(key="another-key-that-is-long-enough-for-HS256", subject="1")
SECOND = tokens.token(subject="43")


@pytest.mark.parametrize("fields", [
    [BEARER, f"Authorization: Bearer {FORGED}"],
    [f"Authorization: Bearer {FORGED}", BEARER],
    [BEARER, f"Authorization: Bearer {SECOND}"],
    [BEARER, BEARER],
    [BEARER, "Authorization: Basic eDp5"],
    [BEARER, "Authorization:"],
    ["authorization: Basic eDp5", BEARER.upper().replace(TOKEN.upper(), TOKEN)],
    [COOKIE, f"Cookie: access_token={SECOND}"],
    [f"Cookie: access_token={SECOND}; access_token={TOKEN}"],
    [COOKIE, "Cookie: access_token=forged"],
    [COOKIE, BEARER, BEARER],
    [BEARER, "Host: other"],
    [BEARER, "Host: example"],
], ids=[
    "forged behind", "forged before", "of two callers", "the same", "another scheme", "empty", "other letters",
    "cookies of two callers", "in one field", "cookies, one forged", "beside a cookie", "hosts", "the same hosts",
])
@pytest.mark.parametrize("target", ["/x", "/optional/x"])
def test_cve_2021_32777_repeated_values_are_refused(watch_all, fields, target):
    """Envoy looked at the last of several values, and the service at the first. Two that could differ are refused."""
    watch_all.ask_refused(get(target, *fields), 400)


@pytest.fixture(scope="module")
def watch_all(watch):
    """Every route reads credentials."""

    def configure(url):
        routes = staff_routes(tokens.KEY, url)
        optional = {"name": "optional", "path": "/optional/**", "authenticate": "optional", "upstream": "app"}
        return {**routes, "routes": [optional, *routes["routes"]]}

    return watch(configure)


OWN, EVIL = "Origin: http://example", "Origin: http://evil.example"


@pytest.mark.parametrize("origins", [
    [OWN, EVIL], [EVIL, OWN], [OWN, OWN, EVIL], [OWN, "origin: null"], ["Origin: http://example, http://evil.example"],
    ["Origin: http://example http://evil.example"],
], ids=" / ".join)
def test_cve_2026_26308_a_rule_sees_each_value_of_its_own(guarded, origins):
    """Envoy joined the values of a repeated header, so a rule against one exact value missed it among others."""
    guarded.ask_forwarded(request("POST", "/x", COOKIE, OWN))
    guarded.ask_refused(request("POST", "/x", COOKIE, *origins), 403)


@pytest.mark.parametrize("name, encoded", [
    ("Käse", "K%C3%A4se"), ("a%0d%0ab", "a%250d%250ab"), ("\u2028\u0085", "%E2%80%A8%C2%85"), (" x ", "%20x%20"),
    ("\U0001f600", "%F0%9F%98%80"),
], ids=ascii)
def test_cve_2023_27493_cve_2023_27488_claims_are_escaped_in_headers(listed, name, encoded):
    """Envoy wrote header values unescaped. What is no plain ASCII arrives percent-encoded, in one line."""
    _, seen = listed.ask_forwarded(get("/x", "Authorization: Bearer " + tokens.token(team={"name": name})))
    assert seen.get("x-team") == "team " + encoded
    assert seen.head.isascii()


@pytest.mark.parametrize("name", [
    b"\xff", b"\xc0\xae", b"\xed\xa0\x80", b"\xe9", b"\xf4\x90\x80\x80", b"\\ud800",
], ids=ascii)
def test_cve_2023_27493_cve_2023_27488_claims_that_are_no_utf_8_are_refused(listed, name):
    """Envoy passed on bytes that are no UTF-8. A token that holds some must be refused, however good its signature."""
    payload = json.dumps(tokens.claims(team={"name": "NAME"})).encode().replace(b"NAME", name)
    token = jwt.api_jws.encode(payload, tokens.KEY, algorithm="HS256")
    assert listed.ask_refused(get("/x", f"Authorization: Bearer {token}"), 401).body == INVALID_TOKEN
