"""A WebSocket becomes a tunnel once the origin agrees. No other upgrade is passed on."""

from wire.row import (
    CHUNKED, CLOSES, TUNNEL, WEBSOCKET, answers, arrives, broken, chunked, get, ok, own, refused, relayed, request, row,
)

TITLE = "Upgrades"

_UPGRADE = "RFC 9110 §7.8"
_HANDSHAKE = "RFC 6455 §4"
_WAITING = "CVE-2025-64763"
_RULE = "docs/requests.md: What is forwarded"
_KEY = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
_ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_SWITCHING = "101 Switching Protocols"
_AGREED = answers(_SWITCHING, *WEBSOCKET, _ACCEPT)
_TO_ORIGIN = arrives("GET /chat", *_KEY, *WEBSOCKET)
_TO_CLIENT = relayed(_SWITCHING, _ACCEPT, then=WEBSOCKET)


def _asks(*fields, target="/chat", body=b""):
    return get(target, *fields, *_KEY, body=body)


def _tunnel(name, source, sends, behind=b"", origin_sends=_AGREED, answer_behind=None, **more):
    """`behind` goes first through the tunnel, and comes back since the origin repeats what it hears."""
    return row(name, source, sends + behind, _TO_ORIGIN + b"{switched}" + behind,
               _TO_CLIENT + (behind if answer_behind is None else answer_behind), origin_sends=origin_sends,
               ends=TUNNEL, upgrades=True, **more)


def _not_passed_on(name, sends, start="GET /chat", *fields, **more):
    return row(name, _UPGRADE, sends, arrives(start, *fields, *_KEY), **more)


def _disagreed(name, origin_sends, source=_UPGRADE):
    return row(name, source, _asks(*WEBSOCKET), _TO_ORIGIN, own(502, closes=False), origin_sends=origin_sends,
               upgrades=True, ours=True)


ROWS = [
    _tunnel("a WebSocket", _HANDSHAKE, _asks(*WEBSOCKET)),
    _tunnel("in other letters", _HANDSHAKE, _asks("connection: UPGRADE", "upgrade: WebSocket")),
    _tunnel("Connection names more", _HANDSHAKE, _asks("Connection: keep-alive, Upgrade", "Upgrade: websocket")),
    _tunnel("WebSocket among other protocols", _UPGRADE, _asks("Connection: Upgrade", "Upgrade: h2c, websocket")),
    _tunnel("what the client says early goes first, but not before the 101", _WAITING, _asks(*WEBSOCKET),
            b"early frames"),
    _tunnel("what looks like a request is none in a tunnel", _WAITING, _asks(*WEBSOCKET), get("/smuggled")),
    _tunnel("what the origin says at once", _HANDSHAKE, _asks(*WEBSOCKET), origin_sends=_AGREED + b"early frames",
            answer_behind=b"early frames"),
    row("the origin disagrees, and the connection goes on", _UPGRADE, _asks(*WEBSOCKET), _TO_ORIGIN, ok(),
        upgrades=True),
    row("the origin disagrees, and what was said early is a request", _WAITING, _asks(*WEBSOCKET) + get("/2"),
        _TO_ORIGIN + arrives("GET /2"), relayed("403 No", "Content-Length: 0") + ok(),
        origin_sends=(answers("403 No", "Content-Length: 0"), answers("200 OK", "Content-Length: 2", body=b"ok")),
        upgrades=True),
    row("the origin disagrees, and what was said early is refused", _WAITING,
        _asks(*WEBSOCKET) + b"early frames\r\n\r\n",
        _TO_ORIGIN, relayed("403 No", "Content-Length: 0") + own(400),
        origin_sends=answers("403 No", "Content-Length: 0"), ends=CLOSES, upgrades=True),
    refused("with a body", _RULE, _asks(*WEBSOCKET, "Content-Length: 3", body=b"abc"), ours=True),
    refused("with a chunked body", _RULE, _asks(*WEBSOCKET, CHUNKED, body=chunked(b"abc")), ours=True),
    _not_passed_on("h2c", _asks("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")),
    _not_passed_on("another protocol", _asks("Connection: Upgrade", "Upgrade: websocket2"), ours=True),
    _not_passed_on("without Connection: upgrade", _asks("Upgrade: websocket")),
    _not_passed_on("without Upgrade", _asks("Connection: Upgrade")),
    _not_passed_on("with another method", request("OPTIONS /chat", *WEBSOCKET, *_KEY), "OPTIONS /chat", ours=True),
    row("in 1.0", _UPGRADE, get("/chat", *WEBSOCKET, *_KEY, version="HTTP/1.0"), arrives("GET /chat", *_KEY),
        ok(closes=True), ends=CLOSES),
    _disagreed("101 to another protocol", answers(_SWITCHING, "Connection: Upgrade", "Upgrade: h2c")),
    _disagreed("101 without Upgrade", answers(_SWITCHING, "Connection: Upgrade")),
    _disagreed("101 without Connection", answers(_SWITCHING, "Upgrade: websocket")),
    _disagreed("101 with a length", answers(_SWITCHING, *WEBSOCKET, "Content-Length: 3"), "RFC 9110 §8.6"),
    _disagreed("101 that is chunked", answers(_SWITCHING, *WEBSOCKET, CHUNKED), "RFC 9112 §6.1"),
    broken("101 to h2c, for which the request was not passed on", _UPGRADE,
           answers(_SWITCHING, "Connection: Upgrade", "Upgrade: h2c", body=b"frames"), ours=True),
]
