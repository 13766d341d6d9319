"""Every limit of a head, at the limit and one past it. No way of splitting the bytes passes one."""

from support import tokens
from wire.gateways import BODY_MAX, FIELDS_MAX, HEAD_MAX, TARGET_MAX, TOKEN_MAX
from wire.row import CHUNKED, CLOSES, answers, arrives, broken, chunked, get, invalid_token, post, refused, relayed, row

TITLE = "Limits"

CHUNK_LINE_MAX = 256
_LIMITS = "docs/configuration.md: Configuration"
_ANSWERS = "docs/requests.md: Answers that Sidegate makes"
_SMALL = {"gateway": "small", "ours": True}


def _fields(count):
    return [f"X-{number}: 1" for number in range(count)]


def _padding(size):
    """A field with which the head of a request has so many bytes."""
    return "X-Fill: " + "a" * (size - len(get("/x", "X-Fill: ")))


def _answer_padding(size):
    """A field with which the head of an answer has so many bytes."""
    return "X-Fill: " + "a" * (size - len(answers("200 OK", "Content-Length: 0", "X-Fill: ")))


def _token(size):
    """A good token of so many bytes."""
    for padding in range(size):
        found = tokens.token(exp=4102444800, padding="x" * padding)
        if len(found) == size:
            return found
    raise AssertionError(f"no token of {size} bytes")


def _extension(size):
    """The line of a chunk of one byte that has so many bytes, its end included."""
    return b"1;" + b"x" * (size - 4) + b"\r\n"


def _trailers(size):
    """A trailer section of so many bytes, the empty line included."""
    return ["X-Fill: " + "a" * (size - len("X-Fill: \r\n\r\n"))]


def _sends_trailers(trailers):
    return post(CHUNKED, body=chunked(b"a", trailers=trailers))


def _arrives_with_trailers(trailers):
    return arrives("POST /x", CHUNKED, body=b"{chunks a}" + chunked(trailers=trailers))


def _bearer(size):
    return f"Authorization: Bearer {NAMED[f'token of {size} bytes']}"


NAMED = {f"token of {size} bytes": _token(size) for size in (TOKEN_MAX, TOKEN_MAX + 1)}

_PART = arrives("POST /x", CHUNKED, body=b"{chunks a}0\r\n")
_BOUNDED = "POST /bounded/x"

ROWS = [
    row("head at its limit", _LIMITS, get("/x", _padding(HEAD_MAX)), arrives("GET /x", _padding(HEAD_MAX)), **_SMALL),
    refused("head one past its limit", "RFC 6585 §5", get("/x", _padding(HEAD_MAX + 1)), 431, **_SMALL),
    refused("head far past its limit", "RFC 6585 §5", get("/x", _padding(20 * HEAD_MAX)), 431, **_SMALL),
    refused("head past its limit without an end", "RFC 6585 §5",
            get("/x", _padding(2 * HEAD_MAX)).removesuffix(b"\r\n\r\n"), 431, **_SMALL),
    row("fields at their limit", _LIMITS, get("/x", *_fields(FIELDS_MAX - 1)),
        arrives("GET /x", *_fields(FIELDS_MAX - 1)), **_SMALL),
    refused("fields one past their limit", "RFC 6585 §5", get("/x", *_fields(FIELDS_MAX)), 431, **_SMALL),
    refused("fields that would be dropped count as well", "RFC 6585 §5", get("/x", *["X_A: 1"] * FIELDS_MAX), 431,
            **_SMALL),
    row("target at its limit", _LIMITS, get("/" + "a" * (TARGET_MAX - 1)), arrives("GET /" + "a" * (TARGET_MAX - 1)),
        **_SMALL),
    refused("target one past its limit", "RFC 9112 §3", get("/" + "a" * TARGET_MAX), 414, **_SMALL),
    row("target at its limit, with a query", _LIMITS, get("/a?" + "b" * (TARGET_MAX - 3)),
        arrives("GET /a?" + "b" * (TARGET_MAX - 3)), **_SMALL),
    refused("target one past its limit, with a query", "RFC 9112 §3", get("/a?" + "b" * (TARGET_MAX - 2)), 414,
            **_SMALL),
    refused("target that would be shorter once it is canonical", "RFC 9112 §3", get("/./" * 43), 414, **_SMALL),
    refused("target far past its limit", "RFC 9112 §3", get("/" + "a" * 20 * HEAD_MAX), 414, **_SMALL),
    refused("target past its limit without an end", "RFC 9112 §3", b"GET /" + b"a" * 2 * TARGET_MAX, 414, **_SMALL),
    refused("method without an end", "RFC 9112 §3", b"G" * 2 * HEAD_MAX, half_closes=True, **_SMALL),
    row("token at its limit", _LIMITS, get("/private/x", _bearer(TOKEN_MAX)),
        arrives("GET /private/x", _bearer(TOKEN_MAX),
                injected=("X-User-Id: 42", "X-User-Type: staff", "X-Auth-Method: staff")), **_SMALL),
    row("token one past its limit", _ANSWERS, get("/private/x", _bearer(TOKEN_MAX + 1)), b"",
        invalid_token(closes=True), ends=CLOSES, **_SMALL),
    row("chunk line at its limit", "RFC 9112 §7.1.1",
        post(CHUNKED, body=_extension(CHUNK_LINE_MAX) + b"a\r\n0\r\n\r\n"),
        arrives("POST /x", CHUNKED, body=b"{chunks a}0\r\n\r\n"), **_SMALL),
    refused("chunk line one past its limit", "RFC 9112 §7.1.1",
            post(CHUNKED, body=_extension(CHUNK_LINE_MAX + 1) + b"a\r\n0\r\n\r\n"),
            origin=_PART, partly=True, **_SMALL),
    refused("chunk line without an end", "RFC 9112 §7.1.1", post(CHUNKED, body=b"1;" + b"x" * 4 * CHUNK_LINE_MAX),
            origin=_PART, partly=True, **_SMALL),
    *(row(f"{name} at their limit", _LIMITS, _sends_trailers(trailers), _arrives_with_trailers(trailers), **_SMALL)
      for name, trailers in (("trailers, in bytes,", _trailers(HEAD_MAX)),
                             ("trailers, in lines,", _fields(FIELDS_MAX)))),
    *(refused(f"{name} one past their limit", _LIMITS, _sends_trailers(trailers),
              origin=_arrives_with_trailers(trailers), partly=True, **_SMALL)
      for name, trailers in (("trailers, in bytes,", _trailers(HEAD_MAX + 1)),
                             ("trailers, in lines,", _fields(FIELDS_MAX + 1)))),
    row("body at its limit", _LIMITS, post(f"Content-Length: {BODY_MAX}", body=b"a" * BODY_MAX, target="/bounded/x"),
        arrives(_BOUNDED, f"Content-Length: {BODY_MAX}", body=b"a" * BODY_MAX), **_SMALL),
    refused("body one past its limit", "RFC 9110 §15.5.14",
            post(f"Content-Length: {BODY_MAX + 1}", body=b"a" * (BODY_MAX + 1), target="/bounded/x"), 413, **_SMALL),
    refused("body that says that it will be past its limit", "RFC 9110 §15.5.14",
            post("Content-Length: 18446744073709551615", target="/bounded/x"), 413, **_SMALL),
    row("chunks at the limit of a body", _LIMITS, post(CHUNKED, body=chunked(b"a" * BODY_MAX), target="/bounded/x"),
        arrives(_BOUNDED, CHUNKED, body=b"{chunks %s}0\r\n\r\n" % (b"a" * BODY_MAX)), **_SMALL),
    refused("chunks one past the limit of a body", "RFC 9110 §15.5.14",
            post(CHUNKED, body=chunked(b"a" * BODY_MAX, b"b"), target="/bounded/x"), 413,
            origin=arrives(_BOUNDED, CHUNKED, body=b"{chunks %s}0" % (b"a" * BODY_MAX)), partly=True, **_SMALL),
    refused("one chunk one past the limit of a body", "RFC 9110 §15.5.14",
            post(CHUNKED, body=chunked(b"a" * (BODY_MAX + 1)), target="/bounded/x"), 413,
            origin=arrives(_BOUNDED, CHUNKED, body=b"{chunks %s}0" % (b"a" * BODY_MAX)), partly=True, **_SMALL),
    row("answer's head at its limit", _LIMITS, get(), arrives("GET /x"),
        relayed("200 OK", "Content-Length: 0", _answer_padding(HEAD_MAX)),
        origin_sends=answers("200 OK", "Content-Length: 0", _answer_padding(HEAD_MAX)), **_SMALL),
    broken("answer's head one past its limit", _LIMITS,
           answers("200 OK", "Content-Length: 0", _answer_padding(HEAD_MAX + 1)), **_SMALL),
    row("answer's fields at their limit", _LIMITS, get(), arrives("GET /x"),
        relayed("200 OK", "Content-Length: 0", *_fields(FIELDS_MAX - 1)),
        origin_sends=answers("200 OK", "Content-Length: 0", *_fields(FIELDS_MAX - 1)), **_SMALL),
    broken("answer's fields one past their limit", _LIMITS, answers("200 OK", "Content-Length: 0", *_fields(FIELDS_MAX)),
           **_SMALL),
]
