"""The target of a request has one reading: that of the canonical path, which is decided on and forwarded."""

from wire.row import arrives, get, lines_added, own, refused, request, row

TITLE = "Target and path"

_FORM = "RFC 9112 §3.2"
_ABSOLUTE = "RFC 9112 §3.2.2"
_DOTS = "RFC 3986 §5.2.4"
_ENCODING = "RFC 3986 §6.2.2"
_PATH = "docs/requests.md: The canonical path"
_PCHAR = "RFC 3986 §3.3"


def _canonical(sent, forwarded, name, source):
    return row(name, source, get(sent), arrives(f"GET {forwarded}"), ours=True)


def _refused(target, name, source, ours=True):
    return refused(name, source, get(target), ours=ours)


_PASSING = [
    ("/", "/", "the root", _FORM),
    ("/a/b/", "/a/b/", "a folder", _PCHAR),
    ("/!$&'()*+,=:@-._~", "/!$&'()*+,=:@-._~", "every character that a path may have as it is", _PCHAR),
    ("/a?", "/a?", "an empty query", "RFC 3986 §3.4"),
    ("/a??b?c", "/a??b?c", "question marks in the query", "RFC 3986 §3.4"),
    ("/a?x=/../y&z=%2e%2E;a=[1]", "/a?x=/../y&z=%2e%2E;a=[1]", "the query is left alone", _PATH),
    ("/a?http://other//x", "/a?http://other//x", "an address in the query", "RFC 3986 §3.4"),
    ("/a/./b", "/a/b", "single dot", _DOTS),
    ("/a/.", "/a/", "single dot at the end", _DOTS),
    ("/a/../b", "/b", "double dot", _DOTS + "; CVE-2019-9901"),
    ("/a/b/..", "/a/", "double dot at the end", _DOTS),
    ("/a/b/../../c", "/c", "double dots twice", _DOTS),
    ("/a/...", "/a/...", "three dots are a name", _DOTS),
    ("/a/.b/..c", "/a/.b/..c", "names that begin with dots", _DOTS),
    ("//a", "/a", "two slashes at the beginning", "CVE-2021-29492; CVE-2026-26205"),
    ("/a//b///c", "/a/b/c", "repeated slashes", "CVE-2021-29492"),
    ("/a//../b", "/b", "repeated slashes are one before dots are resolved", _PATH),
    ("/%61%7E", "/a~", "encoded characters that need no encoding", _ENCODING),
    ("/a/%2e%2e/b", "/b", "encoded dots are dots", _ENCODING + "; CVE-2019-9901"),
    ("/a/%2E./b", "/b", "half encoded dots are dots", _ENCODING),
    ("/%c3%a9", "/%C3%A9", "hexadecimal digits in upper case", _ENCODING),
    ("/%3a%40%3F%23", "/%3A%40%3F%23", "encoded delimiters stay encoded", _ENCODING + "; CVE-2021-32779"),
    ("/a%20b", "/a%20b", "an encoded space", _ENCODING),
    ("/a%3bb", "/a%3Bb", "an encoded semicolon", _ENCODING),
    ("/%252e%252e/a", "/%252e%252e/a", "decoded once, not twice", "RFC 3986 §2.4"),
    ("/%25%32%65", "/%252e", "decoded once, in pieces", "RFC 3986 §2.4"),
]

_REFUSED = [
    ("/..", "above the root", _PATH),
    ("/a/../../b", "above the root, after a folder", _PATH),
    ("/%2e%2e/a", "above the root, encoded", _PATH),
    ("/a%2fb", "encoded slash", "CVE-2021-29492"),
    ("/a/..%2Fb", "encoded slash behind dots", "CVE-2021-29492"),
    ("/a%5cb", "encoded backslash", "CVE-2021-29492"),
    ("/a\\b", "backslash", _PCHAR),
    ("/a;b=1", "semicolon", _PATH),
    ("/a/..;/b", "semicolon behind dots", _PATH),
    ("/a/..%3B/b", "encoded semicolon behind dots", _PATH),
    ("/.%3Ba/b", "encoded semicolon behind a dot", _PATH),
    ("/%2e%2e%3b/b", "encoded semicolon behind encoded dots", _PATH),
    ("/%00", "encoded NUL", _PATH),
    ("/a%0d%0aX: y", "encoded line end with a space", _PATH),
    ("/a%0d%0aX-User-Id:1", "encoded line end", _PATH),
    ("/a%1f", "encoded control character", _PATH),
    ("/a%7f", "encoded DEL", _PATH),
    ("/%", "percent sign alone", "RFC 3986 §2.1"),
    ("/%2", "percent sign with one digit", "RFC 3986 §2.1"),
    ("/%zz", "percent sign with letters", "RFC 3986 §2.1"),
    ("/%u0041", "percent sign with a code point", "RFC 3986 §2.1"),
    ("/%%41", "two percent signs", "RFC 3986 §2.1"),
    ('/"', "quotation mark", _PCHAR),
    ("/<x>", "angle brackets", _PCHAR),
    ("/^", "circumflex", _PCHAR),
    ("/`", "grave accent", _PCHAR),
    ("/{x}", "braces", _PCHAR),
    ("/|", "vertical bar", _PCHAR),
    ("/[x]", "square brackets", _PCHAR),
    ("/\xe9", "byte above 0x7F", _PCHAR),
    ("/a\x7f", "DEL in the path", _PCHAR),
    ("/a?\xe9", "byte above 0x7F in the query", "RFC 3986 §3.4"),
    ("/a?\x01", "control character in the query", "RFC 3986 §3.4"),
]

_HASHES = [
    ("/a#b", "number sign in the path", "CVE-2021-32779; CVE-2023-45539"),
    ("/a?b#c", "number sign in the query", "CVE-2020-8595; CVE-2023-45539"),
    ("/#/../a", "number sign and dots", "CVE-2021-32779"),
]

_NO_PATH = [
    ("x", "no slash", _FORM + "; CVE-2026-33186"),
    ("?x", "a query alone", _FORM),
    ("example:80", "a host alone", _FORM),
    ("*", "asterisk with GET", "RFC 9112 §3.2.4"),
    ("*/x", "asterisk and more", _FORM),
]

ROWS = [
    *(_canonical(sent, forwarded, name, source) for sent, forwarded, name, source in _PASSING),
    *(_refused(target, name, source) for target, name, source in _REFUSED),
    *(_refused(target, name, source, ours=False) for target, name, source in _HASHES),
    *(_refused(target, name, source, ours=False) for target, name, source in _NO_PATH),
    row("asterisk with OPTIONS is no path that a route could name", "docs/requests.md: Refused at once",
        request("OPTIONS *"), b"",
        own(404, closes=False), ours=True),
    row("absolute form", _ABSOLUTE, get("http://example/x?y"), arrives("GET /x?y")),
    row("absolute form in other letters", _ABSOLUTE + "; CVE-2023-35944", get("HTTP://EXAMPLE/x"), arrives("GET /x")),
    row("absolute form of https", _ABSOLUTE, get("https://example/x"), arrives("GET /x")),
    row("absolute form without a path", "RFC 9112 §3.2.1", get("http://example"), arrives("GET /")),
    row("absolute form without a path but with a query", "RFC 9112 §3.2.1", get("http://example?x"),
        arrives("GET /?x")),
    row("absolute form with a port", _ABSOLUTE, get("http://example:81/x", host="example:81"),
        arrives("GET /x", host="example:81", added=lines_added("example:81"))),
    row("absolute form is made canonical as well", _PATH, get("http://example/a/../b"), arrives("GET /b"), ours=True),
    refused("absolute form of another host", _PATH, get("http://other/x"), ours=True),
    refused("absolute form of another port", _PATH, get("http://example:81/x"), ours=True),
    refused("absolute form with a user", "RFC 9110 §4.2.4", get("http://user@example/x"), ours=True),
    refused("absolute form of another scheme", "CVE-2023-35944", get("ftp://example/x"), ours=True),
    refused("absolute form without a host", "RFC 9110 §4.2.1", get("http:///x")),
    refused("absolute form with one slash", _FORM, get("http:/example/x")),
    refused("absolute form with a number sign", "CVE-2021-32779", get("http://example/x#y")),
    refused("absolute form without a Host", "RFC 9112 §3.2", get("http://example/x", host=None)),
]
