"""Path, host and route confusion: one request that the decision reads in one way and the service in another.

Each advisory against software of this kind has a test named after it. The table of targets at the end is asked of three
services that read paths by rules of their own: bytes, nginx and Flask under gunicorn.
"""

import json
from urllib.parse import unquote_to_bytes

import pytest

from support import tokens
from support.gateway import open_routes, staff_routes
from support.nginx import Nginx
from support.raw import ask, request

# Tokens are made when the tests are collected, which may be long before they run.
BEARER = "Authorization: Bearer " + tokens.token()
BAD_REQUEST = b'{"error":"Bad request"}'
NO_SUCH_ROUTE = b'{"error":"No such route"}'


def get(target, *fields, **more):
    return request("GET", target, *fields, **more)


@pytest.fixture(scope="module")
def guarded(watch):
    """`/public/**` for everyone, the rest for those with a token."""
    return watch(lambda url: staff_routes(tokens.KEY, url))


def assert_guarded_as(watched, target, path, **more):
    """Nothing arrives without a token; with one, the request arrives as `path`."""
    watched.ask_refused(get(target, **more), 401)
    _, seen = watched.ask_forwarded(get(target, BEARER, **more))
    assert seen.target == path


# -- one path for the decision and the service

@pytest.mark.parametrize("target", [
    "/public/../admin", "/public/./../admin", "/public/x/../../admin", "/public/%2e%2e/admin", "/public/%2E./admin",
    "/public/.%2e/admin",
])
def test_cve_2019_9901_dot_segments_are_resolved_before_the_decision(guarded, target):
    """Envoy decided on `/public/../admin` as it stood. It must be decided on and forwarded as `/admin`."""
    assert_guarded_as(guarded, target, "/admin")


@pytest.mark.parametrize("target", ["//admin", "///admin", "/public//../admin", "/public/..//admin"])
def test_cve_2021_29492_cve_2021_31920_slashes_are_merged_before_the_decision(guarded, target):
    """Envoy and Istio missed the rule for `/admin` when `//admin` was asked for. Slashes must be merged first."""
    assert_guarded_as(guarded, target, "/admin")


@pytest.mark.parametrize("target", [
    "/public/..%2fadmin", "/public/%2F..%2Fadmin", "/public%2fx", "/%2fadmin", "/public/..%5cadmin", "/%5Cadmin",
])
@pytest.mark.parametrize("fields", [[], [BEARER]], ids=["anonymous", "with a token"])
def test_cve_2021_29492_cve_2021_31920_encoded_slashes_are_refused(guarded, target, fields):
    """An encoded slash or backslash was no separator to the rule and one to the service. It must be refused."""
    assert guarded.ask_refused(get(target, *fields), 400).body == BAD_REQUEST


def keeping_routes(url):
    """Routes that let encoded slashes or path parameters pass, below folders that everyone may read."""

    def route(name, **more):
        return {"name": name, "path": f"/{name}/**", "authenticate": "none", "upstream": "app", **more}

    guarded = {"name": "rest", "path": "/**", "authenticate": ["staff"], "upstream": "app"}
    routes = [
        route("slashes", encoded_slash="keep"), route("parameters", path_parameters="keep"),
        route("both", encoded_slash="keep", path_parameters="keep"), guarded,
    ]
    return {**staff_routes(tokens.KEY, url), "routes": routes}


@pytest.fixture(scope="module")
def keeping(watch):
    return watch(keeping_routes)


@pytest.mark.parametrize("target, path", [
    ("/slashes/a%2fb", "/slashes/a%2Fb"),
    ("/slashes/a%2F%2fb", "/slashes/a%2F%2Fb"),
    ("/slashes/%2fadmin", "/slashes/%2Fadmin"),
    ("/slashes/a%2fb/../c", "/slashes/c"),
    ("/parameters/a;b=c", "/parameters/a;b=c"),
    ("/parameters/a;/b", "/parameters/a;/b"),
    ("/parameters/a;/../b", "/parameters/b"),
    ("/parameters/...;/b", "/parameters/...;/b"),
    ("/both/a;b%2fc;d", "/both/a;b%2Fc;d"),
])
def test_cve_2021_29492_what_a_route_keeps_stays_inside_its_segment(keeping, target, path):
    """A decoded slash moved the path out of the rule. One that a route keeps must arrive encoded, in its own folder."""
    _, seen = keeping.ask_forwarded(get(target))
    assert seen.target == path


@pytest.mark.parametrize("target", [
    "/slashes/..%2fadmin", "/slashes/a%2f..", "/slashes/a%2F..%2F..%2Fadmin", "/slashes/%2e%2e%2fadmin",
    "/slashes/.%2f..%2fadmin", "/slashes/%2f..", "/slashes/a%2f%2e%2E", "/slashes/a%2f.%2fb", "/slashes/x/..%2f..",
    "/slashes/..%5cadmin", "/slashes/a%5Cb", "/slashes/a;b", "/slashes/..;/admin",
    "/parameters/..;/admin", "/parameters/..;x=y/admin", "/parameters/.;/admin", "/parameters/%2e%2e;/admin",
    "/parameters/..;", "/parameters/..%3B/admin", "/parameters/..%3bx;y/admin", "/parameters/a%2fb",
    "/both/..;%2fadmin", "/both/a%2f..;/admin", "/both/a;%2f../admin", "/both/a%2f..;x%2fadmin", "/both/..;a%2fb",
    "/both/a%2f..%3b/admin", "/both/.;%2f..",
])
def test_cve_2021_29492_what_a_route_keeps_hides_no_dot_segment(keeping, target):
    """A route that keeps encoded slashes or parameters must still refuse those that another reader would climb by."""
    assert keeping.ask_refused(get(target), 400).body == BAD_REQUEST


@pytest.mark.parametrize("target", ["/slashes%2f..%2fadmin", "/slashes%2fadmin", "/parameters;/admin"])
def test_cve_2021_29492_what_is_kept_opens_no_other_route(keeping, target):
    """The keeping routes are those of `/slashes/` and `/parameters/`; a segment that only begins so is another's."""
    assert keeping.ask_refused(get(target), 400).body == BAD_REQUEST


def exact_routes(url):
    """Two places that need a token, named exactly; everyone may go anywhere else."""

    def route(name, path, authenticate):
        return {"name": name, "path": path, "authenticate": authenticate, "upstream": "app"}

    guarded = route("guarded", ["/admin", "/user/profile"], ["staff"])
    return {**staff_routes(tokens.KEY, url), "routes": [guarded, route("rest", "/**", "none")]}


@pytest.fixture(scope="module")
def exact(watch):
    return watch(exact_routes)


@pytest.mark.parametrize("query", ["?", "?x", "?/public/x", "??", "?x=%23", "?x=/../y"])
def test_cve_2020_8595_the_query_is_no_part_of_the_path_that_is_matched(exact, query):
    """Istio compared the exact path `/admin` with `/admin?x`, which was not equal, and asked for no token."""
    assert_guarded_as(exact, "/admin" + query, "/admin" + query)


@pytest.mark.parametrize("target", ["/admin#", "/admin#x", "/admin?x#y"])
def test_cve_2020_8595_a_fragment_is_refused(exact, target):
    """Istio compared the path with its fragment. A target that holds `#` must be refused, with a token as well."""
    exact.ask_refused(get(target), 400)
    exact.ask_refused(get(target, BEARER), 400)


def test_cve_2021_32779_cve_2021_39156_a_fragment_does_not_pass_a_rule(exact):
    """Envoy let `/user/profile#s` pass the rule for `/user/profile`, and forwarded `%23s`. Nothing of it may arrive."""
    assert_guarded_as(exact, "/user/profile", "/user/profile")
    exact.ask_refused(get("/user/profile#s"), 400)


def test_cve_2021_32779_an_encoded_hash_is_a_character_of_the_path(exact):
    """It is no fragment to anyone: `/user/profile%23s` is another place, and arrives as it was decided on."""
    _, seen = exact.ask_forwarded(get("/user/profile%23s"))
    assert seen.target == "/user/profile%23s"


@pytest.mark.parametrize("target", ["/admin#.png", "/admin#/public/x.css", "/public#/../admin", "/#", "#/public/x"])
def test_cve_2023_45539_a_hash_in_the_target_is_refused(guarded, target):
    """HAProxy took `#` into the path, so that rules for a suffix such as `.png` matched a place that is none."""
    guarded.ask_refused(get(target), 400)
    guarded.ask_refused(get(target, BEARER), 400)


@pytest.mark.parametrize("target", ["/admin%23/public/x", "/admin/%23/public/", "/admin?%23/public/x"])
def test_cve_2026_41059_ghsa_pxq7_h93f_9jrg_a_hash_widens_no_open_route(guarded, target):
    """oauth2-proxy's skip rules matched behind `#` and `%23`. What is open is decided by the canonical path alone."""
    assert_guarded_as(guarded, target, target)


@pytest.mark.parametrize("target", [
    "/secret?x=/public/y", "/secret?/public/y", "/?/public/x", "/secret?x=/../public/y",
])
def test_ghsa_7rh7_c77v_6434_the_query_opens_no_route(guarded, target):
    """oauth2-proxy's skip rules were matched with path and query. `/public/` in a query must open nothing."""
    assert_guarded_as(guarded, target, target)


@pytest.mark.parametrize("target, route, path", [
    ("/public/%2e%2e/x/%7euser/%c3%a9", "private", "/x/~user/%C3%A9"),
    ("/x/..//public/./%61", "public", "/public/a"),
    ("/public%2Dx/y", "private", "/public-x/y"),
    ("/public/%252e%252e/x", "public", "/public/%252e%252e/x"),
])
def test_ghsa_p224_6x5r_fjpm_what_is_matched_is_what_is_forwarded(guarded, target, route, path):
    """Oathkeeper evaluated its rules on the raw path and sent another one on. Match, log and service see one path."""
    answer, seen = guarded.ask_forwarded(get(target, BEARER))
    assert seen.target == path
    line = guarded.gateway.access_line(answer)
    assert (line["route"], line["path"]) == (route, path)


def rewritten_routes(url):
    def route(name, path, **rewrite):
        return {"name": name, "path": path, "authenticate": "none", "upstream": "app", "rewrite": rewrite}

    accented = route("accented", "/caf%C3%A9/**", strip_prefix="/caf%C3%A9", prefix="/api")
    kept = {**route("kept", "/files/**", strip_prefix="/files", prefix="/api"), "encoded_slash": "keep"}
    users = route("users", "/users/**", strip_prefix="/users", prefix="/api")
    return {**open_routes(url), "routes": [users, route("bare", "/bare/**", strip_prefix="/bare"), accented, kept]}


@pytest.fixture(scope="module")
def rewriting(watch):
    return watch(rewritten_routes)


@pytest.mark.parametrize("target, path", [
    ("/users", "/api"),
    ("/users/", "/api/"),
    ("/users/7?x=/users", "/api/7?x=/users"),
    ("/%75sers/%37", "/api/7"),
    ("//users//7", "/api/7"),
    ("/users/users/7", "/api/users/7"),
    ("/users/x/../7", "/api/7"),
    ("/bare", "/"),
    ("/bare/", "/"),
    ("/bare//example/x", "/example/x"),
    ("/caf%c3%a9/menu", "/api/menu"),
    ("/%63af%c3%a9/../caf%C3%a9/menu", "/api/menu"),
    ("/files/a%2fb", "/api/a%2Fb"),
])
def test_cve_2026_40912_ghsa_xf64_8mw2_4gr2_ghsa_cxjq_mrr5_89rv_a_rewritten_path_is_canonical(rewriting, target, path):
    """Traefik cut a prefix by its decoded length off the encoded path, and what was left held new dot segments.

    Whole canonical segments are replaced, so what arrives is the canonical path with another beginning.
    """
    _, seen = rewriting.ask_forwarded(get(target))
    assert seen.target == path


@pytest.mark.parametrize("target, status", [
    ("/users/../admin", 404),
    ("/users/%2e%2e/admin", 404),
    ("/users/../../admin", 400),
    ("/users..//admin", 404),
    ("/users../admin", 404),
    ("/users%2e%2e/admin", 404),
    ("/users%2f../admin", 400),
    ("/bare../admin", 404),
    ("/files/..%2fadmin", 400),
    ("/files/%2e%2e%2fadmin", 400),
    ("/files%2f../admin", 400),
    ("/caf%c3%a9%2f../admin", 400),
    ("/caf%c3%a9../admin", 404),
])
def test_cve_2026_40912_ghsa_xf64_8mw2_4gr2_ghsa_cxjq_mrr5_89rv_a_rewrite_climbs_nowhere(rewriting, target, status):
    """What stands behind a prefix must never become a dot segment in front of the service: nothing of it arrives."""
    rewriting.ask_refused(get(target), status)


@pytest.mark.parametrize("target, path", [
    ("//admin/x", "/admin/x"),
    ("//example/admin/x", "/example/admin/x"),
    ("///example/public/x", "/example/public/x"),
    ("/http://example/public/x", "/http:/example/public/x"),
])
def test_cve_2026_26205_a_path_is_never_read_as_an_authority(guarded, target, path):
    """The OPA plugin parsed `//admin/x` as a URI whose host is `admin`, and decided on `/x`."""
    assert_guarded_as(guarded, target, path)


@pytest.mark.parametrize("target", [
    "admin", "public/x", "public/../admin", "?/public/x", "example", "%2fadmin", "*", "..",
])
@pytest.mark.parametrize("fields", [[], [BEARER]], ids=["anonymous", "with a token"])
def test_cve_2026_33186_a_target_begins_with_a_slash(guarded, target, fields):
    """grpc-go let a path without its leading slash pass the rules that deny. It must be refused."""
    assert guarded.ask_refused(get(target, *fields), 400).body == BAD_REQUEST


def test_cve_2026_33186_options_of_the_server_opens_nothing(guarded):
    """`OPTIONS *` is the one target without a slash; it is no path, so no open folder holds it."""
    guarded.ask_refused(request("OPTIONS", "*"), 404)


@pytest.mark.parametrize("target, path", [
    ("/admin?x=1", "/admin?x=1"), ("/admin?", "/admin?"), ("/admin%3f/public/", "/admin%3F/public/"),
    ("/public%3f/../admin", "/admin"),
])
def test_cve_2026_32811_a_question_mark_keeps_its_meaning(guarded, target, path):
    """heimdall's path held the query, its `?` was encoded anew, and the rule missed. Each keeps what it was."""
    assert_guarded_as(guarded, target, path)


def test_cve_2026_32811_what_no_route_names_is_refused(watch):
    """heimdall let pass what no rule matched. A path that only its `%3F` keeps from a route must be 404."""
    only = [{"path": "/open", "authenticate": "none", "upstream": "app"}]
    watched = watch(lambda url: {**open_routes(url), "routes": only})
    assert watched.ask_forwarded(get("/open?x"))[1].target == "/open?x"
    for target in ("/open%3Fx", "/open/", "/open/x", "/"):
        assert watched.ask_refused(get(target), 404).body == NO_SUCH_ROUTE


# -- hosts

def host_routes(url):
    """One host and one family of hosts need a token; others are open, so that a missed comparison lets through."""

    def route(authenticate, **more):
        return {"path": "/**", "authenticate": authenticate, "upstream": "app", **more}

    guarded = route(["staff"], name="guarded", host=["secret.com", "*.example.com"])
    versioned = {**route(["staff"], name="versioned"), "path": "/v1.0/**"}
    return {**staff_routes(tokens.KEY, url), "routes": [guarded, versioned, route("none", name="open")]}


@pytest.fixture(scope="module")
def hosts(watch):
    return watch(host_routes)


@pytest.mark.parametrize("host", [
    "secret.com", "Secret.COM", "SECRET.COM", "secret.com.", "Secret.Com.", "secret.com:80", "secret.com:8080",
    "SECRET.com.:80", "secret.com:",
])
def test_cve_2021_39155_hosts_are_compared_without_case_port_and_trailing_dot(hosts, host):
    """Istio compared `Host` letter by letter, so `Secret.COM` missed the rule for `secret.com`."""
    assert_guarded_as(hosts, "/x", "/x", host=host)


def test_cve_2021_39155_the_host_of_an_absolute_target_is_compared_alike(hosts):
    """The authority of an absolute target is the host that was asked for, and no way round the rule for it."""
    assert_guarded_as(hosts, "http://SECRET.com/x", "/x", host="secret.COM")
    hosts.ask_refused(get("http://secret.com/x", host="open.com"), 400)
    hosts.ask_refused(get("http://open.com/x", host="secret.com"), 400)
    hosts.ask_refused(get("http://secret.com/x", version="HTTP/1.0", host=None), 401)


@pytest.mark.parametrize("host", [
    "a.b.example.com", "a.B.example.com", "A.b.EXAMPLE.com", "a.B.example.com.", "X.Example.Com:443",
])
def test_cve_2026_48794_sub_domains_are_compared_without_case(hosts, host):
    """Authelia skipped the rule for `*.example.com` when a label of the host was in upper case."""
    assert_guarded_as(hosts, "/x", "/x", host=host)


@pytest.mark.parametrize("target, host", [
    ("/v1x0/y", "open.com"), ("/v1%2D0/y", "open.com"), ("/x", "secretxcom"), ("/x", "secret-com"),
    ("/x", "a.examplexcom"), ("/x", "aexample.com"), ("/x", "secret.com.org"), ("/x", "not-secret.com"),
])
def test_cve_2026_39350_a_dot_is_a_dot(hosts, target, host):
    """Istio compiled a literal dot to a regular expression's wildcard. What differs in that place must not match."""
    answer, _ = hosts.ask_forwarded(get(target, host=host))
    assert hosts.gateway.access_line(answer)["route"] == "open"


def test_cve_2026_39350_what_has_the_dot_matches(hosts):
    """The other side of it: the same places with their dots are guarded, an encoded one included."""
    assert_guarded_as(hosts, "/v1.0/y", "/v1.0/y", host="open.com")
    assert_guarded_as(hosts, "/v1%2E0/y", "/v1.0/y", host="open.com")


@pytest.mark.parametrize("scheme", ["http", "HTTP", "hTTp", "https", "HttpS"])
def test_cve_2023_35944_the_letter_case_of_a_scheme_means_nothing(guarded, scheme):
    """Envoy took a scheme in mixed case for another one. The path behind it must be decided on all the same."""
    assert_guarded_as(guarded, f"{scheme}://example/public/../admin", "/admin")


@pytest.mark.parametrize("scheme", ["ftp", "ws", "file", "HTTPX", "javascript", "http+unix", ""])
def test_cve_2023_35944_other_schemes_are_refused(guarded, scheme):
    """Only http and https name places of this gateway."""
    guarded.ask_refused(get(f"{scheme}://example/public/x"), 400)
    guarded.ask_refused(get(f"{scheme}://example/public/x", BEARER), 400)


@pytest.mark.parametrize("said, passed_on", [
    ("https", "https"), ("http", "http"), ("HTTPS", "https"), ("hTTp", "http"), ("javascript", "http"),
    ("https, http", "http"), ("", "http"),
])
def test_cve_2023_35944_a_trusted_proxy_names_http_or_https(behind_a_proxy, said, passed_on):
    """A scheme that a trusted proxy names goes on if it is one of the two, in lower case; else ours does."""
    _, seen = behind_a_proxy.ask_forwarded(get("/x", f"X-Forwarded-Proto: {said}"))
    assert seen.all("x-forwarded-proto") == [passed_on]


@pytest.fixture(scope="module")
def behind_a_proxy(watch):
    return watch(open_routes, trusted_proxies=["127.0.0.1/32"])


# -- the table: a target, and the path that it stands for or that it is refused

REFUSED = None

TARGETS = [
    # plain
    ("/public", "/public"),
    ("/public/", "/public/"),
    ("/public/x", "/public/x"),
    ("/admin", "/admin"),
    ("/admin/x", "/admin/x"),
    ("/", "/"),
    ("/publicity", "/publicity"),
    ("/PUBLIC/x", "/PUBLIC/x"),
    # dot segments
    ("/public/../admin", "/admin"),
    ("/public/./../admin", "/admin"),
    ("/public/x/../../admin", "/admin"),
    ("/public/..", "/"),
    ("/public/.", "/public/"),
    ("/public/x/.", "/public/x/"),
    ("/public/x/..", "/public/"),
    ("/public/../public/../admin/./x", "/admin/x"),
    ("/admin/../public/x", "/public/x"),
    ("/./public/x", "/public/x"),
    ("/admin/..", "/"),
    ("/..", REFUSED),
    ("/../admin", REFUSED),
    ("/../public/x", REFUSED),
    ("/public/../../admin", REFUSED),
    ("/public/x/../../../public/x", REFUSED),
    # dots that make no segment
    ("/public/.../admin", "/public/.../admin"),
    ("/public/..admin", "/public/..admin"),
    ("/public/admin..", "/public/admin.."),
    ("/public../admin", "/public../admin"),
    ("/public./x", "/public./x"),
    ("/admin.", "/admin."),
    ("/admin..", "/admin.."),
    # encoded dots
    ("/public/%2e%2e/admin", "/admin"),
    ("/public/%2E%2E/admin", "/admin"),
    ("/public/.%2e/admin", "/admin"),
    ("/public/%2E./admin", "/admin"),
    ("/public/%2e/../admin", "/admin"),
    ("/public/%2e", "/public/"),
    ("/public/..%2e/admin", "/public/.../admin"),
    ("/%2e%2e/admin", REFUSED),
    ("/public/%2e%2e/%2e%2e/admin", REFUSED),
    # encoded twice, or by halves
    ("/public/%252e%252e/admin", "/public/%252e%252e/admin"),
    ("/public/%252E%252E/admin", "/public/%252E%252E/admin"),
    ("/public/%25%32%65%25%32%65/admin", "/public/%252e%252e/admin"),
    ("/public/..%252fadmin", "/public/..%252fadmin"),
    ("/public/..%255cadmin", "/public/..%255cadmin"),
    ("/%2561dmin", "/%2561dmin"),
    ("/public/%%32%65%%32%65/admin", REFUSED),
    ("/public/%%2e%%2e/admin", REFUSED),
    # slashes
    ("//admin", "/admin"),
    ("///admin//x", "/admin/x"),
    ("//public/x", "/public/x"),
    ("//public/../admin", "/admin"),
    ("/public//../admin", "/admin"),
    ("/public/..//admin", "/admin"),
    ("/public/x//..//..//admin", "/admin"),
    ("/public//x//", "/public/x/"),
    ("///public/..//../admin", REFUSED),
    # encoded slashes, backslashes
    ("/public/..%2fadmin", REFUSED),
    ("/public%2f..%2fadmin", REFUSED),
    ("/public/%2e%2e%2Fadmin", REFUSED),
    ("/public/%2fadmin", REFUSED),
    ("/%2fadmin", REFUSED),
    ("/public/..\\admin", REFUSED),
    ("\\public\\x", REFUSED),
    ("/public\\..\\admin", REFUSED),
    ("/public/..%5cadmin", REFUSED),
    ("/public/%2e%2e%5Cadmin", REFUSED),
    # parameters
    ("/public/..;/admin", REFUSED),
    ("/public/..;x=y/admin", REFUSED),
    ("/public/%2e%2e;/admin", REFUSED),
    ("/public;/../admin", REFUSED),
    ("/public/;/../admin", REFUSED),
    ("/public/x;y=/../../admin", REFUSED),
    ("/admin;/public/x", REFUSED),
    ("/;/admin", REFUSED),
    ("/public/..%3B/admin", REFUSED),
    ("/public/%2e%2e%3b/admin", REFUSED),
    ("/public/x%3by", "/public/x%3By"),
    # fragments
    ("/public#/../admin", REFUSED),
    ("/admin#/public/x", REFUSED),
    ("/public/x#", REFUSED),
    ("/public/x?a#b", REFUSED),
    ("/public/%23/../../admin", "/admin"),
    ("/public%23/../admin", "/admin"),
    ("/public%23/x", "/public%23/x"),
    ("/admin%23/public/x", "/admin%23/public/x"),
    ("/public/%23", "/public/%23"),
    # queries
    ("/public?/../admin", "/public"),
    ("/public/x?y=/../../admin", "/public/x"),
    ("/admin?/public/x", "/admin"),
    ("/admin??/public/", "/admin"),
    ("/?/public/x", "/"),
    ("?/public/x", REFUSED),
    ("/public%3f/../admin", "/admin"),
    ("/admin%3f/public/", "/admin%3F/public/"),
    ("/public/%3Fx", "/public/%3Fx"),
    # NUL and other control characters
    ("/public/%00", REFUSED),
    ("/admin%00/public/x", REFUSED),
    ("/public/..%00/admin", REFUSED),
    ("/public/x%00/../../admin", REFUSED),
    ("/public/\0/../../admin", REFUSED),
    ("/public/%0a", REFUSED),
    ("/public/..%0d%0a/admin", REFUSED),
    ("/public/%09../admin", REFUSED),
    ("/public/\t../admin", REFUSED),
    ("/public/..%7f/admin", REFUSED),
    # overlong and other UTF-8
    ("/public/%c0%ae%c0%ae/admin", "/public/%C0%AE%C0%AE/admin"),
    ("/public/..%c0%afadmin", "/public/..%C0%AFadmin"),
    ("/public/%e0%80%ae%e0%80%ae/admin", "/public/%E0%80%AE%E0%80%AE/admin"),
    ("/public/%ef%bc%8e%ef%bc%8e/admin", "/public/%EF%BC%8E%EF%BC%8E/admin"),
    ("/public/..%ef%bc%8fadmin", "/public/..%EF%BC%8Fadmin"),
    ("/public/%ff", "/public/%FF"),
    ("/public/%c3%a9", "/public/%C3%A9"),
    ("/public/%uff0e%uff0e/admin", REFUSED),
    ("/public/\xc0\xae\xc0\xae/admin", REFUSED),
    ("/public/\xff", REFUSED),
    # percent signs
    ("/%61dmin", "/admin"),
    ("/%61%64%6D%69%6e/x", "/admin/x"),
    ("/%41dmin", "/Admin"),
    ("/%70ublic/x", "/public/x"),
    ("/public/%7e", "/public/~"),
    ("/public/%", REFUSED),
    ("/public/%2", REFUSED),
    ("/public/%zz", REFUSED),
    # blanks
    ("/admin%20", "/admin%20"),
    ("/public%20/x", "/public%20/x"),
    ("/%20/public/x", "/%20/public/x"),
    ("/public/x%20", "/public/x%20"),
    ("/public/..%20/admin", "/public/..%20/admin"),
    ("/public/.%20./admin", "/public/.%20./admin"),
    ("/public/.. /admin", REFUSED),
    # absolute form, and what looks like it
    ("http://example/admin", "/admin"),
    ("http://example/public/../admin", "/admin"),
    ("http://example//admin", "/admin"),
    ("HTTP://EXAMPLE/public/x", "/public/x"),
    ("http://example", "/"),
    ("http://example?/public/x", "/"),
    ("http://example/public/x#y", REFUSED),
    ("http://public/admin", REFUSED),
    ("http://example@public/admin", REFUSED),
    ("http:/public/x", REFUSED),
    ("http:///public/x", REFUSED),
    ("//example/public/x", "/example/public/x"),
    ("//example/admin", "/example/admin"),
    ("/http://example/public/x", "/http:/example/public/x"),
    ("/public/http://example/admin", "/public/http:/example/admin"),
    # what is no path
    ("*", REFUSED),
    ("admin", REFUSED),
    ("public/../admin", REFUSED),
    ("", REFUSED),
    ('/public/"', REFUSED),
    ("/public/<x>", REFUSED),
    ("/public/{x}/../../admin", REFUSED),
    ("/public/x|y", REFUSED),
    ("/public/[x]", REFUSED),
    ("/public/^", REFUSED),
    ("/public/`", REFUSED),
]

each_target = pytest.mark.parametrize("target, path", TARGETS, ids=[ascii(target) for target, _ in TARGETS])


def is_public(path):
    return path == "/public" or path.startswith("/public/")


def expected_status(path):
    """What somebody without a token is answered."""
    if path is REFUSED:
        return 400
    return 200 if is_public(path) else 401


@each_target
def test_a_target_arrives_as_the_path_that_was_decided_on(guarded, target, path):
    """Byte by byte: nobody's request arrives unless its canonical path is open, and it arrives as that path."""
    status = expected_status(path)
    arrives_as = None if path is REFUSED else path + target[len(target.partition("?")[0]):]
    if status == 200:
        assert guarded.ask_forwarded(get(target))[1].target == arrives_as
    else:
        guarded.ask_refused(get(target), status)
    if status == 401:
        assert guarded.ask_forwarded(get(target, BEARER))[1].target == arrives_as


class Reader:
    """A gateway before a service that says which path it read: `read` takes that from its answer."""

    def __init__(self, gateway, read):
        self.gateway, self.read = gateway, read

    def ask(self, data):
        return ask(self.gateway.port, data)


def read_by_nginx(answer):
    """`kind path`, the path decoded and resolved by nginx, for which it chose among its locations."""
    kind, _, path = answer.body.partition(b" ")
    assert (kind == b"public") == is_public(path.decode("latin-1")), "nginx's locations are those of the routes"
    return path


def read_by_flask(answer):
    return json.loads(answer.body)["environ"]["PATH_INFO"].encode("latin-1")


NGINX_LOCATIONS = {
    "= /public": "public $uri",
    "/public/": "public $uri",
    "/admin": "ADMIN $uri",
    "/": "private $uri",
}


@pytest.fixture(scope="module", params=["nginx", "nginx that keeps slashes", "flask"])
def reader(request, module_gateways, tmp_path_factory, tts_service):
    """The same routes before services with different notions of a path."""
    if request.param == "flask":
        yield Reader(module_gateways.start(staff_routes(tokens.KEY, tts_service.url)), read_by_flask)
        return
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), NGINX_LOCATIONS, merge_slashes=request.param == "nginx")
    try:
        nginx.wait_until_listening()
        yield Reader(module_gateways.start(staff_routes(tokens.KEY, nginx.url)), read_by_nginx)
    finally:
        nginx.terminate()


@each_target
def test_no_target_brings_a_stranger_to_a_guarded_place(reader, target, path):
    """Whatever a service makes of the target, what it read is the path that was decided on, and that one was open."""
    answer = reader.ask(get(target))
    assert answer.status == expected_status(path), answer.body
    if answer.status == 200:
        assert reader.read(answer) == unquote_to_bytes(path)
    else:
        assert "server" not in reader.gateway.access_line(answer), "no service was asked"


guarded_targets = [(target, path) for target, path in TARGETS if expected_status(path) == 401]


@pytest.mark.parametrize("target, path", guarded_targets, ids=[ascii(target) for target, _ in guarded_targets])
def test_a_guarded_target_is_read_as_it_was_decided_on(reader, target, path):
    """With a token the same places are there, so they are guarded and not merely missing."""
    answer = reader.ask(get(target, BEARER))
    assert answer.status == 200, answer.body
    assert reader.read(answer) == unquote_to_bytes(path)
