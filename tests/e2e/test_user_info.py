"""What is known of a caller, looked up and told to the application: one by one, and many in one call.

The real Auth Service answers behind a switchboard that counts, or a stub does where it would never answer so.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from raw_origin import RawOrigin
from support import tokens
from support.asking import (
    IMPATIENT, NEVER_OPENS, PATIENT, USERS_INFO, USER_INFO, VALIDATE, api_key, ask, ask_at_once, assert_unavailable,
    bearer, circuit, cookie, guarded, in_time, last_request, looking_up, new_token, remote, status_of,
)
from support.gateway import jwt_authenticator
from support.peers import API_KEY, GUIDE_SIGNING_KEY
from support.polling import wait_until
from support.raw import request
from support.switchboard import FAULTS, Switchboard, answering, answering_text, delayed, fail
from test_reload import reload

GUIDE_KEY = {"secret": GUIDE_SIGNING_KEY, "allow_weak": True}
INJECT_USER = {
    "X-User-Id": "{subject}",
    "X-User-Email": "{user.email|}",
    "X-User-Company": "{user.company_id|none}",
    "X-User-Roles": "{roles}",
}
JOHN = {
    "X-User-Id": "123", "X-User-Email": "user@example.com", "X-User-Company": "MA0001",
    "X-User-Roles": "TTS:Technician,AMS:User",
}
MARY = {"X-User-Id": "7", "X-User-Email": "mary@example.com", "X-User-Company": "MA0002", "X-User-Roles": "TTS:Admin"}
NOT_FOUND = answering({"detail": "Not found."}, status=b"404 Not Found")


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def service(auth_service):
    with Switchboard(auth_service.url) as running:
        yield running


@pytest.fixture
def stub():
    with Switchboard() as running:
        yield running


def with_user_info(origin, directory, authenticators=None, **more):
    """`directory` looks up whom the authenticator `staff` names."""
    staff = {"staff": jwt_authenticator(None, keys=[GUIDE_KEY])}
    blocks = guarded(origin, {**staff, **(authenticators or {})}, inject=INJECT_USER, **more)
    return looking_up(blocks, directory={"for": ["staff"], **directory})


def single(url, **more):
    return {"url": url + USER_INFO + "{subject}/", "credential": api_key(), "circuit_breaker": NEVER_OPENS,
            **PATIENT, **more}


def batched(url, **more):
    return single(url, batch_url=url + USERS_INFO, **more)


@pytest.fixture
def start(gateways, module_origin, stub):
    """Starts a gateway that looks users up at the stub."""

    def started(form=single, **directory):
        return gateways.start(with_user_info(module_origin, form(stub.url, **directory)))

    return started


def token_of(user, **more):
    """An access token that the gateway verifies by itself."""
    return tokens.token(GUIDE_SIGNING_KEY, subject=user, **more)


def told(request):
    """What the application is told of the caller."""
    return {name: request.get(name) for name in INJECT_USER if request.all(name)}


def told_of(gateway, origin, token):
    """The same, of a request that must arrive."""
    answer = ask(gateway, token)
    assert answer.status == 200, answer.body
    return told(last_request(origin))


def user(subject, **more):
    return {"id": subject, "email": f"{subject}@example.com", **more}


def name_of(path):
    """The last segment, as the stub sees it."""
    return path.removeprefix(USER_INFO).rstrip("/")


def answer_each(exchange):
    """Knows everybody."""
    answering(user(name_of(exchange.request.target)))(exchange)


def answer_batch(exchange):
    """Knows everybody, many at a time."""
    answering([user(each) for each in json.loads(exchange.request.body)["user_ids"]])(exchange)


# -- the real service

@pytest.fixture(scope="module")
def by_cookie(module_gateways, module_origin, service):
    directory = single(service.url, send_as={"cookie": "access_token"})
    del directory["credential"]
    return module_gateways.start(with_user_info(module_origin, directory))


@pytest.fixture(scope="module")
def by_key(module_gateways, module_origin, service):
    return module_gateways.start(with_user_info(module_origin, single(service.url)))


@pytest.fixture(scope="module")
def by_batch(module_gateways, module_origin, service):
    return module_gateways.start(with_user_info(module_origin, batched(service.url)))


@pytest.fixture(scope="module")
def logged_in(auth_service):
    return {email: auth_service.log_in(email).cookies["access_token"]
            for email in ("user@example.com", "mary@example.com")}


@pytest.mark.parametrize("how", ["by_cookie", "by_key", "by_batch"])
def test_the_guides_lookup(request, module_origin, service, logged_in, how):
    gateway, before = request.getfixturevalue(how), service.count()
    for _ in range(3):
        assert told_of(gateway, module_origin, logged_in["user@example.com"]) == JOHN
        assert told_of(gateway, module_origin, logged_in["mary@example.com"]) == MARY
    assert service.count() == before + 2


def test_the_callers_own_token_is_sent_on(by_cookie, module_origin, service, auth_service):
    token, before = auth_service.log_in("tech@example.com").cookies["access_token"], service.count(USER_INFO)
    answer = by_cookie.ask(request("GET", "/x", bearer(token), "Cookie: theme=dark", "X-API-Key: of-the-caller"))
    assert answer.status == 200
    (call,) = service.calls_of(USER_INFO)[before:]
    assert (call.request.method, call.request.target) == ("GET", USER_INFO + "12/")
    assert call.request.get("Cookie") == f"access_token={token}"
    assert not call.request.all("X-API-Key") and not call.request.all("Authorization")


def test_the_gateways_own_key_is_sent(by_key, module_origin, service, auth_service):
    token, before = auth_service.log_in("tech@example.com").cookies["access_token"], service.count(USER_INFO)
    assert by_key.ask(request("GET", "/x", cookie(token))).status == 200
    (call,) = service.calls_of(USER_INFO)[before:]
    assert call.request.get("X-API-Key") == API_KEY
    assert not call.request.all("Cookie") and not call.request.all("Authorization")


def test_a_user_whom_the_service_does_not_know(by_key, module_origin, service):
    """404 is an answer: the request goes on, and it is kept for a while."""
    before = service.count(USER_INFO)
    for _ in range(3):
        assert told_of(by_key, module_origin, token_of("999")) == {"X-User-Id": "999", "X-User-Company": "none"}
    assert service.count(USER_INFO) == before + 1


def test_a_user_whom_the_batch_leaves_out(by_batch, module_origin, service):
    before = service.count(USERS_INFO)
    for _ in range(3):
        assert told_of(by_batch, module_origin, token_of(998)) == {"X-User-Id": "998", "X-User-Company": "none"}
    assert service.count(USERS_INFO) == before + 1


def test_nobody_is_looked_up_who_was_not_named(gateways, module_origin, stub):
    """A refused token, an open route, and callers whom an authenticator named that is not in `for`."""
    stub.replies[VALIDATE] = answering({"user_id": 42})
    directory, asks = single(stub.url), {"session": remote(stub.url + VALIDATE)}
    gateway = gateways.start(with_user_info(module_origin, directory, asks))
    stub.replies[USER_INFO] = answer_each
    assert status_of(gateway, tokens.token("another-key-that-is-long-enough-for-HS256")) == 401
    assert status_of(gateway, token_of("42"), "/public/x") == 200
    assert status_of(gateway, new_token(), "/session/x") == 200
    assert told(last_request(module_origin)) == {"X-User-Id": "42", "X-User-Company": "none"}
    assert stub.count(USER_INFO) == 0
    assert status_of(gateway, token_of("42"), "/staff/x") == 200
    assert stub.count(USER_INFO) == 1


# -- roles

def test_roles_of_the_token_and_of_the_user_are_merged(start, module_origin, stub):
    gateway = start()
    stub.replies[USER_INFO] = answering(user(42, roles=[
        {"system": "AMS", "role": "User"}, {"system": "TTS", "role": "Admin"}]))
    token = token_of(42, roles=["TTS:Technician", "AMS:User"])
    assert told_of(gateway, module_origin, token)["X-User-Roles"] == "TTS:Technician,AMS:User,TTS:Admin"


def test_roles_of_the_token_alone(start, module_origin, stub):
    stub.replies[USER_INFO] = NOT_FOUND
    assert told_of(start(), module_origin, token_of(42, roles=["TTS:Technician"]))["X-User-Roles"] == "TTS:Technician"


# -- what answers mean

# A body of status 200, and the email that is told.
BODIES = {
    "an object": (b'{"id": 42, "email": "a@example.com"}', "a@example.com"),
    "in data": (b'{"success": true, "data": {"email": "a@example.com"}}', "a@example.com"),
    "no such member": (b'{"id": 42}', None),
    "null": (b'{"email": null}', None),
    "empty": (b'{"email": ""}', None),
    "a number": (b'{"email": 7}', "7"),
    "outer spaces and a percent sign": ('{"email": " 5% ä "}'.encode(), "%205%25 %C3%A4%20"),
    "a line break": (b'{"email": "a\\r\\nX-User-Id: 1"}', None),
    "NUL": (b'{"email": "a\\u0000"}', None),
}


@pytest.mark.parametrize("body, email", BODIES.values(), ids=BODIES)
def test_what_is_told_of_a_user(start, module_origin, stub, body, email):
    stub.replies[USER_INFO] = answering_text(body, b"application/json")
    assert told_of(start(), module_origin, token_of(42)).get("X-User-Email") == email


# Answers that say nothing of the user.
UNCLEAR = {
    "a list": answering([user(42)]),
    "text": answering_text(b"hello", b"text/plain"),
    "nothing": answering_text(b"", None),
    "a member twice": answering_text(b'{"id": 42, "id": 7}', b"application/json"),
    "201": answering(user(42), status=b"201 Created"),
    "401": answering(user(42), status=b"401 Unauthorized"),
    "403": answering(user(42), status=b"403 Forbidden"),
    "410": answering(user(42), status=b"410 Gone"),
    **FAULTS,
}


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR)
def test_a_lookup_that_fails(gateways, module_origin, stub, reply):
    """With `on_error: continue`, which is the default, the request goes on without; `deny` makes it 503."""
    stub.replies[USER_INFO] = reply
    lenient, strict = (gateways.start(with_user_info(module_origin, single(stub.url, **IMPATIENT, **more)))
                       for more in ({}, {"on_error": "deny"}))
    assert told_of(lenient, module_origin, token_of(42)) == {"X-User-Id": "42", "X-User-Company": "none"}
    answer, tries = in_time(lambda: ask(strict, token_of(42)))
    assert_unavailable(answer)
    stub.wait_for_calls(1 + tries, USER_INFO)
    assert stub.count(USER_INFO) == 1 + tries


def test_a_denied_request_is_let_through_once_the_service_is_back(start, stub):
    gateway = start(on_error="deny")
    stub.stop()
    assert_unavailable(ask(gateway, token_of(42)))
    stub.start()
    stub.replies[USER_INFO] = answer_each
    assert status_of(gateway, token_of(42)) == 200


def test_what_is_old_serves_while_the_service_fails(start, module_origin, stub):
    gateway = start(cache={"ttl": "100ms", "stale_if_error": "1m"}, on_error="deny")
    stub.replies[USER_INFO] = answer_each
    assert told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "42@example.com"
    stub.replies[USER_INFO] = fail
    wait_until(lambda: told_of(gateway, module_origin, token_of(42)) and stub.count() > 1, "a second call")
    assert told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "42@example.com"
    assert gateway.metrics().total("sidegate_cache_total", result="stale") > 0


def test_what_is_known_of_a_user_is_asked_for_again(start, module_origin, stub):
    gateway, emails = start(cache={"ttl": "200ms"}), iter(("one@example.com", "two@example.com", "three@example.com"))
    stub.replies[USER_INFO] = lambda exchange: answering({"email": next(emails)})(exchange)
    began = time.monotonic()
    assert told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "one@example.com"
    wait_until(lambda: told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "two@example.com", "the next")
    assert time.monotonic() - began > 0.15


# -- the questions

SUBJECTS = {
    "a/b": "a%2Fb", "ü ?#%": "%C3%BC%20%3F%23%25", "../admin": "..%2Fadmin", "a;b=c&d": "a%3Bb%3Dc%26d",
    "user@example.com": "user%40example.com", "日本": "%E6%97%A5%E6%9C%AC", "{subject}": "%7Bsubject%7D",
}


@pytest.mark.parametrize("subject, segment", SUBJECTS.items(), ids=SUBJECTS.values())
def test_a_subject_is_one_segment(start, stub, subject, segment):
    gateway = start()
    stub.replies["/"] = answering({"email": "a@example.com"})
    assert status_of(gateway, token_of(subject)) == 200
    (call,) = stub.calls
    # What RFC 3986 allows in a segment may stand as it is.
    assert call.request.target.replace("@", "%40") == f"{USER_INFO}{segment}/"


def test_users_are_told_apart(start, module_origin, stub):
    gateway = start()
    stub.replies[USER_INFO] = answer_each
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: status_of(gateway, token_of(f"u{number}")), range(40)))
    assert stub.count(USER_INFO) == 40
    for number in range(40):
        assert told_of(gateway, module_origin, token_of(f"u{number}"))["X-User-Email"] == f"u{number}@example.com"
    assert stub.count(USER_INFO) == 40


def test_one_call_for_many_tokens_of_a_user(start, stub):
    gateway = start()
    stub.replies[USER_INFO] = delayed(0.05, answer_each)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: status_of(gateway, token_of("42", jti=str(number))), range(40)))
    assert set(statuses) == {200}
    assert stub.count(USER_INFO) == 1


def test_with_the_callers_own_token_each_token_is_a_question(gateways, module_origin, stub):
    """What somebody may see with his token is not shown to whoever has another one."""
    directory = single(stub.url, send_as={"cookie": "access_token"})
    del directory["credential"]
    gateway = gateways.start(with_user_info(module_origin, directory))
    stub.replies[USER_INFO] = answer_each
    token, another = token_of("42", jti="1"), token_of("42", jti="2")
    for each in (token, another, token, another):
        assert status_of(gateway, each) == 200
    assert stub.count(USER_INFO) == 2


# -- the batch

def test_many_at_the_same_time_are_few_calls(start, module_origin, stub):
    stub.replies[USERS_INFO] = answer_batch
    gateway, users = start(batched), [f"u{number}" for number in range(20)]
    assert {answer.status for answer in ask_at_once(gateway, *map(token_of, users))} == {200}
    calls = stub.calls_of(USERS_INFO)
    assert len(calls) < len(users) / 2
    assert sorted(each for call in calls for each in call.json["user_ids"]) == sorted(users)
    assert stub.count(USER_INFO) == 0
    for each in users:
        assert told_of(gateway, module_origin, token_of(each))["X-User-Email"] == f"{each}@example.com"
    assert len(stub.calls_of(USERS_INFO)) == len(calls)


def test_how_a_batch_is_asked_for(start, stub):
    stub.replies[USERS_INFO] = answer_batch
    assert status_of(start(batched), token_of("anna")) == 200
    (call,) = stub.calls
    assert (call.request.method, call.request.target) == ("POST", USERS_INFO)
    assert call.request.get("Content-Type") == "application/json"
    assert call.request.get("X-API-Key") == API_KEY
    assert call.json == {"user_ids": ["anna"]}


NUMBERS = [{"id": 42, "email": "a@example.com"}, {"id": 7, "email": "b@example.com"}]
FORMS = {
    "a list": NUMBERS,
    "users": {"users": NUMBERS},
    "data": {"data": NUMBERS},
    "results": {"count": 2, "next": None, "results": NUMBERS},
    "ids as text": [{**each, "id": str(each["id"])} for each in NUMBERS],
    "another order, and users not asked for": [{"id": 1, "email": "x@example.com"}, *reversed(NUMBERS)],
    "users without an id": {"users": [{"email": "x@example.com"}, *NUMBERS]},
    "null for a user who is not known": {"users": [None, *NUMBERS]},
}


@pytest.mark.parametrize("answer", FORMS.values(), ids=FORMS)
def test_the_forms_of_a_batch(start, module_origin, stub, answer):
    stub.replies[USERS_INFO] = answering(answer)
    gateway = start(batched)
    assert told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "a@example.com"
    assert told_of(gateway, module_origin, token_of("7"))["X-User-Email"] == "b@example.com"
    before = stub.count()
    assert "X-User-Email" not in told_of(gateway, module_origin, token_of("1000")), "nobody of that id was told of"
    assert stub.count() == before + 1


@pytest.mark.parametrize("reply", [
    answering({"people": NUMBERS}), answering({"users": {"42": NUMBERS[0]}}), answering("42"),
    answering(NUMBERS, status=b"404 Not Found"), fail, answering(NUMBERS, status=b"403 Forbidden"),
], ids=["another name", "no list", "text", "404", "500", "403"])
def test_a_batch_that_fails_says_nothing_of_anybody(start, stub, reply):
    stub.replies[USERS_INFO] = reply
    stub.replies[USER_INFO] = fail  # who is not answered in a batch may be asked for alone
    gateway = start(batched, on_error="deny")
    assert_unavailable(ask(gateway, token_of(42)))
    stub.replies[USERS_INFO] = answering(NUMBERS)
    assert status_of(gateway, token_of(42)) == 200


@pytest.mark.parametrize("reply", [
    answering({}, status=b"400 Bad Request"), answering({}, status=b"404 Not Found"), fail,
    answering_text(b'[{"id": 7, "id": 8}]', b"application/json"), FAULTS["never_stop"], FAULTS["stop_half_way"],
], ids=["400", "404", "500", "unreadable", "endless", "half"])
def test_who_spoils_a_batch_is_the_only_one_who_is_refused(start, stub, reply):
    """A service whose ids are numbers, say, and a caller whose subject is none."""

    def batch_of_numbers(exchange):
        is_fine = all(isinstance(each, int) for each in json.loads(exchange.request.body)["user_ids"])
        (answer_batch if is_fine else reply)(exchange)

    stub.replies[USERS_INFO] = batch_of_numbers
    stub.replies[USER_INFO] = answer_each
    stub.replies[USER_INFO + "robot"] = answering({}, status=b"400 Bad Request")
    gateway = start(batched, on_error="deny", circuit_breaker={"consecutive": 1}, timeout="10s")
    robot, *others = ask_at_once(gateway, token_of("robot"), *(token_of(str(number)) for number in range(10)))
    assert_unavailable(robot)
    assert {answer.status for answer in others} == {200}
    assert circuit(gateway, "directory") == 0


def test_a_user_who_was_not_asked_for_is_not_kept(start, module_origin, stub):
    stub.replies[USERS_INFO] = answering(NUMBERS)
    gateway = start(batched)
    assert told_of(gateway, module_origin, token_of(42))["X-User-Email"] == "a@example.com"
    stub.replies[USERS_INFO] = answering([])
    assert "X-User-Email" not in told_of(gateway, module_origin, token_of(7))
    assert [[str(each) for each in call.json["user_ids"]] for call in stub.calls] == [["42"], ["7"]]


# -- both kinds of question for one request

def test_the_token_is_asked_about_first_and_the_user_next(gateways, module_origin, stub):
    stub.replies[VALIDATE] = answering({"user_id": "anna"})
    stub.replies[USER_INFO] = answer_each
    directory = {**single(stub.url), "for": ["session"]}
    blocks = with_user_info(module_origin, directory, {"session": remote(stub.url + VALIDATE)})
    gateway, token = gateways.start(blocks), new_token()
    for _ in range(3):
        assert status_of(gateway, token, "/session/x") == 200
        assert told(last_request(module_origin))["X-User-Email"] == "anna@example.com"
    assert [call.path for call in stub.calls] == [VALIDATE, f"{USER_INFO}anna/"]
    stub.replies[VALIDATE] = answering({"valid": False})
    assert status_of(gateway, new_token(), "/session/x") == 401
    assert stub.count(USER_INFO) == 1


def test_a_reload_may_add_it(gateways, module_origin, stub):
    stub.replies[USER_INFO] = answer_each
    blocks = guarded(module_origin, {"staff": jwt_authenticator(None, keys=[GUIDE_KEY])})
    gateway = gateways.start(blocks)
    assert status_of(gateway, token_of("42")) == 200
    reload(gateway, **with_user_info(module_origin, single(stub.url)))
    assert told_of(gateway, module_origin, token_of("42"))["X-User-Email"] == "42@example.com"
