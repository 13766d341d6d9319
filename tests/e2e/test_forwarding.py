"""What is let through arrives whole and unchanged, in both directions, and costs no more memory than it must.

The origin is made of bytes where bytes matter, and the Flask service where a real one is wanted.
"""

import hashlib
import json
import os
import re
import socket
import threading
import time

import pytest

from raw_origin import Gate, RawOrigin, answering, answering_then_closing, ok
from support import tokens
from support.gateway import open_routes, servers, staff_routes
from support.polling import PATIENCE, settled, wait_until
from support.ports import free_port
from support.raw import EndOfStream, ask, chunked, request

MEBIBYTE = 1 << 20
LARGE = 64 * MEBIBYTE
# What may grow while 64 MiB pass: a few buffers. Gathering the body would cost 64 MiB.
MEMORY_GROWTH_KIB_MAX = 16 * 1024

BAD_GATEWAY = (502, b'{"error":"Bad gateway"}')
GATEWAY_TIMEOUT = (504, b'{"error":"Gateway timeout"}')


@pytest.fixture(scope="module")
def tts(module_gateways, tts_service):
    """A gateway before the Flask service."""
    return module_gateways.start(open_routes(tts_service.url))


@pytest.fixture
def gateway(gateways, origin):
    """A gateway before the origin of bytes."""
    return gateways.start(open_routes(origin.url, response_timeout="10s"))


def get(target="/", *fields, **more):
    return request("GET", target, *fields, **more)


def post(body, *fields, target="/"):
    return request("POST", target, *fields, body=body)


def the(origin):
    """The one request that arrived."""
    assert len(origin.requests) == 1, [seen.start_line for seen in origin.requests]
    return origin.requests[0]


# -- bodies

# Sizes around those of buffers are where bodies stall or lose bytes.
SIZES = [1000, 16_000, 33_000, 49_000, 60_000, 65_535, 65_536, 70_000, 100_000, 140_000, 200_000, 300_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_uploads_of_any_size(gateway, origin, size, framing):
    """Sent in one piece, so that the first read fills the gateway's buffer with head and body."""
    body = os.urandom(size)
    if framing == "length":
        data = request("POST", "/", body=body)
    else:
        data = request("POST", "/", "Transfer-Encoding: chunked", body=chunked(body[:999], body[999:]))
    for _ in range(3):
        assert gateway.ask(data).status == 200
    assert [seen.body for seen in origin.requests] == [body] * 3


@pytest.mark.parametrize("chunk_size", [1, 13, 1000, 16_384, 65_536, MEBIBYTE])
def test_chunks_of_any_size_keep_their_framing(gateway, origin, chunk_size):
    """A reader that is slower than the origin makes the gateway gather several chunks at a time."""
    body = os.urandom(min(4 * MEBIBYTE, 2000 * chunk_size))
    pieces = [body[start : start + chunk_size] for start in range(0, len(body), chunk_size)]
    origin.handler = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*pieces))
    with gateway.raw(receive_buffer=16 * 1024) as client:
        answer = client.send(get()).read_response()
    assert answer.complete and answer.body == body


BODIES = [b"", b"x", b"\r\n\r\n0\r\n\r\n", bytes(range(256)) * 17, os.urandom(300_000)]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)} bytes")
def test_bodies_with_a_length_arrive(gateway, origin, body):
    answer = gateway.ask(request("POST", "/", f"Content-Length: {len(body)}", body=body))
    assert answer.status == 200
    assert the(origin).body == body


@pytest.mark.parametrize("pieces", [(), (b"x",), (b"a", b"bc", b"def"), (os.urandom(100_000), b"y", os.urandom(70_000))],
                         ids=lambda pieces: f"{len(pieces)} chunks")
def test_chunked_bodies_arrive(gateway, origin, pieces):
    answer = gateway.ask(request("POST", "/", "Transfer-Encoding: chunked", body=chunked(*pieces)))
    assert answer.status == 200
    assert the(origin).body == b"".join(pieces)
    assert the(origin).all("transfer-encoding") == ["chunked"] and not the(origin).all("content-length")


def test_chunk_extensions_are_not_passed_on(gateway, origin):
    answer = gateway.ask(request("POST", "/", "Transfer-Encoding: chunked",
                                 body=b'3;a=b;c="d;e"\r\nabc\r\n0;last\r\n\r\n'))
    assert answer.status == 200
    assert the(origin).body == b"abc" and b"a=b" not in origin.arrived and b"last" not in origin.arrived


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)} bytes")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_answers_arrive(gateway, origin, body, framing):
    as_chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body[:7], body[7:])
    origin.handler = answering(ok(body) if framing == "length" else as_chunks)
    answer = gateway.ask(get())
    assert (answer.status, answer.complete) == (200, True)
    assert answer.body == body
    assert bool(answer.all("transfer-encoding")) == (framing == "chunked")


def test_an_answer_that_ends_with_its_connection(gateway, origin):
    origin.handler = answering_then_closing(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
    answer = gateway.ask(get())
    assert (answer.status, answer.body, answer.complete) == (200, b"all of it", True)


def test_an_answer_of_http_1_0(gateway, origin):
    origin.handler = answering_then_closing(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    answer = gateway.ask(get())
    assert (answer.version, answer.status, answer.body) == ("HTTP/1.1", 200, b"all of it")


def pattern(count):
    """The bytes that the Flask service sends, as a digest."""
    digest, block = hashlib.sha256(), bytes(range(256)) * 256
    for start in range(0, count, len(block)):
        digest.update(block[: min(len(block), count - start)])
    return digest.hexdigest()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload_with_flat_memory(tts, framing):
    before = tts.memory_kib("VmHWM")
    block, digest = os.urandom(MEBIBYTE), hashlib.sha256()
    field = f"Content-Length: {LARGE}" if framing == "length" else "Transfer-Encoding: chunked"
    with tts.raw() as client:
        client.send(request("POST", "/tts/echo", field))
        for _ in range(LARGE // MEBIBYTE):
            digest.update(block)
            client.send(block if framing == "length" else b"%x\r\n%s\r\n" % (len(block), block))
        if framing == "chunked":
            client.send(b"0\r\n\r\n")
        answer = client.read_response()
    assert json.loads(answer.body) == {"length": LARGE, "sha256": digest.hexdigest()}
    assert tts.memory_kib("VmHWM") - before < MEMORY_GROWTH_KIB_MAX
    assert tts.access_line(answer)["bytes_in"] >= LARGE


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_download_with_flat_memory(tts, framing):
    before = tts.memory_kib("VmHWM")
    answer = tts.ask(get(f"/tts/bytes/{LARGE}" + ("?chunked" if framing == "chunked" else "")))
    assert answer.complete and len(answer.body) == LARGE
    assert hashlib.sha256(answer.body).hexdigest() == pattern(LARGE)
    assert tts.memory_kib("VmHWM") - before < MEMORY_GROWTH_KIB_MAX
    assert tts.access_line(answer)["bytes_out"] >= LARGE


def kernel_buffers():
    """What the kernel alone may hold of one connection in one direction: a receive buffer and a send buffer at their
    largest, on each side of the gateway."""
    def largest(name):
        with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as file:
            return int(file.read().split()[2])

    return 2 * (largest("tcp_rmem") + largest("tcp_wmem"))


def test_a_slow_reader_slows_the_origin(gateway, origin):
    """An origin that would send for ever is read no further than the buffers on the way are large."""
    sent = Counter()

    def endless(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, bytes(MEBIBYTE))
        while not sent.stopped:
            exchange.send(chunk)
            sent.add(MEBIBYTE)
        exchange.send(b"0\r\n\r\n")

    origin.handler = endless
    before = gateway.memory_kib("VmHWM")
    with gateway.raw(receive_buffer=64 * 1024) as client:
        answer = client.send(get()).read_head()
        assert answer.status == 200
        stopped_at = settled(lambda: sent.value)
        assert stopped_at < kernel_buffers() + 4 * MEBIBYTE
        assert gateway.memory_kib("VmHWM") - before < MEMORY_GROWTH_KIB_MAX
        # and it goes on where it stood
        sent.stopped = True
        client.read_body(answer)
        assert answer.complete and len(answer.body) == sent.value


def test_a_slow_origin_slows_the_client(gateway, origin):
    gate, received = Gate(), Counter()

    def late(exchange):
        gate.wait()
        exchange.read_body()
        exchange.send(ok(str(len(exchange.request.body)).encode()))

    origin.handler = late
    before = gateway.memory_kib("VmHWM")
    total = kernel_buffers() + 64 * MEBIBYTE
    with gateway.raw() as client:

        def upload():
            client.send(request("POST", "/", f"Content-Length: {total}"))
            for _ in range(total // MEBIBYTE):
                client.send(bytes(MEBIBYTE))
                received.add(MEBIBYTE)

        uploading = threading.Thread(target=upload, daemon=True)
        uploading.start()
        assert settled(lambda: received.value) < kernel_buffers() + 4 * MEBIBYTE
        assert gateway.memory_kib("VmHWM") - before < MEMORY_GROWTH_KIB_MAX
        gate.open()
        answer = client.read_response()
        uploading.join(10)
    assert answer.body == str(total).encode()


class Counter:
    """Counted by one thread, looked at by another."""

    def __init__(self):
        self.value, self.stopped = 0, False

    def add(self, count):
        self.value += count


def test_events_pass_without_delay(gateway, origin):
    """Each event of a stream is read before the next one is sent."""
    seen = [Gate(), Gate()]

    def stream(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number, gate in enumerate(seen):
            exchange.send(chunked(b"data: %d\n\n" % number).removesuffix(b"0\r\n\r\n"))
            gate.wait()
        exchange.send(b"0\r\n\r\n")

    origin.handler = stream
    with gateway.raw() as client:
        answer = client.send(get()).read_head()
        assert answer.get("content-type") == "text/event-stream"
        for number, gate in enumerate(seen):
            assert client.take_line() == b"9"
            assert client.take(11) == b"data: %d\n\n\r\n" % number
            gate.open()
        assert client.take(5) == b"0\r\n\r\n"


def test_events_of_a_real_service_pass(tts):
    answer = tts.ask(get("/tts/events/3/10"))
    assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


# -- connections

def test_connections_to_the_origin_are_used_again(gateway, origin):
    with gateway.raw() as client:
        for number in range(10):
            assert client.send(get(f"/{number}")).read_response().status == 200
    for number in range(10):
        assert gateway.get(f"/{number}").status_code == 200
    assert len(origin.requests) == 20
    assert origin.connections == 1


def test_a_closing_client_leaves_the_origins_connection_open(gateway, origin):
    for _ in range(3):
        assert gateway.ask(get("/", "Connection: close")).status == 200
    assert origin.connections == 1
    assert all("close" not in seen.all("connection") for seen in origin.requests)


def test_a_client_that_says_close_is_closed(gateway):
    with gateway.raw() as client:
        answer = client.send(get("/", "Connection: close")).read_response()
        assert answer.get("connection").lower() == "close"
        assert client.is_closed()


def test_an_origin_that_says_close_is_not_used_again(gateway, origin):
    origin.handler = answering(ok(b"ok", b"Connection: close"))
    with gateway.raw() as client:
        for _ in range(3):
            answer = client.send(get()).read_response()
            assert answer.status == 200 and not answer.all("connection"), "it is the origin's connection that closes"
    assert origin.connections == 3


def test_bytes_after_an_answer_are_no_answer(gateway, origin):
    """A connection on which the origin said more than it was asked is not used again."""
    origin.handler = answering(ok(b"first") + ok(b"poison"))
    assert gateway.ask(get("/1")).body == b"first"
    origin.handler = answering(ok(b"second"))
    assert gateway.ask(get("/2")).body == b"second"


def test_pipelined_requests_are_answered_in_order(gateway, origin):
    def by_target(exchange):
        exchange.read_body()
        exchange.send(ok(exchange.request.target.encode()))

    origin.handler = by_target
    with gateway.raw() as client:
        client.send(get("/1") + post(b"body", target="/2") + get("/3") + get("/4"))
        assert [client.read_response().body for _ in range(4)] == [b"/1", b"/2", b"/3", b"/4"]
    assert [seen.target for seen in origin.requests] == ["/1", "/2", "/3", "/4"]


def test_pipelined_requests_are_decided_one_by_one(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    cookie = "Cookie: access_token=" + tokens.token()
    with gateway.raw() as client:
        client.send(get("/a", cookie) + get("/b") + get("/public/c", "X-User-Id: 1") + get("/d", cookie))
        assert [client.read_response().status for _ in range(4)] == [200, 401, 200, 200]
    assert [(seen.target, seen.get("x-user-id")) for seen in origin.requests] == [
        ("/a", "42"), ("/public/c", None), ("/d", "42")]


def test_a_refused_request_with_a_body_does_not_spoil_the_next(gateways, origin):
    """Its body is read or its connection closed; in no case is it taken for a request."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    body = get("/public/smuggled")
    with gateway.raw() as client:
        client.send(post(body, target="/private") + get("/public/next"))
        assert client.read_response().status == 401
        try:
            assert client.read_response().status == 200
        except EndOfStream:
            pass
    assert all(seen.target == "/public/next" for seen in origin.requests)


def test_one_empty_line_before_a_request_is_skipped(gateway, origin):
    """RFC 9112 section 2.2: at least one; some clients end a body with one too many."""
    with gateway.raw() as client:
        client.send(post(b"abc") + b"\r\n" + get("/next"))
        assert [client.read_response().status for _ in range(2)] == [200, 200]
    assert [seen.target for seen in origin.requests] == ["/", "/next"]


def test_a_half_closed_client_gets_its_answer(gateway, origin):
    gate = Gate()

    def late(exchange):
        exchange.read_body()
        gate.wait()
        exchange.send(ok(b"still here"))

    origin.handler = late
    with gateway.raw() as client:
        client.send(get()).finish_sending()
        wait_until(lambda: origin.requests, "the request arrived")
        gate.open()
        assert client.read_response().body == b"still here"
        assert client.is_closed()


def test_a_client_that_leaves_ends_its_request(gateway, origin):
    """Nothing of it stays: the origin's connection is given up, and the gateway goes on."""
    ended = Gate()

    def hang(exchange):
        exchange.read_body()
        try:
            exchange.socket.recv(1)
        finally:
            ended.open()

    origin.handler = hang
    client = gateway.raw()
    client.send(get())
    wait_until(lambda: origin.requests, "the request arrived")
    client.reset()
    ended.wait()
    origin.handler = None
    assert gateway.ask(get()).status == 200


# -- statuses and methods

def test_head_has_no_body(gateway, origin):
    origin.handler = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    with gateway.raw() as client:
        for _ in range(2):
            answer = client.send(request("HEAD", "/")).read_response("HEAD")
            assert (answer.status, answer.get("content-length")) == (200, "1000")
        origin.handler = answering(ok(b"next"))
        assert client.send(get()).read_response().body == b"next"
    assert origin.connections == 1


def test_head_of_a_chunked_resource(gateway, origin):
    origin.handler = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with gateway.raw() as client:
        assert client.send(request("HEAD", "/")).read_response("HEAD").status == 200
        origin.handler = answering(ok(b"next"))
        assert client.send(get()).read_response().body == b"next"


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
], ids=["204", "304", "304 with a length"])
def test_statuses_without_a_body(gateway, origin, head):
    origin.handler = answering(head)
    with gateway.raw() as client:
        for _ in range(2):
            answer = client.send(get()).read_response()
            assert answer.status == int(head.split()[1])
        origin.handler = answering(ok(b"next"))
        assert client.send(get()).read_response().body == b"next"
    assert origin.connections == 1


@pytest.mark.parametrize("status", [201, 302, 400, 401, 403, 404, 418, 500, 502, 503])
def test_statuses_of_the_origin_are_passed_on(gateway, origin, status):
    origin.handler = answering(ok(b"mine", b"WWW-Authenticate: Digest", status=b"%d Chosen" % status))
    answer = gateway.ask(get())
    assert (answer.status, answer.reason, answer.body) == (status, "Chosen", b"mine")
    assert answer.get("www-authenticate") == "Digest"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "PROPFIND"])
def test_methods_are_passed_on(gateway, origin, method):
    assert gateway.ask(request(method, "/x")).status == 200
    assert the(origin).start_line == f"{method} /x HTTP/1.1"


@pytest.mark.parametrize("path, status", [("/tts/status/204", 204), ("/tts/status/304", 304), ("/tts/status/500", 500)])
def test_statuses_of_a_real_service(tts, path, status):
    with tts.raw() as client:
        for _ in range(3):
            assert client.send(get(path)).read_response().status == status
        assert client.send(request("HEAD", path)).read_response("HEAD").status == status
        assert client.send(get("/tts/echo")).read_response().status == 200


# -- HTTP/1.0, interim answers, early answers

def test_http_1_0(gateway, origin):
    """The answer is framed so that the client understands it: no chunks, and the connection ends it."""
    origin.handler = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"a", b"b"))
    with gateway.raw() as client:
        answer = client.send(get("/x", version="HTTP/1.0", host=None)).read_response()
        assert (answer.status, answer.body) == (200, b"ab")
        assert not answer.all("transfer-encoding")
        assert client.is_closed()
    # RFC 9112 section 3.2: what is sent on as 1.1 has a Host, even where none came.
    assert the(origin).version == "HTTP/1.1" and len(the(origin).all("host")) == 1


def test_http_1_0_with_a_body(gateway, origin):
    answer = gateway.ask(request("POST", "/", body=b"abc", version="HTTP/1.0"))
    assert (answer.status, answer.body) == (200, b"ok")
    assert the(origin).body == b"abc"


def test_expect_100_continue(gateway, origin):
    def patient(exchange):
        if exchange.request.get("expect"):
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.read_body()
        exchange.send(ok(b"got it"))

    origin.handler = patient
    with gateway.raw() as client:
        client.send(request("POST", "/", "Content-Length: 5", "Expect: 100-continue"))
        assert client.read_head().status == 100
        answer = client.send(b"hello").read_response()
        assert (answer.status, answer.body) == (200, b"got it")
        assert client.send(get("/next")).read_response().status == 200
    assert origin.requests[0].body == b"hello"


def test_expect_100_continue_is_refused_by_the_origin(gateway, origin):
    def refuse(exchange):
        exchange.send(ok(b"too much", b"Connection: close", status=b"413 Content Too Large"))
        exchange.close()

    origin.handler = refuse
    with gateway.raw() as client:
        client.send(request("POST", "/", "Content-Length: 5000000", "Expect: 100-continue"))
        answer = client.read_response()
        assert (answer.status, answer.body) == (413, b"too much")


def test_expect_100_continue_without_a_credential(gateways, origin):
    """Refused at once: the body need not be sent, and is not waited for."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    with gateway.raw() as client:
        answer = client.send(request("POST", "/x", "Content-Length: 5", "Expect: 100-continue")).read_head()
        assert answer.status == 401
    assert origin.arrived == b""


def test_expect_100_continue_with_a_real_service(tts):
    with tts.raw() as client:
        client.send(request("POST", "/tts/echo", "Content-Length: 5", "Expect: 100-continue"))
        assert client.read_head().status == 100
        answer = client.send(b"hello").read_response()
        assert json.loads(answer.body)["length"] == 5


def test_interim_answers_are_passed_on(gateway, origin):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    origin.handler = answering(hints + hints + ok(b"final"))
    with gateway.raw() as client:
        client.send(get())
        heads = [client.read_head() for _ in range(3)]
        assert [head.status for head in heads] == [103, 103, 200]
        assert heads[0].get("link") == "</a.css>; rel=preload"
        assert client.read_body(heads[2]).body == b"final"


def test_interim_answers_are_not_for_http_1_0(gateway, origin):
    """RFC 9110 section 15.2."""
    origin.handler = answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + ok(b"final"))
    with gateway.raw() as client:
        assert client.send(get(version="HTTP/1.0")).read_head().status == 200


def test_an_early_answer_while_uploading(gateway, origin):
    """The origin answers after the head and reads no further: the client has its answer, not an error."""
    def refuse(exchange):
        exchange.send(ok(b"too much", b"Connection: close", status=b"413 Content Too Large"))
        try:  # goes on reading for a while, as RFC 9112 section 9.6 wants of one who closes
            while exchange.socket.recv(MEBIBYTE):
                pass
        except OSError:
            pass
        exchange.close()

    origin.handler = refuse
    with gateway.raw() as client:
        client.send(request("POST", "/", f"Content-Length: {LARGE}"))
        client.send_in_pieces(bytes(2 * MEBIBYTE), size=64 * 1024)
        answer = client.read_response()
        assert (answer.status, answer.body, answer.complete) == (413, b"too much", True)


def test_an_early_answer_leaves_nobody_waiting(gateway, origin):
    """An origin that answers first and reads on gets the whole body or loses its connection."""
    def eager(exchange):
        exchange.send(ok(b"early"))
        exchange.read_body()

    origin.handler = eager
    body = os.urandom(MEBIBYTE)
    with gateway.raw() as client:
        client.send(request("POST", "/", f"Content-Length: {len(body)}"))
        answer = client.read_response()
        assert answer.body == b"early"
        client.send_in_pieces(body, size=64 * 1024)
        wait_until(lambda: the(origin).body is not None or origin.open_connections == 0, "the upload ended")


# -- origins that fail

def test_origin_unreachable(gateways):
    gateway = gateways.start(open_routes(f"http://127.0.0.1:{free_port()}"))
    answer = gateway.ask(get())
    assert (answer.status, answer.body) == BAD_GATEWAY
    assert answer.get("content-type") == "application/json"
    assert answer.get("cache-control") == "no-store"
    assert gateway.access_line(answer)["status"] == 502


def test_origin_silent(gateways, origin):
    gateway = gateways.start(open_routes(origin.url, response_timeout="300ms"))
    gate = Gate()
    origin.handler = lambda exchange: gate.wait()
    started = time.monotonic()
    answer = gateway.ask(get())
    assert (answer.status, answer.body) == GATEWAY_TIMEOUT
    assert 0.25 < time.monotonic() - started < 5 * PATIENCE
    gate.open()


def test_origin_silent_in_its_head(gateways, origin):
    gateway = gateways.start(open_routes(origin.url, response_timeout="300ms"))
    gate = Gate()

    def stall(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        gate.wait()

    origin.handler = stall
    answer = gateway.ask(get())
    assert (answer.status, answer.body) == GATEWAY_TIMEOUT
    gate.open()


def test_a_routes_timeout_takes_the_place_of_the_upstreams(gateways, origin):
    configuration = open_routes(origin.url, response_timeout="30s")
    configuration["routes"][0]["timeout"] = "200ms"
    gateway = gateways.start(configuration)
    gate = Gate()
    origin.handler = lambda exchange: gate.wait()
    assert gateway.ask(get()).status == 504
    gate.open()


def test_origin_silent_in_its_body(gateways, origin):
    gateway = gateways.start(open_routes(origin.url, idle_timeout="300ms"))
    gate = Gate()

    def stall(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        gate.wait()

    origin.handler = stall
    with gateway.raw() as client:
        answer = client.send(get()).read_response()
        assert (answer.status, answer.body, answer.complete) == (200, b"abc", False)
    gate.open()


@pytest.mark.parametrize("data, body", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", b"abc"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"abc"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", b"abcde"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", b"abc"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n", b"abc"),
], ids=["length", "chunks", "in a chunk", "before the end", "broken chunk"])
def test_an_answer_cut_off_is_seen_to_be_cut_off(gateway, origin, data, body):
    """The client must not take what it has for the whole. A reset may overtake what was sent before it."""
    origin.handler = answering_then_closing(data)
    with gateway.raw() as client:
        client.send(get())
        try:
            answer = client.read_response()
            assert answer.status == 200 and not answer.complete
            assert body.startswith(answer.body)
            assert client.is_closed()
        except EndOfStream as end:
            assert str(end) == "reset", "an orderly end with no answer says nothing"
    origin.handler = None
    assert gateway.ask(get()).status == 200


@pytest.mark.parametrize("data", [
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Le",
    b"nonsense\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 99 Low\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
], ids=lambda data: repr(data[:60]))
def test_an_origin_that_breaks_the_protocol(gateway, origin, data):
    origin.handler = answering_then_closing(data)
    with gateway.raw() as client:
        answer = client.send(get()).read_response()
        assert (answer.status, answer.body) == BAD_GATEWAY


# -- pooled connections that turn out to be closed

def closes_on_the_second(exchange):
    """Answers the first request of a connection; closes it when asked a second time, without a byte."""
    exchange.read_body()
    if exchange.request.number == 1:
        exchange.send(ok(b"answer to " + exchange.request.method.encode()))
    else:
        exchange.close()


@pytest.mark.parametrize("method, body", [("GET", b""), ("HEAD", b""), ("OPTIONS", b""), ("DELETE", b""), ("PUT", b"abc")])
def test_a_stale_connection_is_tried_once_more(gateway, origin, method, body):
    origin.handler = closes_on_the_second
    assert gateway.ask(get("/first")).status == 200
    answer = gateway.ask(request(method, "/second", body=body), method)
    assert answer.status == 200
    seconds = [seen for seen in origin.requests if seen.target == "/second"]
    assert [seen.method for seen in seconds] == [method, method]
    assert [seen.body for seen in seconds] == [body, body]
    assert seconds[0].connection != seconds[1].connection


def test_a_stale_connection_is_not_tried_again_for_post(gateway, origin):
    """It may have been carried out."""
    origin.handler = closes_on_the_second
    assert gateway.ask(get("/first")).status == 200
    answer = gateway.ask(post(b"abc", target="/second"))
    assert (answer.status, answer.body) == BAD_GATEWAY
    assert [seen.target for seen in origin.requests] == ["/first", "/second"]


def test_a_fresh_connection_is_not_tried_again(gateway, origin):
    origin.handler = answering_then_closing(b"")
    assert gateway.ask(get()).status == 502
    assert len(origin.requests) == 1


def test_no_second_try_once_a_byte_of_an_answer_came(gateway, origin):
    def starts_on_the_second(exchange):
        exchange.read_body()
        exchange.send(ok() if exchange.request.number == 1 else b"HTTP/1.1 200")
        if exchange.request.number > 1:
            exchange.close()

    origin.handler = starts_on_the_second
    assert gateway.ask(get("/first")).status == 200
    assert gateway.ask(get("/second")).status == 502
    assert len(origin.requests) == 2


def test_a_connection_closed_while_idle_is_not_used(gateway, origin):
    """Even a POST goes through, since the gateway knows before it sends."""
    def answer_and_close_later(exchange):
        exchange.read_body()
        exchange.send(ok())
        exchange.close()

    origin.handler = answer_and_close_later
    for number in range(5):
        assert gateway.ask(post(b"abc", target=f"/{number}")).status == 200
        wait_until(lambda: origin.open_connections == 0, "the origin closed")
        settled(lambda: established(gateway, origin), quiet=0.1)
    assert len(origin.requests) == 5


def established(gateway, origin):
    """How many TCP connections of this machine lead to the origin."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(1 for line in file if line.split()[2].endswith(f":{origin.port:04X}") and line.split()[3] in ("01", "08"))


# -- unix sockets

def test_unix_sockets_on_both_sides(gateways, tmp_path):
    listening, serving = str(tmp_path / "listen.sock"), str(tmp_path / "serve.sock")
    with RawOrigin(path=serving) as origin:
        gateway = gateways.start({
            **open_routes(f"unix:{serving}"),
            "listeners": {"local": {"address": f"unix:{listening}", "mode": "0600"}},
        })
        assert os.stat(listening).st_mode & 0o777 == 0o600
        answer = ask(listening, post(b"through sockets"))
        assert (answer.status, the(origin).body) == (200, b"through sockets")
        assert the(origin).get("host") == "example"
        gateway.terminate()
    assert not os.path.exists(listening), "the socket goes with the program"


def test_a_unix_socket_left_behind_is_taken_over(gateways, origin, tmp_path):
    """One that nobody listens on, as after a crash."""
    path = str(tmp_path / "left.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    gateways.start({**open_routes(origin.url), "listeners": {"local": {"address": f"unix:{path}"}}})
    assert ask(path, get()).status == 200


def test_a_real_service_on_a_unix_socket(gateways, tts_service):
    gateway = gateways.start(open_routes(f"unix:{tts_service.unix_socket}"))
    with gateway.raw() as client:
        for _ in range(3):
            assert client.send(post(b"hello", target="/tts/echo")).read_response().status == 200


# -- fields

def test_every_answer_has_one_request_id(gateways, origin):
    gateway = gateways.start({
        **staff_routes(tokens.KEY, origin.url),
        "upstreams": {"app": servers(origin.url), "gone": servers(f"http://127.0.0.1:{free_port()}")},
        "routes": [
            {"name": "gone", "path": "/gone", "authenticate": "none", "upstream": "gone"},
            {"name": "private", "path": "/private", "authenticate": ["staff"], "upstream": "app"},
            {"name": "get", "path": "/get", "methods": ["GET"], "authenticate": "none", "upstream": "app"},
        ],
    })
    origin.handler = answering(ok(b"ok", b"X-Request-Id: of-the-origin"))
    asked = {
        200: get("/get"), 401: get("/private"), 404: get("/nowhere"), 405: post(b"", target="/get"),
        502: get("/gone"), 400: get("/%zz"),
    }
    ids = set()
    for status, data in asked.items():
        answer = gateway.ask(data)
        assert answer.status == status
        assert re.fullmatch(r"[!-~]{1,128}", answer.get("X-Request-Id"))  # exactly one, or `get` fails
        assert gateway.access_line(answer)["status"] == status
        ids.add(answer.get("X-Request-Id"))
    assert len(ids) == len(asked)
    assert the(origin).get("X-Request-Id") in ids, "the service logs the same id"


def test_a_callers_request_id_is_not_trusted(gateway, origin):
    answer = gateway.ask(get("/", "X-Request-Id: chosen-by-the-caller"))
    assert answer.get("X-Request-Id") != "chosen-by-the-caller"
    assert the(origin).all("x-request-id") == [answer.get("X-Request-Id")]


FORWARDED = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "X-Forwarded-Port: 1",
             "Forwarded: for=6.6.6.6;proto=https", "X_Forwarded_For: 6.6.6.6", "X-Forwarded_Proto: https"]


@pytest.mark.parametrize("fields", [[], FORWARDED], ids=["none came", "forged ones came"])
def test_forwarded_fields_are_set_afresh(gateway, origin, fields):
    answer = gateway.ask(get("/", *fields, host=f"example:{gateway.port}"))
    assert answer.status == 200
    seen = the(origin)
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert seen.all("x-forwarded-host") == [f"example:{gateway.port}"]
    assert seen.all("x-forwarded-port") == [str(gateway.port)]
    pairs = dict(pair.strip().split("=") for pair in seen.get("forwarded").split(";"))
    assert pairs["for"].strip('"').split(":")[0] == "127.0.0.1" and pairs["proto"] == "http"
    assert b"6.6.6.6" not in origin.arrived and b"evil" not in origin.arrived
    assert not any("_" in name for name in seen.names)


NEVER = ["X-Forwarded-User: root", "X-Forwarded-Email: a@b", "X-Forwarded-Prefix: /x", "X-Forwarded-Anything: forged",
         "X-Real-IP: 6.6.6.6", "X-Original-URL: /admin", "X-Original-Forwarded-For: 6.6.6.6", "X-Rewrite-URL: /admin",
         "Remote-User: root", "Remote-Groups: wheel", "Proxy: http://evil", "X-HTTP-Method: DELETE",
         "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"]


@pytest.mark.parametrize("field", NEVER)
@pytest.mark.parametrize("twin", [False, True], ids=["as it is", "underscores"])
def test_fields_that_services_believe_do_not_pass(gateway, origin, field, twin):
    name, value = field.split(": ")
    sent = (name.replace("-", "_") if twin else name) + ": " + value
    assert gateway.ask(get("/", sent, "X-Other: kept")).status == 200
    assert value.encode() not in the(origin).head
    assert name.lower() not in {seen.replace("_", "-") for seen in the(origin).names}
    assert the(origin).get("x-other") == "kept"


def test_hop_by_hop_fields_of_requests_are_dropped(gateway, origin):
    gateway.ask(get("/", "Connection: keep-alive, X-Mine, x-other", "X-Mine: 1", "X-OTHER: 2", "Keep-Alive: timeout=5",
                    "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: h2c", "X-Kept: 3"))
    seen = the(origin)
    assert not set(seen.names) & {"x-mine", "x-other", "keep-alive", "proxy-connection", "te", "upgrade"}
    assert seen.all("connection") in ([], ["keep-alive"])
    assert seen.get("x-kept") == "3"


def test_hop_by_hop_fields_of_answers_are_dropped(gateway, origin):
    origin.handler = answering(ok(b"ok", b"Connection: keep-alive, X-Mine", b"X-Mine: 1", b"Keep-Alive: timeout=5",
                                  b"Proxy-Connection: keep-alive", b"Upgrade: h2c", b"X-Kept: 3"))
    answer = gateway.ask(get())
    names = {name.lower() for name, _ in answer.fields}
    assert not names & {"x-mine", "keep-alive", "proxy-connection", "upgrade"}
    assert answer.get("x-kept") == "3"


def test_framing_fields_cannot_be_nominated(gateway, origin):
    """`Connection` naming Content-Length or Host must not unframe or unaddress the request."""
    answer = gateway.ask(post(b"abc", "Connection: content-length, host, x-forwarded-for"))
    assert answer.status == 200
    seen = the(origin)
    assert seen.body == b"abc" and seen.get("host") == "example" and seen.get("x-forwarded-for") == "127.0.0.1"


def test_other_fields_pass_unchanged_and_in_order(gateway, origin):
    fields = ["Accept: a", "X-B: 1", "accept: b", "X-b: 2", "X-Empty:", "X-Spaces:   a  b  ", "Cookie: a=1",
              "X-Bytes: \xe9\xff", "Authorization: Basic eDp5", "User-Agent: me/1.0", "Referer: http://x/?y#z"]
    assert gateway.ask(get("/", *fields)).status == 200
    seen = the(origin)
    assert seen.get("host") == "example"
    assert seen.all("accept") == ["a", "b"] and seen.all("x-b") == ["1", "2"]
    assert seen.all("x-empty") == [""] and seen.all("x-spaces") == ["a  b"]
    assert seen.get("x-bytes") == "\xe9\xff" and seen.get("cookie") == "a=1"
    assert seen.get("authorization") == "Basic eDp5" and seen.get("referer") == "http://x/?y#z"


def test_several_set_cookies_are_kept(tts):
    answer = tts.ask(get("/tts/cookies"))
    assert answer.all("set-cookie") == [f"cookie{number}=value{number}; HttpOnly; Path=/" for number in range(3)]


def test_traceparent_is_passed_on_or_begun(gateway, origin):
    valid = r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    first = gateway.ask(get("/", f"traceparent: {given}"))
    second = gateway.ask(get("/", "traceparent: nonsense"))
    third = gateway.ask(get())
    seen = [re.fullmatch(valid, one.get("traceparent")) for one in origin.requests]
    assert all(seen)
    assert seen[0][1] == given.split("-")[1]
    assert seen[1][1] != seen[2][1]
    for answer, match in zip((first, second, third), seen):
        assert gateway.access_line(answer)["trace_id"] == match[1]


def test_trailers_of_an_answer(gateway, origin):
    """They pass or are dropped; they never become fields of the head or part of the body."""
    origin.handler = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                               + chunked(b"abc", trailers=["X-Sum: 1"]))
    answer = gateway.ask(get())
    assert (answer.body, answer.complete) == (b"abc", True)
    assert answer.trailers in ([], ["X-Sum: 1"]) and not answer.all("x-sum")


@pytest.mark.parametrize("trailer", ["Content-Length: 3", "Transfer-Encoding: chunked", "Host: other",
                                     "Authorization: Bearer x", "Connection: close", "Cookie: access_token=x"])
def test_a_trailer_steers_nothing(gateway, origin, trailer):
    """RFC 9110 section 6.5.1: what frames, routes or authenticates a message has no place there. Refused or dropped."""
    data = request("POST", "/", "Transfer-Encoding: chunked", body=chunked(b"abc", trailers=[trailer, "X-Sum: 1"]))
    with gateway.raw() as client:
        if client.send(data).read_response().status == 400:
            assert client.is_closed()
        else:
            assert the(origin).body == b"abc" and the(origin).trailers in ([], ["X-Sum: 1"])
            assert client.send(get("/next")).read_response().status == 200


def test_identity_in_trailers_of_a_request_does_not_arrive(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    trailers = ["X-User-Id: 1", "x_user_type: admin", "X-Auth-Method: x", "X-Sum: 1"]
    data = request("POST", "/public/x", "Transfer-Encoding: chunked", body=chunked(b"abc", trailers=trailers))
    answer = gateway.ask(data)
    assert answer.status == 200
    assert the(origin).body == b"abc"
    assert the(origin).trailers in ([], ["X-Sum: 1"])


def test_a_credential_is_kept_from_the_service_where_asked(gateways, origin):
    configuration = staff_routes(tokens.KEY, origin.url)
    configuration["routes"][1]["forward_credential"] = False
    gateway = gateways.start(configuration)
    cookie = f"a=1; access_token={tokens.token()}; b=2"
    assert gateway.ask(get("/x", f"Cookie: {cookie}")).status == 200
    assert gateway.ask(get("/y", f"Authorization: Bearer {tokens.token()}")).status == 200
    by_cookie, by_bearer = origin.requests
    assert {pair.strip() for pair in by_cookie.get("cookie").split(";")} == {"a=1", "b=2"}
    assert not by_bearer.all("authorization")
    assert by_cookie.get("x-user-id") == by_bearer.get("x-user-id") == "42"


# -- many at once

def test_many_clients_at_once(gateways, origin):
    """Answers go to those who asked, whichever worker and connection they came by."""
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})

    def by_target(exchange):
        exchange.read_body()
        exchange.send(ok(exchange.request.target.encode()))

    origin.handler = by_target
    wrong = []

    def client(number):
        try:
            with gateway.raw() as connection:
                for turn in range(20):
                    target = f"/{number}/{turn}"
                    if connection.send(get(target)).read_response().body != target.encode():
                        wrong.append(target)
        except Exception as problem:  # a thread's exception is the test's
            wrong.append(repr(problem))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert len(origin.requests) == 400 and origin.connections <= 40
