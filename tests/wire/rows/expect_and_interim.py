"""`Expect: 100-continue`, interim answers, and answers that come before the request has."""

from wire.row import (
    CHUNKED, CLOSES, OK, THEN_CLOSES, answers, arrives, chunked, get, ok, own, post, relayed, row, unauthenticated,
)

TITLE = "Expectations and interim answers"

_EXPECT = "RFC 9110 §10.1.1"
_INTERIM = "RFC 9110 §15.2"
_EARLY = "RFC 9112 §9.3"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_MUCH = answers("413 Too Much", "Content-Length: 2", body=b"no")
_HINTS = answers("103 Early Hints", "Link: </a.css>; rel=preload")

ROWS = [
    row("the body follows once the origin wants it", _EXPECT,
        (post("Content-Length: 3", "Expect: 100-continue"), b"abc"),
        arrives("POST /x", "Content-Length: 3", "Expect: 100-continue", body=b"abc"), (_CONTINUE, ok()),
        origin_early=_CONTINUE),
    row("a chunked body follows once the origin wants it", _EXPECT,
        (post(CHUNKED, "Expect: 100-continue"), chunked(b"abc")),
        arrives("POST /x", "Expect: 100-continue", CHUNKED, body=b"{chunks abc}0\r\n\r\n"), (_CONTINUE, ok()),
        origin_early=_CONTINUE),
    row("in other letters", _EXPECT, (post("Content-Length: 3", "eXPECT: 100-Continue"), b"abc"),
        arrives("POST /x", "Content-Length: 3", "eXPECT: 100-Continue", body=b"abc"), (_CONTINUE, ok()),
        origin_early=_CONTINUE),
    row("the body comes without being waited for", _EXPECT,
        post("Content-Length: 3", "Expect: 100-continue", body=b"abc"),
        arrives("POST /x", "Content-Length: 3", "Expect: 100-continue", body=b"abc"), _CONTINUE + ok(),
        origin_early=_CONTINUE),
    row("the origin asks for the body in silence", _EXPECT,
        post("Content-Length: 3", "Expect: 100-continue", body=b"abc"),
        arrives("POST /x", "Content-Length: 3", "Expect: 100-continue", body=b"abc")),
    row("the origin does not want the body", _EXPECT, post("Content-Length: 3", "Expect: 100-continue"),
        arrives("POST /x", "Content-Length: 3", "Expect: 100-continue", body=b"abc"),
        relayed("417 No", "Content-Length: 0", closes=True),
        origin_early=answers("417 No", "Content-Length: 0"), ends=CLOSES, partly=True),
    row("nobody may upload without a credential", "docs/requests.md: Who is calling",
        post("Content-Length: 3", "Expect: 100-continue", target="/admin"), b"",
        unauthenticated(closes=True), ends=CLOSES, half_closes=True, gateway="identity", ours=True),
    row("an interim answer passes", _INTERIM, get(), arrives("GET /x"), _HINTS + ok(), origin_sends=_HINTS + OK),
    row("several interim answers pass", _INTERIM, get(), arrives("GET /x"), _HINTS * 3 + ok(),
        origin_sends=_HINTS * 3 + OK),
    row("an interim answer before a chunked one", _INTERIM, get(), arrives("GET /x"),
        _HINTS + relayed("200 OK", CHUNKED, body=b"{chunks abc}0\r\n\r\n"),
        origin_sends=_HINTS + answers("200 OK", CHUNKED, body=chunked(b"abc"))),
    row("100 passes where nothing was expected", _INTERIM, get(), arrives("GET /x"), _CONTINUE + ok(),
        origin_sends=_CONTINUE + OK),
    row("an interim answer has no body, whatever it says", "RFC 9112 §6.3", get(), arrives("GET /x"),
        answers("103 Early Hints") + ok(), origin_sends=answers("103 Early Hints", "Content-Length: 50") + OK),
    row("an interim answer keeps its fields of the connection to itself", "RFC 9110 §7.6.1", get(), arrives("GET /x"),
        _HINTS + ok(), origin_sends=_HINTS.replace(b"\r\n\r\n", b"\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\n") + OK),
    row("only an interim answer, and the end", _INTERIM, get(), arrives("GET /x"), _HINTS + own(502, closes=False),
        origin_sends=_HINTS, origin_then=THEN_CLOSES),
    row("an answer before the body has come closes", _EARLY, post("Content-Length: 1000", body=b"abc"),
        arrives("POST /x", "Content-Length: 1000", body=b"abc" + b"-" * 997),
        relayed("413 Too Much", "Content-Length: 2", body=b"no", closes=True),
        origin_early=_TOO_MUCH, ends=CLOSES, partly=True, ours=True),
    row("an answer before the chunks have come closes", _EARLY, post(CHUNKED, body=b"3\r\nabc\r\n"),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}0"),
        relayed("413 Too Much", "Content-Length: 2", body=b"no", closes=True),
        origin_early=_TOO_MUCH, ends=CLOSES, partly=True, ours=True),
]
