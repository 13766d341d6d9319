"""Trailers pass behind the last chunk, unless they would steer a message or forge an identity."""

from wire.row import CHUNKED, answers, arrives, chunked, get, post, refused, relayed, row

TITLE = "Trailers"

_SECTION = "RFC 9112 §7.1.2"
_LIMITS = "RFC 9110 §6.5.1; Beast before v361"
_IDENTITY = "docs/requests.md: What is forwarded"


def _passing(name, trailers, passed, source=_SECTION, **more):
    body = b"{chunks abc}0\r\n" + b"".join(line.encode() + b"\r\n" for line in passed) + b"\r\n"
    return row(name, source, post(CHUNKED, body=chunked(b"abc", trailers=trailers)),
               arrives("POST /x", CHUNKED, body=body), **more)


def _steers(line):
    return _passing(f"{line.partition(':')[0]} as a trailer is dropped", [line, "X-Sum: 1"], ["X-Sum: 1"], _LIMITS,
                    ours=True)


def _refused(name, trailers, source=_SECTION, **more):
    return refused(name, source, post(CHUNKED, body=b"3\r\nabc\r\n0\r\n" + trailers),
                   origin=arrives("POST /x", CHUNKED, body=b"{chunks abc}0\r\nX-Sum: 1\r\n\r\n"), partly=True, **more)


def _of_answer(name, trailers, passed, source=_SECTION, **more):
    body = b"{chunks abc}0\r\n" + b"".join(line.encode() + b"\r\n" for line in passed) + b"\r\n"
    return row(name, source, get(), arrives("GET /x"), relayed("200 OK", CHUNKED, body=body),
               origin_sends=answers("200 OK", CHUNKED, body=chunked(b"abc", trailers=trailers)), **more)


ROWS = [
    _passing("a trailer", ["X-Sum: 1"], ["X-Sum: 1"]),
    _passing("two trailers", ["X-Sum: 1", "X-More: 2"], ["X-Sum: 1", "X-More: 2"]),
    row("a trailer that was announced", "RFC 9110 §6.6.2",
        post(CHUNKED, "Trailer: X-Sum", body=chunked(b"abc", trailers=["X-Sum: 1"])),
        arrives("POST /x", "Trailer: X-Sum", CHUNKED, body=b"{chunks abc}0\r\nX-Sum: 1\r\n\r\n")),
    *(_steers(line) for line in (
        "Content-Length: 3", "Transfer-Encoding: chunked", "Host: other", "Connection: close",
        "Authorization: Bearer x",
        "Cookie: access_token=x", "Expect: 100-continue", "Keep-Alive: timeout=5", "TE: trailers", "Upgrade: h2c",
        "Trailer: X-Sum")),
    *(_passing(f"{line.partition(':')[0]} as a trailer is dropped", [line, "X-Sum: 1"], ["X-Sum: 1"], _IDENTITY,
               ours=True)
      for line in ("X-User-Id: 1", "x_user_id: 1", "X-Auth-Method: x", "X-Forwarded-For: 192.0.2.1",
                   "X-Real-IP: 192.0.2.1",
                   "X-Request-Id: x", "Forwarded: for=192.0.2.1", "A_b: 1")),
    _refused("bare LF behind a trailer", b"X-Sum: 1\n\r\n", "RFC 9112 §7.1; nginx/nginx#1016"),
    _refused("bare LF behind the trailers", b"X-Sum: 1\r\n\n", "RFC 9112 §7.1; nginx/nginx#1016"),
    _refused("no colon in a trailer", b"nonsense\r\n\r\n", ours=True),
    _refused("no name of a trailer", b": 1\r\n\r\n"),
    _refused("space before the colon of a trailer", b"X-Sum : 1\r\n\r\n", "RFC 9112 §5.1"),
    _refused("folded trailer", b"X-Sum: 1\r\n 2\r\n\r\n", "RFC 9112 §5.2", ours=True),
    _refused("NUL in a trailer", b"X-Sum: 1\0\r\n\r\n", "RFC 9110 §5.5"),
    _refused("a request in the place of trailers", get("/inner").removesuffix(b"\r\n"), ours=True),
    _of_answer("a trailer of an answer", ["X-Sum: 1"], ["X-Sum: 1"]),
    _of_answer("Content-Length as a trailer of an answer is dropped", ["Content-Length: 9", "X-Sum: 1"], ["X-Sum: 1"],
               _LIMITS, ours=True),
    _of_answer("Transfer-Encoding as a trailer of an answer is dropped", ["Transfer-Encoding: chunked"], [], _LIMITS,
               ours=True),
]
