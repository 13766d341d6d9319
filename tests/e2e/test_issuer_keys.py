"""Keys that are fetched from their issuer: at the start, when they change, and while the issuer does not answer.

One issuer is asked at most once within `cooldown`, and nobody waits for it who has a token of a known key.
"""

import contextlib
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
import requests

from raw_origin import Gate, RawOrigin
from support import tokens
from support.gateway import TIMEOUT, Gateways, servers, sidegate
from support.issuer import (
    AUDIENCE, DISCOVERY, JWKS, CertificateAuthority, Issuer, SigningKey, describe, fail, hang, held,
    issuer_authenticator, never_end_the_head, redirect_to, reset, stop_half_way, talk_nonsense,
)
from support.peers import is_listening
from support.polling import PATIENCE, wait_until
from support.raw import request
from support.steady_load import SteadyLoad
from test_reload import reload

REFRESHED = {"refresh": "1s", "cooldown": "1s"}
COOLDOWN = 0.5  # seconds, of ON_DEMAND
ON_DEMAND = {"refresh": "1h", "cooldown": "500ms"}  # asked again only where a token gives a reason to
UNAVAILABLE = {"error": "Auth service unavailable"}
ANSWERED_WITHIN = 5 + PATIENCE  # seconds that a request may wait for an issuer: five, and not another five


def bearer(token):
    return f"Authorization: Bearer {token}"


def get(token, target="/x"):
    return request("GET", target, bearer(token))


def ask(gateway, token, target="/x"):
    return gateway.ask(get(token, target))


def status_of(gateway, token, target="/x"):
    return ask(gateway, token, target).status


def accepts(gateway, token, target="/x"):
    """A condition to wait for."""
    return lambda: status_of(gateway, token, target) == 200


def configuration(origin, authenticators, **more):
    """Each authenticator guards the folder of its name, the first one everything else; /public is open."""
    first = next(iter(authenticators))
    routes = [{"name": name, "path": f"/{name}/**", "authenticate": [name], "upstream": "app"}
              for name in authenticators]
    return {
        "startup_timeout": "1s",
        "upstreams": {"app": servers(origin.url)},
        "authenticators": authenticators,
        "inject": {"X-User-Id": "{subject}", "X-Auth-Method": "{authenticator}"},
        "routes": [{"path": "/public/**", "authenticate": "none", "upstream": "app"}, *routes,
                   {"path": "/**", "authenticate": [first], "upstream": "app"}],
        **more,
    }


def assert_unavailable(answer):
    assert (answer.status, json.loads(answer.body)) == (503, UNAVAILABLE)
    assert int(answer.get("Retry-After")) >= 1


def authenticators_of(gateway):
    """What the admin API says of them, by name."""
    listed = requests.get(gateway.admin_url + "/authenticators", timeout=TIMEOUT).json()["authenticators"]
    return {state["name"]: state for state in listed}


def published(gateway, name="keyed"):
    """What the admin API says of the only issuer of an authenticator."""
    (key,) = authenticators_of(gateway)[name]["keys"]
    return key["issuer"]


@pytest.fixture
def issuer():
    with Issuer(SigningKey("one")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_origin():
    with RawOrigin() as running:
        yield running


class EarlyGateways(Gateways):
    """Does not wait until they are ready, but only until they listen."""

    def _started(self, gateway):
        self.started.append(gateway)
        gateway.wait_ready(lambda: is_listening(gateway.admin_port) and is_listening(gateway.port))
        return gateway


@pytest.fixture
def early_gateways(tmp_path):
    gateways = EarlyGateways(tmp_path)
    yield gateways
    gateways.stop_all()


# -- at the start

def test_ready_once_the_keys_are_there(early_gateways, origin, issuer):
    gate = Gate()
    issuer.reply = held(gate)
    gateway = early_gateways.start(configuration(origin, {"keyed": issuer.authenticator()}, startup_timeout="30s"))
    issuer.wait_for_calls(1)
    not_yet = requests.get(gateway.admin_url + "/readyz", timeout=TIMEOUT)
    gate.open()
    assert not_yet.status_code == 503
    wait_until(gateway.is_ready, gateway.tail)
    assert status_of(gateway, issuer.token(issuer.keys[0])) == 200
    assert len(issuer.calls) == 1


def test_a_request_waits_for_the_first_answer(early_gateways, origin, issuer):
    """It comes before the keys, and is not refused for that."""
    gate, body = Gate(), b"a body that fits no buffer " * 10_000
    issuer.reply = held(gate)
    gateway = early_gateways.start(configuration(origin, {"keyed": issuer.authenticator()}, startup_timeout="30s"))
    issuer.wait_for_calls(1)
    with gateway.raw() as early:
        early.send(request("POST", "/early", bearer(issuer.token(issuer.keys[0])), body=body))
        assert status_of(gateway, "unread", "/public/x") == 200, "nobody else waits"
        answered = [seen.target for seen in origin.requests]
        gate.open()
        assert early.read_response().status == 200
    assert answered == ["/public/x"]
    assert origin.requests[-1].body == body
    assert len(issuer.calls) == 1, "waiting asks nobody anew"


def test_an_issuer_that_is_not_there_holds_up_its_own_routes_only(early_gateways, origin, issuer):
    late = Issuer(SigningKey("late"))
    begun = time.monotonic()
    gateway = early_gateways.start(configuration(
        origin, {"late": late.authenticator(**REFRESHED), "keyed": issuer.authenticator()}, startup_timeout="3s"))
    assert not gateway.is_ready()
    wait_until(gateway.is_ready, "startup_timeout has passed")
    assert time.monotonic() - begun >= 3

    token = late.token(late.keys[0])
    answer = ask(gateway, token, "/late/x")
    assert_unavailable(answer)
    line = gateway.access_line(answer)
    assert (line["authenticator"], line["auth_outcome"]) == ("late", "unavailable")
    assert status_of(gateway, issuer.token(issuer.keys[0]), "/keyed/x") == 200
    assert status_of(gateway, "unread", "/public/x") == 200
    assert gateway.ask(request("GET", "/late/x")).status == 401, "without a credential there is nothing to verify"
    with late:
        wait_until(accepts(gateway, token, "/late/x"), gateway.tail)


def test_an_issuer_that_hangs_does_not_hold_up_the_end(gateways, origin, issuer):
    issuer.reply = hang
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}))
    begun = time.monotonic()
    assert gateway.terminate() == 0
    assert time.monotonic() - begun < 2 * PATIENCE


# -- what a set may hold

def test_a_token_that_names_no_key_is_tried_with_each(gateways, origin, issuer):
    issuer.keys.append(SigningKey("two"))
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**ON_DEMAND)}))
    for key in issuer.keys:
        token = key.pair.token(iss=issuer.url, aud=AUDIENCE, sub="42")
        assert status_of(gateway, token) == 200
        assert status_of(gateway, tokens.last_bit_flipped(token)) == 401
    assert len(issuer.calls) == 1


def test_a_set_without_keys_is_no_reason_to_refuse(gateways, origin, issuer):
    token, keys, issuer.keys = issuer.token(issuer.keys[0]), issuer.keys, []
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**REFRESHED)}))
    assert_unavailable(ask(gateway, token))
    issuer.keys = keys
    wait_until(accepts(gateway, token), gateway.tail)
    issuer.keys = []
    wait_until(lambda: status_of(gateway, token) == 503, gateway.tail)


def test_a_secret_that_is_published_is_none(gateways, origin, issuer):
    """Whoever reads the set could sign with it."""
    (good,) = issuer.keys
    secret = {"kty": "oct", "kid": "secret", "k": tokens.encode(tokens.KEY.encode())}
    issuer.keys = [secret, good]
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}))
    for headers in ({"kid": "secret"}, {"kid": "one"}, {}):
        forged = tokens.token(headers=headers, iss=issuer.url, aud=AUDIENCE, sub="42")
        assert status_of(gateway, forged) == 401, headers
    assert status_of(gateway, issuer.token(good)) == 200
    assert [key["kid"] for key in published(gateway)["keys"]] == ["one"]
    assert tokens.KEY not in gateway.stderr and secret["k"] not in gateway.stderr


def test_nothing_that_a_token_points_to_is_fetched(gateways, origin, issuer):
    own = SigningKey("one")
    with Issuer(own) as evil:
        gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}))
        for kid in ("one", "unknown"):
            for field in ({"jku": evil.jwks_url}, {"x5u": evil.url + "/certificate.pem"}, {"jwk": own.jwk()}):
                forged = own.pair.token(headers={"kid": kid, **field}, iss=issuer.url, aud=AUDIENCE, sub="42")
                assert status_of(gateway, forged) == 401, field
        assert evil.calls == []
    assert {call.path for call in issuer.calls} == {JWKS}


# -- keys that come and go

def test_an_unknown_key_is_asked_for_once_and_accepted(gateways, origin, issuer):
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**ON_DEMAND)}))
    new = SigningKey("new")
    issuer.keys.append(new)
    issuer.wait_until_rested(COOLDOWN)
    token = issuer.token(new)
    with ThreadPoolExecutor(8) as callers:
        statuses = list(callers.map(lambda _: status_of(gateway, token), range(8)))
    assert statuses == [200] * 8
    assert len(issuer.calls) == 2


def test_invented_key_names_cost_one_call_in_a_cooldown(gateways, origin, issuer):
    good = issuer.token(issuer.keys[0])
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**ON_DEMAND)}, workers=2))

    def flood(_):
        statuses = []
        with gateway.raw() as client:
            for turn in range(1000):
                kid = secrets.token_hex(8)
                token = good if turn % 10 == 0 else tokens.unsigned({"alg": "ES256", "kid": kid}, iss=issuer.url)
                statuses.append((turn % 10 == 0, client.send(get(token)).read_response().status))
        return statuses

    issuer.wait_until_rested(COOLDOWN)
    begun, calls_before = time.monotonic(), len(issuer.calls)
    with ThreadPoolExecutor(4) as callers:
        seen = {each for statuses in callers.map(flood, range(4)) for each in statuses}
    calls = len(issuer.calls) - calls_before
    assert seen == {(True, 200), (False, 401)}
    assert 1 <= calls <= 1 + (time.monotonic() - begun) / COOLDOWN


def test_a_key_that_is_gone_is_refused(gateways, origin, issuer):
    """By every worker, and for tokens that it has verified before."""
    old, new = issuer.keys[0], SigningKey("new")
    issuer.keys.append(new)
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**REFRESHED)}, workers=2))
    known, other = issuer.token(old), issuer.token(new)
    with contextlib.ExitStack() as stack:
        clients = []

        def is_known_to_both():
            clients.append(stack.enter_context(gateway.raw()))
            assert clients[-1].send(get(known)).read_response().status == 200
            return gateway.metrics().total("sidegate_cache_entries", cache="keyed.verified") == 2

        wait_until(is_known_to_both, "both workers remember the token")
        issuer.keys = [new]
        removed = time.monotonic()

        def statuses():
            return {client.send(get(known)).read_response().status for client in clients}

        wait_until(lambda: statuses() == {401}, "every connection is refused", 1 + 5)
        assert time.monotonic() - removed < (1 + 5) * PATIENCE
        assert statuses() == {401}
    assert status_of(gateway, known) == 401
    assert status_of(gateway, other) == 200


def test_a_key_of_an_issuer_holds_until_its_time(gateways, origin, issuer):
    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1 + 4 * PATIENCE)
    item = {"until": until.isoformat(timespec="seconds")}
    past = {"until": "2020-01-01T00:00:00Z"}
    gateway = gateways.start(configuration(
        origin, {"keyed": issuer.authenticator(**item), "past": issuer.authenticator(**past)}))
    token = issuer.token(issuer.keys[0])
    assert status_of(gateway, token) == 200
    assert status_of(gateway, token, "/past/x") == 401
    wait_until(lambda: status_of(gateway, token) == 401, "its time has come")
    assert datetime.now(timezone.utc) >= until


# -- an issuer that fails

WAYS_TO_FAIL = {
    "killed": None,  # nobody listens
    "hanging": hang,
    "error": fail,
    "nonsense": talk_nonsense,
    "half": stop_half_way,
    "reset": reset,
    "endless": never_end_the_head,
}


class Outage:
    """An issuer that fails in one way and comes back, with callers of its own, and what they and operators saw."""

    def __init__(self, way, stack):
        self.way, self.issuer, self.newer = way, stack.enter_context(Issuer(SigningKey("known"))), SigningKey("newer")

    def start_load(self, gateway, stack):
        self.gateway = gateway
        token = self.issuer.token(self.issuer.keys[0])
        self.load = stack.enter_context(
            SteadyLoad(gateway.port, kept=1, fresh=1, fields=[bearer(token)], prefix=f"/{self.way}"))
        self.load.wait_for_answers(10)
        self.failures_before = self.failures()

    def begin(self):
        if self.way == "killed":
            self.issuer.stop()
        else:
            self.issuer.reply = WAYS_TO_FAIL[self.way]
        self.calls_before = len(self.issuer.calls)

    def has_begun(self):
        """Whether it is being asked, or was asked, in vain."""
        return len(self.issuer.calls) > self.calls_before or self.has_failed()

    def has_failed(self):
        return self.failures() > self.failures_before

    def ask_for_the_newer(self):
        begun = time.monotonic()
        self.unknown = ask(self.gateway, self.issuer.token(self.newer), f"/{self.way}/unknown")
        self.unknown_took = time.monotonic() - begun

    def end(self):
        """The issuer is as good as before, and has a newer key."""
        self.error = self.state().get("last_error")
        self.issuer.keys.append(self.newer)
        self.issuer.reply = None
        if self.way == "killed":
            self.issuer.start()

    def wait_until_it_is_over(self):
        wait_until(accepts(self.gateway, self.issuer.token(self.newer), f"/{self.way}/newer"), self.gateway.tail)
        self.load.stop()

    def failures(self):
        return self.gateway.metrics().total("sidegate_jwks_fetches_total", authenticator=self.way, result="failed")

    def timed_age(self):
        """The metric, and the moments before and after it was read."""
        before = time.monotonic()
        age = self.gateway.metrics().total("sidegate_jwks_age_seconds", authenticator=self.way)
        return age, before, time.monotonic()

    def state(self):
        return published(self.gateway, self.way)


@pytest.fixture(scope="module")
def outages(module_gateways, shared_origin):
    """All at once, since each takes seconds: one gateway with an issuer for each way to fail."""
    with contextlib.ExitStack() as stack:
        every = {way: Outage(way, stack) for way in WAYS_TO_FAIL}
        gateway = module_gateways.start(configuration(
            shared_origin, {way: each.issuer.authenticator(**REFRESHED) for way, each in every.items()}))
        for each in every.values():
            each.start_load(gateway, stack)
        for each in every.values():
            each.begin()
        wait_until(lambda: all(each.has_begun() for each in every.values()), gateway.tail)
        for each in every.values():
            each.first_age = each.timed_age()
        with ThreadPoolExecutor(len(every)) as callers:
            list(callers.map(Outage.ask_for_the_newer, every.values()))
        wait_until(lambda: all(each.has_failed() for each in every.values()), gateway.tail)
        for each in every.values():
            each.later_age = each.timed_age()
        for each in every.values():
            each.end()
        for each in every.values():
            each.wait_until_it_is_over()
        yield every


@pytest.fixture(params=WAYS_TO_FAIL)
def outage(request, outages):
    return outages[request.param]


def test_callers_with_known_keys_notice_nothing(outage):
    assert not outage.load.lost
    assert {attempt.status for attempt in outage.load.answered} == {200}


def test_an_unknown_key_is_503_while_nobody_can_tell(outage):
    assert_unavailable(outage.unknown)
    assert outage.unknown_took < ANSWERED_WITHIN


def test_operators_see_that_the_issuer_fails(outage):
    (age, *first), (later_age, *later) = outage.first_age, outage.later_age
    assert later[0] - first[1] - 0.1 <= later_age - age <= later[1] - first[0] + 0.1
    assert later_age > 3
    assert outage.failures_before == 0
    assert outage.error


def test_the_issuer_comes_back(outage):
    """That its newer key was accepted, the fixture has waited for."""
    state = outage.state()
    assert "last_error" not in state
    assert [key["kid"] for key in state["keys"]] == ["known", "newer"]


# -- how often

PACES = {  # the fields of the answer, refresh, cooldown, and the seconds between two calls that these make
    "max-age": ({"Cache_Control": "public, max-age=1"}, "1h", "200ms", 1),
    "what is left of max-age": ({"Cache_Control": "max-age=60", "Age": "59"}, "1h", "200ms", 1),
    "max-age shorter than cooldown": ({"Cache_Control": "max-age=0"}, "1h", "700ms", 0.7),
    "max-age longer than refresh": ({"Cache_Control": "max-age=3600"}, "700ms", "200ms", 0.7),
    "no max-age": ({}, "700ms", "200ms", 0.7),
}


@pytest.fixture(scope="module")
def paced_calls(module_gateways, shared_origin):
    with contextlib.ExitStack() as stack:
        issuers, authenticators = {}, {}
        for name, (fields, refresh, cooldown, _) in PACES.items():
            each = issuers[name] = stack.enter_context(Issuer(SigningKey("one")))
            each.fields = fields
            authenticators[name.replace(" ", "-")] = each.authenticator(refresh=refresh, cooldown=cooldown)
        module_gateways.start(configuration(shared_origin, authenticators))
        for each in issuers.values():
            each.wait_for_calls(4)
        yield {name: [call.at for call in each.calls] for name, each in issuers.items()}


@pytest.mark.parametrize("name", PACES)
def test_cache_control_sets_the_pace_within_bounds(paced_calls, name):
    """Up to a tenth earlier, so that many gateways do not ask at the same time. A call that is noticed late is followed
    by a short gap, so it is their mean that counts."""
    calls, expected = paced_calls[name], PACES[name][-1]
    gaps = [later - earlier for earlier, later in zip(calls, calls[1:])]
    assert sum(gaps) / len(gaps) > 0.5 * expected, gaps
    assert sorted(gaps)[len(gaps) // 2] < 1.5 * expected * PATIENCE, gaps


# -- https

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def encrypted(authority, module_gateways, shared_origin):
    """A gateway with an authenticator for each case, the issuer of each case, and one that nobody may be led to."""
    with contextlib.ExitStack() as stack:

        def start(host="127.0.0.1", certified=None, tls=True):
            context = authority.server_context(certified or host) if tls else None
            return stack.enter_context(Issuer(SigningKey("one"), tls=context, host=host))

        issuers = {name: start() for name in ("own-authority", "no-authority", "same-host", "other-host", "unencrypted",
                                              "other-port")}
        issuers["by-name"] = start("localhost")
        issuers["wrong-host"] = start(certified="other.example")
        issuers["wrong-name"] = start("localhost", certified="localhost.example")
        elsewhere, plain = start("localhost"), start(tls=False)
        for name, location in (("same-host", "/moved"), ("other-host", elsewhere.jwks_url),
                               ("other-port", elsewhere.jwks_url.replace("localhost", "127.0.0.1")),
                               ("unencrypted", plain.jwks_url)):
            issuers[name].replies[JWKS] = redirect_to(location)
        moved = issuers["same-host"]
        moved.replies["/moved"] = lambda exchange: exchange.answer(200, moved.documents()[JWKS])
        authenticators = {name: each.authenticator(**({} if name == "no-authority" else {"ca": str(authority.file)}))
                          for name, each in issuers.items()}
        gateway = module_gateways.start(configuration(shared_origin, authenticators))
        yield gateway, issuers, [elsewhere, plain]


@pytest.mark.parametrize("name", ["own-authority", "by-name", "same-host"])
def test_keys_are_fetched_over_https(encrypted, name):
    gateway, issuers, _ = encrypted
    issuer = issuers[name]
    assert status_of(gateway, issuer.token(issuer.keys[0]), f"/{name}/x") == 200


@pytest.mark.parametrize(
    "name", ["no-authority", "wrong-host", "wrong-name", "other-host", "other-port", "unencrypted"])
def test_whoever_cannot_be_trusted_is_not_believed(encrypted, name):
    """The keys are right, and that is not enough: 503, and never a pass."""
    gateway, issuers, others = encrypted
    issuer = issuers[name]
    assert_unavailable(ask(gateway, issuer.token(issuer.keys[0]), f"/{name}/x"))
    state = published(gateway, name)
    assert state["keys"] == [] and state["last_error"]
    assert [other.calls for other in others] == [[], []], "no redirect is followed to another place"


# -- OpenID Connect Discovery

@pytest.fixture(scope="module")
def discovered(authority, module_gateways, shared_origin):
    """A gateway with an authenticator for each document that an issuer may be described by, and the issuers."""
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(Issuer(SigningKey("one")))
        replies = {
            "plain": None,
            "another-issuer": describe(issuer="https://login.example"),
            "another-spelling": lambda exchange: describe(issuer=exchange.issuer.url + "/")(exchange),
            "no-keys": describe(jwks_uri=None),
            "unencrypted-keys": describe(jwks_uri=plain.jwks_url),
            "nonsense": talk_nonsense,
            "missing": lambda exchange: exchange.answer(404),
        }
        issuers, authenticators = {}, {}
        for name, reply in replies.items():
            context = authority.server_context("127.0.0.1")
            issuer = issuers[name] = stack.enter_context(Issuer(SigningKey("one"), tls=context))
            if reply:
                issuer.replies[DISCOVERY] = reply
            item = {"oidc_issuer": issuer.url, "ca": str(authority.file)}
            authenticators[name] = issuer_authenticator(issuer.url, item)
        yield module_gateways.start(configuration(shared_origin, authenticators)), issuers, plain


def test_an_issuer_is_found_by_discovery(discovered):
    gateway, issuers, _ = discovered
    issuer = issuers["plain"]
    assert status_of(gateway, issuer.token(issuer.keys[0]), "/plain/x") == 200
    assert [call.path for call in issuer.calls] == [DISCOVERY, JWKS]


@pytest.mark.parametrize(
    "name", ["another-issuer", "another-spelling", "no-keys", "unencrypted-keys", "nonsense", "missing"])
def test_a_description_that_is_not_believed(discovered, name):
    """OpenID Connect Discovery 1.0 section 4.3: its `issuer` must be the very one that was asked."""
    gateway, issuers, plain = discovered
    issuer = issuers[name]
    assert_unavailable(ask(gateway, issuer.token(issuer.keys[0]), f"/{name}/x"))
    assert published(gateway, name)["last_error"]
    assert issuer.calls_for(JWKS) == [] and plain.calls == []


# -- several issuers

@pytest.fixture(scope="module")
def two_issuers(module_gateways, shared_origin):
    with Issuer(SigningKey("one")) as first, Issuer(SigningKey("one")) as second:
        blocks = configuration(shared_origin, {"first": first.authenticator(), "second": second.authenticator()})
        blocks["routes"] = [{"path": "/**", "authenticate": ["first", "second"], "upstream": "app"}]
        yield module_gateways.start(blocks), first, second


def test_each_token_goes_to_its_own_issuer(two_issuers, shared_origin):
    gateway, *issuers = two_issuers
    for name, issuer in zip(("first", "second"), issuers):
        assert status_of(gateway, issuer.token(issuer.keys[0], sub=f"of-{name}")) == 200
        seen = shared_origin.requests[-1]
        assert (seen.get("X-Auth-Method"), seen.get("X-User-Id")) == (name, f"of-{name}")


def test_an_issuer_that_nobody_owns(two_issuers):
    gateway, first, _ = two_issuers
    answer = ask(gateway, first.token(first.keys[0], iss="https://nobody.example"))
    assert answer.status == 401
    assert gateway.access_line(answer)["auth_outcome"] == "wrong_issuer"


def test_one_issuer_cannot_sign_for_the_other(two_issuers):
    """Their keys have the same name."""
    gateway, first, second = two_issuers
    answer = ask(gateway, first.token(second.keys[0]))
    assert answer.status == 401
    line = gateway.access_line(answer)
    assert (line["authenticator"], line["auth_outcome"]) == ("first", "bad_signature")


# -- what operators see and do

def test_the_admin_api_shows_what_was_published(gateways, origin, issuer):
    issuer.keys.append(SigningKey("two", "RS256"))
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator(**REFRESHED)}))
    state = published(gateway)
    assert state["url"] == issuer.jwks_url
    assert [key["kid"] for key in state["keys"]] == ["one", "two"]
    assert 0 <= state["age_seconds"] <= 5 * PATIENCE and "last_error" not in state
    metrics = gateway.metrics()
    assert metrics.total("sidegate_jwks_keys", authenticator="keyed") == 2
    assert metrics.total("sidegate_jwks_fetches_total", authenticator="keyed", result="ok") >= 1
    issuer.stop()
    error = wait_until(lambda: published(gateway).get("last_error"), gateway.tail)
    assert issuer.jwks_url in error
    assert [key["kid"] for key in published(gateway)["keys"]] == ["one", "two"]


def test_a_reload_keeps_the_keys_of_an_unchanged_issuer(gateways, origin, issuer):
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}, workers=2))
    with SteadyLoad(gateway.port, fields=[bearer(issuer.token(issuer.keys[0]))]) as load:
        for turn in range(5):
            load.wait_for_answers(50)
            reload(gateway, inject={"X-Turn": str(turn)})
        load.wait_for_answers(50)
    assert not load.lost
    assert {attempt.status for attempt in load.answered} == {200}
    assert origin.requests[-1].get("X-Turn") == "4"
    assert len(issuer.calls) == 1


@pytest.mark.parametrize("changed", [{"refresh": "20m"}, {"cooldown": "5s"}, {"until": "2099-01-01T00:00:00Z"}],
                         ids=lambda changed: "".join(changed))
def test_a_reload_that_changes_how_an_issuer_is_asked_keeps_its_keys(gateways, origin, issuer, changed):
    """It does not answer just then, and whoever has a token of a known key notices nothing."""
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}))
    token = issuer.token(issuer.keys[0])
    assert status_of(gateway, token) == 200
    issuer.stop()
    reload(gateway, authenticators={"keyed": issuer.authenticator(**changed)})
    assert status_of(gateway, token) == 200


def test_a_reload_brings_another_issuer(gateways, origin, issuer):
    """A request with a token of the new one waits for its keys."""
    gateway = gateways.start(configuration(origin, {"keyed": issuer.authenticator()}))
    with Issuer(SigningKey("one")) as other:
        reload(gateway, authenticators={"keyed": other.authenticator()})
        assert status_of(gateway, other.token(other.keys[0])) == 200
        assert status_of(gateway, issuer.token(issuer.keys[0])) == 401


@pytest.fixture
def explain(tmp_path, origin):
    """Runs the command with a configuration in which nothing is started."""

    def run(issuer, token):
        blocks = {"version": 1, "listeners": {"public": {"address": "127.0.0.1:1"}},
                  **configuration(origin, {"keyed": issuer.authenticator()})}
        path = tmp_path / "sidegate.yaml"
        path.write_text(json.dumps(blocks))
        done = sidegate("explain", "--config", path, "--json", "GET", "/x", "-H", bearer(token))
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def test_explain_asks_the_issuer(explain, issuer):
    (good,) = issuer.keys
    status, told = explain(issuer, issuer.token(good))
    assert (status, told["verdict"]) == (0, "forward")
    assert len(issuer.calls) == 1
    status, told = explain(issuer, issuer.token(SigningKey("unknown")))
    assert (status, told["status"], told["reason"]) == (1, 401, "bad_signature")
    issuer.stop()
    status, told = explain(issuer, issuer.token(good))
    assert (status, told["status"], told["reason"]) == (1, 503, "unavailable")
