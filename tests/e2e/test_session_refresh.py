"""Sessions of browsers, kept alive: a token that is about to end, or has ended, is renewed while the request waits.

The real Auth Service gives out the new tokens where it can; a stub does where a test needs something that it would
never say. Both stand behind a switchboard that counts the calls.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie

import pytest
import requests

from raw_origin import Gate, RawOrigin, answering as origin_answering, ok
from support import tokens
from support.asking import (
    AT_ONCE, IMPATIENT, PATIENT, REFRESH, assert_invalid, assert_unavailable, end_at_once, guarded, in_time,
    last_request, new_token, timed,
)
from support.auth_service import MortalAuthService, user_known_by
from support.gateway import TIMEOUT, jwt_authenticator
from support.peers import GUIDE_SIGNING_KEY
from support.polling import wait_until
from support.ports import free_port
from support.raw import SWITCHING, UPGRADE, request
from support.raw import ask as raw_ask
from support.switchboard import FAULTS, Switchboard, answering, delayed, fail, held

GUIDE_KEY = {"secret": GUIDE_SIGNING_KEY, "allow_weak": True}
LIFETIME, THRESHOLD = 10_000, 300  # seconds: a fifth of the lifetime is more than the threshold


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def service(auth_service):
    """The real Auth Service: its refresh tokens may be used again, and its answers set cookies."""
    with Switchboard(auth_service.url) as running:
        yield running


@pytest.fixture(scope="module")
def rotating(tmp_path_factory):
    """Another one, whose refresh tokens are good for one use."""
    service = MortalAuthService(tmp_path_factory.mktemp("rotating"), GUIDE_SIGNING_KEY, AUTH_ROTATES="1")
    try:
        yield service.wait_until_listening()
    finally:
        service.kill()


@pytest.fixture(scope="module")
def without_cookies(tmp_path_factory):
    """Another one, which rotates too and answers in JSON alone."""
    service = MortalAuthService(tmp_path_factory.mktemp("json"), GUIDE_SIGNING_KEY, AUTH_ROTATES="1",
                                AUTH_REFRESH_SETS_COOKIES="0")
    try:
        yield service.wait_until_listening()
    finally:
        service.kill()


@pytest.fixture
def stub():
    with Switchboard() as running:
        yield running


def refreshing(origin, url, **more):
    settings = {"for": ["staff"], "cookie": "access_token", "refresh_cookie": "refresh_token", "url": url + REFRESH,
                "threshold": f"{THRESHOLD}s", **PATIENT, **more}
    blocks = guarded(origin, {"staff": jwt_authenticator(None, keys=[GUIDE_KEY])})
    return {**blocks, "session_refresh": settings}


@pytest.fixture
def start(gateways, module_origin, stub):
    """Starts a gateway that renews sessions at the stub."""
    return lambda **more: gateways.start(refreshing(module_origin, stub.url, **more))


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin, service):
    return module_gateways.start(refreshing(module_origin, service.url))


# -- tokens, and requests that carry them

def access_token(left, lifetime=LIFETIME, key=GUIDE_SIGNING_KEY, **claims):
    """One that ends in `left` seconds and was meant to hold for `lifetime`."""
    end = int(time.time()) + left
    return tokens.token(key, **{"subject": "123", "exp": end, "iat": end - lifetime, **claims})


def ending(**claims):
    """Within the threshold, and long enough for any test."""
    return access_token(left=200, **claims)


def ended(**claims):
    return access_token(left=-5, **claims)


def refresh_token():
    """One that no service gave out, for a stub."""
    return new_token()


def cookies(access, refresh):
    return f"Cookie: theme=dark; access_token={access}; refresh_token={refresh}"


def ask(gateway, access, refresh, target="/x", *fields):
    return gateway.ask(request("GET", target, cookies(access, refresh), *fields))


def carried(request):
    """The access token that a forwarded request carries."""
    return SimpleCookie(request.get("Cookie"))["access_token"].value


def set_cookies(answer):
    """The cookies that an answer sets, by name; one of a name."""
    parsed = [next(iter(SimpleCookie(line).items())) for line in answer.all("Set-Cookie")]
    assert len(parsed) == len(dict(parsed)), answer.all("Set-Cookie")
    return dict(parsed)


def assert_not_renewed(answer, origin, access):
    """The request went on with the old token, and the browser is told nothing."""
    assert answer.status == 200, answer.body
    assert carried(last_request(origin)) == access
    assert not answer.all("Set-Cookie")


def renewed_by(stub, access=None, *fields, **members):
    """Has the stub give out a new token, which is returned."""
    access = access or access_token(left=LIFETIME, jti="new")
    stub.replies[REFRESH] = answering({"access": access, **members}, *fields)
    return access


# -- with the real service

@pytest.fixture
def john(auth_service):
    return auth_service.log_in("user@example.com").cookies["refresh_token"]


@pytest.mark.parametrize("make", [ending, ended], ids=["near its end", "after its end"])
def test_a_session_is_renewed(gateway, service, module_origin, auth_service, john, make):
    old, before = make(), service.count(REFRESH)
    answer = ask(gateway, old, john)
    assert answer.status == 200, answer.body
    arrived, new = last_request(module_origin), set_cookies(answer)["access_token"].value
    assert new != old and carried(arrived) == new
    assert arrived.get("X-User-Id") == "123"
    assert user_known_by(auth_service, new) == 123
    assert service.count(REFRESH) == before + 1


def test_a_browser_goes_on_with_its_new_token(gateway, service, john):
    before = service.count(REFRESH)
    with requests.Session() as browser:
        for name, value in (("access_token", ended()), ("refresh_token", john)):
            browser.cookies.set(name, value, domain="127.0.0.1")
        for _ in range(5):
            assert browser.get(gateway.url + "/x", timeout=TIMEOUT).status_code == 200
    assert service.count(REFRESH) == before + 1


def test_how_the_service_is_asked(gateway, service, john):
    before = service.count(REFRESH)
    assert ask(gateway, ended(), john, "/x", "X-User-Id: 1", "Authorization: Basic abc").status == 200
    (call,) = service.calls_of(REFRESH)[before:]
    assert (call.request.method, call.request.target, call.json) == ("POST", REFRESH, {"refresh": john})
    assert call.request.get("Cookie") == f"refresh_token={john}"
    assert call.request.get("Content-Type") == "application/json"
    assert not call.request.all("Authorization") and not call.request.all("X-User-Id")


def test_cookies_of_the_service_are_handed_on_as_they_are(gateway, service, auth_service, john):
    own = requests.post(auth_service.url + REFRESH, json={"refresh": john}, timeout=TIMEOUT)
    answer = ask(gateway, ended(), john)
    (line,) = answer.all("Set-Cookie")
    assert line.partition(";")[2] == own.headers["Set-Cookie"].partition(";")[2]


def test_a_refresh_token_that_the_service_refuses(gateway, service, module_origin):
    for access, check in ((ending(), None), (ended(), assert_invalid)):
        before, refresh = service.count(REFRESH), refresh_token()
        answer = ask(gateway, access, refresh)
        check(answer) if check else assert_not_renewed(answer, module_origin, access)
        assert service.count(REFRESH) == before + 1


def test_a_refresh_token_is_rotated(gateways, module_origin, rotating):
    with Switchboard(rotating.url) as counted:
        gateway = gateways.start(refreshing(module_origin, counted.url))
        refresh = rotating.log_in("user@example.com").cookies["refresh_token"]
        for _ in range(3):
            set_by = set_cookies(ask(gateway, ended(), refresh))
            assert set_by.keys() == {"access_token", "refresh_token"}
            assert set_by["refresh_token"].value != refresh
            refresh = set_by["refresh_token"].value
        assert counted.count(REFRESH) == 3


def test_a_rotated_refresh_token_from_json(gateways, module_origin, without_cookies):
    with Switchboard(without_cookies.url) as counted:
        gateway = gateways.start(refreshing(module_origin, counted.url))
        refresh = without_cookies.log_in("user@example.com").cookies["refresh_token"]
        for _ in range(2):
            answer = ask(gateway, ended(), refresh)
            set_by = set_cookies(answer)
            assert set_by.keys() == {"access_token", "refresh_token"}
            for line in answer.all("Set-Cookie"):
                assert line.partition("; ")[2] == "HttpOnly; SameSite=Lax; Path=/"
            assert user_known_by(without_cookies, set_by["access_token"].value) == 123
            refresh = set_by["refresh_token"].value
        assert counted.count(REFRESH) == 2


def test_many_tabs_of_a_browser_and_a_rotating_service(gateways, module_origin, rotating):
    """The old refresh token is good for one use only, which all of them share."""
    with Switchboard(rotating.url) as counted:
        counted.replies[REFRESH] = delayed(0.1, counted.pass_on)
        gateway = gateways.start(refreshing(module_origin, counted.url, timeout="2s"))
        refresh = rotating.log_in("user@example.com").cookies["refresh_token"]
        old = ended()
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: ask(gateway, old, refresh), range(20)))
        assert {answer.status for answer in answers} == {200}
        assert len({set_cookies(answer)["access_token"].value for answer in answers}) == 1
        assert counted.count(REFRESH) == 1


# -- whose session is renewed, and when

def assert_asks_nobody(gateway, stub, access, refresh=None, status=200):
    renewed_by(stub)
    answer = ask(gateway, access, refresh or refresh_token())
    assert answer.status == status, answer.body
    assert not answer.all("Set-Cookie")
    assert stub.count() == 0
    return answer


# How long a token was meant to hold, how long it still does, and whether it is renewed.
MOMENTS = [
    (10_000, 320, False), (10_000, 280, True),  # the threshold
    (1_000, 220, False), (1_000, 180, True),  # a fifth of the lifetime
    (100, 60, False), (100, 10, True),
]


@pytest.mark.parametrize("lifetime, left, expected", MOMENTS)
def test_when_a_token_is_near_its_end(start, stub, lifetime, left, expected):
    gateway = start()
    renewed_by(stub)
    answer = ask(gateway, access_token(left, lifetime), refresh_token())
    assert answer.status == 200
    assert stub.count() == expected
    assert bool(answer.all("Set-Cookie")) == expected


@pytest.mark.parametrize("access", [
    lambda: tokens.last_bit_flipped(access_token(left=200)),
    lambda: tokens.last_bit_flipped(access_token(left=-5)),
    lambda: access_token(left=200, key="another-key-that-is-long-enough-for-HS256"),
    lambda: access_token(left=-5, key="another-key-that-is-long-enough-for-HS256"),
    lambda: tokens.tampered(access_token(left=-5), exp=int(time.time()) + 200),
    lambda: tokens.unsigned(exp=int(time.time()) - 5),
    lambda: access_token(left=-5, nbf=int(time.time()) + 600),
    lambda: access_token(left=-5, subject=""),
    lambda: "nonsense",
], ids=["flipped", "flipped, ended", "another key", "another key, ended", "tampered", "unsigned", "not yet", "nobody",
        "no token"])
def test_a_token_that_does_not_verify_is_never_renewed(start, stub, access):
    assert_invalid(assert_asks_nobody(start(), stub, access(), status=401))


def test_without_a_refresh_token_nobody_is_asked(start, stub, module_origin):
    gateway, access = start(), ending()
    renewed_by(stub)
    for field in ("refresh_token=", "other=1"):
        answer = gateway.ask(request("GET", "/x", f"Cookie: access_token={access}; {field}"))
        assert_not_renewed(answer, module_origin, access)
        assert_invalid(gateway.ask(request("GET", "/x", f"Cookie: access_token={ended()}; {field}")))
    assert stub.count() == 0


def test_without_an_access_token_nobody_is_asked(start, stub):
    gateway = start()
    renewed_by(stub)
    assert gateway.ask(request("GET", "/x", f"Cookie: refresh_token={refresh_token()}")).status == 401
    assert stub.count() == 0


def test_a_bearer_token_is_never_renewed(start, stub):
    """It belongs to a program, which cannot be told of another one by a cookie."""
    gateway = start()
    renewed_by(stub)
    for access, status in ((ending(), 200), (ended(), 401)):
        answer = gateway.ask(request("GET", "/x", f"Authorization: Bearer {access}",
                                     f"Cookie: refresh_token={refresh_token()}"))
        assert answer.status == status and not answer.all("Set-Cookie")
    assert stub.count() == 0


def test_an_open_route_renews_nothing(start, stub):
    gateway = start()
    renewed_by(stub)
    assert ask(gateway, ended(), refresh_token(), "/public/x").status == 200
    assert stub.count() == 0


def test_another_authenticators_token_is_not_renewed(gateways, module_origin, stub):
    blocks = refreshing(module_origin, stub.url)
    blocks["authenticators"]["other"] = blocks["authenticators"]["staff"]
    blocks["routes"].insert(0, {"path": "/other/**", "authenticate": ["other"], "upstream": "app"})
    gateway = gateways.start(blocks)
    renewed_by(stub)
    assert ask(gateway, ending(), refresh_token(), "/other/x").status == 200
    assert_invalid(ask(gateway, ended(), refresh_token(), "/other/x"))
    assert stub.count() == 0
    assert ask(gateway, ended(), refresh_token(), "/staff/x").status == 200
    assert stub.count() == 1


# -- revocation

def revoke(gateway, **body):
    answer = requests.post(gateway.admin_url + "/revocations", json={"authenticator": "staff", **body}, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("make", [ending, ended], ids=["near its end", "after its end"])
@pytest.mark.parametrize("rule", [{"jti": "one"}, {"subject": "123", "issued_before": int(time.time())}],
                         ids=["by its jti", "by its subject"])
def test_a_revoked_token_is_never_renewed(start, stub, make, rule):
    gateway, access = start(), make(jti="one")
    revoke(gateway, **rule)
    assert_invalid(assert_asks_nobody(gateway, stub, access, status=401))


@pytest.mark.parametrize("issued, expected", [(-600, 0), (600, 1)], ids=["before", "after"])
def test_a_subject_rule_also_tests_the_refresh_token(start, stub, module_origin, issued, expected):
    """An access token from after the rule, renewed with a refresh token from before, would undo it."""
    gateway, rule = start(), int(time.time()) - LIFETIME - 1000
    revoke(gateway, subject="123", issued_before=rule)
    refresh = tokens.token("whatever-the-service-signs-these-with", subject="123", iat=rule + issued)
    renewed_by(stub)
    access = ending()
    answer = ask(gateway, access, refresh)
    assert answer.status == 200
    assert stub.count() == expected
    assert (carried(last_request(module_origin)) == access) == (expected == 0)


def test_a_new_token_may_be_revoked_as_well(start, stub, module_origin):
    gateway, access = start(), ending()
    renewed_by(stub, access_token(left=LIFETIME, jti="taken-back"))
    revoke(gateway, jti="taken-back")
    assert_not_renewed(ask(gateway, access, refresh_token()), module_origin, access)
    assert_invalid(ask(gateway, ended(), refresh_token()))


# -- one call for each refresh token

def test_twenty_at_once_are_one_call(start, stub, module_origin):
    gateway, access, refresh = start(), ended(), refresh_token()
    new = renewed_by(stub)
    stub.replies[REFRESH] = delayed(0.5, stub.replies[REFRESH])
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(gateway, access, refresh), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert {set_cookies(answer)["access_token"].value for answer in answers} == {new}
    assert {carried(arrived) for arrived in module_origin.requests[-20:]} == {new}
    assert stub.count() == 1


def test_the_outcome_is_used_again_for_those_who_come_late(start, stub, module_origin):
    """A request that the browser had sent before it learned of the new token."""
    gateway, refresh = start(), refresh_token()
    new = renewed_by(stub)
    for access in (ended(), ended(), ending()):
        answer = ask(gateway, access, refresh)
        assert answer.status == 200
        assert carried(last_request(module_origin)) == new
        assert set_cookies(answer)["access_token"].value == new
    assert stub.count() == 1


def test_different_sessions_are_different_calls(start, stub, module_origin):
    gateway = start()
    for subject in ("1", "2", "3"):
        new = renewed_by(stub, access_token(left=LIFETIME, subject=subject))
        assert ask(gateway, ended(subject=subject), refresh_token()).status == 200
        assert carried(last_request(module_origin)) == new
        assert last_request(module_origin).get("X-User-Id") == subject
    assert stub.count() == 3


def test_the_outcome_for_somebody_else_is_of_no_use(start, stub, module_origin):
    """A refresh token of one user beside an access token of another renews nothing."""
    gateway, refresh = start(), refresh_token()
    renewed_by(stub)
    assert ask(gateway, ended(), refresh).status == 200
    other = ending(subject="7")
    assert_not_renewed(ask(gateway, other, refresh), module_origin, other)
    assert_invalid(ask(gateway, ended(subject="7"), refresh))
    assert stub.count() == 1


# -- when it fails

@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failure_refuses_no_token_that_holds(start, stub, module_origin, fault):
    """It goes on with what it has; and where it has nothing that holds, nobody can tell."""
    gateway, access = start(**IMPATIENT), ending()
    stub.replies[REFRESH] = fault
    answer, _ = in_time(lambda: ask(gateway, access, refresh_token()))
    assert_not_renewed(answer, module_origin, access)
    answer, _ = in_time(lambda: ask(gateway, ended(), refresh_token()))
    assert_unavailable(answer)


def test_a_failure_is_not_tried_again_for_a_while(start, stub, module_origin):
    gateway, refresh, access = start(**IMPATIENT), refresh_token(), ending()
    stub.replies[REFRESH] = FAULTS["hang"]
    assert_not_renewed(ask(gateway, access, refresh), module_origin, access)
    renewed_by(stub)
    answers = [timed(lambda: ask(gateway, access, refresh)) for _ in range(10)]
    for answer, _ in answers:
        assert_not_renewed(answer, module_origin, access)
    assert min(seconds for _, seconds in answers) < AT_ONCE
    assert stub.count() == 1


def test_a_refusal_is_not_tried_again_for_a_while(start, stub, module_origin):
    gateway, refresh, access = start(), refresh_token(), ending()
    stub.replies[REFRESH] = answering({"error": "Invalid token"}, status=b"401 Unauthorized")
    for _ in range(5):
        assert_not_renewed(ask(gateway, access, refresh), module_origin, access)
        assert_invalid(ask(gateway, ended(), refresh))
    assert stub.count() == 1


@pytest.mark.parametrize("fault", [FAULTS["reset"], FAULTS["say_nothing"]], ids=lambda fault: fault.__name__)
def test_a_refresh_token_is_never_sent_twice(start, stub, module_origin, fault):
    """A service that rotates them may have taken it, though it never answered: twice is theft in its eyes."""
    gateway, access = start(), ending()
    renewed_by(stub)
    assert ask(gateway, access, refresh_token()).status == 200  # so that there is a connection to be kept
    stub.replies[REFRESH] = fault
    assert_not_renewed(ask(gateway, access, refresh_token()), module_origin, access)
    assert stub.count() == 2


# What a service may answer with 200, and has not renewed anything with.
NOT_RENEWED = {
    "somebody else's": lambda: {"access": access_token(left=LIFETIME, subject="7")},
    "by another key": lambda: {"access": access_token(left=LIFETIME, key="another-key-long-enough-for-HS256-here")},
    "ended": lambda: {"access": access_token(left=-5)},
    "not yet": lambda: {"access": access_token(left=LIFETIME, nbf=int(time.time()) + 600)},
    "unsigned": lambda: {"access": tokens.unsigned(subject="123")},
    "nonsense": lambda: {"access": "nonsense"},
    "a cookie's end in it": lambda: {"access": access_token(left=LIFETIME) + "; Domain=evil.example"},
    "a line's end in it": lambda: {"access": access_token(left=LIFETIME) + "\r\nSet-Cookie: a=b"},
    "empty": lambda: {"access": ""},
    "null": lambda: {"access": None},
    "a list": lambda: {"access": [access_token(left=LIFETIME)]},
    "another name": lambda: {"token": access_token(left=LIFETIME)},
    "no object": lambda: access_token(left=LIFETIME),
}


@pytest.mark.parametrize("make", NOT_RENEWED.values(), ids=NOT_RENEWED)
def test_a_new_token_that_will_not_do(start, stub, module_origin, make):
    gateway, access = start(), ending()
    stub.replies[REFRESH] = answering(make())
    assert_not_renewed(ask(gateway, access, refresh_token()), module_origin, access)
    answer = ask(gateway, ended(), refresh_token())
    assert answer.status in (401, 503) and not answer.all("Set-Cookie")
    assert stub.count() == 2


def test_a_cookie_of_the_service_that_will_not_do(start, stub, module_origin):
    gateway, access = start(), ending()
    foreign = access_token(left=LIFETIME, subject="7")
    stub.replies[REFRESH] = answering({}, b"Set-Cookie: access_token=" + foreign.encode() + b"; Path=/")
    assert_not_renewed(ask(gateway, access, refresh_token()), module_origin, access)


# -- what the browser is told

def test_a_cookie_of_the_service_goes_before_its_json(start, stub, module_origin):
    gateway, in_cookie = start(), access_token(left=LIFETIME, jti="cookie")
    line = f"access_token={in_cookie}; Domain=example; Path=/app; Secure; HttpOnly; SameSite=Strict; Max-Age=60"
    more = "theme=light; Path=/"
    renewed_by(stub, access_token(left=LIFETIME, jti="json"), b"Set-Cookie: " + line.encode(),
               b"Set-Cookie: " + more.encode())
    answer = ask(gateway, ended(), refresh_token())
    assert answer.all("Set-Cookie") == [line, more]
    assert carried(last_request(module_origin)) == in_cookie


def test_cookies_made_from_json(start, stub):
    gateway = start()
    new = renewed_by(stub, refresh="the-next-refresh-token")
    assert sorted(ask(gateway, ended(), refresh_token()).all("Set-Cookie")) == [
        f"access_token={new}; HttpOnly; SameSite=Lax; Path=/",
        "refresh_token=the-next-refresh-token; HttpOnly; SameSite=Lax; Path=/"]


@pytest.mark.parametrize("believed, secure", [(["127.0.0.1/32"], True), ([], False)], ids=["trusted", "not trusted"])
def test_on_an_encrypted_connection_they_are_secure(gateways, module_origin, stub, believed, secure):
    """As far as a proxy says so that is believed."""
    port = free_port()
    listeners = {"public": {"address": f"127.0.0.1:{port}", "trusted_proxies": believed}}
    gateways.start({**refreshing(module_origin, stub.url), "listeners": listeners})
    renewed_by(stub)
    answer = raw_ask(port, request("GET", "/x", cookies(ended(), refresh_token()), "X-Forwarded-Proto: https"))
    assert answer.status == 200
    assert answer.get("Set-Cookie").endswith("; Secure") == secure


@pytest.mark.parametrize("own, expected", [
    ((), {"private"}),
    ((b"Cache-Control: public, max-age=60",), {"private"}),
    ((b"Cache-Control: max-age=60",), {"private"}),
    ((b"Cache-Control: s-maxage=60, public",), {"private"}),
    ((b"Cache-Control: no-store",), {"no-store"}),
    ((b"Cache-Control: private, no-store",), {"no-store"}),
    ((b"cache-control: No-Store, max-age=0",), {"no-store"}),
    ((b"Cache-Control: private, max-age=60",), {"private"}),
], ids=str)
def test_an_answer_that_sets_a_cookie_is_private(start, stub, module_origin, own, expected):
    gateway = start()
    renewed_by(stub)
    module_origin.handler = origin_answering(ok(b"ok", *own))
    try:
        answer = ask(gateway, ended(), refresh_token())
    finally:
        module_origin.handler = None
    directives = {each.strip().partition("=")[0].lower() for line in answer.all("Cache-Control")
                  for each in line.split(",")}
    assert expected <= directives and not directives & {"public", "s-maxage"}, directives


def test_answers_of_other_requests_keep_their_cache_control(start, stub, module_origin):
    gateway = start()
    module_origin.handler = origin_answering(ok(b"ok", b"Cache-Control: public, max-age=60"))
    try:
        answer = ask(gateway, access_token(left=LIFETIME), refresh_token())
    finally:
        module_origin.handler = None
    assert answer.get("Cache-Control") == "public, max-age=60"


def test_cookies_of_the_application_are_kept(start, stub, module_origin):
    gateway = start()
    new = renewed_by(stub)
    module_origin.handler = origin_answering(ok(b"ok", b"Set-Cookie: a=b", b"Set-Cookie: c=d"))
    try:
        answer = ask(gateway, ended(), refresh_token())
    finally:
        module_origin.handler = None
    assert {name: each.value for name, each in set_cookies(answer).items()} == {"a": "b", "c": "d", "access_token": new}


def test_the_browser_is_told_whatever_the_application_answers(start, stub, module_origin):
    """The old refresh token may be of no use any more."""
    gateway = start()
    new = renewed_by(stub)
    for status in (b"404 Not Found", b"302 Found", b"500 Oh No"):
        module_origin.handler = origin_answering(ok(b"", status=status))
        try:
            answer = ask(gateway, ended(), refresh_token())
        finally:
            module_origin.handler = None
        assert answer.status == int(status[:3])
        assert set_cookies(answer)["access_token"].value == new, status


def test_the_browser_is_told_when_the_application_is_gone(gateways, stub):
    with RawOrigin() as origin:
        gateway = gateways.start(refreshing(origin, stub.url))
    new = renewed_by(stub)
    answer = ask(gateway, ended(), refresh_token())
    assert answer.status == 502
    assert set_cookies(answer)["access_token"].value == new


# -- the request under way

def test_its_body_arrives_whole(start, stub, module_origin):
    gateway, body = start(), bytes(range(256)) * 2000
    new = renewed_by(stub)
    answer = gateway.ask(request("POST", "/x", cookies(ended(), refresh_token()), body=body), "POST")
    assert answer.status == 200
    assert last_request(module_origin).body == body and carried(last_request(module_origin)) == new


def test_its_other_cookies_stay(start, stub, module_origin):
    gateway = start()
    new = renewed_by(stub)
    fields = [f"Cookie: a=1; access_token={ended()}", f"Cookie: refresh_token={refresh_token()}; b=2"]
    assert gateway.ask(request("GET", "/x", *fields)).status == 200
    arrived = "; ".join(last_request(module_origin).all("Cookie"))
    jar = SimpleCookie(arrived)
    assert {name: each.value for name, each in jar.items() if name != "refresh_token"} == {
        "a": "1", "b": "2", "access_token": new}
    assert arrived.count("access_token=") == 1


def test_requests_that_follow_on_the_connection(start, stub, module_origin):
    """Each is decided on by its own token."""
    gateway, access, fresh = start(), ended(), access_token(left=LIFETIME, subject="7")
    new = renewed_by(stub)
    with gateway.raw() as client:
        client.send(request("GET", "/1", cookies(access, refresh_token())) + request("GET", "/2", cookies(fresh, "x")))
        first, second = client.read_response(), client.read_response()
    assert set_cookies(first)["access_token"].value == new and not second.all("Set-Cookie")
    assert [(each.target, carried(each)) for each in module_origin.requests[-2:]] == [("/1", new), ("/2", fresh)]


def test_a_tunnel_lives_as_long_as_the_new_token(gateways, stub):
    """It began with the old one, which has ended since."""
    with RawOrigin() as origin:
        origin.handler = lambda exchange: (exchange.send(SWITCHING), exchange.socket.recv(1))
        gateway = gateways.start(refreshing(origin, stub.url))
        renewed_by(stub)
        with gateway.raw() as client:
            client.send(request("GET", "/x", cookies(ended(), refresh_token()), *UPGRADE))
            assert client.read_head().status == 101
            assert not client.is_closed(within=0.5)


def test_it_may_wait_for_the_service(start, stub, module_origin):
    gate, gateway = Gate(), start(timeout="5s")
    new = renewed_by(stub)
    stub.replies[REFRESH] = held(gate, stub.replies[REFRESH])
    with gateway.raw() as client:
        client.send(request("GET", "/waits", cookies(ended(), refresh_token())))
        wait_until(lambda: stub.under_way, "the call")
        assert ask(gateway, access_token(left=LIFETIME), "x").status == 200, "others do not"
        gate.open()
        assert set_cookies(client.read_response())["access_token"].value == new


# -- from environment variables

def test_the_guides_environment_variables(gateways, module_origin, service, john):
    gateway = gateways.start_from_environment({
        "DJANGO_JWT_SIGNING_KEY": GUIDE_SIGNING_KEY, "SIDEGATE_ALLOW_WEAK_SECRET": "1", "AUTH_SERVICE_URL": service.url,
        "AUTH_REFRESH_URL": service.url + REFRESH, "TOKEN_REFRESH_THRESHOLD": "100",
        "SIDEGATE_UPSTREAM": module_origin.url})
    before = service.count(REFRESH)
    assert not ask(gateway, access_token(left=200), john).all("Set-Cookie")
    assert service.count(REFRESH) == before
    assert "access_token" in set_cookies(ask(gateway, access_token(left=80), john))
    assert service.count(REFRESH) == before + 1
    end_at_once(gateway)


def test_what_is_counted(start, stub):
    gateway = start()
    renewed_by(stub)
    ask(gateway, ended(), refresh_token())
    stub.replies[REFRESH] = fail
    ask(gateway, ended(), refresh_token())
    stub.replies[REFRESH] = answering({"error": "Invalid token"}, status=b"401 Unauthorized")
    ask(gateway, ended(), refresh_token())
    metrics = gateway.metrics()
    assert metrics.total("sidegate_session_refreshes_total") == 3
    assert len({labels["result"] for name, labels, value in metrics.samples
                if name == "sidegate_session_refreshes_total" and value == 1}) == 3
