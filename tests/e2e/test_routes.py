"""Which route decides, and that the service is asked for the same path that was decided on.

What arrives is looked at in RAW_URI, the target's bytes as gunicorn read them.
"""

import json

import pytest

from support import tokens
from support.gateway import INJECT, jwt_authenticator, servers
from support.raw import request

NO_SUCH_ROUTE = b'{"error":"No such route"}'
METHOD_NOT_ALLOWED = b'{"error":"Method not allowed"}'
BAD_REQUEST = b'{"error":"Bad request"}'


def route(name, path, **more):
    return {"name": name, "path": path, "authenticate": "none", "upstream": "tts", **more}


ROUTES = [
    route("tenant", "/**", host="tenant.example"),
    route("wildcard", "/**", host="*.wild.example"),
    route("public", "/public/**"),
    route("admin", ["/admin/**", "/secret"], authenticate=["staff"]),
    route("one-user", "/users/{user_id}", methods=["GET", "PATCH"]),
    route("user-files", "/users/{user_id}/files/{file}"),
    route("reports-read", "/reports/**", methods=["GET"]),
    route("reports-write", "/reports/**", methods=["POST"], authenticate=["staff"]),
    route("exact", "/exact"),
    route("any-site", "/hooks/**", authenticate=["staff"], csrf="none"),
    route("accented", "/caf%C3%A9/**"),
]


@pytest.fixture(scope="module")
def gateway(module_gateways, tts_service):
    return module_gateways.start({
        "upstreams": {"tts": servers(tts_service.url)},
        "authenticators": {"staff": jwt_authenticator({"env": "JWT_KEY"})},
        "inject": INJECT,
        "routes": ROUTES,
    }, environment={"JWT_KEY": tokens.KEY})


COOKIE = "Cookie: access_token=" + tokens.token()


def ask(gateway, target, *fields, method="GET", host="example"):
    return gateway.ask(request(method, target, *fields, host=host), method)


def arrived_as(answer):
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["environ"]["RAW_URI"]


# -- matching

@pytest.mark.parametrize("target, expected", [
    ("/public", "public"),
    ("/public/", "public"),
    ("/public/x", "public"),
    ("/public/x/y?z", "public"),
    ("/publicity", None),
    ("/publi", None),
    ("/Public/x", None),
    ("/users/42", "one-user"),
    ("/users/42?x=/y", "one-user"),
    ("/users/a%20b", "one-user"),
    ("/users/42/files", None),
    ("/users/42/files/a.txt", "user-files"),
    ("/users/42/files/a/b", None),
    ("/users", None),
    ("/exact", "exact"),
    ("/%65xact", "exact"),
    ("/exact/more", None),
    ("/caf%c3%a9/menu", "accented"),
    ("/reports/2024", "reports-read"),
    ("/", None),
    ("/nowhere", None),
    ("/metrics", None),
    ("/healthz", None),
    ("/config", None),
])
def test_paths(gateway, target, expected):
    answer = ask(gateway, target)
    if expected is None:
        assert (answer.status, answer.body) == (404, NO_SUCH_ROUTE)
        assert answer.get("Content-Type") == "application/json"
        assert answer.get("Cache-Control") == "no-store"
    else:
        assert answer.status == 200
        assert gateway.access_line(answer)["route"] == expected


@pytest.mark.parametrize("host, expected", [
    ("tenant.example", "tenant"),
    ("Tenant.EXAMPLE", "tenant"),
    ("tenant.example:8080", "tenant"),
    ("tenant.example.", "tenant"),
    ("tenant.example.:8080", "tenant"),
    ("tenant.example.org", None),
    ("xtenant.example", None),
    ("tenant-example", None),
    ("a.wild.example", "wildcard"),
    ("A.Wild.Example", "wildcard"),
    ("wild.example", None),
    ("awild.example", None),
])
def test_hosts(gateway, host, expected):
    answer = ask(gateway, "/anything", host=host)
    assert answer.status == (200 if expected else 404)
    if expected:
        assert gateway.access_line(answer)["route"] == expected
        assert json.loads(answer.body)["environ"]["HTTP_HOST"] == host, "the Host is kept as it came"


def test_methods_choose_among_routes(gateway):
    assert ask(gateway, "/reports/1").status == 200
    assert ask(gateway, "/reports/1", method="POST").status == 401
    assert ask(gateway, "/reports/1", COOKIE, method="POST").status == 200


@pytest.mark.parametrize("target, method, allowed", [
    ("/users/42", "DELETE", {"GET", "HEAD", "PATCH"}),
    ("/users/42", "POST", {"GET", "HEAD", "PATCH"}),
    ("/users/42", "PURGE", {"GET", "HEAD", "PATCH"}),
    ("/users/42", "get", {"GET", "HEAD", "PATCH"}),  # methods are compared with letter case (RFC 9110 section 9.1)
    ("/reports/1", "PUT", {"GET", "HEAD", "POST"}),
])
def test_method_not_allowed(gateway, target, method, allowed):
    answer = ask(gateway, target, method=method)
    assert (answer.status, answer.body) == (405, METHOD_NOT_ALLOWED)
    assert {name.strip() for name in answer.get("Allow").split(",")} == allowed


def test_get_covers_head(gateway):
    answer = ask(gateway, "/users/42", method="HEAD")
    assert answer.status == 200
    assert gateway.access_line(answer)["method"] == "HEAD"


def test_csrf_none_lets_other_sites_in(gateway):
    other_site = "Origin: http://evil.example"
    assert ask(gateway, "/hooks/x", COOKIE, other_site, method="POST").status == 200
    assert ask(gateway, "/admin/x", COOKIE, other_site, method="POST").status == 403


def test_first_match_decides(gateway):
    """The tenant's route stands before the one for /admin, and says `none`."""
    assert ask(gateway, "/admin", host="tenant.example").status == 200
    assert ask(gateway, "/admin").status == 401


# -- one path for the decision and the service

ADMIN = [
    "/admin",
    "/admin/x",
    "/admin?x=/public/y",
    "/secret?x=/public/y",
    "//admin",
    "///admin",
    "//admin//x",
    "/./admin",
    "/x/../admin",
    "/public/../admin",
    "/public/./../admin",
    "/public//../admin",
    "/public/x/../../admin",
    "/public/%2e%2e/admin",
    "/public/%2E./admin",
    "/public/.%2e/admin",
    "/%61dmin",
    "/%61%64%6d%69%6e/x",
    "/admin/.",
    "/admin/x/..",
]


@pytest.mark.parametrize("target", ADMIN)
def test_tricks_do_not_reach_admin(gateway, target):
    """CVE-2019-9901, CVE-2021-29492, CVE-2020-8595, GHSA-7rh7-c77v-6434 and their like."""
    answer = ask(gateway, target)
    assert answer.status == 401
    assert gateway.access_line(answer)["route"] == "admin"


CANONICAL = [
    ("/public/../admin", "/admin"),
    ("/public/%2e%2e/admin", "/admin"),
    ("//admin", "/admin"),
    ("/admin//x///y", "/admin/x/y"),
    ("/%61dmin/%7Euser", "/admin/~user"),
    ("/admin/a%2db%5fc%2ed", "/admin/a-b_c.d"),
    ("/admin/./x", "/admin/x"),
    ("/admin/x/.", "/admin/x/"),
    ("/admin/x/..", "/admin/"),
    ("/admin/x/", "/admin/x/"),
    ("/admin/...", "/admin/..."),
    ("/admin/%c3%a9", "/admin/%C3%A9"),
    ("/admin/a%20b", "/admin/a%20b"),
    ("/admin/%3a%40%3F%23", "/admin/%3A%40%3F%23"),
    ("/admin/!$&'()*+,=:@", "/admin/!$&'()*+,=:@"),
    # decoded once, and only once
    ("/admin/%252e%252e/x", "/admin/%252e%252e/x"),
    ("/admin/%25%32%65", "/admin/%252e"),
    # the query is nobody's business
    ("/admin?x=/../y&z=%2e%2E;a=[1]", "/admin?x=/../y&z=%2e%2E;a=[1]"),
    ("/admin?", "/admin?"),
    ("/admin??a?b", "/admin??a?b"),
    ("/admin?redirect=http://other//x", "/admin?redirect=http://other//x"),
]


@pytest.mark.parametrize("target, expected", CANONICAL)
def test_what_was_decided_on_is_forwarded(gateway, target, expected):
    answer = ask(gateway, target, COOKIE)
    assert arrived_as(answer) == expected
    line = gateway.access_line(answer)
    assert line["path"] == expected.partition("?")[0]


@pytest.mark.parametrize("target", [
    "/public/..%2fadmin",
    "/public%2f..%2fadmin",
    "/public/%2Fadmin",
    "/public/..%5cadmin",
    "/public/..\\admin",
    "/public/%5C",
    "/public/x;y=1",
    "/public;/x",
    "/public/..;/admin",
    "/public/x#y",
    "/public#/../admin",
    "/public/x?a#b",
    "/public/%00",
    "/public/x%00.png",
    "/public/%0a",
    "/public/%0d%0aX-User-Id:%201",
    "/public/%1f",
    "/public/%7f",
    "/public/%",
    "/public/%2",
    "/public/%zz",
    "/public/%u0041",
    '/public/"',
    "/public/<x>",
    "/public/^",
    "/public/`",
    "/public/{x}",
    "/public/|",
    "/public/[x]",
    "/public/\xe9",
    "/public/\xff",
    "/..",
    "/../admin",
    "/public/../../admin",
    "/%2e%2e/admin",
    "/public/%2e%2e/%2e%2e/admin",
])
def test_what_two_readers_could_read_differently_is_refused(gateway, target):
    answer = ask(gateway, target, COOKIE)
    assert (answer.status, answer.body) == (400, BAD_REQUEST)


def test_absolute_form_is_the_same_request(gateway):
    """RFC 9112 section 3.2.2."""
    answer = ask(gateway, "http://example/public/../admin/x?y", COOKIE)
    assert arrived_as(answer) == "/admin/x?y"
    assert json.loads(answer.body)["environ"]["HTTP_HOST"] == "example"
    assert ask(gateway, "http://example/public/../admin/x").status == 401


def test_absolute_form_without_a_path(gateway):
    assert arrived_as(ask(gateway, "http://tenant.example", host="tenant.example")) == "/"
    assert arrived_as(ask(gateway, "http://tenant.example?x", host="tenant.example")) == "/?x"


def test_a_target_that_looks_like_an_authority_is_a_path(gateway):
    """CVE-2026-26205: the first segment must not be lost."""
    assert ask(gateway, "//admin/x").status == 401
    assert arrived_as(ask(gateway, "//admin/x", COOKIE)) == "/admin/x"
