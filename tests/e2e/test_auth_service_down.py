"""When the Auth Service fails: who notices, how soon, and how it is known again that it works.

A circuit breaker leaves a service alone that fails for different tokens. The real service is killed, hangs and comes
back under a steady load of callers.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from raw_origin import Gate, RawOrigin
from support import tokens
from support.asking import (
    AT_ONCE, CALL_TIMEOUT, IMPATIENT, IN_TIME, NEVER_OPENS, VALIDATE, ask, assert_invalid, assert_unavailable, bearer,
    circuit, guarded, new_token, remote, status_of, timed, wait_for_status,
)
from support.auth_service import MortalAuthService
from support.polling import PATIENCE, wait_until
from support.steady_load import SteadyLoad
from support.switchboard import FAULTS, Switchboard, answering, hang, held, is_overloaded

YES = answering({"valid": True, "user_id": 42})
NO = answering({"valid": False})
CLOSED, HALF_OPEN, OPEN = 0, 1, 2
OPEN_FOR = 1  # seconds
BREAKER = {"consecutive": 5, "open_for": f"{OPEN_FOR * 1000:.0f}ms"}
LIVE_OPEN_FOR = 3  # of the gateway that asks the real service


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture
def service():
    with Switchboard() as running:
        running.replies[VALIDATE] = YES
        yield running


@pytest.fixture
def start(gateways, module_origin, service):
    def started(breaker=None, **more):
        asks = remote(service.url + VALIDATE, circuit_breaker={**BREAKER, **(breaker or {})}, **{**IMPATIENT, **more})
        return gateways.start(guarded(module_origin, {"session": asks}))

    return started


def open_circuit(gateway, service, fault=is_overloaded):
    """Has the service fail for five tokens, one after the other."""
    service.replies[VALIDATE] = fault
    before = service.count()
    for number in range(1, 6):
        assert circuit(gateway, "session") == CLOSED
        assert_unavailable(ask(gateway, new_token()))
        service.wait_for_calls(before + number)
        assert service.count() == before + number
    wait_until(lambda: circuit(gateway, "session") == OPEN, "an open circuit")


# -- the circuit breaker

@pytest.mark.parametrize("fault", [is_overloaded, hang, FAULTS["reset"]], ids=lambda fault: fault.__name__)
def test_five_tokens_open_it(start, service, fault):
    gateway = start(breaker={"open_for": "1m"})
    open_circuit(gateway, service, fault)
    answers = [timed(lambda: ask(gateway, new_token())) for _ in range(10)]
    for answer, _ in answers:
        assert_unavailable(answer)
        assert 1 <= int(answer.get("Retry-After")) <= 60
    assert min(seconds for _, seconds in answers) < AT_ONCE
    assert sorted(seconds for _, seconds in answers)[5] < AT_ONCE, "most of them"
    assert service.count() == 5


def test_a_service_that_is_not_there_opens_it(start, service):
    gateway = start()
    service.stop()
    for _ in range(5):
        assert_unavailable(ask(gateway, new_token()))
    wait_until(lambda: circuit(gateway, "session") == OPEN, "an open circuit")


def test_one_token_opens_it_for_nobody(start, service):
    gateway, token = start(), new_token()
    service.replies[VALIDATE] = is_overloaded
    for _ in range(50):
        assert_unavailable(ask(gateway, token))
    assert circuit(gateway, "session") == CLOSED
    service.replies[VALIDATE] = YES
    assert status_of(gateway, new_token()) == 200


def test_an_answer_in_between_counts_anew(start, service):
    """A no is an answer like a yes."""
    gateway = start()
    for reply in (YES, NO):
        service.replies[VALIDATE] = is_overloaded
        for _ in range(4):
            assert_unavailable(ask(gateway, new_token()))
        service.replies[VALIDATE] = reply
        assert status_of(gateway, new_token()) in (200, 401)
    assert circuit(gateway, "session") == CLOSED


def test_no_is_no_failure(start, service):
    service.replies[VALIDATE] = NO
    gateway = start()
    for _ in range(30):
        assert_invalid(ask(gateway, new_token()))
    assert circuit(gateway, "session") == CLOSED
    assert service.count() == 30


@pytest.mark.parametrize("answer", [
    FAULTS["fail"], FAULTS["show_a_login_page"], FAULTS["redirect_to_login"], FAULTS["talk_nonsense"],
    FAULTS["never_stop"], answering({}, status=b"431 Request Header Fields Too Large"),
], ids=("500", "page", "redirect", "nonsense", "endless", "431"))
def test_what_is_answered_to_one_token_opens_it_for_nobody(start, service, answer):
    """It may be about this token alone: nobody can tell, and the service is there."""
    gateway = start()
    service.replies[VALIDATE] = answer
    for _ in range(10):
        assert_unavailable(ask(gateway, new_token()))
    assert circuit(gateway, "session") == CLOSED
    service.replies[VALIDATE] = YES
    assert status_of(gateway, new_token()) == 200


def test_half_of_twenty_open_it(start, service):
    """Never five in a row, and yet half of them fail."""
    gateway = start(breaker={"error_rate": "50%", "of_at_least": 20, "window": "1m", "open_for": "1m"})
    for number in range(20):
        assert circuit(gateway, "session") == CLOSED, number
        service.replies[VALIDATE] = is_overloaded if number % 2 else YES
        ask(gateway, new_token())
    wait_until(lambda: circuit(gateway, "session") == OPEN, "an open circuit")
    assert_unavailable(ask(gateway, new_token()))
    assert service.count() == 20


def test_a_good_probe_closes_it(start, service):
    gateway = start()
    began = time.monotonic()
    open_circuit(gateway, service)
    opened = time.monotonic()
    service.replies[VALIDATE] = YES
    wait_for_status(gateway, new_token(), 200)
    assert OPEN_FOR < time.monotonic() - began
    assert time.monotonic() - opened < OPEN_FOR + 3 * PATIENCE
    assert circuit(gateway, "session") == CLOSED
    assert service.count() == 6, "by the first probe"
    assert [status_of(gateway, new_token()) for _ in range(10)] == [200] * 10


def test_a_bad_probe_opens_it_again(start, service):
    """While it fails, one call for each time that it was left alone."""
    gateway = start()
    began = time.monotonic()
    open_circuit(gateway, service)
    while service.count() < 8:
        assert_unavailable(ask(gateway, new_token()))
        assert time.monotonic() - began < 10 * PATIENCE
    assert time.monotonic() - began > 2.5 * OPEN_FOR
    wait_until(lambda: circuit(gateway, "session") == OPEN, "an open circuit")


def test_there_is_one_probe_at_a_time(start, service):
    gate = Gate()
    gateway = start(timeout="5s")
    open_circuit(gateway, service)
    service.replies[VALIDATE] = held(gate, YES)
    with ThreadPoolExecutor(8) as pool:
        probe = pool.submit(lambda: wait_for_status(gateway, new_token(), 200))
        service.wait_for_calls(6)
        assert circuit(gateway, "session") == HALF_OPEN
        others = [timed(lambda: ask(gateway, new_token())) for _ in range(10)]
        assert service.count() == 6
        gate.open()
        assert probe.result().status == 200
    for answer, _ in others:
        assert_unavailable(answer)
    assert min(seconds for _, seconds in others) < AT_ONCE
    assert circuit(gateway, "session") == CLOSED


def test_what_is_kept_serves_while_it_is_open(start, service):
    gateway, fresh, old = start(cache={"ttl": "1h"}), new_token(), new_token()
    assert status_of(gateway, fresh) == 200
    open_circuit(gateway, service)
    answers = [timed(lambda: ask(gateway, fresh)) for _ in range(10)]
    assert {answer.status for answer, _ in answers} == {200}
    assert min(seconds for _, seconds in answers) < AT_ONCE
    assert_unavailable(ask(gateway, old))


def test_what_is_old_serves_at_once_while_it_is_open(start, service):
    gateway = start(cache={"ttl": "100ms", "stale_if_error": "1m"}, breaker={"open_for": "1m"})
    token = new_token()
    assert status_of(gateway, token) == 200
    open_circuit(gateway, service, hang)  # which takes longer than the answer is fresh
    answers = [timed(lambda: ask(gateway, token)) for _ in range(10)]
    assert {answer.status for answer, _ in answers} == {200}
    assert min(seconds for _, seconds in answers) < AT_ONCE
    assert service.count() == 6


def test_each_service_has_one_of_its_own(gateways, module_origin, service):
    with Switchboard() as other:
        other.replies[VALIDATE] = YES
        gateway = gateways.start(guarded(module_origin, {
            name: remote(asked.url + VALIDATE, circuit_breaker=BREAKER)
            for name, asked in (("session", service), ("other", other))}))
        open_circuit(gateway, service)
        assert circuit(gateway, "other") == CLOSED
        assert status_of(gateway, new_token(), "/other/x") == 200


def test_the_calls_at_the_same_time_have_a_limit(start, service):
    """However many tokens are asked about, and whatever the service does."""
    service.replies[VALIDATE] = hang
    gateway = start(breaker=NEVER_OPENS)
    with ThreadPoolExecutor(200) as pool:
        answers = [done.result() for done in [pool.submit(ask, gateway, new_token()) for _ in range(200)]]
    for answer in answers:
        assert_unavailable(answer)
    assert service.most_at_once <= 100


# -- the real service, under a steady load

@pytest.fixture
def mortal(tmp_path):
    service = MortalAuthService(tmp_path).wait_until_listening()
    try:
        yield service
    finally:
        service.kill()


@pytest.fixture
def live(gateways, module_origin, mortal):
    """A gateway that asks the real service again and again."""
    asks = remote(mortal.url + VALIDATE, circuit_breaker={**BREAKER, "open_for": f"{LIVE_OPEN_FOR}s"}, **IMPATIENT,
                  cache={"ttl": "200ms", "negative_ttl": "100ms", "stale_if_error": "1m"})
    return gateways.start(guarded(module_origin, {"session": asks}))


def load_of(gateway, mortal):
    token = mortal.log_in("user@example.com").cookies["access_token"]
    return SteadyLoad(gateway.port, kept=2, fresh=1, fields=(bearer(token),))


def assert_undisturbed(load):
    assert not load.lost, load.lost[:3]
    assert {attempt.status for attempt in load.answered} == {200}


def newcomers(gateway, seconds):
    """Answers to tokens that nobody asked about before, for a while, with how long each took."""
    end, answers = time.monotonic() + seconds, []
    while time.monotonic() < end:
        answers.append(timed(lambda: ask(gateway, tokens.token(subject="newcomer", jti=new_token()))))
    return answers


def assert_unavailable_in_time(answers):
    assert answers
    for answer, _ in answers:
        assert_unavailable(answer)
    late = [seconds for _, seconds in answers if seconds >= IN_TIME]
    assert len(late) <= 2, f"five wait for the time-out; the machine may stall now and then: {late}"


def wait_for_recovery(gateway, mortal):
    """A token that was never asked about is accepted: within one probe, by which the circuit may have to be closed."""
    token = mortal.log_in("mary@example.com").cookies["access_token"]
    began = time.monotonic()
    wait_for_status(gateway, token, 200)
    # By the first probe: a second one would come as long after it.
    assert time.monotonic() - began < LIVE_OPEN_FOR + 1.9
    wait_until(lambda: circuit(gateway, "session") == CLOSED, "a closed circuit")


def test_the_service_is_killed_and_comes_back(live, mortal):
    with load_of(live, mortal) as load:
        load.wait_for_answers(50)
        mortal.kill()
        assert_unavailable_in_time(newcomers(live, seconds=1))
        load.wait_for_answers(50)
        again = mortal.successor()
        try:
            wait_for_recovery(live, again)
            load.wait_for_answers(50)
        finally:
            again.kill()
    assert_undisturbed(load)


def test_the_service_hangs_and_goes_on(live, mortal):
    with load_of(live, mortal) as load:
        load.wait_for_answers(50)
        with mortal.suspended():
            assert_unavailable_in_time(newcomers(live, seconds=BREAKER["consecutive"] * CALL_TIMEOUT + 1))
            assert circuit(live, "session") != CLOSED
            load.wait_for_answers(50)
        wait_for_recovery(live, mortal)
        load.wait_for_answers(50)
    assert_undisturbed(load)
