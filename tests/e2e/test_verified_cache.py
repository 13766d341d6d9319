"""Tokens that were verified are remembered: that is faster, and must never accept what would be refused without it."""

import time
from datetime import datetime, timezone

import pytest
import requests

from support import tokens
from support.gateway import TIMEOUT, jwt_authenticator, staff_routes
from support.polling import PATIENCE, wait_until
from support.raw import SWITCHING, UPGRADE, request
from test_reload import OTHER_KEY, reload

CACHE = "staff.verified"
LOOKUPS, ENTRIES = "sidegate_cache_total", "sidegate_cache_entries"


def bearer(token):
    return f"Authorization: Bearer {token}"


def ask(gateway, token, target="/x"):
    return gateway.ask(request("GET", target, bearer(token)))


def line_of(gateway, token):
    return gateway.access_line(ask(gateway, token))


def lookups(gateway):
    metrics = gateway.metrics()
    return tuple(metrics.total(LOOKUPS, cache=CACHE, result=result) for result in ("hit", "miss"))


def entries(gateway):
    return gateway.metrics().total(ENTRIES, cache=CACHE)


def staff(*keys, **more):
    """The authenticator of the routes, with other keys or settings."""
    authenticator = jwt_authenticator(tokens.KEY, **more)
    authenticator["jwt"]["keys"] = list(keys) or authenticator["jwt"]["keys"]
    return {"staff": authenticator}


@pytest.fixture
def gateway(gateways, origin):
    return gateways.start(staff_routes(tokens.KEY, origin.url))


# -- what it says

def test_the_log_and_the_metrics_tell_what_was_known(gateway):
    good, bad = tokens.token(), tokens.token(OTHER_KEY)
    assert [line_of(gateway, token).get("cache") for token in (good, good, bad, bad, good)] == [
        "miss", "hit", "miss", "miss", "hit"]
    assert "cache" not in gateway.access_line(gateway.ask(request("GET", "/x")))
    assert "cache" not in gateway.access_line(ask(gateway, good, "/public/x")), "credentials are not looked at"
    assert "cache" not in line_of(gateway, "x" * 20_000), "too long to be looked for"
    assert lookups(gateway) == (2, 3)
    assert entries(gateway) == 1
    (state,) = requests.get(gateway.admin_url + "/authenticators", timeout=TIMEOUT).json()["authenticators"]
    assert state["verified_cache"] == {"entries": 1, "hits": 2, "misses": 3}


def test_the_origin_is_told_the_same(gateway, origin):
    token = tokens.token(subject="a-subject-that-is-longer-than-a-short-text", user_type="guest")
    heads = []
    for known in ("miss", "hit"):
        assert line_of(gateway, token)["cache"] == known
        heads.append(origin.requests[-1])
    for name in ("X-User-Id", "X-User-Type", "X-Auth-Method"):
        assert heads[0].get(name) == heads[1].get(name) is not None


# -- what it must not do

def test_another_signature_is_refused_after_its_twin_was_accepted(gateway):
    good = tokens.token()
    assert [ask(gateway, good).status for _ in range(2)] == [200, 200]
    assert ask(gateway, tokens.last_bit_flipped(good)).status == 401
    assert ask(gateway, tokens.tampered(good, user_id="1")).status == 401
    for place in range(good.rindex(".") + 1, len(good) - 1):  # the last character holds fewer bits
        other = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1:]
        line = line_of(gateway, other)
        assert (line["status"], line["auth_outcome"], line["cache"]) == (401, "bad_signature", "miss"), place
    assert line_of(gateway, good)["cache"] == "hit"
    assert entries(gateway) == 1


def ask_until_refused(gateway, token, reason):
    """Asks until the token is refused: the moment before the last that was accepted, and the one after the refusal."""
    answers = []

    def is_refused():
        before = time.time()
        answer = ask(gateway, token)
        answers.append((before, answer, time.time()))
        return answer.status == 401

    wait_until(is_refused, lambda: f"the token is still accepted\n{gateway.tail()}", timeout=20)
    assert gateway.access_line(answers[-1][1])["auth_outcome"] == reason
    accepted = [gateway.access_line(answer) for _, answer, _ in answers[:-1]]
    assert {line["status"] for line in accepted} == {200}
    assert "hit" in {line["cache"] for line in accepted}
    return answers[-2][0], answers[-1][2]


def test_a_known_token_is_refused_the_second_it_expires(gateway):
    expires = int(time.time()) + 4
    last_accepted, first_refused = ask_until_refused(gateway, tokens.token(exp=expires), "expired")
    assert last_accepted < expires <= first_refused
    assert entries(gateway) == 0, "it is let go of"


def test_a_known_token_is_refused_once_its_key_is_not_used_any_more(gateways, origin):
    until = int(time.time()) + 3 + int(2 * PATIENCE)  # and it has to start
    text = datetime.fromtimestamp(until, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url),
                              "authenticators": staff({"secret": tokens.KEY}, {"secret": OTHER_KEY, "until": text})})
    last_accepted, first_refused = ask_until_refused(gateway, tokens.token(OTHER_KEY), "bad_signature")
    assert last_accepted < until <= first_refused


def test_a_reload_with_another_key_forgets_what_the_old_one_signed(gateway):
    old, new = tokens.token(), tokens.token(OTHER_KEY)
    assert [line_of(gateway, old)["cache"] for _ in range(2)] == ["miss", "hit"]
    reload(gateway, authenticators=staff({"secret": OTHER_KEY}))
    assert entries(gateway) == 0
    line = line_of(gateway, old)
    assert (line["status"], line["auth_outcome"], line["cache"]) == (401, "bad_signature", "miss")
    assert line_of(gateway, new)["status"] == 200
    assert lookups(gateway) == (1, 3), "counters go on"


def test_a_stricter_rule_holds_for_known_tokens_once_it_is_loaded(gateway):
    token = tokens.token(aud="other")
    assert [ask(gateway, token).status for _ in range(2)] == [200, 200]
    reload(gateway, authenticators=staff(audience=["tts"]))
    assert line_of(gateway, token)["auth_outcome"] == "wrong_audience"


def test_a_tunnel_does_not_hold_on_to_what_its_configuration_knew(gateway, origin):
    def switch(exchange):
        exchange.send(SWITCHING)
        while exchange.origin.receive(exchange.socket, exchange.request.connection):
            pass
        exchange.close()

    origin.handler = switch
    with gateway.raw() as client:
        assert client.send(request("GET", "/x", bearer(tokens.token()), *UPGRADE)).read_response().status == 101
        assert entries(gateway) == 1
        reload(gateway)
        assert entries(gateway) == 0


# -- its limits

def test_it_holds_no_more_than_it_may(gateways, origin):
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url),
                              "authenticators": staff(verified_cache={"max_entries": 2})})
    one, two, three = (tokens.token(subject=str(number)) for number in (1, 2, 3))
    asked = [one, two, one, three, one, two]  # three takes the place of two
    assert [line_of(gateway, token)["cache"] for token in asked] == ["miss", "miss", "hit", "miss", "hit", "miss"]
    assert entries(gateway) == 2


@pytest.mark.parametrize("limits", [{"max_entries": 0}, {"max_bytes": 0}])
def test_it_can_be_switched_off(gateways, origin, limits):
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url),
                              "authenticators": staff(verified_cache=limits)})
    good = tokens.token()
    for _ in range(3):
        line = line_of(gateway, good)
        assert line["status"] == 200 and "cache" not in line
    assert ask(gateway, tokens.last_bit_flipped(good)).status == 401
    assert not gateway.metrics().has(LOOKUPS) and not gateway.metrics().has(ENTRIES)
    (state,) = requests.get(gateway.admin_url + "/authenticators", timeout=TIMEOUT).json()["authenticators"]
    assert "verified_cache" not in state
