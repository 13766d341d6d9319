"""Routes that write the path anew, and routes that keep encoded slashes or path parameters as they are."""

from wire.row import arrives, get, lines_added, own, refused, row

TITLE = "Rewriting, encoded slashes and path parameters"

_REWRITE = "docs/requests.md: The canonical path"
_AFTER = "CVE-2026-40912"
_SLASHES = "CVE-2021-29492"
_PARAMETERS = "docs/requests.md: The canonical path"


def _on(gateway, name, source, sent, forwarded):
    return row(name, source, get(sent), arrives(f"GET {forwarded}"), gateway=gateway, ours=True)


def _refused(gateway, name, source, sent):
    return refused(name, source, get(sent), gateway=gateway, ours=True)


_REWRITTEN = [
    ("/users", "/api", "the prefix alone"),
    ("/users/", "/api/", "the prefix as a folder"),
    ("/users/7?x=/users/8", "/api/7?x=/users/8", "behind the prefix"),
    ("/users//7", "/api/7", "repeated slashes behind the prefix"),
    ("/x/../users/7", "/api/7", "dots before the prefix"),
    ("/%75sers/7", "/api/7", "encoded letters in the prefix"),
    ("/users/users", "/api/users", "the prefix is taken off once"),
    ("/users/%2525", "/api/%2525", "what is encoded is not decoded on the way"),
    ("/bare", "/", "nothing is left"),
    ("/bare/", "/", "only a slash is left"),
    ("/bare/x", "/x", "taken off alone"),
    ("/bare//x", "/x", "no second slash is left at the beginning"),
    ("/kept/a%2Fb;c", "/a%2Fb;c", "with what is kept"),
    ("/kept/%2Fx", "/%2Fx", "with an encoded slash behind the prefix"),
]
_ENCODED = [
    ("/a%2fb", "/a%2Fb", "encoded slash"),
    ("/%2F", "/%2F", "encoded slash alone"),
    ("/a%2F%2Fb", "/a%2F%2Fb", "encoded slashes are not merged"),
    ("/a%2Fb/../c", "/c", "a segment with an encoded slash goes as one"),
    ("/a%252Fb", "/a%252Fb", "decoded once, not twice"),
]
_ENCODED_REFUSED = [
    ("/a/..%2Fb", "dots before it"), ("/a%2F..", "dots behind it"), ("/a%2F../b", "dots behind it, in a folder"),
    ("/a%2f%2e%2e%2fb", "encoded dots within"), ("/a/.%2Fb", "one dot before it"), ("/a%2F.", "one dot behind it"),
    ("/a%2F./b", "one dot behind it, in a folder"), ("/a%5Cb", "encoded backslash"),
    ("/..%5Cb", "dots and an encoded backslash"),
    ("/a;b", "semicolon"), ("/..%3B/x", "dots before an encoded semicolon"),
]
_PARAMETERED = [
    ("/a;b=1/c", "/a;b=1/c", "parameter"),
    ("/a;b=1;c=2", "/a;b=1;c=2", "two parameters"),
    ("/a;", "/a;", "no parameter behind the semicolon"),
    ("/a;b/../c", "/c", "a segment with a parameter goes as one"),
    ("/...;x", "/...;x", "three dots are a name"),
]
_PARAMETERED_REFUSED = [
    ("/..;/x", "two dots and a parameter"), ("/a/..;b=1/c", "two dots and a parameter with a value"),
    ("/.;a/b", "one dot and a parameter"),
    ("/a/.;", "one dot and no parameter"), ("/%2e%2e;/x", "encoded dots and a parameter"), ("/a/..;", "at the end"),
    ("/a%2Fb", "encoded slash"), ("/..%3B/x", "dots before an encoded semicolon"),
]

ROWS = [
    *(_on("rewriting", f"{name} ({sent})", _REWRITE, sent, forwarded) for sent, forwarded, name in _REWRITTEN),
    row("a name that only begins with the prefix", _REWRITE, get("/usersx"), b"", own(404, closes=False),
        gateway="rewriting", ours=True),
    row("dots lead out of the prefix before it is looked at", _AFTER, get("/users/../x"), b"", own(404, closes=False),
        gateway="rewriting", ours=True),
    row("encoded dots lead out of the prefix before it is looked at", "GHSA-xf64-8mw2-4gr2", get("/users/%2e%2e/x"),
        b"",
        own(404, closes=False), gateway="rewriting", ours=True),
    _refused("rewriting", "an encoded slash behind the prefix", "GHSA-cxjq-mrr5-89rv", "/bare/..%2Fx"),
    _refused("rewriting", "dots and a parameter behind the prefix", _AFTER, "/kept/..;/x"),
    _refused("rewriting", "dots and an encoded slash behind the prefix", _AFTER, "/kept/..%2Fx"),
    row("another Host", "docs/requests.md: What is forwarded", get("/host/x", host="outside.example"),
        arrives("GET /host/x", host="tts.internal", added=lines_added("outside.example")), gateway="rewriting",
        ours=True),
    *(_on("encoded slashes", f"kept: {name}", _SLASHES, sent, forwarded) for sent, forwarded, name in _ENCODED),
    *(_refused("encoded slashes", f"encoded slashes kept, {name}", _SLASHES, sent) for sent, name in _ENCODED_REFUSED),
    *(_on("path parameters", f"kept: {name}", _PARAMETERS, sent, forwarded) for sent, forwarded, name in _PARAMETERED),
    *(_refused("path parameters", f"parameters kept, {name}", _PARAMETERS, sent) for sent,
      name in _PARAMETERED_REFUSED),
]
