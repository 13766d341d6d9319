"""HTTP/1.0, HTTP/1.1 and what is neither. What is sent on is HTTP/1.1, and so is what is answered."""

from wire.row import (
    CHUNKED, CLOSES, THEN_CLOSES, answers, arrives, chunked, get, lines_added, ok, post, refused, relayed, row,
)

TITLE = "Versions"

_VERSION = "RFC 9112 §2.3"
_OTHER = "docs/requests.md: Refused at once"

_OF_1_0 = "HTTP/1.0"

ROWS = [
    row("1.0 becomes 1.1, and its connection closes", "RFC 9110 §6.2; RFC 9112 §9.3", get(version=_OF_1_0),
        arrives("GET /x"), ok(closes=True), ends=CLOSES),
    row("1.0 without a Host gets the server's", "RFC 9112 §3.2", get(version=_OF_1_0, host=None),
        arrives("GET /x", host="{origin}", added=lines_added(None)), ok(closes=True), ends=CLOSES, ours=True),
    row("1.0 in absolute form keeps its host", "RFC 9112 §3.2.2",
        get("http://inside.example/x", version=_OF_1_0, host=None),
        arrives("GET /x", host="inside.example"), ok(closes=True), ends=CLOSES, ours=True),
    row("1.0 with keep-alive stays open", "RFC 9112 §9.3", get("/x", "Connection: keep-alive", version=_OF_1_0),
        arrives("GET /x"), relayed("200 OK", "Content-Length: 2", body=b"ok", then=("Connection: keep-alive",))),
    row("1.0 with a length has its body", "RFC 9112 §6.3", post("Content-Length: 3", body=b"abc", version=_OF_1_0),
        arrives("POST /x", "Content-Length: 3", body=b"abc"), ok(closes=True), ends=CLOSES),
    row("1.0 never gets chunks", "RFC 9112 §7.1", get(version=_OF_1_0), arrives("GET /x"),
        relayed("200 OK", body=b"abc", closes=True), origin_sends=answers("200 OK", CHUNKED, body=chunked(b"a", b"bc")),
        ends=CLOSES),
    row("1.0 with keep-alive is closed where nothing else ends the answer", "RFC 9112 §6.3",
        get("/x", "Connection: keep-alive", version=_OF_1_0), arrives("GET /x"),
        relayed("200 OK", body=b"abc", closes=True), origin_sends=answers("200 OK", CHUNKED, body=chunked(b"a", b"bc")),
        ends=CLOSES),
    row("1.0 gets no interim answer", "RFC 9110 §15.2", get(version=_OF_1_0), arrives("GET /x"), ok(closes=True),
        origin_sends=answers("103 Early Hints", "Link: </a>") + answers("200 OK", "Content-Length: 2", body=b"ok"),
        ends=CLOSES),
    row("an expectation in 1.0 is ignored", "RFC 9110 §10.1.1",
        post("Content-Length: 3", "Expect: 100-continue", body=b"abc", version=_OF_1_0),
        arrives("POST /x", "Content-Length: 3", body=b"abc"), ok(closes=True), ends=CLOSES, ours=True),
    refused("Transfer-Encoding in 1.0", "RFC 9112 §6.1", post(CHUNKED, body=chunked(b"abc"), version=_OF_1_0)),
    row("an answer in 1.0 is passed on as 1.1", "RFC 9110 §6.2", get(), arrives("GET /x"),
        relayed("200 OK", CHUNKED, body=b"{chunks all of it}0\r\n\r\n"),
        origin_sends=b"HTTP/1.0 200 OK\r\n\r\nall of it", origin_then=THEN_CLOSES),
    row("an answer in 1.0 with a length", "RFC 9112 §6.3", get(), arrives("GET /x"), ok(),
        origin_sends=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", origin_then=THEN_CLOSES),
    refused("no version", _VERSION, b"GET /x\r\nHost: example\r\n\r\n", ours=True),
    refused("version in lower case", _VERSION, get(version="http/1.1")),
    refused("version of two digits", _VERSION, get(version="HTTP/1.10")),
    refused("version with a leading zero", _VERSION, get(version="HTTP/01.1")),
    refused("version with a blank inside", _VERSION, get(version="HTTP/1. 1")),
    refused("version without a minor one", _VERSION, get(version="HTTP/1")),
    refused("another protocol", _VERSION, get(version="ICY/1.1")),
    refused("1.2", _OTHER, get(version="HTTP/1.2"), 505, ours=True),
    refused("0.9", _OTHER, get(version="HTTP/0.9"), 505, ours=True),
    refused("2.0", "RFC 9110 §15.6.6", get(version="HTTP/2.0"), 505),
    refused("3.0", "RFC 9110 §15.6.6", get(version="HTTP/3.0"), 505),
    refused("the preface of HTTP/2", "RFC 9110 §15.6.6", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
]
