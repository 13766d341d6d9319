"""npm's oidc-provider as the issuer: its access tokens, its rotations under load, and what happens when it is gone.

Two authenticators take its tokens: one is told where its keys are, the other finds out by OpenID Connect Discovery.
"""

import contextlib

import pytest

from raw_origin import RawOrigin
from support.gateway import servers
from support.issuer import ALGORITHMS, AUDIENCE, OidcProvider, SigningKey, issuer_authenticator
from support.polling import wait_until
from support.raw import request
from support.steady_load import SteadyLoad

ROUTES = ["by-url", "by-discovery"]
COOLDOWN = 0.2  # seconds, of PACE
PACE = {"refresh": "2s", "cooldown": "200ms"}
UNKNOWN = SigningKey("unknown")
NOTICED = 2 + 5  # seconds after which a key that is gone is refused


def bearer(token):
    return f"Authorization: Bearer {token}"


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def start_provider(tmp_path_factory):
    """Starts providers that live as long as the file's tests."""
    started = []

    def start(*keys, port=None):
        started.append(OidcProvider(tmp_path_factory.mktemp("provider"), *keys, port=port))
        return started[-1].wait_until_listening()

    yield start
    for service in started:
        service.terminate()


@pytest.fixture(scope="module")
def provider(start_provider):
    return start_provider(SigningKey("first", "RS256"))


def configuration(provider, origin):
    settings = {"type": "at+jwt", "require_claims": ["exp", "iat", "jti", "client_id"]}
    return {
        "workers": 2,
        "upstreams": {"app": servers(origin.url)},
        "authenticators": {
            "by-url": issuer_authenticator(provider.url, {"jwks_url": provider.jwks_url, **PACE}, **settings),
            "by-discovery": issuer_authenticator(provider.url, {"oidc_issuer": provider.url, **PACE}, **settings),
        },
        "inject": {"X-User-Id": "{subject}", "X-Client": "{claims.client_id}", "X-Auth-Method": "{authenticator}"},
        "routes": [{"path": f"/{name}/**", "authenticate": [name], "upstream": "app"} for name in ROUTES],
    }


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin, provider):
    return module_gateways.start(configuration(provider, module_origin))


def ask(gateway, route, token):
    return gateway.ask(request("GET", f"/{route}/x", bearer(token)))


def statuses(gateway, token):
    return [ask(gateway, route, token).status for route in ROUTES]


def wait_for_a_quiet_moment(gateway, provider):
    """Makes both authenticators ask, and lets their cooldown pass: they may be asked for another key then, and will not
    have asked by themselves shortly before."""

    def have_rested():
        metrics = gateway.metrics()
        return all(metrics.total("sidegate_jwks_age_seconds", authenticator=route) > COOLDOWN for route in ROUTES)

    wait_until(have_rested, "both may be asked")
    unknown = UNKNOWN.pair.token(headers={"kid": UNKNOWN.kid}, iss=provider.url, aud=AUDIENCE, sub="worker")
    assert statuses(gateway, unknown) == [401, 401]
    wait_until(have_rested, "both may be asked again")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_access_tokens_of_every_algorithm(gateway, module_origin, provider, algorithm):
    """Each signed with a key that the gateway has not seen yet."""
    key = SigningKey(f"for-{algorithm}", algorithm)
    wait_for_a_quiet_moment(gateway, provider)
    provider.rotate(key)
    token = provider.token()
    for route in ROUTES:
        assert ask(gateway, route, token).status == 200
        seen = module_origin.requests[-1]
        assert [seen.get(name) for name in ("X-User-Id", "X-Client", "X-Auth-Method")] == ["worker", "worker", route]


def test_tokens_that_are_for_somebody_else(gateway, provider):
    wait_for_a_quiet_moment(gateway, provider)
    for token, outcome in ((provider.token("urn:service:ams"), "wrong_audience"), (provider.token(None), "malformed")):
        for route in ROUTES:
            answer = ask(gateway, route, token)
            assert (answer.status, gateway.access_line(answer)["auth_outcome"]) == (401, outcome)


def test_no_request_is_lost_while_keys_rotate(gateway, provider):
    """As operators do it: a new key signs at once, the old one goes once nobody has tokens of it any more."""
    current = SigningKey("current", "RS256")
    provider.rotate(current)
    wait_until(lambda: statuses(gateway, provider.token()) == [200, 200], gateway.tail)
    loads = []

    def start_loads(stack):
        """Callers with a token that is made now, a load for each authenticator."""
        token = provider.token()
        started = [SteadyLoad(gateway.port, kept=2, fresh=2, fields=[bearer(token)], prefix=f"/{route}")
                   for route in ROUTES]
        for load in started:
            stack.enter_context(load).wait_for_answers(20)
        loads.extend(started)
        return token, started

    with contextlib.ExitStack() as stack:
        old_token, old_loads = start_loads(stack)
        for algorithm in ("ES256", "RS256"):
            former, current = current, SigningKey(f"next-{algorithm}", algorithm)
            wait_for_a_quiet_moment(gateway, provider)
            provider.rotate(current, former)
            new_token, new_loads = start_loads(stack)
            for load in old_loads:
                load.stop()
            provider.rotate(current)
            wait_until(lambda token=old_token: statuses(gateway, token) == [401, 401], gateway.tail, NOTICED)
            assert statuses(gateway, new_token) == [200, 200]
            old_token, old_loads = new_token, new_loads
    assert not [attempt for load in loads for attempt in load.lost]
    assert {attempt.status for load in loads for attempt in load.answered} == {200}


def test_a_provider_that_hangs_and_is_killed_and_comes_back(gateways, origin, start_provider):
    """Stopped, it is a system that still takes connections; killed, nobody does; then another process has its port."""
    key, newer = SigningKey("known"), SigningKey("newer")
    provider = start_provider(key)
    gateway, token = gateways.start(configuration(provider, origin)), provider.token()
    assert statuses(gateway, token) == [200, 200]

    def failures():
        metrics = gateway.metrics()
        return [metrics.total("sidegate_jwks_fetches_total", authenticator=route, result="failed") for route in ROUTES]

    def wait_until_both_fail():
        before = failures()
        wait_until(lambda: all(now > then for now, then in zip(failures(), before)), gateway.tail)

    with SteadyLoad(gateway.port, kept=2, fresh=2, fields=[bearer(token)], prefix="/by-discovery") as load:
        with provider.suspended():
            wait_until_both_fail()
        provider.kill()
        wait_until_both_fail()
        load.wait_for_answers(50)
        successor = start_provider(newer, key, port=provider.port)
        wait_until(lambda: statuses(gateway, successor.token()) == [200, 200], gateway.tail)
        load.wait_for_answers(50)
    assert not load.lost
    assert {attempt.status for attempt in load.answered} == {200}
