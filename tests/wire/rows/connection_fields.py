"""Fields of one connection end with it, both ways, and `Connection` cannot name away what a request is read by."""

from wire.row import CLOSES, OK, answers, arrives, get, ok, own, post, refused, relayed, row

TITLE = "Fields of the connection"

_HOP = "RFC 9110 §7.6.1"
_PERSISTENCE = "RFC 9112 §9.3"
_PROTECTED = "docs/requests.md: What is forwarded"


def _dropped(name, *fields, source=_HOP, **more):
    return row(name, source, get("/x", *fields, "X-Kept: 1"), arrives("GET /x", "X-Kept: 1"), **more)


def _of_answer(name, *fields, source=_HOP):
    return row(name, source, get(), arrives("GET /x"), relayed("200 OK", "Content-Length: 2", "X-Kept: 1", body=b"ok"),
               origin_sends=answers("200 OK", "Content-Length: 2", *fields, "X-Kept: 1", body=b"ok"))


ROWS = [
    _dropped("Connection: keep-alive", "Connection: keep-alive"),
    _dropped("what Connection names", "Connection: X-Mine", "X-Mine: 1"),
    _dropped("what Connection names, in other letters", "connection: keep-alive, x-MINE", "X-Mine: 1"),
    _dropped("what Connection names, before it", "X-Mine: 1", "Connection: X-Mine"),
    _dropped("what two Connection fields name", "Connection: X-Mine", "X-Mine: 1", "Connection: X-Other", "X-Other: 2"),
    _dropped("what Connection names among empty items", "Connection: , ,X-Mine\t,", "X-Mine: 1"),
    _dropped("every field of a name that Connection names", "Connection: X-Mine", "X-Mine: 1", "X-Mine: 2"),
    _dropped("Keep-Alive", "Keep-Alive: timeout=5"),
    _dropped("Proxy-Connection", "Proxy-Connection: keep-alive"),
    _dropped("TE", "Connection: TE", "TE: trailers"),
    _dropped("TE that Connection does not name", "TE: trailers"),
    _dropped("Upgrade", "Connection: Upgrade", "Upgrade: h2c"),
    _dropped("Upgrade that Connection does not name", "Upgrade: h2c"),
    _dropped("Proxy-Authorization", "Proxy-Authorization: Basic eDp5", source="RFC 9110 §11.7.2", ours=True),
    row("Connection cannot name Host away", _PROTECTED, get("/x", "Connection: host"), arrives("GET /x")),
    row("Connection cannot name Content-Length away", _PROTECTED,
        post("Connection: content-length", "Content-Length: 3", body=b"abc"),
        arrives("POST /x", "Content-Length: 3", body=b"abc")),
    row("Connection cannot name Transfer-Encoding away", _PROTECTED,
        post("Connection: transfer-encoding", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
        arrives("POST /x", "Transfer-Encoding: chunked", body=b"{chunks abc}0\r\n\r\n")),
    row("Connection cannot name credentials away", _PROTECTED,
        get("/x", "Connection: cookie, authorization", "Cookie: a=1", "Authorization: Basic eDp5"),
        arrives("GET /x", "Cookie: a=1", "Authorization: Basic eDp5"), ours=True),
    row("Connection cannot name away what is added", "CVE-2024-45410",
        get("/x", "Connection: x-forwarded-for, forwarded, x-request-id"), arrives("GET /x"), ours=True),
    row("Connection: close closes", _PERSISTENCE, get("/x", "Connection: close"), arrives("GET /x"), ok(closes=True),
        ends=CLOSES),
    row("Connection: close among others closes", _PERSISTENCE, get("/x", "Connection: X-Mine, CLOSE", "X-Mine: 1"),
        arrives("GET /x"), ok(closes=True), ends=CLOSES),
    row("Connection: close wins over keep-alive", _PERSISTENCE,
        get("/x", "Connection: keep-alive", "Connection: close"), arrives("GET /x"), ok(closes=True), ends=CLOSES),
    row("a name that begins like close does not close", _PERSISTENCE, get("/x", "Connection: closed"),
        arrives("GET /x")),
    row("Connection: close with a refusal", _PERSISTENCE, get("/..", "Connection: close"), b"", own(400), ends=CLOSES,
        ours=True),
    row("a list of options of 1,024 bytes", "docs/requests.md: Refused at once", get("/x", "Connection: " + "z," * 512),
        arrives("GET /x"), ours=True),
    refused("a list of options that is longer", "docs/requests.md: Refused at once",
            get("/x", "Connection: " + "z," * 513), 431, ours=True),
    _of_answer("what Connection names in an answer", "Connection: X-Mine", "X-Mine: 1"),
    _of_answer("Keep-Alive in an answer", "Connection: keep-alive", "Keep-Alive: timeout=5"),
    _of_answer("Proxy-Connection in an answer", "Proxy-Connection: keep-alive"),
    _of_answer("Upgrade in an answer", "Connection: Upgrade", "Upgrade: h2c"),
    _of_answer("TE in an answer", "TE: trailers"),
    _of_answer("Connection: close in an answer is the origin's own", "Connection: close"),
    row("an answer cannot name Content-Length away", _HOP, get(), arrives("GET /x"), ok(),
        origin_sends=answers("200 OK", "Connection: content-length", "Content-Length: 2", body=b"ok")),
    row("an answer cannot name the request id away", "docs/requests.md: Answers that Sidegate makes", get(),
        arrives("GET /x"),
        ok(), origin_sends=OK.replace(b"\r\n\r\n", b"\r\nConnection: x-request-id\r\n\r\n"), ours=True),
]
