"""TERM and INT: nothing that had begun is lost, nothing is promised that cannot be kept, and the end comes in time."""

import json
import signal
import time
from collections import Counter

import pytest
import requests

from raw_origin import Gate, ok
from support.gateway import BINARY, TIMEOUT, open_routes, servers
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.process import Process
from support.raw import SWITCHING, UPGRADE, EndOfStream, request
from support.steady_load import SteadyLoad

GRACE, LIMIT = 0.4, 2.5  # shutdown.grace and shutdown.timeout, in seconds
LONG = 20  # a time-out that is not waited for
SOON = 5  # what takes no longer did not wait for it
NOTICE = 0.5  # within which every worker knows of the drain
LAST_RESORT = "the process ends without waiting for it"


def shutdown(grace=GRACE, timeout=LIMIT):
    return {"shutdown": {"grace": f"{int(grace * 1000)}ms", "timeout": f"{int(timeout * 1000)}ms"}}


def get(target="/", *fields):
    return request("GET", target, *fields)


@pytest.fixture
def slow(origin):
    """The gate that the answer to /slow waits for in its middle. Other requests are answered with what they said."""
    gate = Gate()

    def answer(exchange):
        body = exchange.read_body()
        target = exchange.request.target
        if target != "/slow":
            return exchange.send(ok(target.encode() + b" " + body))
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nslow")
        gate.wait()
        return exchange.send(b"ness")

    origin.handler = answer
    yield gate
    gate.open()


def readiness(gateway):
    return requests.get(gateway.admin_url + "/readyz", timeout=TIMEOUT).status_code


def arrived(origin, target):
    wait_until(lambda: target in [seen.target for seen in origin.requests], f"{target} arrived")


def started_slow_answer(gateway):
    """A connection on which an answer is under way, its head and first bytes received."""
    client = gateway.raw()
    head = client.send(get("/slow")).read_head()
    assert client.take(4) == b"slow"
    return client, head


def wait_for_exit(gateway, since):
    """The exit status, and how long after `since` it came."""
    status = gateway.wait()
    return status, time.monotonic() - since


def lines_of(gateway, path):
    """The access log's lines about one path; the process has ended, so the log is whole."""
    return [line for line in gateway.access_log() if line.get("path") == path]


# -- under load

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_drain_under_load_loses_nothing(gateways, origin, slow, number):
    """What was answered before, during and after the grace period is whole, closes where it should, and is logged."""
    grace = 3
    gateway = gateways.start({**open_routes(origin.url), **shutdown(grace, timeout=LONG), "workers": 2})
    with SteadyLoad(gateway.port) as load:
        load.wait_for_answers(100)
        answering, _ = started_slow_answer(gateway)
        uploading = gateway.raw().send(request("POST", "/upload", "Content-Length: 7") + b"send")
        arrived(origin, "/upload")
        signalled = time.monotonic()
        gateway.send(number)
        wait_until(lambda: readiness(gateway) == 503, "not ready")
        noticed = time.monotonic() + NOTICE
        load.wait_for_refusal()
    assert gateway.status is None, "two requests are under way"
    with uploading:
        uploaded = uploading.send(b"ing").read_response()
    assert (uploaded.status, uploaded.body, uploaded.complete) == (200, b"/upload sending", True)
    slow.open()
    with answering:
        assert answering.take(4) == b"ness" and answering.is_closed()
    assert gateway.wait() == 0

    assert not load.broken_off
    assert min(attempt.ended for attempt in load.refused) - signalled >= grace, "accepted through the grace"
    assert {attempt.status for attempt in load.answered} == {200}
    assert all(attempt.answer.body.startswith(attempt.target.encode() + b" ") for attempt in load.answered)
    during = [attempt for attempt in load.answered if attempt.begun > noticed]
    assert {attempt.connection for attempt in during} == {"kept", "fresh"}
    assert all(attempt.closing for attempt in during)
    logged = Counter((line["path"], line["status"]) for line in gateway.access_log())
    assert logged == Counter([*((attempt.target, 200) for attempt in load.answered), ("/slow", 200), ("/upload", 200)])


def test_it_ends_soon_after_the_last_request(gateways, origin, slow):
    """Not at the time-out, which is only for those that do not end."""
    gateway = gateways.start({**open_routes(origin.url), **shutdown(timeout=LONG)})
    client, _ = started_slow_answer(gateway)
    signalled = time.monotonic()
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not accepts(gateway), "the grace period is over")
    assert gateway.status is None
    slow.open()
    with client:
        assert client.take(4) == b"ness" and client.is_closed()
    status, waited = wait_for_exit(gateway, time.monotonic())
    assert status == 0 and waited < SOON and time.monotonic() - signalled >= GRACE


def accepts(gateway):
    try:
        gateway.raw().socket.close()
        return True
    except ConnectionError:  # reset: it was queued for a listener that has closed
        return False


def test_a_connection_of_the_last_moment_is_answered(gateways, origin):
    """Connections that were made before the listeners closed are not thrown away with them, used or not yet."""
    gateway = gateways.start({**open_routes(origin.url), **shutdown(), "workers": 2})
    with SteadyLoad(gateway.port, kept=0, fresh=16) as load:
        load.wait_for_answers(100)
        gateway.send(signal.SIGTERM)
        load.wait_for_refusal()
    assert gateway.wait() == 0
    assert not load.broken_off


def test_a_stale_connection_to_the_origin_is_replaced_during_the_drain_too(gateways, origin):
    """RFC 9112 section 9.3.1: the origin closed its idle connection just as a request was sent on it."""
    def only_once(exchange):
        exchange.read_body()
        if exchange.request.number > 1:
            return exchange.close()
        return exchange.send(ok())

    origin.handler = only_once
    gateway = gateways.start({**open_routes(origin.url), **shutdown(grace=2)})
    assert [gateway.ask(get("/before")).status for _ in range(2)] == [200, 200]
    gateway.send(signal.SIGTERM)
    wait_until(lambda: readiness(gateway) == 503, "not ready")
    time.sleep(NOTICE)  # no request may find out, since it would use the connection
    during = [gateway.ask(get("/during")).status for _ in range(3)]
    assert gateway.wait() == 0
    assert during == [200, 200, 200]


# -- what cannot end by itself

def test_a_stuck_request_is_cut_at_the_timeout(gateways, origin, slow):
    gateway = gateways.start({**open_routes(origin.url), **shutdown()})
    silent = gateway.raw().send(request("POST", "/silent", "Content-Length: 9") + b"half")
    arrived(origin, "/silent")
    client, head = started_slow_answer(gateway)
    signalled = time.monotonic()
    gateway.send(signal.SIGTERM)
    status, waited = wait_for_exit(gateway, signalled)
    assert status == 0 and LIMIT <= waited < SOON and LAST_RESORT not in gateway.stderr
    assert not client.read_body(head).complete, "an answer that was cut off does not look whole"
    try:
        assert silent.read_response().status == 503
    except EndOfStream:
        pass  # cut off without a word: the client knows that nothing was answered
    for path in ("/slow", "/silent"):
        (line,) = lines_of(gateway, path)
        assert line["reason"] == "draining", path


def test_a_websocket_lasts_until_the_timeout(gateways, origin):
    def echo(exchange):
        exchange.send(SWITCHING)
        while data := exchange.origin.receive(exchange.socket, exchange.request.connection):
            exchange.send(data)
        exchange.close()

    origin.handler = echo
    gateway = gateways.start({**open_routes(origin.url), **shutdown()})
    client = gateway.raw()
    assert client.send(get("/tunnel", *UPGRADE)).read_response().status == 101
    signalled = time.monotonic()
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not accepts(gateway), "the grace period is over")
    assert client.send(b"still there?").take(12) == b"still there?"
    assert client.read_to_end() == b""
    status, waited = wait_for_exit(gateway, signalled)
    assert status == 0 and LIMIT <= waited < SOON and LAST_RESORT not in gateway.stderr
    (line,) = lines_of(gateway, "/tunnel")
    assert (line["status"], line["reason"]) == (101, "draining")


def test_a_second_signal_ends_it_at_once(gateways, origin, slow):
    gateway = gateways.start({**open_routes(origin.url), **shutdown(grace=LONG, timeout=LONG + 10)})
    started_slow_answer(gateway)
    gateway.send(signal.SIGTERM)
    wait_until(lambda: readiness(gateway) == 503, "not ready")
    again = time.monotonic()
    gateway.send(signal.SIGTERM)
    status, waited = wait_for_exit(gateway, again)
    assert status == 1 and waited < SOON


# -- nothing to do

def test_an_idle_gateway_waits_for_the_grace_period(gateways, origin):
    """The balancer has not noticed yet. Connections that nobody uses are no reason to wait for longer."""
    grace = 2
    gateway = gateways.start({**open_routes(origin.url), **shutdown(grace, timeout=LONG)})
    with gateway.raw() as used, gateway.raw() as unused:
        assert used.send(get()).read_response().status == 200
        signalled = time.monotonic()
        gateway.send(signal.SIGTERM)
        wait_until(lambda: readiness(gateway) == 503, "not ready")
        assert requests.get(gateway.admin_url + "/healthz", timeout=TIMEOUT).status_code == 200, "it lives"
        status, waited = wait_for_exit(gateway, signalled)
        assert status == 0 and grace <= waited < grace + SOON
        assert used.is_closed() and unused.is_closed()


def test_an_idle_connection_is_served_once_more_during_the_grace_period(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), **shutdown(grace=2), "workers": 1})
    with gateway.raw() as kept:
        assert kept.send(get()).read_response().get("Connection") != "close"
        gateway.send(signal.SIGTERM)
        wait_until(lambda: gateway.ask(get()).get("Connection") == "close", "the worker knows of the drain")
        last = kept.send(get()).read_response()
        assert kept.is_closed()
    assert gateway.wait() == 0
    assert (last.status, last.get("Connection")) == (200, "close")


# -- before it is ready

def start(folder, configuration):
    """Starts one and does not wait for it, as `gateways` would."""
    path = folder / "starting.yaml"
    path.write_text(json.dumps(configuration))
    return Process([BINARY, "run", "--config", path], folder, "starting")


def test_a_signal_during_the_start_is_a_drain(tmp_path):
    """From the moment on that it has opened something, it also closes it: a unix socket does not stay behind."""
    listening = tmp_path / "listen.sock"
    # Many, so that there is a moment between opening and serving.
    routes = [{"path": f"/{number}/{{name}}", "authenticate": "none", "upstream": "app"} for number in range(4000)]
    configuration = {
        "version": 1, "workers": 8, **shutdown(grace=0.01),
        "listeners": {"local": {"address": f"unix:{listening}"}},
        "admin": {"address": f"127.0.0.1:{free_port()}"},
        "upstreams": {"app": servers("http://127.0.0.1:1")},
        "routes": routes,
    }
    process = start(tmp_path, configuration)
    try:
        wait_until(lambda: "listening" in process.stderr, "the first listener", interval=0.001)
        process.send(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.terminate()
    assert not listening.exists()


@pytest.mark.parametrize("delay", [0, 0.005, 0.02], ids=lambda delay: f"{delay * 1000:g} ms")
def test_a_signal_at_any_moment_of_the_start_ends_it(tmp_path, delay):
    """Before it could say that it listens the signal's own effect, death, is as good as a drain."""
    process = start(tmp_path, {
        "version": 1, **shutdown(grace=0.01), **open_routes("http://127.0.0.1:1"),
        "listeners": {"public": {"address": f"127.0.0.1:{free_port()}"}},
        "admin": {"address": f"127.0.0.1:{free_port()}"},
    })
    try:
        time.sleep(delay)  # what is tested is the moment
        process.send(signal.SIGTERM)
        assert process.wait(5) in (0, -signal.SIGTERM)
    finally:
        process.terminate()
