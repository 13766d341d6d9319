"""Framing and exhaustion: requests hidden in requests, clients that leave in the middle, logs and doors for operators.

Each advisory against software of this kind has a test named after it. A request that is hidden asks for `/smuggled`,
which is open, so that it would arrive and be answered if anybody took it for a request.
"""

import json
import socket
import struct

import pytest
import requests

from raw_origin import Gate, ok
from support import tokens
from support.gateway import TIMEOUT, open_routes, staff_routes
from support.polling import settled, wait_until
from support.ports import free_port
from support.raw import EndOfStream, ask, chunked, request

BAD_REQUEST = b'{"error":"Bad request"}'
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: example\r\n\r\n"
# Tokens are made when the tests are collected, which may be long before they run.
BEARER = "Authorization: Bearer " + tokens.token()


def get(target, *fields, **more):
    return request("GET", target, *fields, **more)


def post(*fields, body=b"", version="HTTP/1.1"):
    """A POST that says itself how it is framed, or does not."""
    return request("POST", "/x", *fields, version=version) + body


@pytest.fixture(scope="module")
def watched(watch):
    return watch(open_routes)


@pytest.fixture(scope="module")
def broken(watch):
    """For bodies that break off: its origin keeps no connection from one test to the next."""
    return watch(open_routes)


def assert_refused_whole(watched, data):
    """400, the connection closed, and not a byte at the origin: neither of the request nor of what follows it."""
    before = watched.origin.arrived
    for piece in (1 << 20, 1):
        with watched.client() as client:
            answer = client.send_in_pieces(data + SMUGGLED, piece).read_response()
            assert (answer.status, answer.body) == (400, BAD_REQUEST)
            assert client.is_closed(), "one answer, and no more"
    assert watched.origin.arrived == before


def assert_never_whole(broken, data):
    """400, the connection closed. The head may be on its way; the request must never be whole, and no other arrive."""
    before = len(broken.origin.requests)
    for piece in (1 << 20, 1):
        with broken.client() as client:
            answer = client.send_in_pieces(data + SMUGGLED, piece).read_response()
            assert (answer.status, answer.body) == (400, BAD_REQUEST)
            assert client.is_closed(), "one answer, and no more"
    wait_until(lambda: broken.origin.open_connections == 0, "the half-sent requests were given up")
    assert {(seen.target, seen.body) for seen in broken.origin.requests[before:]} <= {("/x", None)}


# -- hidden requests

@pytest.mark.parametrize("length", [127, 128, 255, 256, 257, 270, 511, 512, 4096, 16384])
def test_cve_2021_40346_a_long_name_hides_no_length(watched, length):
    """HAProxy kept the length of a name in eight bits, so that a long name became `Content-Length` of another value."""
    name = "Content-Length0".ljust(length, "a")
    _, seen = watched.ask_forwarded(post(f"{name}:", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED))
    assert (seen.target, seen.body) == ("/x", SMUGGLED)
    assert seen.all("content-length") == [str(len(SMUGGLED))] and seen.all(name) == [""]


@pytest.mark.parametrize("length", [32 * 1024, 65_536 + 14, 65_536 + 270])
def test_cve_2021_40346_a_name_over_the_heads_limit_is_refused(watched, length):
    """Names are limited by the head that they stand in; one past any counter's width is answered 431."""
    name = "Content-Length0".ljust(length, "a")
    before = watched.origin.arrived
    with watched.client() as client:
        client.send_in_pieces(post(f"{name}: 1", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), 1 << 20)
        assert client.read_response().status == 431
        assert client.is_closed()
    assert watched.origin.arrived == before


@pytest.mark.parametrize("field", [":", ": x", ":Content-Length: 5", ": \t"], ids=ascii)
def test_cve_2023_25725_an_empty_name_is_refused(watched, field):
    """HAProxy ended its list of fields at an empty name, and lost what came behind, `Content-Length` among it."""
    assert_refused_whole(watched, post("X-Before: 1", field, "Content-Length: 3", "X-Behind: 2", body=b"abc"))
    assert_refused_whole(watched, post(field, body=b""))


@pytest.mark.parametrize("value", [
    "", "  ", "\t", "5,", ",5", "5, 5", "5 5", "+5", "-5", "0x5", "5.", "5e0", "5;", '"5"', "5\x0b",
], ids=ascii)
def test_cve_2023_40225_a_length_is_plain_digits(watched, value):
    """HAProxy passed an empty `Content-Length` on, which the service read as none at all, and the body as a request."""
    assert_refused_whole(watched, post(f"Content-Length: {value}", body=b"abcde"))
    assert_refused_whole(watched, post(f"Content-Length: {value}", "Content-Length: 5", body=b"abcde"))


EMPTY = b"0\r\n\r\n"

DOUBTFUL_FRAMING = {
    "an unknown coding before a length": post("Transfer-Encoding: x", "Content-Length: 5", body=b"abcde"),
    "a length before an unknown coding": post("Content-Length: 5", "Transfer-Encoding: x", body=b"abcde"),
    "chunked before a length": post("Transfer-Encoding: chunked", "Content-Length: 5", body=EMPTY),
    "a length before chunked": post("Content-Length: 5", "Transfer-Encoding: chunked", body=EMPTY),
    "an unknown coding alone": post("Transfer-Encoding: x"),
    "identity": post("Transfer-Encoding: identity"),
    "chunked and then gzip": post("Transfer-Encoding: chunked, gzip", body=EMPTY),
    "gzip and then chunked": post("Transfer-Encoding: gzip, chunked", body=EMPTY),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=EMPTY),
    "chunked and nothing": post("Transfer-Encoding: chunked,", body=EMPTY),
    "nothing": post("Transfer-Encoding:", body=EMPTY),
    "chunked with a parameter": post("Transfer-Encoding: chunked;x=y", body=EMPTY),
    "chunked in HTTP/1.0": post("Transfer-Encoding: chunked", body=EMPTY, version="HTTP/1.0"),
    "chunked in HTTP/1.0 kept alive": post(
        "Connection: keep-alive", "Transfer-Encoding: chunked", body=EMPTY, version="HTTP/1.0"),
}


@pytest.mark.parametrize("data", DOUBTFUL_FRAMING.values(), ids=DOUBTFUL_FRAMING)
def test_boost_beast_before_361_doubtful_framing_is_refused(watched, data):
    """Boost.Beast accepts a coding beside a length by their order, reads an unknown coding as no body, and chunks in
    HTTP/1.0. Whatever is not exactly a length or exactly `chunked` must be refused."""
    assert_refused_whole(watched, data)


TRAILERS = ["Content-Length: 100", "Transfer-Encoding: chunked", "Connection: close", "Connection: keep-alive, X-Kept",
            "Host: smuggled", "Upgrade: websocket"]


@pytest.mark.parametrize("trailer", TRAILERS)
def test_boost_beast_before_361_trailers_frame_nothing(watched, trailer):
    """Boost.Beast honours framing and `Connection` in trailers. Here they change neither this request nor the next."""
    data = request("POST", "/x", "Transfer-Encoding: chunked", body=chunked(b"abc", trailers=[trailer, "X-Kept: 1"]))
    before = len(watched.origin.requests)
    with watched.client() as client:
        status = client.send(data + get("/next")).read_response().status
        if status == 200:
            assert client.read_response().status == 200
        else:
            assert status == 400 and client.is_closed()
    whole = [seen for seen in watched.origin.requests[before:] if seen.body is not None]
    assert [(seen.target, seen.body) for seen in whole] == ([("/x", b"abc"), ("/next", b"")] if status == 200 else [])
    assert not any(trailer in seen.trailers for seen in whole)


BROKEN_CHUNKS = {
    "a line feed in a quoted extension": b'3;a="\n"\r\nabc\r\n0\r\n\r\n',
    "a NUL in a quoted extension": b'3;a="\0"\r\nabc\r\n0\r\n\r\n',
    "a carriage return in a quoted extension": b'3;a="\r"\r\nabc\r\n0\r\n\r\n',
    "a line end in a quoted extension": b'3;a="\r\n"\r\nabc\r\n0\r\n\r\n',
    "a line feed in an extension": b"3;a\nabc\r\n0\r\n\r\n",
    "a size beyond sixteen digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    "an extension without its semicolon": b"3 a\r\nabc\r\n0\r\n\r\n",
    "a trailer with a blank before its colon": b"3\r\nabc\r\n0\r\nX : y\r\n\r\n",
    "a trailer that is folded": b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n",
}


@pytest.mark.parametrize("body", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_boost_beast_before_361_broken_chunks_are_refused(broken, body):
    """Boost.Beast lets quoted chunk extensions hold line feeds and NUL. Another reader's chunk could begin there."""
    assert_never_whole(broken, post("Transfer-Encoding: chunked", body=body))


BARE_LINE_FEEDS = {
    "behind a size": b"3\nabc\r\n0\r\n\r\n",
    "behind data": b"3\r\nabc\n0\r\n\r\n",
    "behind the last size": b"3\r\nabc\r\n0\n\r\n",
    "at the very end": b"3\r\nabc\r\n0\r\n\n",
    "behind an extension": b"3;a=b\nabc\r\n0\r\n\r\n",
    "behind a trailer": b"3\r\nabc\r\n0\r\nX: y\n\r\n",
    "everywhere": b"3\nabc\n0\n\n",
    "before a carriage return": b"3\n\rabc\r\n0\r\n\r\n",
    "without data": b"0\n\n",
}


@pytest.mark.parametrize("body", BARE_LINE_FEEDS.values(), ids=BARE_LINE_FEEDS)
def test_nginx_1016_a_bare_line_feed_ends_no_chunk_line(broken, body):
    """nginx took a bare LF for the end of a chunk's line, and proxies in front of it did not."""
    assert_never_whole(broken, post("Transfer-Encoding: chunked", body=body))


def test_cve_2023_27491_only_lines_that_were_checked_are_forwarded(watched):
    """Envoy sent header lines on that it had not validated. What arrives is the lines that passed, and our own."""
    sent = ["X-Plain: 1", "X-Bytes: \xe9\xff", "X-Blanks: \t a \t b \t", "X-Empty:", "X-Long: " + "y" * 5000,
            "x-plain: 2", 'X-Marks: "\\,;:()<>@[]{}?=', 'Cookie: a=1; b="2"']
    _, seen = watched.ask_forwarded(get("/x?y", *sent))
    start_line, *lines = seen.head.decode("latin-1").split("\r\n")
    assert (start_line, lines[-2:]) == ("GET /x?y HTTP/1.1", ["", ""])
    assert lines[:len(sent) + 1] == ["Host: example", *sent]
    added = [line.partition(":")[0] for line in lines[len(sent) + 1:-2]]
    assert added == ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host", "Forwarded",
                     "X-Request-Id", "traceparent"]


@pytest.mark.parametrize("line", [
    b"X: a\rb", b"X: a\nY: b", b"X: a\0b", b"X\0: a", b"X Y: a", b" X: a", b"X : a", b"X: a\r\n b", b"X\xe9: a",
    b"X: \x7f", b"nonsense", b":path: /smuggled",
], ids=ascii)
def test_cve_2023_27491_a_head_with_one_bad_line_is_refused_whole(watched, line):
    """One line that does not pass refuses the request, wherever it stands; nothing of the others arrives."""
    for lines in ([line, b"X-Good: 1"], [b"X-Good: 1", line]):
        assert_refused_whole(watched, b"\r\n".join([b"GET /x HTTP/1.1", b"Host: example", *lines]) + b"\r\n\r\n")


# -- upgrades

UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def guarded(watch):
    """An origin of its own for each test, since each has a handler of its own."""
    return watch(lambda url: staff_routes(tokens.KEY, url))


def test_cve_2025_64763_early_bytes_wait_for_the_upgrade(guarded):
    """Envoy sent on what came behind a request for an upgrade before the upgrade was agreed to."""
    early = b"\x81\x85\0\0\0\0hello" + SMUGGLED
    tunnelled = []

    def switch(exchange):
        assert exchange.rest == b"", "bytes behind the request came before the 101"
        exchange.send(SWITCHED)
        while len(exchange.rest) < len(early):
            exchange.rest += exchange.origin.receive(exchange.socket, exchange.request.connection)
        tunnelled.append(exchange.rest)
        exchange.close()

    guarded.origin.handler = switch
    with guarded.client() as client:
        client.send(get("/public/ws", *UPGRADE) + early)
        assert client.read_response().status == 101
        assert client.read_to_end() == b""
    assert tunnelled == [early]
    assert [seen.target for seen in guarded.origin.requests] == ["/public/ws"]


@pytest.mark.parametrize("refusal, status", [
    (ok(b"no", status=b"403 Forbidden"), 403),
    (ok(b"no", status=b"426 Upgrade Required"), 426),
    (ok(b"yes"), 200),
])
def test_cve_2025_64763_early_bytes_of_a_refused_upgrade_are_the_next_request(guarded, refusal, status):
    """Where no upgrade comes about, what lay behind is a request like any other, decided on for itself."""

    def refuse(exchange):
        exchange.read_body()
        exchange.send(refusal)

    guarded.origin.handler = refuse
    with guarded.client() as client:
        client.send(get("/public/ws", *UPGRADE) + get("/admin") + get("/public/next"))
        assert client.read_response().status == status
        assert client.read_response().status == 401
        assert client.read_response().status == status
    assert [seen.target for seen in guarded.origin.requests] == ["/public/ws", "/public/next"]
    assert b"/admin" not in guarded.origin.arrived


@pytest.mark.parametrize("fields", [
    ["Upgrade: websocket"], ["Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    ["Connection: keep-alive", "Upgrade: websocket"], ["Connection: Upgrade", "Upgrade: websocket2"],
], ids=" / ".join)
def test_cve_2025_64763_what_is_no_upgrade_tunnels_nothing(guarded, fields):
    """An upgrade that is not passed on is no tunnel: the service hears of none, and what follows is a request."""
    with guarded.client() as client:
        client.send(get("/public/x", *fields) + get("/admin"))
        assert [client.read_response().status for _ in range(2)] == [200, 401]
    (seen,) = guarded.origin.requests
    assert "upgrade" not in seen.names and b"/admin" not in guarded.origin.arrived


# -- the PROXY protocol

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
SOURCE = "198.51.100.7"


def proxy_header(*attributes, length=None, command=0x21):
    """Version 2 over TCP and IPv4. `length` is what it says of itself, where that is not the truth."""
    addresses = socket.inet_aton(SOURCE) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 40000, 80)
    rest = addresses + b"".join(attributes)
    return SIGNATURE + struct.pack("!BBH", command, 0x11, len(rest) if length is None else length) + rest


def attribute(value, kind=0xE0, length=None):
    """A type, a length, a value. `length` is what it says of itself."""
    return struct.pack("!BH", kind, len(value) if length is None else length) + value


@pytest.fixture(scope="module")
def proxied(watch):
    return watch(open_routes, trusted_proxies=["127.0.0.1/32"], proxy_protocol=True)


@pytest.mark.parametrize("attributes", [
    [], [attribute(b"")], [attribute(SMUGGLED)], [attribute(b"x" * 900), attribute(SMUGGLED, kind=0x04)],
], ids=["none", "empty", "a request", "two"])
def test_cve_2026_47692_attributes_are_taken_off_by_the_headers_length(proxied, attributes):
    """Envoy's length of a PROXY header did not agree with the bytes behind it, which became part of the request."""
    answer, seen = proxied.ask_forwarded(proxy_header(*attributes) + get("/real"))
    assert seen.target == "/real"
    assert proxied.gateway.access_line(answer)["client_ip"] == SOURCE


@pytest.mark.parametrize("attributes", [
    [attribute(SMUGGLED, length=0)],
    [attribute(SMUGGLED, length=len(SMUGGLED) - 1)],
    [attribute(SMUGGLED, length=len(SMUGGLED) + 1)],
    [attribute(SMUGGLED, length=0xFFFF)],
    [attribute(b"") + b"\xe0"],
], ids=["no length", "too short", "too long", "far too long", "cut off"])
def test_cve_2026_47692_an_attribute_with_a_wrong_length_smuggles_nothing(proxied, attributes):
    """What an attribute says of its own length moves no boundary: the request behind the header arrives, or nothing."""
    before = len(proxied.origin.requests)
    with proxied.client() as client:
        client.send_in_pieces(proxy_header(*attributes) + get("/real", "Connection: close"), 1 << 20)
        client.read_to_end()
    assert [seen.target for seen in proxied.origin.requests[before:]] in ([], ["/real"])


NO_PROXY_HEADERS = {
    "none": b"",
    "no room for addresses": proxy_header(length=0),
    "one byte too few": proxy_header(length=11),
    "unknown command": proxy_header(command=0x22),
    "unknown version": proxy_header(command=0x31),
    "a line with a bare line feed": b"PROXY TCP4 198.51.100.7 127.0.0.1 40000 80\n",
    "a line without a port": b"PROXY TCP4 198.51.100.7 127.0.0.1 40000\r\n",
    "a line that is too long": b"PROXY TCP4 198.51.100.7 127.0.0.1 40000 80" + b" " * 100 + b"\r\n",
    "a line without an address": b"PROXY TCP4 forged 127.0.0.1 40000 80\r\n",
    "a line in lower case": b"proxy TCP4 198.51.100.7 127.0.0.1 40000 80\r\n",
}


@pytest.mark.parametrize("header", NO_PROXY_HEADERS.values(), ids=NO_PROXY_HEADERS)
def test_cve_2026_47692_what_is_no_proxy_header_is_closed_without_a_word(proxied, header):
    """Nothing behind a header that cannot be read is read as a request."""
    before = proxied.origin.arrived
    with proxied.client() as client:
        client.send_in_pieces(header + SMUGGLED, 1 << 20)
        assert client.read_to_end() == b""
    assert proxied.origin.arrived == before


# -- clients that leave

UPLOAD = request("POST", "/x", BEARER, "Expect: 100-continue", "Transfer-Encoding: chunked",
                 body=chunked(b"abc", b"defgh"))


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_cve_2026_47205_cve_2026_48090_cve_2026_26311_a_client_may_leave_at_any_byte(guarded, leave):
    """Envoy used what belonged to a request after its client had gone. Here every byte is once the last one that came.

    A sanitizer's report fails the test when the gateway ends. Nothing of a request but a whole one may be complete.
    """
    for cut in range(len(UPLOAD)):
        client = guarded.client().send(UPLOAD[:cut])
        if leave == "reset":
            client.reset()
        else:
            client.socket.close()
    wait_until(lambda: guarded.gateway.metrics().total("sidegate_connections") == 0, "every connection was given up")
    settled(lambda: (len(guarded.origin.arrived), guarded.origin.open_connections))
    assert guarded.origin.requests and all(seen.body is None for seen in guarded.origin.requests)
    assert guarded.ask_forwarded(UPLOAD)[1].body == b"abcdefgh"


@pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le",
                                      b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome of it"], ids=ascii)
def test_cve_2026_47205_cve_2026_48090_cve_2026_26311_a_client_may_leave_before_its_answer(guarded, answered):
    """The answer under way finds nobody: the origin's connection is given up, and the next client is served."""
    gate = Gate()

    def answer_late(exchange):
        if exchange.request.target == "/next":
            exchange.send(ok())
            return
        exchange.send(answered)
        gate.wait()
        exchange.send(ok(b"too late"))
        exchange.close()

    guarded.origin.handler = answer_late
    clients = [guarded.client().send(get(f"/{number}", BEARER)) for number in range(20)]
    wait_until(lambda: len(guarded.origin.requests) == len(clients), "every request arrived")
    for client in clients[::2]:
        client.reset()
    gate.open()
    for client in clients[1::2]:
        client.reset()
    wait_until(lambda: guarded.gateway.metrics().total("sidegate_connections") == 0, "every connection was given up")
    wait_until(lambda: guarded.origin.open_connections == 0, "every request was given up")
    assert guarded.ask_forwarded(get("/next", BEARER))[0].body == b"ok"


# -- doors for operators

ADMIN_PATHS = ["/config", "/routes", "/upstreams", "/authenticators", "/reload", "/explain"]
WAYS_THROUGH_METRICS = ["/metrics/../config", "/metrics/..%2fconfig", "/metrics/%2e%2e/config", "/metrics/..;/config",
                        "/metrics//../config", "/metrics?/config", "//config", "/metrics#/../config", "/metrics/config"]


@pytest.fixture(scope="module")
def operated(watch):
    """With a health listener beside the admin API, and everything open on the public one."""
    port = free_port()
    watched = watch(lambda url: {**open_routes(url), "health": {"address": f"127.0.0.1:{port}"}})
    watched.gateway.health_port = port
    return watched


def test_cve_2025_24030_the_admin_api_is_there_for_the_test_to_miss(operated):
    """On its own listener the configuration is shown, so that its absence elsewhere says something."""
    assert "listeners:" in requests.get(operated.gateway.admin_url + "/config", timeout=TIMEOUT).text


@pytest.mark.parametrize("target", [*ADMIN_PATHS, *WAYS_THROUGH_METRICS])
def test_cve_2025_24030_the_health_listener_leads_to_no_admin_api(operated, target):
    """Envoy Gateway's metrics listener passed paths on to the admin interface. Only `/metrics` itself is metrics."""
    answer = ask(operated.gateway.health_port, get(target))
    assert answer.status in ([200] if target.startswith("/metrics?") else [400, 404])
    assert b"listeners:" not in answer.body


@pytest.mark.parametrize("target", [*ADMIN_PATHS, "/metrics", "/healthz", "/readyz", *WAYS_THROUGH_METRICS])
def test_cve_2025_24030_a_public_listener_leads_to_no_admin_api(operated, target):
    """There `/metrics` and `/config` are the service's paths like any other."""
    answer, arrived = operated.ask(get(target))
    assert (answer.status, answer.body, len(arrived)) in ((200, b"ok", 1), (400, BAD_REQUEST, 0))


# -- what a caller can write into the log

FORGERY = '{"time":"2026-01-01T00:00:00Z","msg":"request","status":200,"subject":"root"}'
TOKEN_MARKS = "!#$%&'*+-.^_`|~"


def log_routes(url, **log):
    """Logs queries, and injects nothing, so that subjects of any bytes are let through."""
    access_log = {"path": "stdout", "query": True}
    return {**staff_routes(tokens.KEY, url), "inject": {}, "access_log": access_log, "log": log}


@pytest.fixture(scope="module")
def json_log(watch):
    return watch(lambda url: log_routes(url, format="json"))


@pytest.fixture(scope="module")
def text_log(watch):
    return watch(lambda url: log_routes(url, format="text"))


def new_lines(watched, data):
    """The answer, and the lines that were written about it: all there are, as bytes."""
    path = watched.gateway.stdout_path
    before = len(path.read_bytes())
    answer, _ = watched.ask(data)
    wait_until(lambda: path.read_bytes()[before:].endswith(b"\n"), watched.gateway.tail)
    return answer, path.read_bytes()[before:].removesuffix(b"\n").split(b"\n")


def json_line(watched, data):
    """The answer and its one line, which must be JSON in UTF-8 and nothing else."""
    answer, (line,) = new_lines(watched, data)
    members = json.loads(line.decode())
    assert members["request_id"] == answer.get("X-Request-Id")
    return answer, members


def of_subject(subject):
    return get("/x", "Authorization: Bearer " + tokens.token(subject=subject))


@pytest.mark.parametrize("member, value, data", [
    ("path", "/public/%22%7D,'", get("/public/%22%7D,'")),
    ("query", "a=" + FORGERY, get("/public/x?a=" + FORGERY)),
    ("query", "\\n\\\"%0d%0a%00\\u000a", get("/public/x?\\n\\\"%0d%0a%00\\u000a")),
    ("method", TOKEN_MARKS, request(TOKEN_MARKS, "/public/x")),
    ("subject", "a\r\n" + FORGERY, of_subject("a\r\n" + FORGERY)),
    ("subject", 'a"\\,{}\0\x1b[2J\x7f', of_subject('a"\\,{}\0\x1b[2J\x7f')),
    ("subject", "\u2028\u0085K\xe4se\U0001f600", of_subject("\u2028\u0085K\xe4se\U0001f600")),
], ids=["path", "query", "query, escapes", "method", "subject, a line", "subject, controls", "subject, other letters"])
def test_cve_2025_25294_what_a_caller_sends_is_escaped_in_its_line(json_log, member, value, data):
    """Envoy Gateway wrote values into its log as they were. One request is one line, whose member is what was sent."""
    answer, line = json_line(json_log, data)
    assert answer.status == 200
    assert (line[member], line["status"], line["msg"]) == (value, 200, "request")


INVALID = {
    "bytes in the path": b"GET /public/\xff\xc0\xaf HTTP/1.1\r\nHost: example\r\n\r\n",
    "a quote in the path": b'GET /public/","status":200,"x":" HTTP/1.1\r\nHost: example\r\n\r\n',
    "an encoded line end": b"GET /public/%0d%0a HTTP/1.1\r\nHost: example\r\n\r\n",
    "an escape in the path": b"GET /public/\x1b[2J HTTP/1.1\r\nHost: example\r\n\r\n",
    "bytes in the query": b"GET /public/x?\xff\xc0\xaf HTTP/1.1\r\nHost: example\r\n\r\n",
    "a NUL in the query": b"GET /public/x?\0 HTTP/1.1\r\nHost: example\r\n\r\n",
    "bytes in the method": b"G\xffT /public/x HTTP/1.1\r\nHost: example\r\n\r\n",
    "a quote in the method": b'"GET /public/x HTTP/1.1\r\nHost: example\r\n\r\n',
    "a bare line feed": b"GET /public/x\n" + FORGERY.encode() + b" HTTP/1.1\r\nHost: example\r\n\r\n",
    "a bare carriage return": b"GET /public/x\r" + FORGERY.encode() + b" HTTP/1.1\r\nHost: example\r\n\r\n",
    "bytes in the host": b'GET /public/x HTTP/1.1\r\nHost: "\xff\r\n\r\n',
    "bytes in an absolute target": b'GET http://"\xff/public/x HTTP/1.1\r\nHost: example\r\n\r\n',
}


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID)
def test_cve_2025_25294_what_is_refused_is_escaped_as_well(json_log, data):
    """Bytes that no request may hold reach the log only as JSON: one line, and that one says that it was refused."""
    answer, line = json_line(json_log, data)
    assert answer.status == 400
    assert (line["status"], line["audit"]) == (400, True)


@pytest.mark.parametrize("field", [
    "traceparent: " + FORGERY, 'traceparent: 00-"4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01',
    'X-Request-Id: a"b', "X-Forwarded-For: " + FORGERY, 'User-Agent: "\\\xff',
], ids=ascii)
def test_cve_2025_25294_fields_of_strangers_reach_no_line(json_log, field):
    """What is not believed is not written, not even escaped."""
    answer, line = json_line(json_log, get("/public/x", field))
    assert answer.status == 200
    assert set(line["trace_id"]) <= set("0123456789abcdef") and len(line["trace_id"]) == 32
    assert line["request_id"].isalnum() and line["client_ip"] == "127.0.0.1"


@pytest.fixture(scope="module")
def proxy_log(watch):
    return watch(lambda url: log_routes(url, format="json"), trusted_proxies=["127.0.0.1/32"])


@pytest.mark.parametrize("request_id, kept", [
    ('a"b\\c{},:', True), ("\\u000a\\n", True), ("!", True), ("x" * 128, True), (FORGERY, True),
    ("x" * 129, False), ("a b", False), ("a\tb", False), ("\xff", False), ("", False),
], ids=ascii)
def test_cve_2025_25294_a_trusted_request_id_is_escaped(proxy_log, request_id, kept):
    """A trusted proxy may name the request, in visible ASCII; the name is a value in the line and no part of it."""
    answer, line = json_line(proxy_log, get("/public/x", f"X-Request-Id: {request_id}"))
    assert answer.status == 200
    assert (line["request_id"] == request_id) is kept


@pytest.mark.parametrize("said", [
    FORGERY, '1.2.3.4"', "1.2.3.4\\n", "\xff", '::1%eth0"', "1.2.3.4\tx", "1.2.3.4:forged", "[2001:db8::1]forged",
], ids=ascii)
def test_cve_2025_25294_a_trusted_list_of_addresses_brings_addresses_only(proxy_log, said):
    """The client's address is an address or it is the peer's."""
    answer, line = json_line(proxy_log, get("/public/x", f"X-Forwarded-For: {said}"))
    assert (answer.status, line["client_ip"]) == (200, "127.0.0.1")


FOR_PEOPLE = {
    "query": get("/public/x?a=" + FORGERY),
    "method": request(TOKEN_MARKS, "/public/x"),
    "subject, a line": of_subject("a\r\n" + FORGERY),
    "subject, controls": of_subject("a\x1b[2J\0\x7f"),
    **INVALID,
}


@pytest.mark.parametrize("data", FOR_PEOPLE.values(), ids=FOR_PEOPLE)
def test_cve_2025_25294_a_line_for_people_is_one_line(text_log, data):
    """The same of the text format: one line, without control characters that would move a terminal."""
    _, (line,) = new_lines(text_log, data)
    assert line.decode().isprintable()


def test_cve_2025_25294_a_value_for_people_stays_in_its_quotes(text_log):
    """A subject that looks like the members behind it is quoted whole, its own quotes escaped."""
    _, (line,) = new_lines(text_log, of_subject('root" status=200 id="forged'))
    assert b'subject="root\\" status=200 id=\\"forged"' in line
