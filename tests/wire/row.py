"""A row of the wire table, and short ways to write one down.

Expected bytes may hold the markers that template.py explains; `{added}` is the block of lines that Sidegate adds.
"""

import re
from dataclasses import dataclass

OPEN, CLOSES, RESETS, TUNNEL = "stays open", "closes", "is reset", "is a tunnel"
KEEPS, THEN_CLOSES, THEN_RESETS = "keeps its connection", "closes", "resets"

ADDED = "{added}"
_ADDED_LINE = b"{added}\r\n"  # the lines of the block bring their own ends
CHUNKED = "Transfer-Encoding: chunked"
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_METHOD = re.compile(rb"([A-Z]+) [^ \r\n]+ HTTP/1\.[01]\r\n")


@dataclass(frozen=True)
class Row:
    """Where `sends` has several pieces, each waits for the piece of `answer` that answers the one before it."""

    name: str
    source: str  # what it rests on, several parted by "; "
    sends: tuple  # what the client sends, piece by piece
    origin: bytes  # what arrives at the origin; with `partly` at most that, and never all of it
    answer: tuple  # what the client gets, piece by piece
    ends: str = OPEN  # what becomes of the client's connection
    origin_sends: tuple = (OK,)  # what it answers to the first request, the second, …; the last repeats; b"": it closes
    origin_early: bytes = b""  # what it says before that, when it has the head and nothing else
    origin_then: str = KEEPS
    half_closes: bool = False  # the client closes its sending side behind the last piece
    partly: bool = False
    gateway: str = "plain"
    ours: bool = False  # it rests on our own rule alone, so that no other proxy is measured by it
    upgrades: bool = False  # it needs a proxy that forwards upgrades

    @property
    def is_followed(self):
        """Whether a request is sent right behind it, which must be neither answered nor forwarded. (Where the answer
        comes before the request has, what is sent next would be more of the request.)"""
        return self.ends == CLOSES and not self.half_closes and not self.origin_early

    @property
    def methods(self):
        """The methods of the requests in `sends`, in order: the answer to HEAD has no body."""
        return [method.decode() for piece in self.sends for method in _METHOD.findall(piece)]


def row(name, source, sends, origin, answer=None, **more):
    """A row with its pieces as tuples. An answer that is left out is the origin's plain one."""
    if "origin_sends" in more:
        more["origin_sends"] = _pieces(more["origin_sends"])
    return Row(name, source, _pieces(sends), origin, _pieces(ok() if answer is None else answer), **more)


def _pieces(value):
    return value if isinstance(value, tuple) else (value,)


def refused(name, source, sends, status=400, *fields, **more):
    """A row whose request is answered by Sidegate with an error, its connection closed, and nothing forwarded."""
    head = sends.startswith(b"HEAD ")
    return row(name, source, sends, more.pop("origin", b""), own(status, *fields, head=head), ends=CLOSES, **more)


def broken(name, source, origin_sends, answer=None, **more):
    """A row whose origin breaks HTTP: 502, or a reset once the head of its answer (given here) is out. It is a POST,
    which is not tried a second time."""
    if answer is None:
        return row(name, source, post(), arrives("POST /x"), own(502, closes=False), origin_sends=origin_sends, **more)
    return row(name, source, get(), arrives("GET /x"), answer, origin_sends=origin_sends, ends=RESETS, **more)


# -- what is sent

def message(start, *lines, body=b""):
    """A start line, field lines and a body. Text stands for its bytes in Latin-1."""
    return "".join(line + "\r\n" for line in (start, *lines, "")).encode("latin-1") + body


def request(start, *fields, host="example", body=b"", version="HTTP/1.1"):
    lines = fields if host is None else (f"Host: {host}", *fields)
    return message(f"{start} {version}", *lines, body=body)


def get(target="/x", *fields, **more):
    return request(f"GET {target}", *fields, **more)


def post(*fields, body=b"", target="/x", **more):
    """A POST that says itself how it is framed."""
    return request(f"POST {target}", *fields, body=body, **more)


def chunked(*pieces, trailers=()):
    """A chunked body."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return data + b"0\r\n" + "".join(line + "\r\n" for line in (*trailers, "")).encode("latin-1")


def answers(status, *fields, body=b""):
    """An answer of the origin; a body gets no length of its own accord."""
    return message(f"HTTP/1.1 {status}", *fields, body=body)


# -- what is expected

def arrives(start, *fields, host="example", added=None, injected=(), body=b""):
    """A request as it arrives at the origin: the caller's lines that passed, the lines added, the lines injected."""
    lines = fields if host is None else (f"Host: {host}", *fields)
    if added is None:
        added = (ADDED,) if host in ("example", None) else lines_added(host)
    return message(f"{start} HTTP/1.1", *lines, *added, *injected, body=body).replace(_ADDED_LINE, ADDED.encode())


def lines_added(host="example", *, ip="127.0.0.1", for_=None, proto="http", port="{port}", forwarded_host=None,
                forwarded=None, request_id="{id}", trace=True):
    """The block that `{added}` stands for, line by line, where something in it is not as usual."""
    forwarded_host = forwarded_host or host
    own_forwarded = f"for={ip};proto=http" + (f';host="{host}"' if host else "")
    return (
        f"X-Forwarded-For: {for_ or ip}",
        f"X-Forwarded-Proto: {proto}",
        f"X-Forwarded-Port: {port}",
        *([f"X-Forwarded-Host: {forwarded_host}"] if forwarded_host else []),
        f"Forwarded: {forwarded or own_forwarded}",
        f"X-Request-Id: {request_id}",
        *(["traceparent: 00-{hex32}-{hex16}-01"] if trace else []),
    )


def relayed(status, *fields, body=b"", closes=False, then=()):
    """The origin's answer as the client gets it: its lines that passed, then Sidegate's."""
    lines = (*fields, "X-Request-Id: {id}", *(["Connection: close"] if closes else []), *then)
    return answers(status, *lines, body=body)


def ok(closes=False):
    return relayed("200 OK", "Content-Length: 2", body=b"ok", closes=closes)


_OWN = {
    400: ("Bad Request", "Bad request"),
    401: ("Unauthorized", "Invalid token"),
    403: ("Forbidden", "Insufficient permissions"),
    404: ("Not Found", "No such route"),
    405: ("Method Not Allowed", "Method not allowed"),
    413: ("Content Too Large", "Request body too large"),
    414: ("URI Too Long", "Request target too long"),
    431: ("Request Header Fields Too Large", "Request header fields too large"),
    502: ("Bad Gateway", "Bad gateway"),
    505: ("HTTP Version Not Supported", "HTTP version not supported"),
}


def own(status, *fields, error=None, head=False, closes=True):
    """An answer that Sidegate makes, whole."""
    phrase, usual = _OWN[status]
    body = b'{"error":"%s"}' % (error or usual).encode()
    return answers(f"{status} {phrase}", "Content-Type: application/json", "Cache-Control: no-store",
                   f"Content-Length: {len(body)}", "X-Request-Id: {id}", *fields,
                   *(["Connection: close"] if closes else []), body=b"" if head else body)


def unauthenticated(closes=False):
    """To a request without a credential."""
    return own(401, 'WWW-Authenticate: Bearer realm="sidegate"', error="Authentication required", closes=closes)


def invalid_token(closes=False):
    return own(401, 'WWW-Authenticate: Bearer error="invalid_token", '
                    'error_description="The access token is expired, revoked, malformed or invalid"', closes=closes)


OWN_ERRORS = {status: error for status, (_, error) in _OWN.items()}
