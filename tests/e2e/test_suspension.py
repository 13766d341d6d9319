"""A request that waits for somebody's answer, and what happens meanwhile: its client leaves, the configuration changes,
the gateway shuts down, whoever is asked dies.

Whatever happens, the call goes on and its answer is kept for the next who asks; nothing hangs, and no request is
decided on by a configuration that it did not begin with. These tests are worth most under a sanitizer.
"""

import itertools
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from raw_origin import Gate, RawOrigin
from support import tokens
from support.asking import (
    REFRESH, USER_INFO, VALIDATE, api_key, ask, assert_unavailable, guarded, last_request, looking_up, new_token,
    purge, remote,
)
from support.gateway import jwt_authenticator
from support.polling import PATIENCE, wait_until
from support.raw import request
from support.switchboard import Switchboard, answering, held
from test_reload import reload

YES = answering({"valid": True, "user_id": 42})
USER = answering({"email": "a@example.com"})
WAITS = 5  # seconds that a call may take: longer than any test holds it up


def ended_token(**claims):
    """It is renewed before anything is forwarded."""
    return tokens.token(lifetime=-5, iat=int(time.time()) - 1000, **claims)


_sessions = itertools.count()


@dataclass(frozen=True)
class Stage:
    """A kind of question: where it is asked, the answer, and the fields of a request that has to wait for it."""

    path: str
    reply: Callable
    fields: Callable


def by_remote():
    return [f"Authorization: Bearer {new_token()}"]


def by_session():
    return [f"Cookie: access_token={ended_token()}; refresh_token=refresh-{next(_sessions)}"]


def by_user():
    return [f"Authorization: Bearer {tokens.token(subject=new_token())}"]


# By the folder whose requests wait so.
STAGES = {
    "session": Stage(VALIDATE, YES, by_remote),
    "known": Stage(USER_INFO, USER, by_user),
    "staff": Stage(REFRESH, lambda exchange: answering({"access": tokens.token()})(exchange), by_session),
}


def configuration(origin, url):
    timeout = {"timeout": f"{WAITS}s"}
    blocks = guarded(origin, {
        "session": remote(url + VALIDATE, **timeout),
        "known": jwt_authenticator(tokens.KEY, token=[{"bearer": "Authorization"}]),
        "staff": jwt_authenticator(tokens.KEY),
    }, inject={"X-User-Id": "{subject}", "X-User-Email": "{user.email|}"})
    directory = {"for": ["known"], "url": url + USER_INFO + "{subject}/", "credential": api_key(), "on_error": "deny"}
    return {
        **looking_up(blocks, directory={**directory, **timeout}),
        "shutdown": {"grace": "10ms", "timeout": "10s"},
        "session_refresh": {"for": ["staff"], "cookie": "access_token", "refresh_cookie": "refresh_token",
                            "url": url + REFRESH, **timeout},
    }


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture
def service():
    with Switchboard() as running:
        for stage in STAGES.values():
            running.replies[stage.path] = stage.reply
        yield running


@pytest.fixture
def gateway(gateways, module_origin, service):
    return gateways.start(configuration(module_origin, service.url))


@pytest.fixture(params=STAGES)
def folder(request):
    return request.param


class Pending:
    """Requests of a folder that wait for an answer, which comes when the gate is opened."""

    def __init__(self, gateway, service, folder, count=1):
        stage = STAGES[folder]
        self.gate, self.path, self.service = Gate(), stage.path, service
        service.replies[stage.path] = held(self.gate, stage.reply)
        self._before = service.count(stage.path)
        self.request = request("GET", f"/{folder}/x", *stage.fields())
        self.clients = [gateway.raw() for _ in range(count)]
        for client in self.clients:
            client.send(self.request)
        service.wait_for_calls(self._before + 1, stage.path)
        if count > 1:
            # One call is made for all of them, which each must have begun: a reading is a turn of every worker.
            wait_until(lambda: gateway.metrics().total("sidegate_connections", listener="public") >= count, "all came")
            for _ in range(2):
                gateway.metrics()

    @property
    def client(self):
        return self.clients[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.open()
        for client in self.clients:
            client.socket.close()

    def finish(self):
        """Opens the gate, and waits until the call is over."""
        self.gate.open()
        wait_until(lambda: not self.service.under_way, "the end of the call")

    def calls(self):
        """How many there were about it."""
        return self.service.count(self.path) - self._before


# -- the client leaves

LEAVING = {
    "closes": lambda client: client.socket.close(),
    "resets": lambda client: client.reset(),
    "closes after more bytes": lambda client: (client.send(b"GET /x HTT"), client.socket.close()),
    "closes after another request": lambda client: (client.send(request("GET", "/public/y")), client.socket.close()),
}


def connections(gateway):
    return gateway.metrics().total("sidegate_connections", listener="public")


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_the_client_leaves(gateway, service, folder, leave):
    """The call goes on, and the next who asks has its answer."""
    with Pending(gateway, service, folder) as pending:
        leave(pending.client)
        pending.finish()
        assert gateway.ask(pending.request).status == 200
        assert pending.calls() == 1
    wait_until(lambda: connections(gateway) == 0, "its connection is given up")


def test_a_client_that_resets_is_given_up_at_once(gateway, service, module_origin, folder):
    """And nothing of its request arrives. One that closes may have finished sending, and wait for its answer."""
    arrived = len(module_origin.requests)
    with Pending(gateway, service, folder) as pending:
        pending.client.reset()
        wait_until(lambda: connections(gateway) == 0, "its connection is given up")
        pending.finish()
    assert ask(gateway, "none", "/public/y").status == 200
    assert [each.target for each in module_origin.requests[arrived:]] == ["/public/y"]


def test_the_client_leaves_as_the_answer_comes(gateway, service, folder):
    """At the same moment, again and again."""
    for turn in range(20):
        with Pending(gateway, service, folder) as pending:
            pending.gate.open()
            time.sleep(turn * 0.0005)  # what is tested is the moment
            pending.client.reset()
    assert gateway.ask(request("GET", "/public/x")).status == 200


def test_a_client_that_has_finished_sending_gets_its_answer(gateway, service, folder):
    with Pending(gateway, service, folder) as pending:
        pending.client.finish_sending()
        assert service.under_way == 1
        pending.finish()
        assert pending.client.read_response().status == 200


def test_one_of_many_who_wait_leaves(gateway, service, folder):
    with Pending(gateway, service, folder, count=6) as pending:
        for client in pending.clients[::2]:
            client.reset()
        pending.finish()
        assert [client.read_response().status for client in pending.clients[1::2]] == [200] * 3
        assert pending.calls() == 1


def test_all_who_wait_leave(gateway, service, folder):
    with Pending(gateway, service, folder, count=6) as pending:
        for client in pending.clients:
            client.reset()
        pending.finish()
        assert gateway.ask(pending.request).status == 200
        assert pending.calls() == 1


def test_a_client_that_resets_while_its_body_comes(gateway, service, folder, module_origin):
    arrived, gate, stage = len(module_origin.requests), Gate(), STAGES[folder]
    service.replies[stage.path] = held(gate, stage.reply)
    with gateway.raw() as client:
        client.send(request("POST", f"/{folder}/x", *stage.fields(), "Content-Length: 100000") + b"x" * 5000)
        service.wait_for_calls(1)
        client.reset()
        wait_until(lambda: connections(gateway) == 0, "its connection is given up")
    gate.open()
    assert ask(gateway, "none", "/public/y").status == 200
    assert [each.target for each in module_origin.requests[arrived:]] == ["/public/y"]


# -- what was sent behind it

def test_requests_that_wait_behind_it(gateway, service, module_origin, folder):
    """They are answered in their order, and not before."""
    module_origin.requests.clear()
    with Pending(gateway, service, folder) as pending:
        pending.client.send(request("GET", "/public/1") + request("GET", "/public/2"))
        time.sleep(0.05)  # that nothing happens can only be waited for
        assert not any(each.target.startswith("/public") for each in module_origin.requests)
        pending.finish()
        assert [pending.client.read_response().status for _ in range(3)] == [200] * 3
    assert [each.target for each in module_origin.requests[-3:]] == [f"/{folder}/x", "/public/1", "/public/2"]


def test_a_body_that_comes_meanwhile_arrives_whole(gateway, service, module_origin, folder):
    body = bytes(range(256)) * 3000
    fields = [*STAGES[folder].fields(), f"Content-Length: {len(body)}"]
    service.replies[STAGES[folder].path] = held(gate := Gate(), STAGES[folder].reply)
    with gateway.raw() as client:
        client.send(request("POST", f"/{folder}/x", *fields) + body[:1000])
        service.wait_for_calls(1)
        client.send(body[1000:20_000])
        gate.open()
        client.send(body[20_000:])
        assert client.read_response("POST").status == 200
    assert last_request(module_origin).body == body


# -- the configuration changes

def test_a_reload_meanwhile(gateway, service, module_origin, folder):
    """The request ends by the configuration that it began with, the next by the new one."""
    with Pending(gateway, service, folder, count=2) as pending:
        reload(gateway, inject={"X-Version": "two", "X-User-Id": "{subject}"})
        with RawOrigin() as other:
            reload(gateway, upstreams={"app": {"servers": [other.url]}})
            pending.finish()
            assert [client.read_response().status for client in pending.clients] == [200] * 2
            assert other.requests == []
            assert not any(each.all("X-Version") for each in module_origin.requests[-2:])
            assert all(each.all("X-User-Id") for each in module_origin.requests[-2:])
            assert gateway.ask(pending.request).status == 200
            assert last_request(other).get("X-Version") == "two"


def test_a_reload_that_takes_the_service_away(gateway, service, module_origin):
    """Nobody is asked there any more; who waits has the answer all the same."""
    with Pending(gateway, service, "session") as pending:
        with Switchboard() as other:
            other.replies[VALIDATE] = answering({"user_id": 7})
            authenticators = {"session": remote(other.url + VALIDATE), "known": jwt_authenticator(tokens.KEY),
                              "staff": jwt_authenticator(tokens.KEY)}
            reload(gateway, authenticators=authenticators)
            assert gateway.ask(pending.request).status == 200
            assert last_request(module_origin).get("X-User-Id") == "7"
            pending.finish()
            assert pending.client.read_response().status == 200
            assert last_request(module_origin).get("X-User-Id") == "42"
            assert gateway.ask(pending.request).status == 200
            assert last_request(module_origin).get("X-User-Id") == "7"
            assert (pending.calls(), other.count()) == (1, 1)


def test_many_reloads_meanwhile(gateway, service, folder):
    with Pending(gateway, service, folder, count=4) as pending:
        for level in ("debug", "info") * 5:
            reload(gateway, log={"level": level})
        pending.clients.pop().reset()
        pending.finish()
        assert [client.read_response().status for client in pending.clients] == [200] * 3
        assert gateway.ask(pending.request).status == 200
        assert pending.calls() == 1


# -- what is forgotten meanwhile

def test_a_purge_meanwhile(gateway, service):
    """Who waits has his answer; that it is kept is not promised."""
    with Pending(gateway, service, "session") as pending:
        purge(gateway)
        pending.finish()
        assert pending.client.read_response().status == 200


# -- the gateway shuts down

def test_a_shutdown_waits_for_who_waits(gateway, service, folder):
    with Pending(gateway, service, folder) as pending:
        gateway.send(signal.SIGTERM)
        wait_until(lambda: not gateway.is_ready(), "it drains")
        pending.finish()
        answer = pending.client.read_response()
        assert answer.status == 200 and answer.get("Connection") == "close"
        pending.client.socket.close()
        assert gateway.wait_or_kill(timeout=20) == 0


def test_a_shutdown_with_an_answer_that_never_comes(gateways, module_origin, service, folder):
    """Its own time is over before the call's."""
    blocks = configuration(module_origin, service.url)
    gateway = gateways.start({**blocks, "shutdown": {"grace": "10ms", "timeout": "300ms"}})
    with Pending(gateway, service, folder, count=3) as pending:
        began = time.monotonic()
        gateway.send(signal.SIGTERM)
        assert gateway.wait_or_kill(timeout=20) == 0
        assert time.monotonic() - began < 0.3 + 2 * PATIENCE
        for client in pending.clients:
            told = client.read_to_end()
            assert not told or told.startswith(b"HTTP/1.1 503 "), told


def test_a_second_signal_ends_it_at_once(gateway, service, folder):
    gateway.expected_statuses = (0, 1, -signal.SIGTERM)
    with Pending(gateway, service, folder):
        gateway.send(signal.SIGTERM)
        wait_until(lambda: not gateway.is_ready(), "it drains")
        began = time.monotonic()
        gateway.send(signal.SIGTERM)
        assert gateway.wait_or_kill(timeout=20) in gateway.expected_statuses
        assert time.monotonic() - began < 2 * PATIENCE


# -- whoever is asked leaves

def test_the_service_dies_meanwhile(gateway, service, folder):
    with Pending(gateway, service, folder, count=3) as pending:
        service.stop()
        for client in pending.clients:
            assert_unavailable(client.read_response())
        pending.gate.open()
    service.start()
    service.replies[STAGES[folder].path] = STAGES[folder].reply
    assert gateway.ask(request("GET", f"/{folder}/x", *STAGES[folder].fields())).status == 200


def test_everything_at_once(gateway, service):
    """Each stage waits, clients leave in each way, and the configuration changes in between."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(Pending(gateway, service, name, count=4)) for name in STAGES]
        reload(gateway, log={"level": "debug"})
        for pending in waiting:
            pending.clients.pop().reset()
            pending.clients.pop().socket.close()
        for pending in waiting:
            pending.gate.open()
        for pending in waiting:
            assert [client.read_response().status for client in pending.clients] == [200] * 2
    assert ask(gateway, "none", "/public/x").status == 200
