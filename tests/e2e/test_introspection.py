"""Opaque tokens whose issuer says what they are (RFC 7662): npm's oidc-provider, or a stub where that is too good."""

import base64
import time
from urllib.parse import parse_qs, quote_plus

import jwt
import pytest

from raw_origin import RawOrigin
from support.asking import (
    IMPATIENT, INTROSPECT, NEVER_OPENS, ask, assert_invalid, assert_unavailable, guarded, in_time, introspection,
    last_request, new_token, status_of, wait_for_status,
)
from support.introspection import IntrospectedProvider
from support.issuer import SigningKey
from support.key_pairs import KeyPair
from support.polling import PATIENCE, wait_until
from support.raw import request
from support.switchboard import FAULTS, Switchboard, answering, answering_text, fail

FAR, PAST = int(time.time()) + 3600, int(time.time()) - 5
ACTIVE = {"active": True, "sub": "42"}
WAYS = ["basic", "form", "private_key_jwt"]


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def start_provider(tmp_path_factory):
    """Starts providers that live as long as the file's tests."""
    started = []

    def start(**options):
        started.append(IntrospectedProvider(tmp_path_factory.mktemp("provider"), SigningKey("one", "RS256"), **options))
        return started[-1].wait_until_listening()

    yield start
    for provider in started:
        provider.terminate()


@pytest.fixture(scope="module")
def provider(start_provider):
    return start_provider()


@pytest.fixture(scope="module")
def counted(provider):
    """The provider behind a switchboard."""
    with Switchboard(provider.url) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin, provider, counted):
    """A folder for each way in which the provider's clients prove who they are."""
    return module_gateways.start(guarded(module_origin, {
        way: introspection(counted.url + INTROSPECT, client=provider.client(way), timeout="2s") for way in WAYS}))


# -- the real one

@pytest.mark.parametrize("way", WAYS)
def test_an_active_token_names_its_client(gateway, module_origin, provider, counted, way):
    before = counted.count(INTROSPECT)
    assert status_of(gateway, provider.opaque_token(), f"/{way}/x") == 200
    assert last_request(module_origin).get("X-User-Id") == "worker"
    assert counted.count(INTROSPECT) == before + 1


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_token_is_refused(gateway, way):
    assert_invalid(ask(gateway, new_token(), f"/{way}/x"))


def test_a_jwt_of_the_provider_is_asked_about_as_well(gateway, provider, counted):
    """Whatever it looks like: it is for the issuer to say. oidc-provider says nothing of the JWTs that it gave out."""
    before = counted.count(INTROSPECT)
    assert_invalid(ask(gateway, provider.token(), "/basic/x"))
    assert counted.count(INTROSPECT) == before + 1


def test_a_revoked_token_is_refused_once_the_answer_is_old(gateways, module_origin, provider, counted):
    asks = introspection(counted.url + INTROSPECT, client=provider.client("basic"),
                         cache={"ttl": "200ms", "stale_if_error": "0s"})
    gateway, token = gateways.start(guarded(module_origin, {"opaque": asks})), provider.opaque_token()
    other = provider.opaque_token()
    assert [status_of(gateway, each) for each in (token, other)] == [200, 200]
    provider.revoke(token)
    assert_invalid(wait_for_status(gateway, token, 401, timeout=2))
    assert status_of(gateway, other) == 200


def test_a_token_that_ends(gateways, module_origin, start_provider):
    """`exp` is enforced to the second, whatever is kept."""
    provider = start_provider(lifetime=int(4 * PATIENCE))
    with Switchboard(provider.url) as counted:
        asks = introspection(counted.url + INTROSPECT, client=provider.client("basic"),
                             cache={"ttl": "1h", "stale_if_error": "1h"})
        gateway, token = gateways.start(guarded(module_origin, {"opaque": asks})), provider.opaque_token()
        assert status_of(gateway, token) == 200
        assert_invalid(wait_for_status(gateway, token, 401))


def test_a_wrong_secret_of_the_gateway_is_nobodys_fault_but_its_own(gateways, module_origin, provider):
    """The caller's token may be fine: 503, and the log says whose authentication failed."""
    client = {**provider.client("basic"), "secret": "not-the-secret-of-sidegate-at-all"}
    gateway = gateways.start(guarded(module_origin, {
        "opaque": introspection(provider.introspection_url, client=client, timeout="2s")}))
    assert_unavailable(ask(gateway, provider.opaque_token()))
    lines = wait_until(lambda: [line for line in gateway.log_lines() if line["level"] in ("warning", "error")],
                       gateway.tail)
    assert any("401" in str(line) or "client" in str(line) for line in lines), lines


def test_the_provider_dies_and_comes_back(gateways, module_origin, start_provider):
    provider = start_provider()
    asks = introspection(provider.introspection_url, client=provider.client("basic"),
                         circuit_breaker={"consecutive": 5, "open_for": "200ms"})
    gateway = gateways.start(guarded(module_origin, {"opaque": asks}))
    assert status_of(gateway, provider.opaque_token()) == 200
    token = provider.opaque_token()
    provider.kill()
    for _ in range(8):
        assert_unavailable(ask(gateway, token))
        assert_unavailable(ask(gateway, new_token()))
    again = start_provider(port=provider.port)
    wait_for_status(gateway, again.opaque_token(), 200)


# -- the question

@pytest.fixture(scope="module")
def stub():
    with Switchboard() as running:
        yield running


@pytest.fixture
def start(gateways, module_origin, stub):
    """Starts a gateway that asks the stub."""

    def started(**more):
        return gateways.start(guarded(module_origin, {"opaque": introspection(stub.url + INTROSPECT, **more)}))

    return started


def question(gateway, stub, token=None, fields=()):
    """The call that a request makes, and its form."""
    stub.replies[INTROSPECT] = answering(ACTIVE)
    before = stub.count()
    assert ask(gateway, token or new_token(), "/x", *fields).status == 200
    (call,) = stub.calls[before:]
    assert (call.request.method, call.request.target) == ("POST", INTROSPECT)
    assert call.request.get("Content-Type") == "application/x-www-form-urlencoded"
    form = parse_qs(call.request.body.decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in form.values()), form
    return call.request, {name: values[0] for name, values in form.items()}


def test_the_form_says_which_token(start, stub):
    """RFC 7662 section 2.1."""
    gateway = start()
    for token in (new_token(), "a+b/c==", "a~b._-"):
        asked, form = question(gateway, stub, token, ("Cookie: a=b", "X-User-Id: 1", "X-API-Key: of-the-caller"))
        assert form == {"token": token, "token_type_hint": "access_token"}
        assert "json" in (asked.get("Accept") or "json")
        assert not any(asked.all(name) for name in ("Cookie", "X-User-Id", "X-API-Key"))


def test_basic_authentication_of_the_client(start, stub):
    """RFC 6749 section 2.3.1: both are form-encoded first."""
    client = {"id": "side:gate äö", "secret": "se+cret %&=:/ of sidegate", "auth": "basic"}
    gateway = start(client=client)
    asked, form = question(gateway, stub)
    shown = base64.b64encode(f"{quote_plus(client['id'])}:{quote_plus(client['secret'])}".encode()).decode()
    scheme, _, credentials = asked.get("Authorization").partition(" ")
    assert scheme == "Basic"
    # Either spelling of a space is what a server has to undo.
    assert base64.b64decode(credentials).replace(b"%20", b"+") == base64.b64decode(shown)
    assert "client_id" not in form and "client_secret" not in form


def test_authentication_of_the_client_in_the_form(start, stub):
    client = {"id": "side gate&", "secret": "se+cret %&=:/ of sidegate", "auth": "form"}
    gateway = start(client=client)
    asked, form = question(gateway, stub)
    assert (form["client_id"], form["client_secret"]) == (client["id"], client["secret"])
    assert not asked.all("Authorization")


def test_a_bearer_token_of_the_client(start, stub):
    """RFC 7662 section 2.1 has it as its first example."""
    client = {"secret": "the-bearer-token-of-sidegate", "auth": "bearer"}
    gateway = start(client=client)
    asked, form = question(gateway, stub)
    assert asked.get("Authorization") == "Bearer the-bearer-token-of-sidegate"
    assert form.keys() == {"token", "token_type_hint"}


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_signed_assertion_of_the_client(start, stub, tmp_path, algorithm):
    """RFC 7523 sections 2.2 and 3: a new one each time, for this endpoint, and short-lived."""
    pair = KeyPair(algorithm)
    file = tmp_path / "client.pem"
    file.write_text(pair.private_pem)
    client = {"id": "sidegate", "key_file": str(file), "auth": "private_key_jwt"}
    gateway = start(client=client)
    seen = set()
    for _ in range(3):
        asked, form = question(gateway, stub)
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form.get("client_id", "sidegate") == "sidegate" and not asked.all("Authorization")
        claims = jwt.decode(form["client_assertion"], pair.private.public_key(), [algorithm],
                            audience=stub.url + INTROSPECT, options={"require": ["iss", "sub", "aud", "exp", "jti"]})
        assert (claims["iss"], claims["sub"]) == ("sidegate", "sidegate")
        assert time.time() < claims["exp"] < time.time() + 600
        seen.add(claims["jti"])
    assert len(seen) == 3


# -- what answers mean

# An answer, and the user who is named, or a status.
ANSWERS = {
    "active": (ACTIVE, "42"),
    "sub before the others": ({**ACTIVE, "username": "anna", "client_id": "worker"}, "42"),
    "username where there is no sub": ({"active": True, "client_id": "worker", "username": "anna"}, "anna"),
    "client_id where there is nothing else": ({"active": True, "client_id": "worker"}, "worker"),
    "the first that the answer has decides": ({"active": True, "sub": "", "username": "anna"}, 401),
    "nobody named": ({"active": True}, 401),
    "not active": ({**ACTIVE, "active": False}, 401),
    "active that is text": ({**ACTIVE, "active": "true"}, 503),
    "active that is a number": ({**ACTIVE, "active": 1}, 503),
    "active that is null": ({**ACTIVE, "active": None}, 503),
    "nothing about it": ({"sub": "42"}, 503),
    "active, deeper": ({"data": ACTIVE}, 503),
    "a list": ([ACTIVE], 503),
    "later end": ({**ACTIVE, "exp": FAR}, "42"),
    "end in the past": ({**ACTIVE, "exp": PAST}, 401),
    "end that is no number": ({**ACTIVE, "exp": "soon"}, 503),
    "not yet": ({**ACTIVE, "nbf": FAR}, 401),
    "begun": ({**ACTIVE, "nbf": PAST}, "42"),
    "issued in the future": ({**ACTIVE, "iat": FAR}, 401),
}


@pytest.fixture(scope="module")
def asks_stub(module_gateways, module_origin, stub):
    """/narrow is for tokens of one audience."""
    blocks = {name: introspection(stub.url + INTROSPECT, circuit_breaker=NEVER_OPENS, **more)
              for name, more in (("opaque", {}), ("narrow", {"audience": ["tts"]}))}
    return module_gateways.start(guarded(module_origin, blocks))


def check(gateway, origin, stub, reply, expected, target="/x"):
    stub.replies[INTROSPECT] = reply
    before, arrived = stub.count(), len(origin.requests)
    answer = ask(gateway, new_token(), target)
    assert stub.count() == before + 1
    if expected == 401:
        assert_invalid(answer)
    elif expected == 503:
        assert_unavailable(answer)
    else:
        assert answer.status == 200, answer.body
        assert last_request(origin).get("X-User-Id") == expected
    assert len(origin.requests) == arrived + (expected not in (401, 503))


@pytest.mark.parametrize("answer, expected", ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_means(asks_stub, module_origin, stub, answer, expected):
    check(asks_stub, module_origin, stub, answering(answer), expected)


@pytest.mark.parametrize("audience, expected", [
    ("tts", "42"), (["ams", "tts"], "42"), ("ams", 401), (["ams"], 401), ([], 401), (None, 401), ("TTS", 401)])
def test_the_audience_that_is_wanted(asks_stub, module_origin, stub, audience, expected):
    answer = {**ACTIVE, **({} if audience is None else {"aud": audience})}
    check(asks_stub, module_origin, stub, answering(answer), expected, "/narrow/x")


@pytest.mark.parametrize("status", ["201 Created", "204 No Content", "302 Found", "400 Bad Request", "401 Unauthorized",
                                    "403 Forbidden", "404 Not Found", "429 Too Many Requests", "500 Oh No"])
def test_only_200_says_anything(asks_stub, module_origin, stub, status):
    """RFC 7662 section 2.2: a token that does not hold is 200 and `active: false`; 401 is about the gateway itself."""
    reply = answering(ACTIVE, status=status.encode())
    if status.startswith("204"):
        def reply(exchange):
            exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    check(asks_stub, module_origin, stub, reply, 503)


@pytest.mark.parametrize("body", [
    b"", b"active", b"true", b'{"active": true', b'{"active": true, "active": true, "sub": "42"}', b"<html></html>"])
def test_what_is_no_json_object_says_nothing(asks_stub, module_origin, stub, body):
    check(asks_stub, module_origin, stub, answering_text(body, b"application/json"), 503)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_503_in_time(gateways, module_origin, stub, fault):
    asks = introspection(stub.url + INTROSPECT, circuit_breaker=NEVER_OPENS, **IMPATIENT)
    gateway = gateways.start(guarded(module_origin, {"opaque": asks}))
    stub.replies[INTROSPECT] = fault
    before, arrived = stub.count(), len(module_origin.requests)
    answer, tries = in_time(lambda: ask(gateway, new_token()))
    assert_unavailable(answer)
    stub.wait_for_calls(before + tries)
    assert (stub.count(), len(module_origin.requests)) == (before + tries, arrived)


def test_what_is_kept(gateways, module_origin, stub):
    """One call for many requests; a yes does not outlive its ttl where the issuer fails, unless it is told to."""
    asks = introspection(stub.url + INTROSPECT, cache={"ttl": "2s"}, circuit_breaker=NEVER_OPENS)
    gateway, token = gateways.start(guarded(module_origin, {"opaque": asks})), new_token()
    stub.replies[INTROSPECT] = answering(ACTIVE)
    before = stub.count()
    assert status_of(gateway, token) == 200
    stub.replies[INTROSPECT] = fail
    assert status_of(gateway, token) == 200
    assert stub.count() == before + 1
    assert_unavailable(wait_for_status(gateway, token, 503))


def test_claims_of_the_answer_are_injected(gateways, module_origin, stub):
    blocks = guarded(module_origin, {"opaque": introspection(stub.url + INTROSPECT, roles="groups")}, inject={
        "X-User-Id": "{subject}", "X-User-Scope": "{claims.scope|}", "X-User-Roles": "{roles}"})
    gateway = gateways.start(blocks)
    stub.replies[INTROSPECT] = answering({**ACTIVE, "scope": "read write", "groups": ["TTS:Technician", "AMS:User"]})
    assert gateway.ask(request("GET", "/x", f"Authorization: bearer {new_token()}")).status == 200
    arrived = last_request(module_origin)
    assert arrived.get("X-User-Scope") == "read write"
    assert arrived.get("X-User-Roles") == "TTS:Technician,AMS:User"
