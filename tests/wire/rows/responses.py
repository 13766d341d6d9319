"""What the origin answers is read as strictly as a request, and taken for the one answer that is awaited."""

from wire.row import (
    CHUNKED, OK, THEN_CLOSES, THEN_RESETS, answers, arrives, broken, chunked, get, ok, relayed, request, row,
)

TITLE = "Answers of the origin"

_STATUS_LINE = "RFC 9112 §4"
_BODY = "RFC 9112 §6.3"
_CODES = "RFC 9110 §15"
_INCOMPLETE = "RFC 9112 §8"
_BROKEN = "docs/requests.md: What is forwarded"
_OURS = {"ours": True}


def _passing(name, source, origin_sends, answer, sends=None, **more):
    start = (sends or get()).partition(b" HTTP")[0].decode()
    return row(name, source, sends or get(), arrives(start), answer, origin_sends=origin_sends, **more)


def _status(status, *fields, body=b"ok"):
    lines = (*fields, f"Content-Length: {len(body)}")
    return _passing(f"{status} passes", _CODES, answers(status, *lines, body=body), relayed(status, *lines, body=body))


def _cut_off(name, origin_sends, answer, **more):
    """The client must see that it has not got everything."""
    return broken(name, _INCOMPLETE, origin_sends, answer, **{"origin_then": THEN_CLOSES, **more})


def _bad_head(name, source, *fields, body=b"", **more):
    return broken(name, source, answers("200 OK", *fields, body=body), **{**_OURS, **more})


_CHUNKED_OK = relayed("200 OK", CHUNKED, body=b"{chunks abc}")
_POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

ROWS = [
    _status("200 OK"), _status("201 Created"), _status("302 Found", "Location: /y"),
    _status("401 Unauthorized", "WWW-Authenticate: Digest"),
    _status("404 Not Found"), _status("418 I'm a teapot"), _status("500 Internal Server Error"),
    _status("502 Bad Gateway"),
    _status("503 Service Unavailable", "Retry-After: 1"), _status("299 Chosen"), _status("599 Chosen"),
    _passing("fields pass unchanged and in order", "RFC 9110 §5.3",
             answers("200 OK", "Set-Cookie: a=1", "X-B:  1 ", "set-cookie: b=2", "Content-Length: 0", "X-Empty:"),
             relayed("200 OK", "Set-Cookie: a=1", "X-B:  1 ", "set-cookie: b=2", "Content-Length: 0", "X-Empty:")),
    _passing("a phrase in other letters", _STATUS_LINE, b"HTTP/1.1 200 tr\xe8s bien\r\nContent-Length: 0\r\n\r\n",
             relayed("200 tr\xe8s bien", "Content-Length: 0")),
    _passing("an empty phrase", _STATUS_LINE, answers("200 ", "Content-Length: 0"),
             relayed("200 ", "Content-Length: 0")),
    _passing("no phrase and no blank before it", _STATUS_LINE, answers("200", "Content-Length: 0"),
             relayed("200 ", "Content-Length: 0"), **_OURS),
    _passing("chunked", "RFC 9112 §7.1", answers("200 OK", CHUNKED, body=chunked(b"ab", b"c")),
             relayed("200 OK", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    _passing("chunk extensions are dropped", "RFC 9112 §7.1.1",
             answers("200 OK", CHUNKED, body=b'3;a="b"\r\nabc\r\n0;c\r\n\r\n'),
             relayed("200 OK", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    _passing("an answer that ends with its connection", _BODY, answers("200 OK", body=b"all of it"),
             relayed("200 OK", CHUNKED, body=b"{chunks all of it}0\r\n\r\n"), origin_then=THEN_CLOSES),
    _passing("a length of nothing", _BODY, answers("200 OK", "Content-Length: 0"),
             relayed("200 OK", "Content-Length: 0")),
    # no body
    _passing("HEAD with a length", "RFC 9110 §9.3.2", answers("200 OK", "Content-Length: 1000"),
              relayed("200 OK", "Content-Length: 1000"), sends=request("HEAD /x")),
    _passing("HEAD without a length", "RFC 9110 §9.3.2", answers("200 OK", "X-A: 1"), relayed("200 OK", "X-A: 1"),
              sends=request("HEAD /x")),
    _passing("HEAD answered with a body after all", "RFC 9112 §6.3", OK, relayed("200 OK", "Content-Length: 2"),
              sends=request("HEAD /x")),
    _passing("204", "RFC 9110 §15.3.5", answers("204 No Content"), relayed("204 No Content")),
    _passing("204 with a length", "RFC 9110 §8.6", answers("204 No Content", "Content-Length: 0"),
             relayed("204 No Content"),
              **_OURS),
    _passing("204 with a body after all", _BODY, answers("204 No Content", body=_POISON), relayed("204 No Content")),
    _passing("304", "RFC 9110 §15.4.5", answers("304 Not Modified", 'ETag: "x"'),
             relayed("304 Not Modified", 'ETag: "x"')),
    _passing("304 with a length", "RFC 9110 §8.6", answers("304 Not Modified", "Content-Length: 1000"),
              relayed("304 Not Modified", "Content-Length: 1000")),
    # more than was asked for
    _passing("a second answer is nobody's", "RFC 9112 §9.2", OK + _POISON, ok()),
    _passing("bytes behind a chunked answer are nobody's", "RFC 9112 §9.2",
             answers("200 OK", CHUNKED, body=chunked(b"abc") + _POISON),
             relayed("200 OK", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    _passing("a body longer than its length", "RFC 9112 §9.2", answers("200 OK", "Content-Length: 2", body=b"okmore"),
             ok()),
    # heads that break HTTP
    broken("no answer", _INCOMPLETE, b""),
    broken("a reset in the place of an answer", _INCOMPLETE, b"", origin_then=THEN_RESETS),
    broken("half a head", _INCOMPLETE, b"HTTP/1.1 200 OK\r\nContent-Le", origin_then=THEN_CLOSES),
    broken("not HTTP", _STATUS_LINE, b"SSH-2.0-x\r\n\r\n"),
    broken("a request in the place of an answer", _STATUS_LINE, get()),
    broken("an empty line first", _STATUS_LINE, b"\r\n" + OK, **_OURS),
    broken("another major version", _STATUS_LINE, OK.replace(b"1.1", b"2.0"), **_OURS),
    broken("a version that is none", _STATUS_LINE, OK.replace(b"1.1", b"1.x")),
    broken("a status that is a word", _STATUS_LINE, OK.replace(b"200", b"abc")),
    broken("a status of two digits", _STATUS_LINE, OK.replace(b"200", b"20")),
    broken("a status of four digits", _STATUS_LINE, OK.replace(b"200", b"2000")),
    broken("a status below 100", _CODES, OK.replace(b"200", b"099"), **_OURS),
    broken("two blanks before the status", _STATUS_LINE, OK.replace(b" 200", b"  200"), **_OURS),
    broken("NUL in the phrase", _STATUS_LINE, OK.replace(b"OK", b"O\0K")),
    broken("bare LF", "docs/requests.md: Refused at once", OK.replace(b"\r\n", b"\n"), **_OURS),
    _bad_head("space before the colon", "RFC 9112 §5.1", "X-A : 1", "Content-Length: 0"),
    _bad_head("folded value", "RFC 9112 §5.2", "X-A: a\r\n b", "Content-Length: 0"),
    _bad_head("no colon", "RFC 9112 §5", "nonsense", "Content-Length: 0"),
    _bad_head("no name", "RFC 9112 §5", ": 1", "Content-Length: 0"),
    _bad_head("bare CR in a value", "RFC 9112 §2.2", "X-A: a\rb", "Content-Length: 0"),
    _bad_head("bare LF in a value", "RFC 9112 §2.2", "X-A: a\nSet-Cookie: b=1", "Content-Length: 0"),
    _bad_head("NUL in a value", "RFC 9110 §5.5", "X-A: a\0b", "Content-Length: 0", ours=False),
    _bad_head("both framings", _BODY, CHUNKED, "Content-Length: 3", body=chunked()),
    _bad_head("both framings, the length first", _BODY, "Content-Length: 3", CHUNKED, body=chunked()),
    _bad_head("two lengths that differ", _BODY, "Content-Length: 3", "Content-Length: 4", body=b"abcd", ours=False),
    _bad_head("two lengths that are the same", _BODY, "Content-Length: 3", "Content-Length: 3", body=b"abc"),
    _bad_head("a negative length", _BODY, "Content-Length: -1", ours=False),
    _bad_head("a length with a letter", _BODY, "Content-Length: 3x", body=b"abc", ours=False),
    _bad_head("an empty length", _BODY, "Content-Length:", body=b"abc", ours=False),
    _bad_head("a length of 2^64 + 3", _BODY, "Content-Length: 18446744073709551619", body=b"abc", ours=False),
    _bad_head("gzip as transfer coding", _BODY, "Transfer-Encoding: gzip", body=b"abc"),
    _bad_head("gzip, chunked as transfer coding", _BODY, "Transfer-Encoding: gzip, chunked", body=chunked(b"abc")),
    _bad_head("chunked twice", _BODY, CHUNKED, CHUNKED, body=chunked(b"abc")),
    broken("chunked in 1.0", "RFC 9112 §6.1; Beast before v361",
           b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", **_OURS),
    broken("101 that nobody asked for", "RFC 9110 §7.8",
           answers("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", body=b"frames"), **_OURS),
    # bodies that break off
    _cut_off("cut off before its length", answers("200 OK", "Content-Length: 9", body=b"abc"),
             relayed("200 OK", "Content-Length: 9", body=b"abc")),
    _cut_off("reset before its length", answers("200 OK", "Content-Length: 9", body=b"abc"),
             relayed("200 OK", "Content-Length: 9", body=b"abc"), origin_then=THEN_RESETS),
    _cut_off("reset before its end", answers("200 OK", body=b"abc"), _CHUNKED_OK, origin_then=THEN_RESETS),
    _cut_off("cut off before a chunk", answers("200 OK", CHUNKED, body=b"3\r\nabc\r\n"), _CHUNKED_OK),
    _cut_off("cut off in a chunk", answers("200 OK", CHUNKED, body=b"5\r\nabc"), _CHUNKED_OK),
    _cut_off("cut off in a size", answers("200 OK", CHUNKED, body=b"3\r\nabc\r\n1"), _CHUNKED_OK),
    _cut_off("cut off before the trailers end", answers("200 OK", CHUNKED, body=b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n"),
             relayed("200 OK", CHUNKED, body=b"{chunks abc}0\r\nX-Sum: 1\r\n")),
    *(broken(name, source, answers("200 OK", CHUNKED, body=body), _CHUNKED_OK) for name, source, body in (
        ("a chunk size that is a word", "RFC 9112 §7.1", b"3\r\nabc\r\nxyz\r\n"),
        ("a chunk size with bare LF", "RFC 9112 §7.1", b"3\r\nabc\r\n3\nabc\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "RFC 9112 §7.1", b"3\r\nabcd\r\n0\r\n\r\n"),
        ("a chunk size of 2^64", "RFC 9112 §7.1", b"3\r\nabc\r\n10000000000000000\r\nabc\r\n"))),
    broken("a trailer without a colon", "RFC 9112 §7.1.2",
           answers("200 OK", CHUNKED, body=b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n"), _CHUNKED_OK + b"0\r\n", **_OURS),
]
