"""What can be read in more than one way is refused, its connection closed, and nothing of it reaches the service.

Every request is followed by a second, well-formed one in the same bytes: were the first framed in another way than
refused, the second would be answered or forwarded. Each is sent whole and byte by byte.
"""

from dataclasses import dataclass

import pytest

from raw_origin import RawOrigin
from support import tokens
from support.gateway import open_routes, staff_routes
from support.polling import wait_until
from support.raw import EndOfStream, RawClient, request

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: example\r\n\r\n"
BODIES = {400: b'{"error":"Bad request"}', 405: b'{"error":"Method not allowed"}'}


@pytest.fixture(scope="module")
def module_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(module_gateways, module_origin):
    return module_gateways.start(open_routes(module_origin.url))


@dataclass
class Case:
    name: str
    data: bytes
    status: int = 400


def get(*fields, target="/x", host="example", version="HTTP/1.1"):
    return request("GET", target, *fields, host=host, version=version)


def post(*fields, body=b"", version="HTTP/1.1"):
    """A POST that says itself how it is framed."""
    return request("POST", "/x", *fields, version=version).removesuffix(b"\r\n\r\n") + b"\r\n\r\n" + body


CHUNKED_EMPTY = b"0\r\n\r\n"

HEADS = [
    # Transfer-Encoding and Content-Length (RFC 9112 section 6.1)
    Case("TE and CL", post("Transfer-Encoding: chunked", "Content-Length: 5", body=CHUNKED_EMPTY)),
    Case("CL and TE", post("Content-Length: 5", "Transfer-Encoding: chunked", body=CHUNKED_EMPTY)),
    Case("CL 0 and TE", post("Content-Length: 0", "Transfer-Encoding: chunked", body=CHUNKED_EMPTY)),
    Case("CL and TE identity", post("Content-Length: 3", "Transfer-Encoding: identity", body=b"abc")),
    Case("TE unknown and CL", post("Transfer-Encoding: x", "Content-Length: 3", body=b"abc")),
    Case("CL and TE in other letters", post("content-length: 5", "TRANSFER-ENCODING: CHUNKED", body=CHUNKED_EMPTY)),
    # Content-Length (section 6.3)
    Case("two CLs that differ", post("Content-Length: 3", "Content-Length: 4", body=b"abcd")),
    Case("two CLs that differ, apart", post("Content-Length: 3", "X: y", "Content-Length: 0", body=b"abc")),
    Case("CL list", post("Content-Length: 3, 3", body=b"abc")),
    Case("CL list that differs", post("Content-Length: 3, 4", body=b"abcd")),
    Case("CL +3", post("Content-Length: +3", body=b"abc")),
    Case("CL -1", post("Content-Length: -1")),
    Case("CL 0x3", post("Content-Length: 0x3", body=b"abc")),
    Case("CL empty", post("Content-Length:", body=b"abc")),
    Case("CL blank", post("Content-Length:   ", body=b"abc")),
    Case("CL with a blank inside", post("Content-Length: 1 0", body=b"abc")),
    Case("CL 3.0", post("Content-Length: 3.0", body=b"abc")),
    Case("CL 3e0", post("Content-Length: 3e0", body=b"abc")),
    Case("CL in quotes", post('Content-Length: "3"', body=b"abc")),
    Case("CL over 64 bits", post("Content-Length: 18446744073709551619", body=b"abc")),
    Case("CL far over 64 bits", post("Content-Length: " + "9" * 40, body=b"abc")),
    Case("CL with a letter", post("Content-Length: 3a", body=b"abc")),
    Case("CL with a full-width digit", post("Content-Length: \xef\xbc\x93", body=b"abc")),
    # Transfer-Encoding
    Case("TE gzip", post("Transfer-Encoding: gzip", body=b"abc")),
    Case("TE identity", post("Transfer-Encoding: identity", body=b"abc")),
    Case("TE gzip, chunked", post("Transfer-Encoding: gzip, chunked", body=CHUNKED_EMPTY)),
    Case("TE chunked, gzip", post("Transfer-Encoding: chunked, gzip", body=CHUNKED_EMPTY)),
    Case("TE chunked, chunked", post("Transfer-Encoding: chunked, chunked", body=CHUNKED_EMPTY)),
    Case("TE chunked twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=CHUNKED_EMPTY)),
    Case("TE in two fields", post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=CHUNKED_EMPTY)),
    Case("TE xchunked", post("Transfer-Encoding: xchunked", body=CHUNKED_EMPTY)),
    Case("TE chunked;q=1", post("Transfer-Encoding: chunked;q=1", body=CHUNKED_EMPTY)),
    Case("TE quoted", post('Transfer-Encoding: "chunked"', body=CHUNKED_EMPTY)),
    Case("TE empty", post("Transfer-Encoding:", body=CHUNKED_EMPTY)),
    Case("TE with a comma", post("Transfer-Encoding: chunked,", body=CHUNKED_EMPTY)),
    Case("TE with a vertical tab", post("Transfer-Encoding: \x0bchunked", body=CHUNKED_EMPTY)),
    Case("TE chunked in 1.0", post("Transfer-Encoding: chunked", body=CHUNKED_EMPTY, version="HTTP/1.0")),
    # line ends
    Case("bare LF after the request line", b"GET /x HTTP/1.1\nHost: example\r\n\r\n"),
    Case("bare LF after a field", b"GET /x HTTP/1.1\r\nHost: example\nX: y\r\n\r\n"),
    Case("bare LF at the end of the head", b"GET /x HTTP/1.1\r\nHost: example\r\n\n"),
    Case("bare LF everywhere", b"GET /x HTTP/1.1\nHost: example\n\n"),
    Case("bare CR in a value", b"GET /x HTTP/1.1\r\nHost: example\r\nX: a\rb\r\n\r\n"),
    Case("bare CR as line end", b"GET /x HTTP/1.1\r\nHost: example\rX: y\r\n\r\n"),
    Case("CR CR LF", b"GET /x HTTP/1.1\r\r\nHost: example\r\n\r\n"),
    # fields (section 5)
    Case("folded line", get("X: a\r\n b")),
    Case("folded line, tab", get("X: a\r\n\tb")),
    Case("folded line, empty first part", post("Content-Length:\r\n 3", body=b"abc")),
    Case("first field is indented", b"GET /x HTTP/1.1\r\n Host: example\r\n\r\n"),
    Case("space before the colon", get("X : y")),
    Case("tab before the colon", get("X\t: y")),
    Case("space before the colon of CL", post("Content-Length : 3", body=b"abc")),
    Case("space before the colon of Host", b"GET /x HTTP/1.1\r\nHost : example\r\n\r\n"),
    Case("field without a colon", get("nonsense")),
    Case("field without a name", get(": value")),
    Case("field name with a space", get("X Y: z")),
    Case("field name with a bracket", get("X(Y): z")),
    Case("field name in quotes", get('"X": z')),
    Case("field name with a slash", get("X/Y: z")),
    Case("field name outside ASCII", get("X\xe9: z")),
    Case("NUL in a name", get("X\0Y: z")),
    Case("NUL in a value", get("X: a\0b")),
    Case("control character in a value", get("X: a\x01b")),
    Case("escape in a value", get("X: \x1b[2J")),
    Case("DEL in a value", get("X: a\x7fb")),
    # Host (section 3.2)
    Case("no Host", get(host=None)),
    Case("two Hosts", get("Host: other")),
    Case("two Hosts, the same", get("Host: example")),
    Case("Host with a blank", get(host="a b")),
    Case("Host with a comma", get(host="a,b")),
    Case("Host with a path", get(host="example/x")),
    Case("Host with a user", get(host="user@example")),
    Case("Host with a scheme", get(host="http://example")),
    Case("Host with a port that is none", get(host="example:http")),
    Case("Host with a port too large", get(host="example:65536")),
    Case("Host with two ports", get(host="example:80:80")),
    Case("Host with an open bracket", get(host="[::1")),
    Case("Host with a hash", get(host="example#x")),
    Case("Host with a backslash", get(host="exa\\mple")),
    # request line (section 3)
    Case("no version", b"GET /x\r\nHost: example\r\n\r\n"),
    Case("version in lower case", get(version="http/1.1")),
    Case("version with two digits", get(version="HTTP/1.10")),
    Case("version with a blank", get(version="HTTP/1. 1")),
    Case("not HTTP", get(version="ICY/1.1")),
    Case("two spaces after the method", get().replace(b"GET ", b"GET  ")),
    Case("tab after the method", get().replace(b"GET ", b"GET\t")),
    Case("space before the method", b" " + get()),
    Case("space after the version", get(version="HTTP/1.1 ")),
    Case("space in the target", get(target="/x y")),
    Case("no target", b"GET HTTP/1.1\r\nHost: example\r\n\r\n"),
    Case("method that is no token", get().replace(b"GET", b"G(T")),
    Case("empty method", get().replace(b"GET", b"")),
    Case("NUL in the target", get(target="/x\0y")),
    Case("TLS to a plain port", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 32 + b"\r\n\r\n"),
    # target
    Case("target without a slash", get(target="x")),
    Case("target is a host", get(target="example:80")),
    Case("target is a query", get(target="?x")),
    Case("asterisk with another method", get(target="*")),
    Case("absolute form of another host", get(target="http://other/x")),
    Case("absolute form of another port", get(target="http://example:81/x")),
    Case("absolute form with a user", get(target="http://user@example/x")),
    Case("absolute form of another scheme", get(target="ftp://example/x")),
    Case("absolute form without a host", get(target="http:///x")),
    # with statuses of their own
    Case("CONNECT", request("CONNECT", "example:443"), 405),
    Case("CONNECT with a path", request("CONNECT", "/x"), 405),
    Case("CONNECT of the host itself", request("CONNECT", "example"), 405),
    Case("HTTP/2.0", get(version="HTTP/2.0"), 505),
    Case("HTTP/1.2", get(version="HTTP/1.2"), 505),
    Case("HTTP/0.9", get(version="HTTP/0.9"), 505),
    Case("HTTP/3.0", get(version="HTTP/3.0"), 505),
    Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
]


@pytest.mark.parametrize("send", ["whole", "byte by byte"])
@pytest.mark.parametrize("case", HEADS, ids=lambda case: case.name)
def test_refused_heads(gateway, module_origin, case, send):
    with gateway.raw() as client:
        client.send_in_pieces(case.data + SMUGGLED, size=1 if send == "byte by byte" else 1 << 20)
        answer = client.read_response()
        assert answer.status == case.status, answer.body
        assert answer.get("Content-Type") == "application/json"
        assert answer.get("X-Request-Id")
        assert answer.body == BODIES.get(case.status, answer.body)
        assert client.is_closed(), "one answer, and no more"
    assert module_origin.arrived == b"", "nothing may have arrived"


def test_two_authorizations_are_refused_where_a_credential_is_read(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    good = "Authorization: Bearer " + tokens.token()
    assert gateway.ask(get(good, good)).status == 400
    assert origin.arrived == b""


# -- bodies: their head may be on its way already, but no whole request may arrive

BAD_CHUNKS = [
    ("no size", b"\r\nabc\r\n0\r\n\r\n"),
    ("size is no number", b"xyz\r\nabc\r\n0\r\n\r\n"),
    ("size with 0x", b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("size with a sign", b"+3\r\nabc\r\n0\r\n\r\n"),
    ("negative size", b"-3\r\nabc\r\n0\r\n\r\n"),
    ("size with a blank before it", b" 3\r\nabc\r\n0\r\n\r\n"),
    ("size of 17 digits", b"00000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("size of 17 digits, large", b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("size with bare LF", b"3\nabc\r\n0\r\n\r\n"),
    ("data with bare LF", b"3\r\nabc\n0\r\n\r\n"),
    ("data longer than its size", b"3\r\nabcd\r\n0\r\n\r\n"),
    ("data shorter than its size", b"3\r\nab\r\n0\r\n\r\n"),
    ("last chunk with bare LF", b"3\r\nabc\r\n0\n\r\n"),
    ("end with bare LF", b"3\r\nabc\r\n0\r\n\n"),
    ("extension with bare LF", b"3;a=b\nabc\r\n0\r\n\r\n"),
    ("extension with NUL", b"3;a=\0\r\nabc\r\n0\r\n\r\n"),
    ("extension in quotes with a line feed", b'3;a="\n"\r\nabc\r\n0\r\n\r\n'),
    ("trailer with bare LF", b"3\r\nabc\r\n0\r\nX: y\n\r\n"),
    ("trailer without a colon", b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n"),
    ("trailer with a space before its colon", b"3\r\nabc\r\n0\r\nX : y\r\n\r\n"),
]


@pytest.fixture(scope="module")
def second_origin():
    with RawOrigin() as running:
        yield running


@pytest.fixture(scope="module")
def second_gateway(module_gateways, second_origin):
    return module_gateways.start(open_routes(second_origin.url))


@pytest.mark.parametrize("send", ["whole", "byte by byte"])
@pytest.mark.parametrize("body", [body for _, body in BAD_CHUNKS], ids=[name for name, _ in BAD_CHUNKS])
def test_refused_chunks(second_gateway, second_origin, body, send):
    before = len(second_origin.requests)
    data = post("Transfer-Encoding: chunked", body=body) + SMUGGLED
    with second_gateway.raw() as client:
        client.send_in_pieces(data, size=1 if send == "byte by byte" else 1 << 20)
        answer = client.read_response()
        assert (answer.status, answer.body) == (400, BODIES[400])
        assert client.is_closed()
    wait_until(lambda: second_origin.open_connections == 0, "the half-sent request was given up")
    seen = second_origin.requests[before:]
    assert all(one.target == "/x" and one.body is None for one in seen), "no whole request may have arrived"


# -- limits

def fields(count):
    return [f"X-{number}: y" for number in range(count)]


LIMITS = [
    # at the limit and one past it; the Host is one of the hundred
    ("100 fields", get(*fields(99)), 200),
    ("101 fields", get(*fields(100)), 431),
    ("target of 8 KiB", get(target="/" + "x" * 8191), 200),
    ("target one byte longer", get(target="/" + "x" * 8192), 414),
    ("target of 8 KiB, query", get(target="/x?" + "y" * 8189), 200),
    ("target one byte longer, query", get(target="/x?" + "y" * 8190), 414),
    ("target of 1 MiB", get(target="/" + "x" * (1 << 20)), 414),
    ("head of 31 KiB", get("X: " + "y" * (31 * 1024)), 200),
    ("head over 32 KiB, one field", get("X: " + "y" * (33 * 1024)), 431),
    ("head over 32 KiB, many fields", get(*["X: " + "y" * 1000] * 40), 431),
    ("head of 1 MiB", get("X: " + "y" * (1 << 20)), 431),
    ("10,000 fields", get(*fields(10000)), 431),
    ("method without end", b"G" * 40000, 400),  # no request line begins like that, however long it gets
]


@pytest.mark.parametrize("size", [1 << 21, 1000, 37], ids=["whole", "pieces of 1000", "pieces of 37"])
@pytest.mark.parametrize("name, data, status", LIMITS, ids=[name for name, _, _ in LIMITS])
def test_limits_of_the_head(second_gateway, second_origin, name, data, status, size):
    before = second_origin.arrived
    with second_gateway.raw() as client:
        client.send_in_pieces(data, size)
        answer = client.read_response()
        assert answer.status == status
        assert answer.get("X-Request-Id")
        if status != 200:
            assert answer.get("Content-Type") == "application/json"
            assert client.is_closed()
            assert second_origin.arrived == before


def test_a_slow_head_is_cut_off(gateways, origin):
    """Bytes that keep coming do not buy more time: it counts from the first byte to the end of the head."""
    gateway = gateways.start({**open_routes(origin.url), "limits": {"head_timeout": "1s"}})
    with gateway.raw() as client:
        client.send(b"GET /x HT")
        answer = client.read_response()
        assert answer.status == 408
        assert client.is_closed()
    with gateway.raw() as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: example\r\nX: ")
        drip = Drip(client)
        wait_until(drip, "the dripping head was cut off", interval=0.05)
        assert drip.answer.status == 408
    assert origin.arrived == b""


class Drip:
    """Sends a byte each time it is asked whether there is an answer."""

    def __init__(self, client):
        self.client, self.answer = client, None
        client.socket.settimeout(0.05)

    def __call__(self):
        try:
            self.client.send(b"y")
        except OSError:
            pass  # closed: the answer is there
        try:
            self.answer = self.client.read_response()
        except TimeoutError:
            pass
        return self.answer


def test_an_idle_connection_is_closed_without_a_word(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "limits": {"keep_alive": "300ms"}})
    with gateway.raw() as client:
        client.send(get())
        assert client.read_response().status == 200
        assert client.is_closed()


def test_a_slow_body_is_cut_off(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "limits": {"idle": "300ms"}})
    with gateway.raw() as client:
        client.send(post("Content-Length: 10", body=b"abc"))
        try:
            assert client.read_response().status == 408
        except EndOfStream:
            pytest.fail("every limit answers with its status")
        assert client.is_closed()
    gateway.terminate()
    assert [seen.body for seen in origin.requests] in ([], [None]), "no whole request may have arrived"


def test_too_many_connections(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "limits": {"connections": 3}})
    kept = []
    for _ in range(3):
        client = gateway.raw()
        assert client.send(get()).read_response().status == 200
        kept.append(client)
    with gateway.raw() as client:
        # Whether the request is read or not, the answer is the same; so it is sent and may meet a closed door.
        answer = client.send_in_pieces(get()).read_response()
        assert (answer.status, answer.body) == (503, b'{"error":"Service unavailable"}')
        assert client.is_closed()
    kept.pop().socket.close()

    def is_free_again():
        with RawClient(gateway.port) as another:
            return another.send_in_pieces(get()).read_response().status == 200

    wait_until(is_free_again, "a place became free")
    for client in kept:
        client.socket.close()


def test_a_body_over_max_body(gateways, origin):
    configuration = open_routes(origin.url)
    configuration["routes"][0]["max_body"] = "1KiB"
    gateway = gateways.start(configuration)
    assert gateway.ask(request("POST", "/x", body=b"x" * 1024)).status == 200
    seen = len(origin.requests)
    with gateway.raw() as client:
        assert client.send(request("POST", "/x", body=b"x" * 1025)).read_response().status == 413
    assert len(origin.requests) == seen, "told by its Content-Length, before anything was forwarded"


def test_a_chunked_body_over_max_body(gateways, origin):
    configuration = open_routes(origin.url)
    configuration["routes"][0]["max_body"] = "1KiB"
    gateway = gateways.start(configuration)
    with gateway.raw() as client:
        body = b"400\r\n" + b"x" * 1024 + b"\r\n1\r\nx\r\n0\r\n\r\n"
        client.send_in_pieces(post("Transfer-Encoding: chunked", body=body), size=1 << 20)
        assert client.read_response().status == 413
        assert client.is_closed()
    gateway.terminate()
    assert all(seen.body is None for seen in origin.requests)


def test_a_token_over_its_limit(gateways, origin):
    """A token of 16 KiB is looked at, one byte more is refused without."""
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    short = tokens.token()
    # base64url turns three bytes into four, so a claim is padded until the token is as near to 16 KiB as it gets.
    token = tokens.token(padding="x" * ((16384 - len(short)) * 3 // 4 - 20))
    assert 16000 < len(token) <= 16384
    assert gateway.ask(get("Authorization: Bearer " + token)).status == 200
    answer = gateway.ask(get("Authorization: Bearer " + token + "x" * (16385 - len(token))))
    assert (answer.status, answer.body) == (401, b'{"error":"Invalid token"}')
