"""Tokens that the Auth Service validates: option 2 of the integration guide, and the tokens of system users.

A switchboard before the real service counts the questions, and answers in its place where a test needs another answer.
"""

import base64
import gzip
import json
import ssl
import time
from datetime import timedelta

import pytest

from raw_origin import RawOrigin, ok
from support import tokens
from support.asking import (
    BEARER, CALL_TIMEOUT, CREDENTIALS, IMPATIENT, NEVER_OPENS, TOKEN_INFO, VALIDATE, ask, assert_invalid,
    assert_unavailable, bearer, cookie, end_at_once, guarded, in_time, last_request, new_token, remote, status_of,
    timed, wait_for_status,
)
from support.auth_service import SystemUsers
from support.issuer import CertificateAuthority
from support.peers import API_KEY
from support.polling import PATIENCE, wait_until
from support.raw import SWITCHING, UPGRADE, chunked, request
from support.switchboard import FAULTS, LOGIN, Switchboard, answering, answering_text

YES = {"valid": True, "user_id": 42}
AUTHENTICATION_REQUIRED = {"error": "Authentication required"}


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def service(auth_service):
    """The real Auth Service, behind its switchboard."""
    with Switchboard(auth_service.url) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin, service):
    return module_gateways.start(guarded(module_origin, {"session": remote(service.url + VALIDATE)}))


@pytest.fixture(scope="module")
def john(auth_service):
    return auth_service.log_in("user@example.com").cookies["access_token"]


@pytest.fixture(scope="module")
def mary(auth_service):
    return auth_service.log_in("mary@example.com").cookies["access_token"]


# -- option 2 of the guide

@pytest.fixture(scope="module")
def sidecar(module_gateways, module_origin, service):
    """From the guide's environment variables, without the key that would allow validating here."""
    environment = {"AUTH_SERVICE_URL": service.url, "AUTH_API_KEY": API_KEY, "SIDEGATE_UPSTREAM": module_origin.url}
    started = module_gateways.start_from_environment(environment)
    yield started
    end_at_once(started)


def identity_of(request):
    return {name: request.get(name) for name in ("X-User-Id", "X-User-Type") if request.all(name)}


@pytest.fixture(scope="module", params=["sidecar", "gateway"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("place", [cookie, bearer], ids=["cookie", "bearer"])
def test_a_user_is_named_by_the_service(either, place, module_origin, john, mary):
    for token, user in ((john, "123"), (mary, "7")):
        answer = either.ask(request("GET", "/tickets/", place(token)))
        assert answer.status == 200, answer.body
        assert identity_of(last_request(module_origin)) == {"X-User-Id": user, "X-User-Type": "staff"}
        assert last_request(module_origin).get("X-Auth-Method") == either.access_line(answer)["authenticator"]


def test_the_question_holds_the_token_and_nothing_else_of_the_caller(gateway, service):
    """The service is asked as the guide's own code asks it: the token is the cookie, wherever the caller had it."""
    token = new_token()
    before = service.count(VALIDATE)
    fields = ("Cookie: session=abc; theme=dark", "X-API-Key: of-the-caller", "X-User-Id: 1", "X-Forwarded-User: root",
              "Referer: https://app.example/x", "Accept-Language: de")
    assert_invalid(gateway.ask(request("POST", "/tickets/?access_token=x", bearer(token), *fields, body=b"a=b")))
    (call,) = service.calls_of(VALIDATE)[before:]
    assert (call.request.method, call.request.target, call.request.body) == ("GET", VALIDATE, b"")
    assert call.request.get("Cookie") == f"access_token={token}"
    assert call.request.get("Host") == f"127.0.0.1:{service.port}"
    for name in ("Authorization", "X-API-Key", "X-User-Id", "X-Forwarded-User", "Referer", "Accept-Language"):
        assert call.request.all(name) == [], name


def test_no_credential_asks_nobody(gateway, service):
    before = service.count()
    for fields in ((), ("Cookie: other=1",), ("Authorization: Basic am9objpwYXNz",), ("Authorization: Bearer",)):
        answer = gateway.ask(request("GET", "/tickets/", *fields))
        assert (answer.status, json.loads(answer.body)) == (401, AUTHENTICATION_REQUIRED)
    assert gateway.ask(request("GET", "/public/x", bearer(new_token()))).status == 200
    assert service.count() == before


@pytest.mark.parametrize("name", ["garbage", "another key", "tampered"])
def test_a_token_that_the_service_refuses_is_401(gateway, service, module_origin, john, name):
    token = {"garbage": new_token(), "another key": new_token(subject=123),
             "tampered": tokens.tampered(john, user_id=7)}[name]
    before, arrived = service.count(VALIDATE), len(module_origin.requests)
    assert_invalid(ask(gateway, token))
    assert service.count(VALIDATE) == before + 1
    assert len(module_origin.requests) == arrived


def test_the_first_credential_decides(gateway, mary, john):
    """A cookie that does not hold is not missing."""
    assert gateway.ask(request("GET", "/x", cookie(new_token()), bearer(mary))).status == 401
    assert gateway.ask(request("GET", "/x", cookie(john), bearer(new_token()))).status == 200


def test_a_token_that_is_too_long_asks_nobody(gateway, service):
    before = service.count()
    assert_invalid(ask(gateway, "x" * 17_000))
    assert service.count() == before


# -- system users

@pytest.fixture(scope="module")
def system_users(auth_service):
    return SystemUsers(auth_service)


@pytest.fixture(scope="module")
def m2m(module_gateways, module_origin, service):
    """One folder for each of the two questions that can be asked about a system user."""
    def asks(path):
        return remote(service.url + path, token=BEARER, send_as=BEARER[0], cache={"ttl": "1m"},
                      claims={"exp": "expires_at", "subject": "username"})

    authenticators = {"info": asks(TOKEN_INFO), "credentials": asks(CREDENTIALS + "?username=analytics-service")}
    return module_gateways.start(guarded(module_origin, authenticators))


@pytest.fixture(scope="module")
def analytics(system_users):
    return system_users.create("analytics-service")


@pytest.mark.parametrize("folder", ["info", "credentials"])
def test_a_system_user_is_named_by_its_username(m2m, module_origin, analytics, folder):
    assert status_of(m2m, analytics["password"], f"/{folder}/x") == 200
    assert identity_of(last_request(module_origin))["X-User-Id"] == "analytics-service"


def test_credentials_of_another_system_user_are_refused(m2m, service, system_users):
    other = system_users.create("reports-service")["password"]
    assert status_of(m2m, other, "/info/x") == 200
    before = service.count(CREDENTIALS)
    assert_invalid(ask(m2m, other, "/credentials/x"))
    assert service.count(CREDENTIALS) == before + 1


@pytest.mark.parametrize("folder, path", [("info", TOKEN_INFO), ("credentials", CREDENTIALS)])
def test_data_expires_at_ends_a_yes_that_is_kept(gateways, origin, service, system_users, folder, path):
    """The service is asked once until then, and once more at most, since it may have thought of something better."""
    user = system_users.create(f"short-lived-{folder}", lifetime=timedelta(seconds=2.5))  # told in whole seconds
    asks = remote(f"{service.url}{path}?username={user['username']}", token=BEARER, send_as=BEARER[0],
                  claims={"exp": "expires_at", "subject": "username"}, cache={"ttl": "1h", "stale_if_error": "1h"})
    gateway = gateways.start(guarded(origin, {"m2m": asks}))
    before = service.count(path)

    def has_ended(margin=0):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + margin)) >= user["expires_at"]

    statuses = set()
    while not has_ended(margin=0.3):
        status = status_of(gateway, user["password"])
        if not has_ended(margin=0.1):  # when it was answered, too
            statuses.add(status)
            assert service.count(path) == before + 1
    assert statuses == {200}
    answer = wait_for_status(gateway, user["password"], 401)
    assert has_ended()
    assert_invalid(answer)
    assert service.count(path) <= before + 2


def test_a_rotated_token_and_its_predecessor(gateways, origin, service, system_users):
    """Both hold during the grace period; after it, as soon as what is kept has to be asked for again."""
    user = system_users.create("rotated-service")
    asks = remote(service.url + TOKEN_INFO, token=BEARER, send_as=BEARER[0], cache={"ttl": "100ms"},
                  claims={"exp": "expires_at", "subject": "username"})
    gateway = gateways.start(guarded(origin, {"m2m": asks}))
    old, new = user["password"], system_users.rotate(user)
    assert [status_of(gateway, token) for token in (old, new)] == [200, 200]
    system_users.revoke_old(user)
    wait_until(lambda: status_of(gateway, old) == 401, "the old token is refused")
    assert status_of(gateway, new) == 200


# -- what answers mean

FAR, PAST = int(time.time()) + 3600, int(time.time()) - 5
OWN = {"subject": "7", "iat": PAST}  # claims of a token whose own payload names somebody


def rfc3339(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


# An answer of status 200, the claims of the token (None: it is opaque), and what becomes of the request: the user who
# is named, or a status.
ANSWERS = {
    "true": (YES, None, "42"),
    "nothing about validity": ({"user_id": 42}, None, "42"),
    "text": ({"user_id": "anna"}, None, "anna"),
    "active": ({"active": True, "user_id": 42}, None, "42"),
    "in data": ({"success": True, "data": {"user_id": 42}}, None, "42"),
    "in data alone": ({"user_id": 1, "data": {"user_id": 42}}, None, "42"),
    "data that is no object": ({"user_id": 42, "data": [1]}, None, "42"),
    "false": ({"valid": False, "user_id": 42}, None, 401),
    "not active": ({"active": False, "user_id": 42}, None, 401),
    "false in data": ({"data": {"valid": False, "user_id": 42}}, None, 401),
    "not active in data": ({"valid": True, "data": {"active": False, "user_id": 42}}, None, 401),
    "valid, not active": ({"valid": True, "active": False, "user_id": 42}, None, 401),
    "valid that is no boolean": ({"valid": "false", "user_id": 42}, None, 503),
    "valid that is null": ({"valid": None, "user_id": 42}, None, 503),
    "active that is a number": ({"active": 1, "user_id": 42}, None, 503),
    "nobody named": ({"valid": True}, None, 401),
    "empty name": ({"user_id": ""}, None, 401),
    "name that is a list": ({"user_id": [42]}, None, 401),
    "name that is a fraction": ({"user_id": 4.2}, None, 401),
    "name that is null": ({"user_id": None}, None, 401),
    "name that climbs": ({"user_id": ".."}, None, 401),
    "the token's own name beside an answer": ({"user_id": 42}, OWN, "42"),
    "an answer that names nobody is not filled in": ({"valid": True}, OWN, 401),
    "later end": ({**YES, "exp": FAR}, None, "42"),
    "end in the past": ({**YES, "exp": PAST}, None, 401),
    "end as RFC 3339": ({**YES, "exp": rfc3339(FAR)}, None, "42"),
    "end as RFC 3339 in the past": ({**YES, "exp": rfc3339(PAST)}, None, 401),
    "end with an offset": ({**YES, "exp": "2999-12-31T23:59:59.5+01:00"}, None, "42"),
    "end that nobody can read": ({**YES, "exp": "soon"}, None, 503),
    "end that is null": ({**YES, "exp": None}, None, "42"),
    "not yet": ({**YES, "nbf": FAR}, None, 401),
}


@pytest.fixture(scope="module")
def scripted():
    """A service that says what a test wants it to say."""
    with Switchboard() as running:
        yield running


@pytest.fixture(scope="module")
def asks_scripted(module_gateways, module_origin, scripted):
    asks = remote(scripted.url + VALIDATE, subject="user_id", circuit_breaker=NEVER_OPENS)
    return module_gateways.start(guarded(module_origin, {"session": asks}))


def check(gateway, origin, service, reply, claims, expected):
    """The outcome of a request whose token is asked about once."""
    service.replies[VALIDATE] = reply
    token, before, arrived = new_token(**(claims or {})), service.count(), len(origin.requests)
    answer = ask(gateway, token)
    assert service.count() == before + 1
    if expected == 401:
        assert_invalid(answer)
    elif expected == 503:
        assert_unavailable(answer)
    else:
        assert answer.status == 200, answer.body
        assert last_request(origin).get("X-User-Id") == expected
    assert len(origin.requests) == arrived + (expected not in (401, 503))


@pytest.mark.parametrize("answer, claims, expected", ANSWERS.values(), ids=ANSWERS)
def test_what_a_json_answer_means(asks_scripted, module_origin, scripted, answer, claims, expected):
    check(asks_scripted, module_origin, scripted, answering(answer), claims, expected)


@pytest.mark.parametrize("ends_in, status", [(-5, 401), (600, 200)], ids=["in the past", "later"])
def test_the_tokens_own_end_counts_as_well(asks_scripted, scripted, ends_in, status):
    """Whatever the service says of a token that has ended; whether it is asked at all is all the same."""
    scripted.replies[VALIDATE] = answering({**YES, "exp": FAR})
    assert status_of(asks_scripted, new_token(lifetime=ends_in)) == status


# Body and media type of an answer of status 200.
TEXTS = {
    "nothing, of an opaque token": (b"", None, None, 401),
    "nothing, of a token that names somebody": (b"", None, OWN, "7"),
    "text": (b"OK", b"text/plain", OWN, "7"),
    "a list": (b"[1, 2]", b"application/json", OWN, "7"),
    "true": (b"true", b"application/json", OWN, "7"),
    "JSON without a media type": (json.dumps(YES).encode(), None, None, "42"),
    "JSON with another media type": (json.dumps(YES).encode(), b"text/plain", None, "42"),
    "a refusal with another media type": (b' {"valid": false, "user_id": 42}', b"text/plain", None, 401),
    "JSON that is cut": (b'{"valid": true, "user_id": 42', b"application/json", None, 503),
    "a member twice": (b'{"valid": false, "valid": true, "user_id": 42}', b"application/json", None, 503),
    "a member twice, deep inside": (b'{"user_id": 42, "a": [{"b": 1, "b": 2}]}', b"application/json", None, 503),
    "two values": (b'{"user_id": 42} {"user_id": 7}', b"application/json", None, 503),
    "no UTF-8": (b'{"user_id": "\xff"}', b"application/json", None, 503),
    "HTML": (b"<!DOCTYPE html><title>Log in</title>", b"text/html", OWN, 503),
    "HTML that says it is text": (b"\r\n <html><title>Log in</title>", b"text/plain", OWN, 503),
    "HTML that says nothing": (b"<html><title>Log in</title>", None, OWN, 503),
    "text that is called HTML": (b"Please log in", b"Text/HTML; charset=utf-8", OWN, 503),
    "nothing, called HTML": (b"", b"text/html; charset=utf-8", OWN, "7"),
    "JSON that is called HTML": (json.dumps(YES).encode(), b"text/html; charset=utf-8", OWN, "42"),
    "a refusal that is called HTML": (b'{"valid": false, "user_id": 42}', b"text/html", OWN, 401),
}


@pytest.mark.parametrize("body, media_type, claims, expected", TEXTS.values(), ids=TEXTS)
def test_what_another_answer_means(asks_scripted, module_origin, scripted, body, media_type, claims, expected):
    check(asks_scripted, module_origin, scripted, answering_text(body, media_type), claims, expected)


WHOLE = json.dumps(YES).encode()
# The same answer in every framing that HTTP/1.1 has (RFC 9112 section 6.3), and whether the connection ends with it.
FRAMINGS = {
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(WHOLE[:5], WHOLE[5:]), False),
    "chunks with trailers": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n" + chunked(
        WHOLE, trailers=["Checksum: abc"]), False),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE, True),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + WHOLE, True),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE, True),
    "the last one": (ok(WHOLE, b"Connection: close"), True),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok(WHOLE), False),
    "no reason": (b"HTTP/1.1 200 \r\nContent-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE, False),
}


@pytest.mark.parametrize("data, ends", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("size", [None, 1], ids=["at once", "byte by byte"])
def test_how_an_answer_is_framed(asks_scripted, module_origin, scripted, data, ends, size):

    def reply(exchange):
        for start in range(0, len(data), size or len(data)):
            exchange.send(data[start:start + (size or len(data))])
        if ends:
            exchange.close()

    for _ in range(2):  # the next may come on the same connection
        check(asks_scripted, module_origin, scripted, reply, None, "42")


def test_an_answer_that_nobody_asked_for(asks_scripted, module_origin, scripted):
    """What comes behind an answer is not the answer to the next question."""
    for _ in range(5):
        check(asks_scripted, module_origin, scripted,
              lambda exchange: exchange.send(ok(b'{"valid": false}') + ok(WHOLE)), None, 401)
        check(asks_scripted, module_origin, scripted, answering({"valid": False}), None, 401)


def test_an_encoded_answer_is_not_understood(asks_scripted, module_origin, scripted):
    """Nobody asked for one."""
    reply = answering_text(gzip.compress(WHOLE), b"application/json", b"Content-Encoding: gzip")
    check(asks_scripted, module_origin, scripted, reply, None, 503)


def test_a_service_by_its_name(gateways, origin, scripted):
    scripted.replies[VALIDATE] = answering(YES)
    url = scripted.url.replace("127.0.0.1", "localhost") + VALIDATE
    assert status_of(gateways.start(guarded(origin, {"session": remote(url, timeout="2s")})), new_token()) == 200
    assert scripted.calls[-1].request.get("Host") == f"localhost:{scripted.port}"


STATUSES = {
    "200 OK": "42", "400 Bad Request": 401, "401 Unauthorized": 401, "403 Forbidden": 401,
    "201 Created": 503, "204 No Content": 503, "206 Partial Content": 503, "301 Moved Permanently": 503,
    "302 Found": 503, "304 Not Modified": 503, "307 Temporary Redirect": 503, "404 Not Found": 503,
    "405 Method Not Allowed": 503, "407 Proxy Authentication Required": 503, "408 Request Timeout": 503,
    "418 I'm a teapot": 503, "429 Too Many Requests": 503, "500 Internal Server Error": 503, "502 Bad Gateway": 503,
    "503 Service Unavailable": 503, "504 Gateway Timeout": 503, "599 Whatever": 503,
}


@pytest.mark.parametrize("status, expected", STATUSES.items(), ids=STATUSES)
def test_what_a_status_means(asks_scripted, module_origin, scripted, status, expected):
    """Only 200 is a yes, and only 400, 401 and 403 are a no, whatever the body says."""
    reply = answering(YES, b"Location: /yes", status=status.encode())
    if status.startswith(("204", "304")):  # which have no body
        def reply(exchange):
            exchange.send(b"HTTP/1.1 " + status.encode() + b"\r\n\r\n")
    check(asks_scripted, module_origin, scripted, reply, None, expected)
    assert scripted.count("/yes") == 0, "redirects are not followed"


def test_the_answers_own_claims_can_be_injected(gateways, origin, scripted):
    blocks = guarded(origin, {"session": remote(scripted.url + VALIDATE, roles="groups")}, inject={
        "X-User-Id": "{subject}", "X-User-Type": "{claims.user_type|staff}", "X-User-Roles": "{roles}"})
    gateway = gateways.start(blocks)
    scripted.replies[VALIDATE] = answering({"data": {**YES, "user_type": "manager", "groups": ["a", "b,c"]}})
    assert status_of(gateway, new_token()) == 200
    arrived = last_request(origin)
    assert (arrived.get("X-User-Type"), arrived.get("X-User-Roles")) == ("manager", "a,b%2Cc")


# -- the ways to ask

SEND_AS = {
    "cookie": ({"cookie": "sid"}, "GET", {"Cookie": "sid={}"}, b""),
    "bearer": ({"bearer": "Authorization"}, "GET", {"Authorization": "Bearer {}"}, b""),
    "form": ({"form": "token"}, "POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"token={}"),
}


@pytest.mark.parametrize("send_as, method, fields, body", SEND_AS.values(), ids=SEND_AS)
def test_how_the_token_is_sent(gateways, origin, scripted, send_as, method, fields, body):
    gateway = gateways.start(guarded(origin, {"session": remote(scripted.url + VALIDATE, send_as=send_as)}))
    scripted.replies[VALIDATE] = answering(YES)
    token = new_token()
    assert gateway.ask(request("GET", "/x", cookie(token))).status == 200
    call = scripted.calls[-1]
    assert (call.request.method, call.request.body) == (method, body.replace(b"{}", token.encode()))
    assert {name: call.request.get(name) for name in fields} == {
        name: value.format(token) for name, value in fields.items()}
    assert {"Cookie", "Authorization"} - fields.keys() == {
        name for name in ("Cookie", "Authorization") if not call.request.all(name)}


# -- when the service cannot be asked: 503, in time, and never anything else

CLOSE_UNANSWERED = (FAULTS["say_nothing"], FAULTS["reset"])


@pytest.fixture(scope="module")
def faulty(auth_service):
    with Switchboard(auth_service.url) as running:
        yield running


@pytest.fixture(scope="module")
def asks_faulty(module_gateways, module_origin, faulty):
    asks = remote(faulty.url + VALIDATE, circuit_breaker=NEVER_OPENS, **IMPATIENT)
    return module_gateways.start(guarded(module_origin, {"session": asks}))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_503_and_not_remembered(asks_faulty, faulty, module_origin, auth_service, fault):
    token = auth_service.log_in("user@example.com").cookies["access_token"]
    arrived, before = len(module_origin.requests), faulty.count(VALIDATE)
    faulty.replies[VALIDATE] = fault
    try:
        answer, tries = in_time(lambda: ask(asks_faulty, token))
        assert_unavailable(answer)
        assert asks_faulty.access_line(answer)["auth_outcome"] == "unavailable"
        # A kept connection that turns out closed is no answer: one more is tried.
        wait_until(lambda: faulty.count(VALIDATE) - before >= tries, "the calls")
        assert faulty.count(VALIDATE) - before in range(tries, (2 * tries if fault in CLOSE_UNANSWERED else tries) + 1)
        assert faulty.count(LOGIN) == 0
        assert len(module_origin.requests) == arrived
    finally:
        faulty.replies.clear()
    before = faulty.count(VALIDATE)
    assert status_of(asks_faulty, token) == 200
    assert faulty.count(VALIDATE) == before + 1


def test_nobody_listens(asks_faulty, faulty, john):
    token = new_token()
    faulty.stop()
    try:
        answer, _ = in_time(lambda: ask(asks_faulty, token))
        assert_unavailable(answer)
    finally:
        faulty.start()
    assert_invalid(ask(asks_faulty, token))


def test_a_caller_who_waits_holds_nobody_up(asks_faulty, faulty, john):
    """While one token is asked about, others are decided on."""
    assert status_of(asks_faulty, john) == 200
    faulty.replies[VALIDATE] = FAULTS["hang"]
    try:
        with asks_faulty.raw() as waiting:
            waiting.send(request("GET", "/x", bearer(new_token())))
            wait_until(lambda: faulty.under_way, "the question")
            answers = [timed(lambda: ask(asks_faulty, john)) for _ in range(5)]
            assert_unavailable(waiting.read_response())
    finally:
        faulty.replies.clear()
    assert [answer.status for answer, _ in answers] == [200] * 5
    assert min(seconds for _, seconds in answers) < CALL_TIMEOUT / 2


# -- over TLS

class Authorities:
    """A certificate authority that the gateways trust, another one, and switchboards with certificates of theirs."""

    def __init__(self, folder, behind):
        self._folder, self._behind = folder, behind
        self.trusted, self.foreign = (self._authority(name) for name in ("trusted", "foreign"))

    def _authority(self, name):
        (self._folder / name).mkdir()
        return CertificateAuthority(self._folder / name)

    def certificate(self, authority, name):
        """The file of a certificate and its key, for a client."""
        authority.server_context(name)
        return str(authority.file.with_name(f"{name}.pem"))

    def switchboard(self, authority, host="127.0.0.1", asks_for=None):
        """`asks_for` is the authority whose certificates its callers must show."""
        context = authority.server_context(host)
        if asks_for:
            context.load_verify_locations(asks_for.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return Switchboard(self._behind, tls=context)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory, auth_service):
    return Authorities(tmp_path_factory.mktemp("tls"), auth_service.url)


def tls_gateway(gateways, origin, service, **tls):
    return gateways.start(guarded(origin, {"session": remote(service.url + VALIDATE, tls=tls, timeout="1s")}))


def test_tls_with_an_authority_of_ones_own(gateways, origin, authorities, john):
    with authorities.switchboard(authorities.trusted) as service:
        gateway = tls_gateway(gateways, origin, service, ca=str(authorities.trusted.file))
        assert status_of(gateway, john) == 200
        assert service.count(VALIDATE) == 1


def test_tls_with_the_name_that_the_configuration_gives(gateways, origin, authorities, john):
    with authorities.switchboard(authorities.trusted, "auth.internal") as service:
        ca = str(authorities.trusted.file)
        gateway = tls_gateway(gateways, origin, service, ca=ca, server_name="auth.internal")
        assert status_of(gateway, john) == 200
        assert_unavailable(ask(tls_gateway(gateways, origin, service, ca=ca), john))
        assert service.count() == 1


def test_tls_with_a_foreign_authority_asks_nothing(gateways, origin, authorities, john):
    with authorities.switchboard(authorities.foreign) as service:
        for trusted in ({"ca": str(authorities.trusted.file)}, {}):
            assert_unavailable(ask(tls_gateway(gateways, origin, service, **trusted), john))
        assert service.count() == 0


def test_tls_with_a_certificate_of_the_gateway(gateways, origin, authorities, john):
    trusted = authorities.trusted
    own = authorities.certificate(trusted, "gateway")
    foreign = authorities.certificate(authorities.foreign, "stranger")
    ca = str(trusted.file)
    with authorities.switchboard(trusted, asks_for=trusted) as service:
        with_own = tls_gateway(gateways, origin, service, ca=ca, certificate=own, private_key=own)
        assert status_of(with_own, john) == 200
        for more in ({}, {"certificate": foreign, "private_key": foreign}):
            assert_unavailable(ask(tls_gateway(gateways, origin, service, ca=ca, **more), john))
        assert service.count() == 1


def test_a_service_that_speaks_no_tls(gateways, origin, authorities, faulty, john):
    url = faulty.url.replace("http:", "https:") + VALIDATE
    before = faulty.count()
    asks = remote(url, tls={"ca": str(authorities.trusted.file)}, **IMPATIENT)
    gateway = gateways.start(guarded(origin, {"session": asks}))
    answer, _ = in_time(lambda: ask(gateway, john))
    assert_unavailable(answer)
    assert faulty.count() == before


# -- beside local validation

def test_opaque_or_jwt_on_one_route(gateways, origin, scripted):
    """A value that is no JWT is not `jwt`'s, where the service reads the same place; a JWT is, holding or not."""
    scripted.replies[VALIDATE] = answering(YES)
    local = {"jwt": {"token": BEARER, "keys": [{"secret": tokens.KEY}], "algorithms": ["HS256"], "subject": "user_id"}}
    blocks = guarded(origin, {"local": local, "session": remote(scripted.url + VALIDATE, token=BEARER)})
    blocks["routes"] = [{"path": "/**", "authenticate": ["local", "session"], "upstream": "app"}]
    gateway, before = gateways.start(blocks), scripted.count()
    assert status_of(gateway, tokens.token(subject="local")) == 200
    assert last_request(origin).get("X-User-Id") == "local"
    assert_invalid(ask(gateway, tokens.token("another-key-that-is-long-enough-for-HS256")))
    assert scripted.count() == before
    assert status_of(gateway, new_token()) == 200
    assert last_request(origin).get("X-User-Id") == "42"
    assert scripted.count() == before + 1


def test_what_is_verified_stays_and_the_other_place_goes(gateway, module_origin, john, mary):
    assert gateway.ask(request("GET", "/x", cookie(john), bearer(mary))).status == 200
    arrived = last_request(module_origin)
    assert arrived.get("Cookie") == f"access_token={john}" and not arrived.all("Authorization")


def test_a_tunnel_ends_with_its_token(gateways, scripted):
    """When the service had said that it would, whatever is kept for how long."""
    with RawOrigin() as origin:
        origin.handler = lambda exchange: (exchange.send(SWITCHING), exchange.socket.recv(1))
        gateway = gateways.start(guarded(origin, {"session": remote(scripted.url + VALIDATE, cache={"ttl": "1h"})}))
        end = int(time.time()) + 4
        scripted.replies[VALIDATE] = answering({**YES, "exp": end})
        with gateway.raw() as client:
            client.send(request("GET", "/x", bearer(new_token()), *UPGRADE))
            assert client.read_head().status == 101
            assert client.is_closed()
        assert end - 0.1 < time.time() < end + 2.5 * PATIENCE


def test_the_body_of_a_request_that_waits_arrives_whole(asks_scripted, module_origin, scripted):
    scripted.replies[VALIDATE] = answering(YES)
    body = base64.b64encode(bytes(range(256)) * 1500)
    answer = asks_scripted.ask(request("POST", "/x", bearer(new_token()), body=body), "POST")
    assert answer.status == 200
    assert last_request(module_origin).body == body
