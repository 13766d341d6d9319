"""Questions that are asked of others while a request waits, and what is kept of their answers.

Each advisory against software of this kind has a test named after it. Whoever is asked is a switchboard without a
service behind it: it says what the test wants it to say, and counts.
"""

import json
import time
from urllib.parse import parse_qs

import pytest
import requests

from raw_origin import Gate
from support import tokens
from support.asking import (
    CLIENT_SECRET, IMPATIENT, INTROSPECT, INVALID, NEVER_OPENS, PATIENT, REFRESH, UNAVAILABLE, USERS_INFO, USER_INFO,
    VALIDATE, api_key, bearer, introspection, looking_up, new_token, remote,
)
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, servers
from support.polling import PATIENCE, wait_until
from support.raw import UPGRADE, request
from support.switchboard import (
    FAULTS, LOGIN, Switchboard, answering, answering_text, held, redirect_to_login, show_a_login_page,
)

ACTIVE = {"active": True, "sub": "42"}
YES = {"valid": True, "user_id": 42}
LOCAL = jwt_authenticator(tokens.KEY, token=[{"bearer": "Authorization"}])
EMAIL = {"X-User-Email": "{user.email|}"}


@pytest.fixture
def service():
    with Switchboard() as running:
        yield running


@pytest.fixture
def other_service():
    with Switchboard() as running:
        yield running


def configured(authenticators, inject=INJECT, user_info=None, **more):
    """Each authenticator guards the folder of its name."""

    def configure(url):
        blocks = {
            "upstreams": {"app": servers(url)},
            "authenticators": authenticators,
            "inject": inject,
            "routes": [{"path": f"/{name}/**", "authenticate": [name], "upstream": "app"} for name in authenticators],
            **more,
        }
        return looking_up(blocks, **user_info) if user_info else blocks

    return configure


def directory(service, authenticator="one", **more):
    """Looks up whom the authenticator names."""
    return {"directory": {"for": [authenticator], "url": service.url + USER_INFO + "{subject}/",
                          "credential": api_key(), **more}}


def get(token, target, *fields):
    return request("GET", target, bearer(token), *fields)


def assert_invalid(watched, data):
    assert json.loads(watched.ask_refused(data, 401).body) == INVALID


def assert_unavailable(watched, data):
    assert json.loads(watched.ask_refused(data, 503).body) == UNAVAILABLE


def user(watched, data):
    """Whom the application is told of a request that must arrive."""
    return watched.ask_forwarded(data)[1].get("X-User-Id")


# -- what is kept is a fact, and each request is decided on anew

def test_cve_2021_32701_ghsa_qvp4_rpmr_xwrr_the_audience_is_checked_on_every_hit(watch, service):
    """Oathkeeper kept an introspection's answer and let it pass where another scope was wanted."""
    asks = {name: introspection(service.url + INTROSPECT, audience=[name]) for name in ("tts", "ams")}
    watched = watch(configured(asks))
    service.replies[INTROSPECT] = answering({**ACTIVE, "aud": ["tts"]})
    token = new_token()
    for _ in range(3):
        assert user(watched, get(token, "/tts/x")) == "42"
        assert_invalid(watched, get(token, "/ams/x"))


def test_cve_2021_32701_ghsa_qvp4_rpmr_xwrr_the_route_is_checked_on_every_hit(watch, service):
    """A token that is known is no pass for what this route does not allow."""
    watched = watch(lambda url: {
        **configured({"session": remote(service.url + VALIDATE)})(url),
        "routes": [{"path": "/session/**", "methods": ["GET", "POST"], "authenticate": ["session"], "upstream": "app"}],
    })
    service.replies[VALIDATE] = answering(YES)
    token = new_token()
    cookie, foreign = f"Cookie: access_token={token}", "Origin: https://evil.example"
    assert user(watched, request("GET", "/session/x", cookie)) == "42"
    watched.ask_refused(request("POST", "/session/x", cookie, foreign, body=b"x"), 403)
    watched.ask_refused(request("GET", "/session/x", cookie, foreign, *UPGRADE), 403)
    watched.ask_refused(request("DELETE", "/session/x", cookie), 405)
    watched.ask_refused(request("GET", "/session/..%2fx", cookie), 400)
    watched.ask_refused(request("GET", "/elsewhere", cookie), 404)
    assert service.count() == 1


@pytest.mark.parametrize("asks, path, answer", [
    (remote, VALIDATE, {**YES, "iat": int(time.time()) - 60}),
    (introspection, INTROSPECT, {**ACTIVE, "iat": int(time.time()) - 60, "jti": "one"}),
], ids=["remote", "introspection"])
@pytest.mark.parametrize("by", ["token", "subject"])
def test_cve_2021_32701_ghsa_qvp4_rpmr_xwrr_revocations_are_checked_on_every_hit(
        watch, service, asks, path, answer, by):
    """An answer that is kept, or old, is no way round it."""
    cache = {"ttl": "1h", "stale_if_error": "1h"}
    watched = watch(configured({"session": asks(service.url + path, cache=cache)}))
    service.replies[path] = answering(answer)
    token = new_token()
    assert user(watched, get(token, "/session/x")) == "42"
    rule = {"token": {"token": token}, "subject": {"subject": "42", "issued_before": int(time.time())}}[by]
    answered = requests.post(watched.gateway.admin_url + "/revocations", json={"authenticator": "session", **rule},
                             timeout=TIMEOUT)
    assert answered.status_code == 200, answered.text
    assert_invalid(watched, get(token, "/session/x"))
    service.stop()
    assert_invalid(watched, get(token, "/session/x"))


def test_ghsa_4mq7_pvjg_xp2r_answers_of_two_urls_are_kept_apart(watch, service, other_service):
    """Oathkeeper's key did not hold whom it had asked: a token of one issuer passed for another's."""
    watched = watch(configured({"one": introspection(service.url + INTROSPECT),
                                "two": introspection(other_service.url + INTROSPECT)}))
    service.replies[INTROSPECT] = answering(ACTIVE)
    other_service.replies[INTROSPECT] = answering({"active": False})
    token = new_token()
    for _ in range(3):
        assert user(watched, get(token, "/one/x")) == "42"
        assert_invalid(watched, get(token, "/two/x"))
    assert (service.count(), other_service.count()) == (1, 1)


@pytest.mark.parametrize("difference", [
    {"client": {"id": "another", "secret": CLIENT_SECRET, "auth": "basic"}},
    {"subject": ["username"]},
    {"audience": ["tts"]},
], ids=["client", "subject", "audience"])
def test_ghsa_4mq7_pvjg_xp2r_answers_of_two_configurations_are_kept_apart(watch, service, difference):
    """One URL, and yet another question, or another reading of its answer."""
    url = service.url + INTROSPECT
    watched = watch(configured({"one": introspection(url), "two": introspection(url, **difference)}))
    token = new_token()
    service.replies[INTROSPECT] = answering(ACTIVE)
    assert user(watched, get(token, "/one/x")) == "42"
    service.replies[INTROSPECT] = answering({"active": False, "sub": "42"})
    assert_invalid(watched, get(token, "/two/x"))
    assert user(watched, get(token, "/one/x")) == "42"


def test_ghsa_4mq7_pvjg_xp2r_users_of_two_authenticators_are_kept_apart(watch, service, other_service):
    """Two issuers may each have a user 42, about whom they know different things."""
    lookups = {f"of-{name}": directory(where, name)["directory"]
               for name, where in (("one", service), ("two", other_service))}
    watched = watch(configured({"one": LOCAL, "two": LOCAL}, EMAIL, user_info=lookups))
    service.replies[USER_INFO] = answering({"email": "one@example.com"})
    other_service.replies[USER_INFO] = answering({"email": "two@example.com"})
    token = tokens.token(subject=42)
    for _ in range(2):
        for name in ("one", "two"):
            assert watched.ask_forwarded(get(token, f"/{name}/x"))[1].get("X-User-Email") == f"{name}@example.com"


# -- a credential that cannot be verified passes nowhere

@pytest.mark.parametrize("reply", [
    show_a_login_page, redirect_to_login, answering_text(b"<html>", b"text/plain"), answering_text(b"<html>", None),
], ids=["page", "redirect", "page as text", "page as nothing"])
@pytest.mark.parametrize("make", [new_token, lambda: new_token(subject="1")], ids=["opaque", "JWT of anybody"])
def test_cve_2022_29226_a_login_page_vouches_for_nobody(watch, service, reply, make):
    """Envoy's OAuth filter took the presence of a token for authentication; so does whoever looks at the status alone,
    where something before the Auth Service shows its login page with 200 to those whom it does not know."""
    watched = watch(configured({"session": remote(service.url + VALIDATE, subject="user_id")}))
    service.replies[VALIDATE] = reply
    assert_unavailable(watched, get(make(), "/session/x"))
    assert service.count(VALIDATE) == 1 and service.count(LOGIN) == 0


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_cve_2026_31837_whoever_cannot_be_asked_says_no_yes(watch, service, fault):
    """Istio fell back to a key that everybody knows."""
    asks = {"session": remote(service.url + VALIDATE, circuit_breaker=NEVER_OPENS, **IMPATIENT),
            "opaque": introspection(service.url + INTROSPECT, circuit_breaker=NEVER_OPENS, **IMPATIENT)}
    watched = watch(configured(asks))
    service.replies["/"] = fault
    for target in ("/session/x", "/opaque/x"):
        for token in (new_token(), new_token(subject="1")):
            assert_unavailable(watched, get(token, target))


def test_istio_security_2021_001_a_token_that_cannot_be_verified_is_not_missing(watch, service):
    """Istio's `allow_missing` let tokens of unknown issuers through: `optional` is for requests without any."""
    watched = watch(lambda url: {
        **configured({"session": remote(service.url + VALIDATE)})(url),
        "routes": [{"path": "/**", "authenticate": "optional", "upstream": "app"}],
    })
    watched.ask_forwarded(request("GET", "/x"))
    service.replies[VALIDATE] = answering({"valid": False})
    assert_invalid(watched, get(new_token(), "/x"))
    service.stop()
    assert_unavailable(watched, get(new_token(), "/x"))


@pytest.mark.parametrize("to", ["other", "metadata", "itself"])
def test_ghsa_fgw5_hp8f_xfhc_no_redirect_is_followed(watch, service, other_service, to):
    """What a service answers chooses no other server of the inner network to be asked, with a token in hand."""
    other_service.replies["/"] = answering({**YES, **ACTIVE})
    location = {"other": other_service.url + "/yes", "metadata": "http://169.254.169.254/", "itself": "/yes"}[to]
    service.replies["/yes"] = answering({**YES, **ACTIVE})
    for status in (b"301 Moved Permanently", b"302 Found", b"303 See Other", b"307 Temporary Redirect",
                   b"308 Permanent Redirect"):
        reply = answering({}, b"Location: " + location.encode(), status=status)
        service.replies[VALIDATE] = service.replies[INTROSPECT] = reply
        watched = watch(configured({"session": remote(service.url + VALIDATE),
                                    "opaque": introspection(service.url + INTROSPECT)}))
        for target in ("/session/x", "/opaque/x"):
            assert_unavailable(watched, get(new_token(), target))
    assert (service.count("/yes"), other_service.count()) == (0, 0)


# -- what a caller sends is no part of the question

STRANGERS = ["session=abc", "csrftoken=def"]


def test_cve_2026_41181_the_question_holds_nothing_that_was_not_asked_for(watch, service):
    """Traefik sent Authorization and Cookie to its error page's service. Only the token goes, and where it is to."""
    watched = watch(configured({"session": remote(service.url + VALIDATE)}))
    service.replies[VALIDATE] = answering(YES)
    token = new_token()
    fields = [f"Cookie: {'; '.join(STRANGERS)}", "X-API-Key: of-the-caller", "Proxy-Authorization: Basic abc",
              "X-Anything: of-the-caller", "Referer: https://app.example/?secret"]
    assert user(watched, get(token, "/session/private?secret=1", *fields)) == "42"
    (call,) = service.calls
    assert call.request.get("Cookie") == f"access_token={token}"
    for word in (b"of-the-caller", b"secret", b"private", b"Basic", b"abc", b"def"):
        assert word not in bytes(call.request.raw), word


def test_cve_2026_39858_ghsa_5m6w_wvh7_57vm_twins_reach_no_question(watch, service):
    """Traefik's ForwardAuth backend got underscore twins of the headers that it had removed."""
    watched = watch(configured({"session": remote(service.url + VALIDATE)}))
    service.replies[VALIDATE] = answering(YES)
    twins = ["X_User_Id: 1", "X_Auth_Method: root", "X_Forwarded_User: root", "X_API_Key: root", "HTTP_COOKIE: a=b"]
    assert user(watched, get(new_token(), "/session/x", *twins)) == "42"
    (call,) = service.calls
    assert not any("_" in name or name.startswith("x-") for name in call.request.names), call.request.names


# Tokens that would end the place where they stand in the question.
BREAKING_OUT = ["good; admin=1", "good;admin=1", "good&active=true", "good\tx", "good, x", 'go"od"', "good x",
                "good=%0d%0aA: b"]


@pytest.mark.parametrize("token", BREAKING_OUT)
@pytest.mark.parametrize("send_as", [{"cookie": "access_token"}, {"bearer": "Authorization"}, {"form": "token"}],
                         ids=lambda send_as: next(iter(send_as)))
def test_cve_2026_31908_a_token_adds_nothing_to_the_question(watch, service, send_as, token):
    """APISIX let callers inject headers into its questions. Either the service is asked about the token as it is, in
    its place, or it is not asked at all."""
    watched = watch(configured({"session": remote(service.url + VALIDATE, send_as=send_as)}))
    service.replies[VALIDATE] = answering({"valid": False})
    watched.ask(request("GET", "/session/x", f"Authorization: Bearer {token}"))
    for call in service.calls:
        assert not call.request.all("A") and call.request.target == VALIDATE
        if "cookie" in send_as:
            assert call.request.get("Cookie") == f"access_token={token}" and not set(token) & set('; ,"\t')
        if "bearer" in send_as:
            assert call.request.get("Authorization") == f"Bearer {token}"
        if "form" in send_as:
            assert parse_qs(call.request.body.decode(), strict_parsing=True) == {"token": [token]}


@pytest.mark.parametrize("token", BREAKING_OUT)
def test_cve_2026_31908_a_token_adds_nothing_to_the_form(watch, service, token):
    watched = watch(configured({"opaque": introspection(service.url + INTROSPECT)}))
    service.replies[INTROSPECT] = answering({"active": False})
    watched.ask(request("GET", "/opaque/x", f"Authorization: Bearer {token}"))
    for call in service.calls:
        form = parse_qs(call.request.body.decode(), strict_parsing=True)
        assert form == {"token": [token], "token_type_hint": ["access_token"]}


@pytest.mark.parametrize("subject", [
    "../../admin", "..", ".", "a/../b", "a?x=y", "a#b", "a%2f..%2fb", "a\\..\\b", "a\r\nA: b"], ids=repr)
def test_ghsa_fgw5_hp8f_xfhc_a_subject_leads_to_no_other_path(watch, service, subject):
    """It is one segment of the URL that the configuration names, or nobody is asked."""
    watched = watch(configured({"one": LOCAL}, EMAIL, user_info=directory(service)))
    service.replies["/"] = answering({"email": "a@example.com"})
    watched.ask(get(tokens.token(subject=subject), "/one/x"))
    for call in service.calls:
        segment = call.request.target.removeprefix(USER_INFO).removesuffix("/")
        assert call.request.target.startswith(USER_INFO) and segment not in ("", ".", "..")
        assert not set(segment) & set("/?#\\ \r\n"), segment
        assert not call.request.all("A")


def test_a_subject_adds_nothing_to_a_batch(watch, service):
    """The same, where the question is JSON."""
    watched = watch(configured({"one": LOCAL}, EMAIL, user_info=directory(service, batch_url=service.url + USERS_INFO)))
    service.replies[USERS_INFO] = answering([])
    subject = 'a","b"],"admin":["\\u0000\\'
    watched.ask_forwarded(get(tokens.token(subject=subject), "/one/x"))
    (call,) = service.calls
    assert call.json == {"user_ids": [subject]}


# -- what a service says is no header of its choice

CONTROL = ["a\r\nX-User-Id: 1", "a\n", "a\0", "\x7f", "a\x1f"]


@pytest.mark.parametrize("value", CONTROL, ids=repr)
def test_cve_2023_27493_a_claim_of_an_answer_is_no_header(watch, service, value):
    """Envoy put values into headers as they were."""
    watched = watch(configured({"session": remote(service.url + VALIDATE), "opaque": introspection(
        service.url + INTROSPECT)}))
    service.replies[VALIDATE] = answering({"data": {**YES, "user_type": value}})
    service.replies[INTROSPECT] = answering({**ACTIVE, "user_type": value})
    for target in ("/session/x", "/opaque/x"):
        answer = watched.ask_refused(get(new_token(), target), 401)
        assert watched.gateway.access_line(answer)["auth_outcome"] == "malformed"


@pytest.mark.parametrize("value", CONTROL, ids=repr)
def test_cve_2023_27493_what_is_known_of_a_user_is_no_header(watch, service, value):
    watched = watch(configured({"one": LOCAL}, {**EMAIL, "X-User-Id": "{subject}"}, user_info=directory(service)))
    service.replies[USER_INFO] = answering({"email": value})
    arrived = watched.ask_forwarded(get(tokens.token(subject=42), "/one/x"))[1]
    assert arrived.get("X-User-Id") == "42" and not arrived.all("X-User-Email")


def test_cve_2026_30851_what_the_service_leaves_out_is_not_the_callers(watch, service):
    """Caddy's copy_headers left the caller's own copy where the auth service had said nothing."""
    watched = watch(configured(
        {"one": LOCAL, "session": remote(service.url + VALIDATE)},
        inject={"X-Company": "{user.company|}", "X-Groups": "{claims.groups|}"}, user_info=directory(service)))
    service.replies[VALIDATE] = answering(YES)
    forged = ["X-Company: evil", "x_company: evil", "X-Groups: admin", "X.Groups: admin"]
    for reply in (answering({}), answering({}, status=b"404 Not Found"), FAULTS["fail"]):
        service.replies[USER_INFO] = reply
        for target, token in (("/one/x", tokens.token(subject=new_token())), ("/session/x", new_token())):
            arrived = watched.ask_forwarded(get(token, target, *forged))[1]
            assert not any("company" in name or "groups" in name for name in arrived.names)


# -- what a service says has limits

DEEP = b"[" * 5000 + b"]" * 5000
GOOD = json.dumps({**YES, **ACTIVE}).encode()[:-1] + b', "a": '
LIMITS = {
    "deep": GOOD + DEEP + b"}",
    "deep objects": GOOD + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    "large": GOOD + b'"' + b"a" * 20_000_000 + b'"}',
}


@pytest.mark.parametrize("body", LIMITS.values(), ids=LIMITS)
def test_cve_2026_48042_cve_2025_11230_an_answer_has_limits(watch, service, body):
    """Depth and size; beyond them it is none, and the gateway goes on."""
    watched = watch(configured({"session": remote(service.url + VALIDATE, timeout="5s"),
                                "opaque": introspection(service.url + INTROSPECT, timeout="5s")}))
    service.replies["/"] = answering_text(body, b"application/json")
    before = watched.gateway.memory_kib()
    for target in ("/session/x", "/opaque/x"):
        assert_unavailable(watched, get(new_token(), target))
    assert watched.gateway.memory_kib() < before + 15_000 * PATIENCE
    service.replies["/"] = answering({**YES, **ACTIVE})
    assert user(watched, get(new_token(), "/session/x")) == "42"


@pytest.mark.parametrize("number", ["1" * 10_000, "1e400", "-1e400", "1e-99999", "9" * 400 + ".5"],
                         ids=lambda text: text[:8])
def test_cve_2026_48042_cve_2025_11230_a_number_has_limits(watch, service, number):
    """As a name it names nobody, and as an end it ends nothing: in either case nobody passes by it."""
    watched = watch(configured({"session": remote(service.url + VALIDATE), "opaque": introspection(
        service.url + INTROSPECT)}))
    for name in ("user_id", "exp"):
        body = json.dumps({**YES, **ACTIVE, name: 0}).replace(f'"{name}": 0', f'"{name}": {number}').encode()
        service.replies["/"] = answering_text(body, b"application/json")
        targets = ("/session/x", "/opaque/x") if name == "exp" else ("/session/x",)
        for target in targets:
            answer, arrived = watched.ask(get(new_token(), target))
            assert answer.status in (401, 503) and not arrived, (name, answer.status)


def test_cve_2023_27493_the_cookies_of_a_renewed_session_are_no_other_headers(watch, service):
    watched = watch(configured({"one": jwt_authenticator(tokens.KEY)}, session_refresh={
        "for": ["one"], "cookie": "access_token", "refresh_cookie": "refresh_token", "url": service.url + REFRESH}))
    new = tokens.token()
    for access, refresh in ((new + "\r\nX-Evil: 1", "r"), (new + "; Domain=evil.example", "r"), (new, "r\r\nX-Evil: 1"),
                            (new, "r; Domain=evil.example")):
        service.replies[REFRESH] = answering({"access": access, "refresh": refresh})
        old = tokens.token(lifetime=60, iat=int(time.time()) - 6000)
        cookies = f"Cookie: access_token={old}; refresh_token={new_token()}"
        answer, arrived = watched.ask(request("GET", "/one/x", cookies))
        assert answer.status == 200 and arrived
        assert not answer.all("X-Evil") and not any("Domain" in line for line in answer.all("Set-Cookie"))
        assert not any(each.all("X-Evil") for each in arrived)


# -- a client that leaves while somebody is asked

@pytest.mark.parametrize("answers", [True, False], ids=["before the answer", "and no answer comes"])
def test_cve_2025_64527_cve_2026_47205_cve_2026_48090_cve_2026_26311_the_client_is_gone(watch, service, answers):
    """Envoy's filters were called back after their request was destroyed. tests/e2e/test_suspension.py has more."""
    timeout = PATIENT if answers else IMPATIENT
    watched = watch(configured({"session": remote(service.url + VALIDATE, **timeout),
                                "opaque": introspection(service.url + INTROSPECT, **timeout)}))
    for path, target in ((VALIDATE, "/session/x"), (INTROSPECT, "/opaque/x")):
        gate = Gate()
        service.replies[path] = held(gate, answering({**YES, **ACTIVE})) if answers else FAULTS["hang"]
        token, before = new_token(), len(watched.origin.requests)
        clients = [watched.client() for _ in range(8)]
        for client in clients:
            client.send(get(token, target))
        service.wait_for_calls(1, path)
        for client in clients:
            client.reset()
        gate.open()
        wait_until(lambda: not service.under_way, "the end of the call")
        service.replies[path] = answering({**YES, **ACTIVE})
        answer, arrived = watched.ask(get(token, target + "/later"))
        assert answer.status == 200
        # Requests of the others may arrive as well, if the answer was faster than the reset.
        assert [each.get("X-User-Id") for each in arrived if each.target == target + "/later"] == ["42"]
        assert len(watched.origin.requests) - before in range(1, 10)
        assert service.count(path) == (1 if answers else 2)
