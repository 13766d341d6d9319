"""The integration guide, kept: its environment variables, its Auth Service, its middleware, its callers.

The Auth Service (Django, simplejwt) issues the tokens, a Flask service behind Sidegate reports what it sees, and the
callers are curl and Python's requests. Sidegate runs from the guide's environment variables alone.
"""

import json
import re
from dataclasses import dataclass, field

import jwt
import pytest
import requests

from support import tokens
from support.gateway import TIMEOUT, sidegate
from support.peers import GUIDE_SIGNING_KEY
from support.process import run
from support.raw import request

# The guide's block of environment variables, as it stands there.
GUIDE_ENVIRONMENT = {
    "DJANGO_JWT_SIGNING_KEY": GUIDE_SIGNING_KEY,
    "AUTH_SERVICE_URL": "http://auth-service:8000",
    "AUTH_API_KEY": "your-api-key-for-internal-calls",
    "JWT_ALGORITHM": "HS256",
    "TOKEN_REFRESH_THRESHOLD": "300",
}

AUTHENTICATION_REQUIRED = b'{"error":"Authentication required"}'
INVALID_TOKEN = b'{"error":"Invalid token"}'
BAD_REQUEST = b'{"error":"Bad request"}'


@pytest.fixture(scope="module")
def gateway(module_gateways, tts_service):
    environment = {**GUIDE_ENVIRONMENT, "SIDEGATE_ALLOW_WEAK_SECRET": "1", "SIDEGATE_UPSTREAM": tts_service.url}
    return module_gateways.start_from_environment(environment)


@pytest.fixture(scope="module")
def john(auth_service):
    """User 123, whose tokens say nothing of a user_type."""
    return auth_service.log_in("user@example.com").cookies["access_token"]


@pytest.fixture(scope="module")
def mary(auth_service):
    """User 7, a manager."""
    return auth_service.log_in("mary@example.com").cookies["access_token"]


@pytest.fixture(scope="module")
def credentials(john, mary, auth_service):
    """Every token that the tables below name."""
    key = GUIDE_SIGNING_KEY
    return {
        "john": john,
        "mary": mary,
        "refresh": auth_service.log_in("user@example.com").cookies["refresh_token"],
        "expired": tokens.token(key, lifetime=-1),
        "wrong_key": tokens.token("another-signing-key-of-the-same-length"),
        "flipped": tokens.last_bit_flipped(john),
        "tampered": tokens.tampered(john, user_id=7),
        "unsigned": tokens.unsigned(subject="123"),
        "unsigned_upper": tokens.unsigned({"alg": "NONE", "typ": "JWT"}, subject="123"),
        "none_with_signature": tokens.unsigned(signature=john.rsplit(".", 1)[1]),
        "stripped": john.rsplit(".", 1)[0] + ".",
        "two_parts": john.rsplit(".", 1)[0],
        "four_parts": john + "." + john.rsplit(".", 1)[1],
        "hs384": tokens.token(key, "HS384"),
        "hs512": tokens.token(key, "HS512"),
        "no_exp": tokens.token(key, exp=None),
        "no_subject": tokens.token(key, user_id=None),
        "empty_subject": tokens.token(key, subject=""),
        "dots_subject": tokens.token(key, subject=".."),
        "float_subject": tokens.token(key, subject=1.5),
        "true_subject": tokens.token(key, subject=True),
        "list_subject": tokens.token(key, subject=["123"]),
        "newline_subject": tokens.token(key, subject="1\nX-User-Type: admin"),
        "not_yet": tokens.token(key, nbf=tokens.claims()["exp"] - 300),
        "from_the_future": tokens.token(key, iat=tokens.claims()["exp"] - 300),
        "exp_as_text": token_with_text_exp(key),
        "critical": tokens.token(key, headers={"crit": ["b64"], "b64": False}),
        "garbage": "not-a-token",
        "long": "x" * 17000,
    }


def token_with_text_exp(key):
    """PyJWT does not mind while encoding; NumericDate is a number all the same (RFC 7519 section 2)."""
    return jwt.encode({"user_id": "42", "exp": "9999999999"}, key, algorithm="HS256")


def identity(report):
    return report["identity"]["id"], report["identity"]["type"]


# -- what the peers and the guide's own words promise

def test_tokens_have_the_claims_of_the_guide(john, mary):
    claims = jwt.decode(john, GUIDE_SIGNING_KEY, algorithms=["HS256"])
    assert claims["user_id"] == 123 and "user_type" not in claims
    assert jwt.decode(mary, GUIDE_SIGNING_KEY, algorithms=["HS256"])["user_type"] == "manager"


def test_the_guides_key_is_too_short_unless_knowingly_allowed(tmp_path):
    """Accepting it silently would make the guide's example value a production key."""
    done = sidegate("check", environment=GUIDE_ENVIRONMENT, folder=tmp_path)
    assert done.returncode == 2
    assert "SIDEGATE_ALLOW_WEAK_SECRET" in done.stdout + done.stderr
    assert GUIDE_SIGNING_KEY not in done.stdout + done.stderr


def test_plain_http_to_the_auth_service_is_warned_of_once(gateway):
    warnings = [line for line in gateway.log_lines() if line["level"] in ("warn", "warning")]
    assert len([line for line in warnings if "AUTH_SERVICE_URL" in json.dumps(line)]) == 1, gateway.stderr


# -- the middleware, as one table

@dataclass
class Case:
    """A request, with the names of tokens in braces, and what becomes of it."""

    name: str
    path: str = "/tickets/"
    cookie: str = ""
    authorization: str = ""
    more: dict = field(default_factory=dict)
    identity: tuple = None  # passed on, as this (user_id, user_type); (None, None) where nobody is looked at
    refused: bytes = None  # 401 with this body, or 400
    method: str = "GET"


NOBODY = (None, None)
JOHN, MARY = ("123", "staff"), ("7", "manager")

CASES = [
    # if request.path.startswith('/public/'): return self.get_response(request)
    Case("public, no credential", "/public/info", identity=NOBODY),
    Case("public, good cookie", "/public/info", cookie="access_token={john}", identity=NOBODY),
    Case("public, bad cookie", "/public/info", cookie="access_token={garbage}", identity=NOBODY),
    Case("public, bad bearer", "/public/info", authorization="Bearer {expired}", identity=NOBODY),
    Case("public, folder itself", "/public/", authorization="Bearer {wrong_key}", identity=NOBODY),
    Case("public, deep", "/public/a/b/c?next=/tickets/", identity=NOBODY),
    Case("public, POST", "/public/form", method="POST", identity=NOBODY),
    Case("not public: a longer name", "/publicity", refused=AUTHENTICATION_REQUIRED),
    Case("not public: only in the query", "/tickets/?x=/public/y", refused=AUTHENTICATION_REQUIRED),
    Case("not public: another letter case", "/Public/info", refused=AUTHENTICATION_REQUIRED),
    # token = request.COOKIES.get('access_token')
    Case("cookie", cookie="access_token={john}", identity=JOHN),
    Case("cookie of a manager", cookie="access_token={mary}", identity=MARY),
    Case("cookie among others", cookie="a=1; access_token={mary};b=2", identity=MARY),
    Case("cookie twice, the same", cookie="access_token={john}; access_token={john}", identity=JOHN),
    Case("cookie twice, two users", cookie="access_token={john}; access_token={mary}", refused=BAD_REQUEST),
    Case("cookie in quotes", cookie='access_token="{john}"', refused=BAD_REQUEST),
    Case("cookie name is compared exactly", cookie="Access_Token={john}", refused=AUTHENTICATION_REQUIRED),
    Case("cookie name is compared whole", cookie="xaccess_token={john}", refused=AUTHENTICATION_REQUIRED),
    Case("cookie, POST", cookie="access_token={john}", method="POST", identity=JOHN),
    # if not token: auth_header = request.META.get('HTTP_AUTHORIZATION', '')
    Case("bearer", authorization="Bearer {john}", identity=JOHN),
    Case("bearer of a manager", authorization="Bearer {mary}", identity=MARY),
    Case("bearer, scheme in lower case", authorization="bearer {john}", identity=JOHN),
    Case("bearer, scheme in upper case", authorization="BEARER {john}", identity=JOHN),
    Case("cookie first, then bearer", cookie="access_token={john}", authorization="Bearer {mary}", identity=JOHN),
    Case("and the other way round", cookie="access_token={mary}", authorization="Bearer {john}", identity=MARY),
    Case("bearer beside other cookies", cookie="a=1", authorization="Bearer {mary}", identity=MARY),
    Case("empty cookie is none", cookie="access_token=", authorization="Bearer {mary}", identity=MARY),
    Case("bad cookie is not missing", cookie="access_token={garbage}", authorization="Bearer {mary}",
         refused=INVALID_TOKEN),
    Case("expired cookie is not missing", cookie="access_token={expired}", authorization="Bearer {mary}",
         refused=INVALID_TOKEN),
    Case("good cookie, bad bearer", cookie="access_token={john}", authorization="Bearer {garbage}", identity=JOHN),
    # if not token: 401 "Authentication required"
    Case("nothing", refused=AUTHENTICATION_REQUIRED),
    Case("nothing, POST", method="POST", refused=AUTHENTICATION_REQUIRED),
    Case("nothing, HEAD", method="HEAD", refused=b""),
    Case("empty cookie", cookie="access_token=", refused=AUTHENTICATION_REQUIRED),
    Case("another cookie", cookie="session={john}", refused=AUTHENTICATION_REQUIRED),
    Case("bearer with nothing after it", authorization="Bearer", refused=AUTHENTICATION_REQUIRED),
    Case("another scheme", authorization="Basic am9objpwYXNz", refused=AUTHENTICATION_REQUIRED),
    Case("token without a scheme", authorization="{john}", refused=AUTHENTICATION_REQUIRED),
    Case("token in the query", "/tickets/?access_token={john}", refused=AUTHENTICATION_REQUIRED),
    Case("token in another header", more={"X-Access-Token": "{john}"}, refused=AUTHENTICATION_REQUIRED),
    Case("token in an underscore twin", more={"HTTP_AUTHORIZATION": "Bearer {john}"}, refused=AUTHENTICATION_REQUIRED),
    # except jwt.InvalidTokenError: 401 "Invalid token"
    *(
        Case(f"{where}: {name}", refused=INVALID_TOKEN, **{
            "cookie": {"cookie": f"access_token={{{name}}}"},
            "bearer": {"authorization": f"Bearer {{{name}}}"},
        }[where])
        for where in ("cookie", "bearer")
        for name in (
            "expired", "wrong_key", "flipped", "tampered", "unsigned", "unsigned_upper", "none_with_signature",
            "stripped", "two_parts", "four_parts", "hs384", "hs512", "no_exp", "no_subject", "empty_subject",
            "dots_subject", "float_subject", "true_subject", "list_subject", "newline_subject", "not_yet",
            "from_the_future", "exp_as_text", "critical", "garbage", "long",
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_middleware(gateway, credentials, case):
    fields = [f"{name}: {value}" for name, value in (("Cookie", case.cookie), ("Authorization", case.authorization),
                                                     *case.more.items()) if value]
    filled = [line.format(**credentials) for line in (case.path, *fields)]
    answer = gateway.ask(request(case.method, *filled), case.method)
    if case.refused is None:
        assert answer.status == 200, answer.body
        assert identity(json.loads(answer.body)) == case.identity
    else:
        assert (answer.status, answer.body) == (400 if case.refused == BAD_REQUEST else 401, case.refused)


# -- the refusals, to the letter

def test_401_without_a_credential(gateway):
    response = gateway.get("/tickets/")
    assert response.status_code == 401
    assert response.content == AUTHENTICATION_REQUIRED
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == str(len(AUTHENTICATION_REQUIRED))
    # RFC 6750 section 3.1: a request without any authentication information is told the scheme and no error.
    assert re.fullmatch(r'Bearer( realm="[^"]*")?', response.headers["WWW-Authenticate"])


@pytest.mark.parametrize("name", ["expired", "wrong_key", "unsigned", "garbage", "no_subject"])
def test_401_with_a_bad_credential(gateway, credentials, name):
    response = gateway.get("/tickets/", headers={"Authorization": "Bearer " + credentials[name]})
    assert response.status_code == 401
    assert response.content == INVALID_TOKEN
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    challenge = response.headers["WWW-Authenticate"]
    assert re.fullmatch(r'Bearer error="invalid_token", error_description="[^"]+"', challenge)
    assert credentials[name] not in challenge


def test_the_class_of_a_refusal_is_told_and_its_details_are_logged(gateway, credentials):
    """`auth_reason` and `auth_outcome` are for the operator; the caller learns no more than the class."""
    expected = {"expired": "expired", "wrong_key": "bad_signature", "no_subject": "missing_claim",
                "garbage": "malformed", "not_yet": "not_yet_valid"}
    for name, outcome in expected.items():
        response = gateway.get("/tickets/", headers={"Authorization": "Bearer " + credentials[name]})
        line = gateway.access_line(response)
        assert line["auth_outcome"] == outcome, name
        assert line["audit"] is True, name


# -- what the service sees

def test_user_type_is_staff_by_default_and_the_claim_otherwise(gateway, john, mary):
    for token, expected in ((john, JOHN), (mary, MARY)):
        assert identity(gateway.get("/", cookies={"access_token": token}).json()) == expected


def test_the_authentication_method_is_told(gateway, john):
    response = gateway.get("/tickets/", cookies={"access_token": john})
    line = gateway.access_line(response)
    assert line["authenticator"]
    assert response.json()["environ"]["HTTP_X_AUTH_METHOD"] == line["authenticator"]


def test_public_routes_carry_no_identity(gateway, john):
    environ = gateway.get("/public/info", cookies={"access_token": john}).json()["environ"]
    assert identity_keys(environ) == set()


def test_the_validated_credential_stays_on_the_request(gateway, john, mary):
    """Downstream services read it: the guide passes the caller's cookie on to the Auth Service."""
    environ = gateway.get("/", cookies={"access_token": john, "theme": "dark"}).json()["environ"]
    assert f"access_token={john}" in environ["HTTP_COOKIE"] and "theme=dark" in environ["HTTP_COOKIE"]
    environ = gateway.get("/", headers={"Authorization": "Bearer " + mary}).json()["environ"]
    assert environ["HTTP_AUTHORIZATION"] == "Bearer " + mary


def test_the_other_places_of_a_credential_are_removed(gateway, john, mary):
    """What was not validated must not be believed behind Sidegate."""
    response = gateway.get("/", cookies={"access_token": john}, headers={"Authorization": "Bearer " + mary})
    environ = response.json()["environ"]
    assert f"access_token={john}" in environ["HTTP_COOKIE"]
    assert "HTTP_AUTHORIZATION" not in environ


def test_the_service_can_ask_the_auth_service_for_the_caller(gateway, auth_service, john):
    """The guide's user information lookup, with what the service finds on its request."""
    report = gateway.get("/tickets/", cookies={"access_token": john}).json()
    cookie = report["environ"]["HTTP_COOKIE"].split("access_token=")[1]
    user = requests.get(f"{auth_service.url}/api/v1/tts/user-info/{report['identity']['id']}/",
                        cookies={"access_token": cookie}, timeout=TIMEOUT).json()
    assert (user["email"], user["company_id"]) == ("user@example.com", "MA0001")


# -- nothing of it can be forged

FORGED = [
    ["X-User-Id: 1"],
    ["x-user-id: 1"],
    ["x_user_id: 1"],
    ["X_User_Id: 1"],
    ["X_USER-Id: 1"],
    ["X-USER_ID: 1"],
    ["X.User.Id: 1"],
    ["X~User!Id: 1"],
    ["X-User-Id: 1", "X-User-Id: 2"],
    ["X-User-Id: 1", "X_User_Id: 2", "x.user.id: 3"],
    ["X-User-Id:"],
    ["X-User-Type: admin"],
    ["X_User_Type: admin"],
    ["X-User-Roles: TTS:Admin"],
    ["X-User-Anything: 1"],
    ["X-Auth-Method: staff"],
    ["X-Auth-Anything: 1"],
    ["X_Auth_Anything: 1"],
    ["x.auth.anything: 1"],
    ["Connection: X-User-Id"],
    ["Connection: close, X-User-Type"],
    ["Connection: x-user-id, x-user-type, x-auth-method"],
    ["X-User-Id: 1", "Connection: X-User-Id"],
    ["X_User_Id: 1", "Connection: X_User_Id, X-User-Id"],
]


def identity_keys(environ):
    """The keys of a WSGI environment that any reader could take for an identity header."""
    return {key for key in environ if re.match(r"HTTP_X[^A-Z0-9]?(USER|AUTH)", key)}


@pytest.mark.parametrize("fields", FORGED, ids=" / ".join)
def test_forged_identity_never_arrives(gateway, john, fields):
    answer = gateway.ask(request("GET", "/tickets/", f"Cookie: access_token={john}", *fields))
    assert answer.status == 200
    report = json.loads(answer.body)
    assert identity(report) == JOHN
    assert identity_keys(report["environ"]) == {"HTTP_X_USER_ID", "HTTP_X_USER_TYPE", "HTTP_X_AUTH_METHOD"}
    assert report["environ"]["HTTP_X_AUTH_METHOD"] != "1"


@pytest.mark.parametrize("fields", FORGED, ids=" / ".join)
def test_forged_identity_never_arrives_on_public_routes(gateway, fields):
    answer = gateway.ask(request("GET", "/public/info", *fields))
    assert answer.status == 200
    assert identity_keys(json.loads(answer.body)["environ"]) == set()


def test_forged_identity_in_trailers_never_arrives(gateway, john):
    body = b"3\r\nabc\r\n0\r\nX-User-Id: 1\r\nX_User_Type: admin\r\n\r\n"
    answer = gateway.ask(request("POST", "/tts/echo", f"Cookie: access_token={john}", "Transfer-Encoding: chunked",
                                 body=body))
    assert (answer.status, json.loads(answer.body)["length"]) == (200, 3)


# -- a cookie comes along by itself, so another site's page must not use it

CROSS_SITE = [
    ("POST of another site", "POST", "cookie", ["Origin: http://evil.example"], 403),
    ("POST of another port", "POST", "cookie", ["Origin: http://example:81"], 403),
    ("POST of a site that looks like ours", "POST", "cookie", ["Origin: http://example.evil"], 403),
    ("POST of nobody in particular", "POST", "cookie", ["Origin: null"], 403),
    ("DELETE of another site", "DELETE", "cookie", ["Origin: http://evil.example"], 403),
    ("PURGE of another site", "PURGE", "cookie", ["Origin: http://evil.example"], 403),
    ("websocket of another site", "GET", "cookie",
     ["Origin: http://evil.example", "Connection: Upgrade", "Upgrade: websocket"], 403),
    ("POST of our own page", "POST", "cookie", ["Origin: http://example"], 200),
    ("POST of a program", "POST", "cookie", [], 200),
    ("GET of another site", "GET", "cookie", ["Origin: http://evil.example"], 200),
    ("OPTIONS of another site", "OPTIONS", "cookie", ["Origin: http://evil.example"], 200),
    ("POST of another site with a bearer token", "POST", "bearer", ["Origin: http://evil.example"], 200),
]


@pytest.mark.parametrize("method, place, fields, status", [case[1:] for case in CROSS_SITE],
                         ids=[case[0] for case in CROSS_SITE])
def test_cross_site_requests(gateway, john, method, place, fields, status):
    credential = f"Cookie: access_token={john}" if place == "cookie" else f"Authorization: Bearer {john}"
    answer = gateway.ask(request(method, "/tickets/", credential, *fields), method)
    assert answer.status == status, answer.body
    if status == 403:
        assert answer.body == b'{"error":"Insufficient permissions"}'
        assert gateway.access_line(answer)["audit"] is True


# -- values of claims as header values

ENCODED = [
    # RFC 9110 field values have no outer blanks, and `%` must be encoded for the encoding to be undone
    ("manager", "manager"),
    (" staff ", "%20staff%20"),
    ("100%", "100%25"),
    ("a,b", "a,b"),
    ("Käse", "K%C3%A4se"),
    ("two words", "two words"),
    (["a", "b"], "a,b"),
    (["a,b", "c"], "a%2Cb,c"),
    (7, "7"),
]


@pytest.mark.parametrize("claim, expected", ENCODED, ids=repr)
def test_claims_are_encoded_in_headers(gateway, claim, expected):
    token = tokens.token(GUIDE_SIGNING_KEY, user_type=claim)
    answer = gateway.get("/", cookies={"access_token": token}).json()
    assert identity(answer) == ("42", expected)


@pytest.mark.parametrize("claim", ["a\nX-User-Id: 1", "a\r\nb", "a\0b", "a\x7fb", "\t"], ids=repr)
def test_a_control_byte_in_a_claim_refuses_the_request(gateway, claim):
    token = tokens.token(GUIDE_SIGNING_KEY, user_type=claim)
    response = gateway.get("/", cookies={"access_token": token})
    assert (response.status_code, response.content) == (401, INVALID_TOKEN)
    assert gateway.access_line(response)["auth_outcome"] == "malformed"


@pytest.mark.parametrize("subject, expected", [
    ("abc", "abc"), (123, "123"), ("0", "0"), (0, "0"), (-1, "-1"), (2**63 - 1, str(2**63 - 1)), ("a.b@c", "a.b@c"),
])
def test_subjects(gateway, subject, expected):
    token = tokens.token(GUIDE_SIGNING_KEY, subject=subject)
    assert gateway.get("/", cookies={"access_token": token}).json()["identity"]["id"] == expected


# -- the guide's callers

def curl(*words):
    done = run(["curl", "--silent", "--show-error", "--include", "--max-time", "10", "--noproxy", "*", *words])
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n\n")
    return int(head.split()[1]), body


def test_curl_with_cookie_and_bearer(gateway, john, mary):
    status, body = curl("--cookie", f"access_token={john}", gateway.url + "/tickets/")
    assert (status, identity(json.loads(body))) == (200, JOHN)
    status, body = curl("--header", f"Authorization: Bearer {mary}", gateway.url + "/tickets/")
    assert (status, identity(json.loads(body))) == (200, MARY)
    status, body = curl(gateway.url + "/tickets/")
    assert (status, body.encode()) == (401, AUTHENTICATION_REQUIRED)


def test_curl_posts_a_body(gateway, john):
    status, body = curl("--cookie", f"access_token={john}", "--json", '{"title":"Printer"}', gateway.url + "/tickets/")
    report = json.loads(body)
    assert status == 200 and report["body"]["length"] == len('{"title":"Printer"}')
    assert report["environ"]["CONTENT_TYPE"] == "application/json"


def test_a_browser_session_from_login_to_ticket(gateway, auth_service):
    """The guide's first diagram: the frontend logs in, the cookies come along, the ticket is created."""
    session = auth_service.log_in("mary@example.com")  # cookies belong to 127.0.0.1, whatever the port
    response = session.post(gateway.url + "/tickets/", json={"title": "Printer"}, timeout=TIMEOUT)
    assert response.status_code == 200
    assert identity(response.json()) == MARY
    assert response.json()["environ"]["REQUEST_METHOD"] == "POST"


def test_handle_token_refresh_on_401(gateway, auth_service):
    """The guide's checklist: on 401 the caller refreshes and tries again."""
    session = auth_service.log_in("user@example.com")
    session.cookies.set("access_token", tokens.token(GUIDE_SIGNING_KEY, lifetime=-10), domain="127.0.0.1", path="/")
    assert session.get(gateway.url + "/tickets/", timeout=TIMEOUT).status_code == 401
    refreshed = session.post(auth_service.url + "/api/v1/users/token/refresh/", json={}, timeout=TIMEOUT)
    assert refreshed.status_code == 200
    token = refreshed.json()["access"]
    assert identity(gateway.get("/tickets/", cookies={"access_token": token}).json()) == JOHN


# -- other values of the variables

def test_jwt_algorithm_names_the_one_accepted(module_gateways, tts_service):
    key = "k" * 64
    gateway = module_gateways.start_from_environment({
        "DJANGO_JWT_SIGNING_KEY": key, "JWT_ALGORITHM": "HS512", "SIDEGATE_UPSTREAM": tts_service.url})
    assert gateway.get("/", cookies={"access_token": tokens.token(key, "HS512")}).status_code == 200
    assert gateway.get("/", cookies={"access_token": tokens.token(key, "HS256")}).status_code == 401


def test_sidegate_public_names_the_public_paths(module_gateways, tts_service):
    gateway = module_gateways.start_from_environment({
        "DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_UPSTREAM": tts_service.url,
        "SIDEGATE_PUBLIC": "/static/**,/login"})
    for path, status in (("/static/a.css", 200), ("/login", 200), ("/login/x", 401), ("/public/info", 401)):
        assert gateway.get(path).status_code == status, path


def test_the_upstream_may_be_a_unix_socket(module_gateways, tts_service):
    gateway = module_gateways.start_from_environment({
        "DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_UPSTREAM": f"unix:{tts_service.unix_socket}"})
    assert identity(gateway.get("/", cookies={"access_token": tokens.token()}).json()) == ("42", "staff")
