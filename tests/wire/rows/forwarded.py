"""What a caller says about where it comes from is dropped and set afresh."""

from wire.row import OK, arrives, get, lines_added, ok, row

TITLE = "Forwarding fields"

_AFRESH = "docs/requests.md: What is forwarded"
_NEVER = [
    "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "X-Forwarded-Port: 1",
    "Forwarded: for=192.0.2.9;proto=https", "X-Forwarded-User: root", "X-Forwarded-Prefix: /x",
    "X-Forwarded-Uri: /public",
    "X-Forwarded-Anything: 1", "X-Real-IP: 192.0.2.9", "X-Original-URL: /admin", "X-Original-Forwarded-For: 192.0.2.9",
    "X-Rewrite-URL: /admin", "Remote-User: root", "Remote-Groups: wheel", "Proxy: http://evil", "X-HTTP-Method: DELETE",
    "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE", "X-Request-Id: chosen",
]
_SOURCES = {
    "X-Forwarded-Prefix": "CVE-2026-35051", "X-Forwarded-Port": "CVE-2026-54764",
    "X-Forwarded-Proto": "GHSA-vhr5-ggp3-qq85",
    "X-Forwarded-Uri": "CVE-2026-40575", "Forwarded": "RFC 7239 §8.1", "Proxy": "CVE-2016-5385",
}
_TWINS = [
    ("X_Forwarded_For: 192.0.2.9", "CVE-2025-64484"), ("X-Forwarded_User: root", "CVE-2025-64484"),
    ("x_real_ip: 192.0.2.9", "CVE-2026-39858"), ("X.Forwarded.Host: evil", "CVE-2026-52845"),
    ("REMOTE_USER: root", "CVE-2026-52845"), ("X-FORWARDED-FOR: 192.0.2.9", "RFC 9110 §5.1"),
]
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _dropped(field, source):
    return row(f"{field.partition(':')[0]} from nobody trusted", source, get("/x", field, "X-Kept: 1"),
               arrives("GET /x", "X-Kept: 1"), ours=True)


def _bad_trace(name, value):
    return row(name, _AFRESH, get("/x", f"traceparent: {value}", "tracestate: a=1"), arrives("GET /x"), ours=True)


ROWS = [
    *(_dropped(field, _SOURCES.get(field.partition(":")[0], _AFRESH)) for field in _NEVER),
    *(_dropped(field, source) for field, source in _TWINS),
    row("all of them at once", _AFRESH, get("/x", *_NEVER), arrives("GET /x"), ours=True),
    row("a name that only begins like one of them passes", _AFRESH,
        get("/x", "X-Forward: 1", "Proxyfoo: 1", "Remote: 1"),
        arrives("GET /x", "X-Forward: 1", "Proxyfoo: 1", "Remote: 1"), ours=True),
    row("the request id of an answer is not the origin's", "docs/requests.md: Answers that Sidegate makes", get(),
        arrives("GET /x"), ok(), origin_sends=OK.replace(b"\r\n\r\n", b"\r\nX-Request-Id: of-the-origin\r\n\r\n"),
        ours=True),
    row("a trace goes on", _AFRESH, get("/x", f"traceparent: {_TRACE}", "tracestate: a=1"),
        arrives("GET /x", f"traceparent: {_TRACE}", "tracestate: a=1", added=lines_added(trace=False)), ours=True),
    _bad_trace("a trace that is nonsense is begun anew", "nonsense"),
    _bad_trace("a trace of zeros is begun anew", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"),
    _bad_trace("a trace in upper case is begun anew", _TRACE.upper()),
    _bad_trace("a trace with more behind it is begun anew", _TRACE + "-x"),
    _bad_trace("a trace of version ff is begun anew", "ff" + _TRACE[2:]),
    row("two traces are begun anew", _AFRESH, get("/x", f"traceparent: {_TRACE}", f"traceparent: {_TRACE}"),
        arrives("GET /x"), ours=True),
]
