"""Requests on one connection are answered in order, each by itself, and nothing of one becomes part of another."""

from wire.row import (
    CHUNKED, CLOSES, OK, THEN_CLOSES, answers, arrives, chunked, get, ok, own, post, relayed, request, row,
    unauthenticated,
)
from wire.rows.identity import BEARER, KNOWN

TITLE = "Pipelining and the end of a connection"

_PIPELINING = "RFC 9112 §9.3.2"
_CLOSING = "RFC 9112 §9.6"
_FRAMING = "RFC 9112 §6.3"


def _answer(text):
    return answers("200 OK", f"Content-Length: {len(text)}", body=text)


def _relayed(text):
    return relayed("200 OK", f"Content-Length: {len(text)}", body=text)


ROWS = [
    row("three requests at once", _PIPELINING, get("/1") + get("/2") + get("/3"),
        arrives("GET /1") + arrives("GET /2") + arrives("GET /3"),
        _relayed(b"one") + _relayed(b"two") + _relayed(b"three"),
        origin_sends=(_answer(b"one"), _answer(b"two"), _answer(b"three"))),
    row("with bodies between them", _PIPELINING,
        post("Content-Length: 3", body=b"abc", target="/1") + get("/2")
        + post(CHUNKED, body=chunked(b"de"), target="/3") + get("/4"),
        arrives("POST /1", "Content-Length: 3", body=b"abc") + arrives("GET /2")
        + arrives("POST /3", CHUNKED, body=b"{chunks de}0\r\n\r\n") + arrives("GET /4"), ok() * 4),
    row("HEAD before GET", _PIPELINING, request("HEAD /1") + get("/2"), arrives("HEAD /1") + arrives("GET /2"),
        relayed("200 OK", "Content-Length: 2") + ok(), origin_sends=(answers("200 OK", "Content-Length: 2"), OK)),
    row("with trailers before the next", "RFC 9112 §7.1.2",
        post(CHUNKED, body=chunked(b"a", trailers=["X-Sum: 1"]), target="/1") + get("/2"),
        arrives("POST /1", CHUNKED, body=b"{chunks a}0\r\nX-Sum: 1\r\n\r\n") + arrives("GET /2"), ok() * 2),
    row("with an empty line between them", "RFC 9112 §2.2",
        post("Content-Length: 3", body=b"abc\r\n", target="/1") + get("/2"),
        arrives("POST /1", "Content-Length: 3", body=b"abc") + arrives("GET /2"), ok() * 2),
    row("one after the other", "RFC 9112 §9.3", (get("/1"), get("/2")), arrives("GET /1") + arrives("GET /2"),
        (ok(), ok())),
    row("the second is malformed", _PIPELINING, get("/1") + get("/2", "X-A : 1"), arrives("GET /1"), ok() + own(400),
        ends=CLOSES),
    row("the second has a framing in doubt", _FRAMING,
        get("/1") + post("Content-Length: 3", "Content-Length: 4", body=b"abcd"),
        arrives("GET /1"), ok() + own(400), ends=CLOSES),
    row("nothing is read behind Connection: close", _CLOSING, get("/1", "Connection: close") + get("/2"),
        arrives("GET /1"),
        ok(closes=True), ends=CLOSES),
    row("what is behind a body is the next request, not more of the body", _FRAMING,
        post("Content-Length: 1", body=b"a", target="/1") + get("/2"),
        arrives("POST /1", "Content-Length: 1", body=b"a") + arrives("GET /2"), ok() * 2),
    row("each is decided by itself", "docs/requests.md: Who is calling",
        get("/admin", BEARER) + get("/admin") + get("/public", "X-User-Id: 1"),
        arrives("GET /admin", BEARER, injected=KNOWN) + arrives("GET /public"), ok() + unauthenticated() + ok(),
        gateway="identity", ours=True),
    row("an origin that closes each time", "RFC 9112 §9.3", (get("/1"), get("/2")),
        arrives("GET /1") + arrives("GET /2"),
        (ok(), ok()), origin_sends=answers("200 OK", "Content-Length: 2", "Connection: close", body=b"ok"),
        origin_then=THEN_CLOSES),
    row("a connection that was closed while it was idle is replaced", "RFC 9112 §9.3.1", (get("/1"), get("/2")),
        arrives("GET /1") + arrives("GET /2") * 2, (ok(), ok()), origin_sends=(OK, b"", OK), ours=True),
    row("but not for what may not be repeated", "RFC 9112 §9.3.1", (get("/1"), post(target="/2")),
        arrives("GET /1") + arrives("POST /2"), (ok(), own(502, closes=False)), origin_sends=(OK, b"", OK)),
    row("a failure of the first does not touch the second", "docs/requests.md: Answers that Sidegate makes",
        (post(target="/1"), get("/2")),
        arrives("POST /1") + arrives("GET /2"), (own(502, closes=False), ok()), origin_sends=(b"nonsense\r\n\r\n", OK),
        ours=True),
    row("a client that has said all gets its answer", _CLOSING, get(), arrives("GET /x"), ok(), ends=CLOSES,
        half_closes=True, ours=True),
    row("a client that has said all gets all of its answers", _CLOSING, get("/1") + get("/2"),
        arrives("GET /1") + arrives("GET /2"), ok() * 2, ends=CLOSES, half_closes=True, ours=True),
    row("a client that has sent its body and no more", _CLOSING, post("Content-Length: 3", body=b"abc"),
        arrives("POST /x", "Content-Length: 3", body=b"abc"), ok(), ends=CLOSES, half_closes=True, ours=True),
    row("nothing said", _CLOSING, b"", b"", b"", ends=CLOSES, half_closes=True),
    row("the end in a request line", "RFC 9112 §8", b"GET /x HT", b"", b"", ends=CLOSES, half_closes=True),
    row("the end in a field", "RFC 9112 §8", b"GET /x HTTP/1.1\r\nHost: exa", b"", b"", ends=CLOSES, half_closes=True),
    row("the end before the empty line", "RFC 9112 §8", b"GET /x HTTP/1.1\r\nHost: example\r\n", b"", b"", ends=CLOSES,
        half_closes=True),
    row("the end in a body", "RFC 9112 §8", post("Content-Length: 9", body=b"abc"),
        arrives("POST /x", "Content-Length: 9", body=b"abc------"), b"", ends=CLOSES, half_closes=True, partly=True),
]
