"""The first line of a request: a method, a target and a version with one space between them."""

from wire.row import arrives, get, refused, request, row

TITLE = "Request line"

_LINE = "RFC 9112 §3"
_METHOD = "RFC 9110 §9.1"
_OURS = "docs/requests.md: Refused at once"

_PASSING = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"]
_WITHOUT_CONNECT = "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH"

ROWS = [
    *(row(f"{method} passes", _METHOD, request(f"{method} /x"), arrives(f"{method} /x")) for method in _PASSING),
    row("TRACE passes", _METHOD, request("TRACE /x"), arrives("TRACE /x"), ours=True),
    row("a method in lower case is another method, and passes", _METHOD, request("get /x"), arrives("get /x")),
    row("a method of every character that a token may have passes", "RFC 9110 §5.6.2", request("!#$%&'*+-.^_`|~9A /x"),
        arrives("!#$%&'*+-.^_`|~9A /x")),
    row("the query passes", _LINE, get("/x?y=1&z"), arrives("GET /x?y=1&z")),
    row("one empty line before a request is skipped", "RFC 9112 §2.2", b"\r\n" + get(), arrives("GET /x")),
    refused("two empty lines before a request", "RFC 9112 §2.2", b"\r\n\r\n" + get(), ours=True),
    refused("a bare LF before a request", "RFC 9112 §2.2", b"\n" + get(), ours=True),
    refused("bare LF after the request line", _OURS, b"GET /x HTTP/1.1\nHost: example\r\n\r\n", ours=True),
    refused("bare LF everywhere", _OURS, b"GET /x HTTP/1.1\nHost: example\n\n", ours=True),
    refused("bare CR after the request line", "RFC 9112 §2.2", b"GET /x HTTP/1.1\rHost: example\r\n\r\n"),
    refused("CR CR LF after the request line", "RFC 9112 §2.2", b"GET /x HTTP/1.1\r\r\nHost: example\r\n\r\n"),
    refused("bare CR between method and target", "RFC 9112 §2.2", get().replace(b"GET ", b"GET\r")),
    refused("two spaces after the method", _LINE, get().replace(b"GET ", b"GET  "), ours=True),
    refused("two spaces after the target", _LINE, get().replace(b"/x ", b"/x  "), ours=True),
    refused("tab after the method", _LINE, get().replace(b"GET ", b"GET\t"), ours=True),
    refused("vertical tab after the method", _LINE, get().replace(b"GET ", b"GET\x0b")),
    refused("space before the method", _LINE, b" " + get(), ours=True),
    refused("space after the version", _LINE, get(version="HTTP/1.1 "), ours=True),
    refused("space in the target", "RFC 9112 §3.2", get("/x y")),
    refused("no target", _LINE, b"GET HTTP/1.1\r\nHost: example\r\n\r\n"),
    refused("no method", _LINE, get().replace(b"GET", b"")),
    refused("only a method", _LINE, b"GET\r\nHost: example\r\n\r\n"),
    refused("bracket in the method", _METHOD, get().replace(b"GET", b"G(T")),
    refused("colon in the method", _METHOD, get().replace(b"GET", b"GET:")),
    refused("NUL in the method", _METHOD, get().replace(b"GET", b"G\0T")),
    refused("byte above 0x7F in the method", _METHOD, get().replace(b"GET", b"G\xcbT")),
    refused("NUL in the target", "RFC 9112 §3.2", get("/x\0y")),
    refused("a TLS hello", "RFC 9112 §2.2", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(32) + b"\r\n\r\n"),
    *(refused(name, "RFC 9110 §9.3.6", request(start), 405, _WITHOUT_CONNECT, ours=True) for name, start in (
        ("CONNECT", "CONNECT example:443"), ("CONNECT with a path", "CONNECT /x"),
        ("CONNECT with an absolute target", "CONNECT http://example/"))),
]
