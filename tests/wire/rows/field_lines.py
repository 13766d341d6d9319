"""A name that is a token, a colon, a value without control characters, CR LF. What passes, passes unchanged."""

from wire.row import arrives, get, post, refused, request, row

TITLE = "Field lines"

_LINE = "RFC 9112 §5"
_COLON = "RFC 9112 §5.1"
_FOLDING = "RFC 9112 §5.2"
_VALUE = "RFC 9110 §5.5"
_NAME = "RFC 9110 §5.1"
_VARIABLES = "docs/requests.md: What is forwarded"
_REFUSED = "docs/requests.md: Refused at once"


def _raw(*lines):
    """A request whose lines are given as they are."""
    return b"GET /x HTTP/1.1\r\nHost: example\r\n" + b"".join(lines) + b"\r\n"


def _passing(name, source, *fields, **more):
    return row(name, source, get("/x", *fields), arrives("GET /x", *fields), **more)


def _dropped(name, field):
    """A name that a server may make the same variable of as another's."""
    return row(name, _VARIABLES + "; CVE-2025-64484", get("/x", field, "X-Kept: 1"), arrives("GET /x", "X-Kept: 1"),
               ours=True)


ROWS = [
    _passing("the order of fields stays", "RFC 9110 §5.3", "Accept: a", "X-B: 1", "accept: b", "X-b: 2"),
    _passing("an empty value", _VALUE, "X-Empty:"),
    _passing("blanks within a value", _VALUE, "X-A: a  b\tc"),
    _passing("bytes above 0x7F in a value", _VALUE, "X-A: \xe9\xff"),
    _passing("a colon and quotes in a value", _VALUE, 'X-A: "a:b": c'),
    _passing("no blank after the colon", _LINE, "X-A:a"),
    _passing("a long value", _VALUE, "X-A: " + "a" * 4000),
    _passing("digits and hyphens in a name", _NAME, "X-1-2--3: a"),
    _passing("credentials that nobody here reads", "RFC 9110 §11.6.2", "Authorization: Basic eDp5", "Cookie: a=1; b=2"),
    _passing("two Cookie fields", "RFC 6265 §5.4", "Cookie: a=1", "Cookie: b=2"),
    _passing("conditional and range fields", "RFC 9110 §13", "If-None-Match: \"x\"", "Range: bytes=0-1"),
    row("white space around a value", _LINE, get("/x", "X-A: \t a \t "), arrives("GET /x", "X-A: \t a \t ")),
    _dropped("underscore in a name", "X_A: 1"),
    _dropped("dot in a name", "X.A: 1"),
    _dropped("other token characters in a name", "X!#$%&'*+^`|~A: 1"),
    _dropped("a name that gunicorn takes off the path", "SCRIPT_NAME: /x"),
    _dropped("a name that CGI makes of the method", "REQUEST_METHOD: POST"),
    refused("bare LF after a field", _REFUSED, _raw(b"X-A: 1\n"), ours=True),
    refused("bare LF at the end of the head", _REFUSED, b"GET /x HTTP/1.1\r\nHost: example\r\n\n", ours=True),
    refused("bare LF hides a second field", _REFUSED, _raw(b"X-A: 1\nX-User-Id: 1\r\n"), ours=True),
    refused("bare CR in a value", "RFC 9112 §2.2", _raw(b"X-A: a\rb\r\n")),
    refused("bare CR as the end of a line", "RFC 9112 §2.2", b"GET /x HTTP/1.1\r\nHost: example\rX-A: 1\r\n\r\n"),
    refused("CR CR LF after a field", "RFC 9112 §2.2", _raw(b"X-A: 1\r\r\n")),
    refused("bare CR before a name", "RFC 9112 §2.2", _raw(b"\rX-A: 1\r\n")),
    refused("folded value", _FOLDING, _raw(b"X-A: a\r\n b\r\n"), ours=True),
    refused("folded value with a tab", _FOLDING, _raw(b"X-A: a\r\n\tb\r\n"), ours=True),
    refused("folded Content-Length", _FOLDING, _raw(b"Content-Length:\r\n 3\r\n"), ours=True),
    refused("a line of blanks", _FOLDING, _raw(b"X-A: a\r\n \r\n"), ours=True),
    refused("white space before the first field", "RFC 9112 §2.2", b"GET /x HTTP/1.1\r\n Host: example\r\n\r\n"),
    refused("space before the colon", _COLON, get("/x", "X-A : 1")),
    refused("tab before the colon", _COLON, get("/x", "X-A\t: 1")),
    refused("space before the colon of Content-Length", _COLON, post("Content-Length : 3", body=b"abc")),
    refused("space before the colon of Transfer-Encoding", _COLON,
            post("Transfer-Encoding : chunked", body=b"0\r\n\r\n")),
    refused("space before the colon of Host", _COLON, request("GET /x", "Host : example", host=None)),
    refused("no colon", _LINE, get("/x", "nonsense"), ours=True),
    refused("no name", "CVE-2023-25725", get("/x", ": 1")),
    refused("no name and no value", "CVE-2023-25725", get("/x", ":")),
    refused("no name, hiding the length behind it", "CVE-2023-25725", post(": 1", "Content-Length: 3", body=b"abc")),
    refused("space in a name", _NAME, get("/x", "X A: 1")),
    refused("bracket in a name", _NAME, get("/x", "X(A: 1"), ours=True),
    refused("quotation marks around a name", _NAME, get("/x", '"X-A": 1'), ours=True),
    refused("slash in a name", _NAME, get("/x", "X/A: 1"), ours=True),
    refused("byte above 0x7F in a name", _NAME, get("/x", "X\xe9: 1"), ours=True),
    refused("NUL in a name", _NAME, get("/x", "X\0A: 1")),
    refused("control character in a name", _NAME, get("/x", "X\x01A: 1"), ours=True),
    refused("NUL in a value", _VALUE, get("/x", "X-A: a\0b")),
    refused("NUL at the end of a value", _VALUE, get("/x", "X-A: a\0")),
    refused("control character in a value", _VALUE, get("/x", "X-A: a\x01b"), ours=True),
    refused("escape in a value", _VALUE, get("/x", "X-A: \x1b[2J"), ours=True),
    refused("vertical tab in a value", _VALUE, get("/x", "X-A: a\x0bb"), ours=True),
    refused("DEL in a value", _VALUE, get("/x", "X-A: a\x7fb"), ours=True),
]
