"""Ways round that were found once: each a request that was decided as one thing and read as another, or that kept a
worker busy for ever."""

import os
import time

import pytest

from raw_origin import Gate, ok
from support import tokens
from support.gateway import open_routes, staff_routes
from support.polling import wait_until
from support.raw import request

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(gateway):
    fields = open(f"/proc/{gateway.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def assert_idle(gateway, seconds=0.7):
    """It uses next to no CPU while nothing can go on."""
    before = cpu_seconds(gateway)
    time.sleep(seconds)  # what is measured is the use of time
    assert cpu_seconds(gateway) - before < seconds / 2


@pytest.mark.parametrize("field", ["SCRIPT_NAME: /public", "PATH_INFO: /admin", "REMOTE_USER: root", "X_Anything: 1", "a.b: 1"])
def test_a_name_that_a_server_may_take_for_a_variable_goes_no_further(gateways, origin, field):
    """gunicorn takes `SCRIPT_NAME` off the path: with it a public path became a protected one."""
    gateway = gateways.start(open_routes(origin.url))
    assert gateway.ask(request("GET", "/public/admin", field, "X-Plain: 1")).status == 200
    (seen,) = origin.requests
    assert field.split(":")[0].lower() not in seen.names and "x-plain" in seen.names


def test_script_name_does_not_move_the_path_of_gunicorn(gateways, tts_service):
    gateway = gateways.start(open_routes(tts_service.url))
    plain = gateway.get("/public/report").json()
    forged = gateway.get("/public/report", headers={"SCRIPT_NAME": "/public"}).json()
    assert forged["environ"]["PATH_INFO"] == plain["environ"]["PATH_INFO"] == "/public/report"
    assert forged["environ"].get("SCRIPT_NAME", "") == ""


TWINS = [b"\xc2\xa0access_token", b"access_token\xc2\xa0", b'"access_token"', b"access.token", b"access token", b"access[token"]


@pytest.mark.parametrize("twin", TWINS, ids=repr)
def test_a_cookie_that_may_be_read_as_the_token_is_refused(gateways, origin, twin):
    """Django strips Unicode's blanks off names: one token was verified and the other one read."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    good = tokens.token().encode()
    head = b"GET / HTTP/1.1\r\nHost: example\r\nCookie: "
    for cookies in (b"access_token=" + good + b"; " + twin + b"=forged", twin + b"=forged; access_token=" + good):
        assert gateway.ask(head + cookies + b"\r\n\r\n").status == 400
    bearer = b"\r\nAuthorization: Bearer " + good + b"\r\n\r\n"
    assert gateway.ask(head + twin + b"=forged" + bearer).status == 400
    assert gateway.ask(head + b"Access_Token=other; access_token=" + good + b"\r\n\r\n").status == 200
    assert len(origin.requests) == 1


def test_an_origin_that_has_not_read_the_request_gets_no_other_on_its_connection(gateways, origin):
    """An early answer with bytes of its request still unsent: the next request would be read as their rest."""
    drained = Gate()

    def early(exchange):
        if exchange.request.number == 1 and exchange.request.connection == 1:
            exchange.send(ok(b"early", status=b"403 Forbidden"))
            drained.wait()
        else:
            exchange.send(ok(b"second"))

    origin.handler = early
    gateway = gateways.start(open_routes(origin.url))
    with gateway.raw() as client:
        client.send(request("POST", "/", "Content-Length: 40000000"))
        assert client.read_response().status == 403
    assert gateway.ask(request("GET", "/")).body == b"second"
    assert [seen.connection for seen in origin.requests] == [1, 2]
    drained.open()


def test_a_trailer_without_room_is_refused(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    padding = [f"X-Padding-{i}: {'p' * 1000}" for i in range(30)]
    head = request("POST", "/", "Transfer-Encoding: chunked", *padding)
    with gateway.raw() as client:
        client.send(head + b"1\r\nx\r\n0\r\nX-T: " + b"t" * 19_000)
        assert client.read_response().status == 400
        assert client.is_closed()
    assert_idle(gateway)


@pytest.mark.parametrize("size", [49_150, 49_151, 49_152, 49_153, 65_536])
def test_a_request_that_fills_the_buffer_waits_without_work(gateways, origin, size):
    gate = Gate()

    def slow(exchange):
        exchange.read_body()
        gate.wait()
        exchange.send(ok(b"done"))

    origin.handler = slow
    gateway = gateways.start(open_routes(origin.url))
    head = request("POST", "/", f"Content-Length: {size - 70:05}")
    body = bytes(size - 70)
    with gateway.raw() as client:
        client.send(head[:10])
        client.send(head[10:] + body)
        wait_until(lambda: origin.requests and origin.requests[0].body is not None, "the request arrived")
        assert_idle(gateway, 0.3)
        gate.open()
        assert client.read_response().body == b"done"


def test_http_1_0_in_absolute_form_keeps_its_host(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    assert gateway.ask(b"GET http://internal.example/x HTTP/1.0\r\n\r\n").status == 200
    assert origin.requests[0].all("host") == ["internal.example"]


def test_an_endless_list_in_connection_is_refused(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    assert gateway.ask(request("GET", "/", "Connection: " + "z," * 600)).status == 431
    assert gateway.ask(request("GET", "/", "Connection: " + "z," * 400)).status == 200


def test_a_stripped_cookie_is_not_written_anew(gateways, origin):
    routes = [{"path": "/**", "authenticate": ["staff"], "upstream": "app", "forward_credential": False}]
    configuration = {**staff_routes(tokens.KEY, origin.url), "strip": ["Cookie"], "routes": routes}
    gateway = gateways.start(configuration)
    cookie = f"Cookie: access_token={tokens.token()}; sid=1"
    assert gateway.ask(request("GET", "/", cookie)).status == 200
    assert origin.requests[0].all("cookie") == []


def test_the_first_requests_to_a_named_upstream_all_pass(gateways, origin):
    gateway = gateways.start(open_routes(origin.url.replace("127.0.0.1", "localhost")))
    clients = [gateway.raw() for _ in range(8)]
    for client in clients:
        client.send(request("GET", "/"))
    assert [client.read_response().status for client in clients] == [200] * 8
    for client in clients:
        client.socket.close()
