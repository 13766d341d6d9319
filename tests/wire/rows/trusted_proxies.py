"""A listener with `trusted_proxies` believes what those peers say, and no more than the fields that are well formed."""

from wire.row import OK, arrives, get, lines_added, row

TITLE = "Trusted proxies"

_TRUST = "docs/requests.md: What is forwarded"
_OWN_FORWARDED = 'for=127.0.0.1;proto=http;host="example"'


def _believed(name, *fields, source=_TRUST, **values):
    return row(name, source, get("/x", *fields), arrives("GET /x", added=lines_added(**values)), gateway="trusting",
               ours=True)


def _set_afresh(name, *fields, source=_TRUST):
    return row(name, source, get("/x", *fields, "X-Kept: 1"), arrives("GET /x", "X-Kept: 1"), gateway="trusting",
               ours=True)


def _kept_id(name, value):
    return row(name, _TRUST, get("/x", f"X-Request-Id: {value}"),
               arrives("GET /x", added=lines_added(request_id=value)),
               OK.replace(b"\r\n\r\n", f"\r\nX-Request-Id: {value}\r\n\r\n".encode()), gateway="trusting", ours=True)


ROWS = [
    _set_afresh("nothing said"),
    _believed("X-Forwarded-For is appended to", "X-Forwarded-For: 192.0.2.9", for_="192.0.2.9, 127.0.0.1"),
    _believed("X-Forwarded-For with two addresses", "X-Forwarded-For: 192.0.2.9, 10.0.0.1",
              for_="192.0.2.9, 10.0.0.1, 127.0.0.1"),
    row("two X-Forwarded-For are joined", "RFC 9110 §5.3",
        get("/x", "X-Forwarded-For: 192.0.2.9", "X-Kept: 1", "X-Forwarded-For: 10.0.0.1"),
        arrives("GET /x", "X-Kept: 1", added=lines_added(for_="192.0.2.9, 10.0.0.1, 127.0.0.1")), gateway="trusting",
        ours=True),
    _believed("Forwarded is appended to", "Forwarded: for=192.0.2.9;proto=https", source="RFC 7239 §4",
              forwarded="for=192.0.2.9;proto=https, " + _OWN_FORWARDED),
    _believed("two Forwarded are joined", "Forwarded: for=192.0.2.9", "Forwarded: for=10.0.0.1", source="RFC 7239 §4",
              forwarded="for=192.0.2.9, for=10.0.0.1, " + _OWN_FORWARDED),
    _believed("X-Forwarded-Proto", "X-Forwarded-Proto: https", proto="https"),
    _believed("X-Forwarded-Host", "X-Forwarded-Host: outside.example:8443", forwarded_host="outside.example:8443"),
    _believed("X-Forwarded-Port", "X-Forwarded-Port: 443", port="443"),
    _set_afresh("X-Forwarded-Proto of another scheme", "X-Forwarded-Proto: gopher"),
    _set_afresh("X-Forwarded-Proto twice", "X-Forwarded-Proto: https", "X-Forwarded-Proto: https"),
    _set_afresh("X-Forwarded-Proto with a list", "X-Forwarded-Proto: https, http"),
    _set_afresh("X-Forwarded-Host that is no host", "X-Forwarded-Host: evil/x"),
    _set_afresh("X-Forwarded-Host with quotes", 'X-Forwarded-Host: evil";for=192.0.2.9'),
    _set_afresh("X-Forwarded-Host twice", "X-Forwarded-Host: a", "X-Forwarded-Host: b"),
    _set_afresh("X-Forwarded-Port that is no number", "X-Forwarded-Port: 80a"),
    _set_afresh("X-Forwarded-Port twice", "X-Forwarded-Port: 1", "X-Forwarded-Port: 2"),
    _kept_id("X-Request-Id is kept", "chosen-by:the/proxy"),
    _kept_id("X-Request-Id of 128 characters is kept", "a" * 128),
    _set_afresh("X-Request-Id of 129 characters", "X-Request-Id: " + "a" * 129),
    _set_afresh("X-Request-Id with a blank", "X-Request-Id: a b"),
    _set_afresh("X-Request-Id with a byte above 0x7F", "X-Request-Id: \xe9"),
    _set_afresh("X-Request-Id that is empty", "X-Request-Id:"),
    _set_afresh("X-Request-Id twice", "X-Request-Id: a", "X-Request-Id: b"),
    *(_set_afresh(f"{field.partition(':')[0]} is not believed of anybody", field, source=source) for field, source in (
        ("X-Forwarded-User: root", _TRUST), ("X-Forwarded-Prefix: /x", "CVE-2026-35051"),
        ("X-Real-IP: 192.0.2.9", _TRUST),
        ("X-Original-URL: /admin", _TRUST), ("X-Rewrite-URL: /admin", _TRUST), ("Remote-User: root", _TRUST),
        ("X_Forwarded_For: 192.0.2.9", "CVE-2025-64484"), ("X_Forwarded_Proto: https", "CVE-2025-64484"),
        ("X-HTTP-Method-Override: DELETE", _TRUST))),
    _believed("all that is believed, at once", "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https",
              "X-Forwarded-Host: outside.example", "X-Forwarded-Port: 443", "Forwarded: for=192.0.2.9",
              for_="192.0.2.9, 127.0.0.1", proto="https", forwarded_host="outside.example", port="443",
              forwarded="for=192.0.2.9, " + _OWN_FORWARDED),
]
