"""How often the Auth Service is asked: once for many who ask the same, and again when it is time to.

Each claim is about the calls that a switchboard counted, which answers as it is told.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from raw_origin import RawOrigin
from support.asking import (
    AT_ONCE, IMPATIENT, NEVER_OPENS, PATIENT, VALIDATE, ask, ask_at_once, assert_invalid, assert_unavailable, cache_of,
    guarded, last_request, new_token, remote, status_of, timed, wait_for_status,
)
from support.polling import wait_until
from support.raw import request
from support.switchboard import FAULTS, Switchboard, answering, delayed, fail
from test_reload import reload

YES = {"valid": True, "user_id": 42}
NO = answering({"valid": False})
SHORT = 0.25  # seconds: of a lifetime that a test waits for
CONNECTIONS = 12  # enough for both workers to have some


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture
def service():
    with Switchboard() as running:
        running.replies[VALIDATE] = answering(YES)
        yield running


@pytest.fixture
def start(gateways, module_origin, service):
    """Starts a gateway with two workers that asks the service and keeps its answers so."""

    def started(timeout=PATIENT, **cache):
        asks = remote(service.url + VALIDATE, cache=cache, circuit_breaker=NEVER_OPENS, **timeout)
        return gateways.start(guarded(module_origin, {"session": asks}))

    return started


def short(**more):
    return {"ttl": f"{SHORT * 1000:.0f}ms", **more}


def ask_all(gateway, tokens, workers=16):
    """The answers, in the order of the tokens, which are asked about many at a time."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda token: ask(gateway, token), tokens))


def rest(seconds):
    """Lets so much of a lifetime pass."""
    time.sleep(seconds)


# -- one question, one call

def test_many_requests_are_one_call(start, service):
    gateway, token = start(), new_token()
    answers = ask_all(gateway, [token] * 100)
    assert {answer.status for answer in answers} == {200}
    assert service.count() == 1
    said = Counter(cache_of(gateway, answer) for answer in answers)
    assert said["miss"] == 1 and said.keys() <= {"miss", "hit", "coalesced"} and said["hit"] > 0


def test_a_hundred_at_once_are_one_call(start, service):
    service.replies[VALIDATE] = delayed(0.5, answering(YES))
    gateway = start()
    answers = ask_at_once(gateway, *[new_token()] * 100)
    assert [answer.status for answer in answers] == [200] * 100
    assert service.count() == 1
    said = Counter(cache_of(gateway, answer) for answer in answers)
    assert said["miss"] == 1 and said["coalesced"] > 0
    assert gateway.metrics().total("sidegate_cache_total", result="coalesced") == said["coalesced"]


def test_a_hundred_at_once_share_a_failure_too(start, service):
    service.replies[VALIDATE] = delayed(0.5, fail)
    answers = ask_at_once(start(), *[new_token()] * 100)
    for answer in answers:
        assert_unavailable(answer)
    # Whoever came after the failure asks once more.
    assert service.count() < 10


def test_the_same_token_in_another_place_is_the_same_question(start, service):
    gateway, token = start(), new_token()
    assert status_of(gateway, token) == 200
    assert gateway.ask(request("GET", "/x", f"Cookie: access_token={token}")).status == 200
    assert service.count() == 1


def test_different_tokens_are_different_questions(start, service):
    gateway = start()
    tokens = [new_token() for _ in range(30)]
    service.replies[VALIDATE] = lambda exchange: answering(
        {"user_id": exchange.request.get("Cookie").rpartition("-")[2]})(exchange)
    with ThreadPoolExecutor(8) as pool:
        named = list(pool.map(lambda token: user_of(gateway, token), tokens))
    assert named == [token.rpartition("-")[2] for token in tokens]
    assert service.count() == 30


def user_of(gateway, token):
    """Whom the gateway takes for the token's holder, by its own log."""
    return gateway.access_line(ask(gateway, token))["subject"]


# -- for how long

def test_a_yes_is_asked_for_again_when_it_is_old(start, service):
    gateway, token = start(**short()), new_token()
    began = time.monotonic()
    assert status_of(gateway, token) == 200
    wait_until(lambda: status_of(gateway, token) == 200 and service.count() == 2, "a second call")
    assert time.monotonic() - began > SHORT - 0.05
    service.replies[VALIDATE] = NO
    assert_invalid(wait_for_status(gateway, token, 401))
    assert service.count() == 3


def test_a_no_is_kept_as_well(start, service):
    service.replies[VALIDATE] = NO
    gateway, token = start(), new_token()
    answers = ask_all(gateway, [token] * 50)
    for answer in answers:
        assert_invalid(answer)
    assert service.count() == 1
    said = Counter(cache_of(gateway, answer) for answer in answers)
    assert said["miss"] == 1 and said["negative_hit"] > 0 and said.keys() <= {"miss", "negative_hit", "coalesced"}


def test_a_no_is_asked_for_again_when_it_is_old(start, service):
    service.replies[VALIDATE] = NO
    gateway, token = start(ttl="1h", negative_ttl=f"{SHORT * 1000:.0f}ms"), new_token()
    began = time.monotonic()
    assert_invalid(ask(gateway, token))
    service.replies[VALIDATE] = answering(YES)
    wait_for_status(gateway, token, 200)
    assert time.monotonic() - began > SHORT - 0.05
    assert service.count() == 2
    assert status_of(gateway, token) == 200 and service.count() == 2


@pytest.mark.parametrize("directive", ["no-store", "No-Store, max-age=60", "no-cache, no-store", "max-age=0"])
def test_an_answer_that_may_not_be_kept_is_asked_for_each_time(start, service, directive):
    service.replies[VALIDATE] = answering(YES, b"Cache-Control: " + directive.encode())
    gateway, token = start(), new_token()
    assert [status_of(gateway, token) for _ in range(5)] == [200] * 5
    assert service.count() == 5


def test_max_age_shortens(start, service):
    service.replies[VALIDATE] = answering(YES, b"Cache-Control: private, max-age=1")
    gateway, token = start(ttl="1h"), new_token()
    began = time.monotonic()
    assert status_of(gateway, token) == 200
    wait_until(lambda: status_of(gateway, token) == 200 and service.count() == 2, "a second call")
    assert time.monotonic() - began > 0.9


def test_max_age_lengthens_nothing(start, service):
    service.replies[VALIDATE] = answering(YES, b"Cache-Control: max-age=3600")
    gateway, token = start(**short()), new_token()
    assert status_of(gateway, token) == 200
    wait_until(lambda: status_of(gateway, token) == 200 and service.count() == 2, "a second call")


# -- when the service fails

def test_a_yes_serves_on_while_the_service_is_dead(start, service):
    gateway, token = start(**short(stale_if_error="1m")), new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    rest(SHORT)
    answers = [ask(gateway, token) for _ in range(20)]
    assert [answer.status for answer in answers] == [200] * 20
    assert {cache_of(gateway, answer) for answer in answers} == {"stale"}
    assert gateway.metrics().total("sidegate_cache_total", result="stale") == 20
    assert_unavailable(ask(gateway, new_token()))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_yes_serves_on_whatever_the_fault(start, service, fault):
    gateway, token = start(IMPATIENT, **short(stale_if_error="1m")), new_token()
    assert status_of(gateway, token) == 200
    service.replies[VALIDATE] = fault
    rest(SHORT)
    assert status_of(gateway, token) == 200
    began = time.monotonic()
    # From then on nobody waits for somebody who fails, who is asked at most once a second, or twice where that may be
    # the fault of a kept connection.
    answers = [timed(lambda: ask(gateway, token)) for _ in range(5)]
    assert {answer.status for answer, _ in answers} == {200}
    assert min(seconds for _, seconds in answers) < AT_ONCE
    assert 2 <= service.count() <= 3 + 2 * int(time.monotonic() - began)


def test_what_is_old_serves_for_no_longer_than_allowed(start, service):
    gateway, token = start(**short(stale_if_error="2s")), new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    rest(SHORT)
    assert status_of(gateway, token) == 200
    assert_unavailable(wait_for_status(gateway, token, 503))


def test_nothing_old_serves_where_it_is_not_allowed(start, service):
    gateway, token = start(**short(stale_if_error="0s")), new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    rest(SHORT)
    assert_unavailable(ask(gateway, token))


def test_a_definite_no_erases_what_was_kept(start, service):
    gateway, token = start(**short(stale_if_error="1m", negative_ttl="100ms")), new_token()
    assert status_of(gateway, token) == 200
    service.replies[VALIDATE] = NO
    assert_invalid(wait_for_status(gateway, token, 401))
    service.replies[VALIDATE] = fail
    # When the no is forgotten nothing is left, least of all the yes of before.
    assert_unavailable(wait_for_status(gateway, token, 503))


def test_an_end_is_an_end_with_the_service_or_without(start, service):
    gateway, end = start(ttl="100ms", stale_if_error="1h"), int(time.time()) + 4
    service.replies[VALIDATE] = answering({**YES, "exp": end})
    token = new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    statuses = set()
    while time.time() < end:
        status = status_of(gateway, token)
        if time.time() < end - 0.1:  # when it was answered, too; and clocks are coarse
            statuses.add(status)
    assert statuses == {200}
    assert status_of(gateway, token) in (401, 503)


def test_the_service_comes_back(start, service):
    """It is asked now and then while something old serves, and what it says then counts."""
    gateway, token = start(**short(stale_if_error="1m")), new_token()
    assert status_of(gateway, token) == 200
    service.stop()
    rest(SHORT)
    assert cache_of(gateway, ask(gateway, token)) == "stale"
    service.start()
    service.replies[VALIDATE] = NO
    assert_invalid(wait_for_status(gateway, token, 401, timeout=5))


# -- what is kept has an end

def test_a_flood_of_bad_tokens_drives_no_good_one_out(start, service):
    """A yes and a no are kept apart."""
    gateway, good = start(max_entries=20), [new_token() for _ in range(5)]
    assert {answer.status for answer in ask_all(gateway, good)} == {200}
    service.replies[VALIDATE] = NO
    flood = [new_token() for _ in range(200)]
    assert {answer.status for answer in ask_all(gateway, flood)} == {401}
    before = service.count()
    assert before == 5 + 200
    assert {answer.status for answer in ask_all(gateway, good)} == {200}
    assert service.count() == before


def test_no_more_is_kept_than_allowed(start, service):
    gateway, tokens = start(max_entries=20), [new_token() for _ in range(100)]
    assert {answer.status for answer in ask_all(gateway, tokens)} == {200}
    assert gateway.metrics().total("sidegate_cache_entries", cache="session") <= 20
    before = service.count()
    ask_all(gateway, tokens[:50])
    assert service.count() >= before + 30, "the oldest went first"


def test_a_reload_keeps_the_answers_where_nothing_has_changed(start, service):
    gateway, token = start(), new_token()
    assert status_of(gateway, token) == 200
    reload(gateway, log={"level": "debug"})
    assert status_of(gateway, token) == 200
    assert service.count() == 1


def test_a_changed_question_is_asked_anew(start, service, module_origin):
    gateway, token = start(), new_token()
    assert status_of(gateway, token) == 200
    asks = remote(service.url + VALIDATE, claims={"subject": "username"})
    service.replies[VALIDATE] = answering({**YES, "username": "anna"})
    reload(gateway, authenticators={"session": asks})
    assert status_of(gateway, token) == 200
    assert last_request(module_origin).get("X-User-Id") == "anna"
    assert service.count() == 2


def test_what_is_kept_is_shared_by_all_workers(start, service):
    gateway, token = start(), new_token()
    assert status_of(gateway, token) == 200
    assert {answer.status for answer in ask_at_once(gateway, *[token] * CONNECTIONS)} == {200}
    assert service.count() == 1
