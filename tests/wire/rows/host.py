"""HTTP/1.1 has exactly one `Host`, and it is a host with a port or none."""

from wire.row import arrives, get, lines_added, refused, request, row

TITLE = "Host"

_HOST = "RFC 9112 §3.2"
_STRICTER = "docs/requests.md: Refused at once"


def _passing(name, host):
    return row(name, _HOST, get(host=host), arrives("GET /x", host=host, added=lines_added(host)))


ROWS = [
    _passing("a name with a port", "example:8080"),
    _passing("a name in capital letters stays as it is", "EXAMPLE"),
    _passing("a name with a dot at the end", "example."),
    _passing("an IPv4 address", "192.0.2.1"),
    _passing("an IPv6 address", "[2001:db8::1]"),
    _passing("an IPv6 address with a port", "[2001:db8::1]:8080"),
    _passing("a port that is empty", "example:"),
    row("Host is not the first field", _HOST, request("GET /x", "X-A: 1", "Host: example", host=None),
        arrives("GET /x", "X-A: 1", "Host: example", host=None)),
    row("Host in other letters", "RFC 9110 §5.1", request("GET /x", "hOST: example", host=None),
        arrives("GET /x", "hOST: example", host=None)),
    refused("no Host", _HOST, get(host=None)),
    refused("two Hosts", _HOST + "; CVE-2021-32777", get("/x", "Host: other")),
    refused("two Hosts that are the same", _HOST, get("/x", "Host: example")),
    refused("two Hosts in different letters", _HOST, get("/x", "HOST: other")),
    refused("empty Host", _STRICTER, get(host=""), ours=True),
    refused("Host with a blank", _HOST, get(host="a b")),
    refused("Host with a comma", _STRICTER, get(host="a,b"), ours=True),
    refused("Host with a path", _HOST, get(host="example/x")),
    refused("Host with a query", _HOST, get(host="example?x")),
    refused("Host with a number sign", _HOST, get(host="example#x")),
    refused("Host with a user", _HOST, get(host="user@example")),
    refused("Host with a scheme", _HOST, get(host="http://example")),
    refused("Host with a backslash", _HOST, get(host="exa\\mple")),
    refused("Host with a quotation mark", _HOST, get(host='exa"mple')),
    refused("Host with a byte above 0x7F", _HOST, get(host="ex\xe4mple")),
    refused("Host with a percent sign", _STRICTER, get(host="ex%61mple"), ours=True),
    refused("Host with a port that is a word", _HOST, get(host="example:http")),
    refused("Host with a port that is too large", _STRICTER, get(host="example:65536"), ours=True),
    refused("Host with a port that is signed", _HOST, get(host="example:+80")),
    refused("Host with two ports", _HOST, get(host="example:80:80")),
    refused("Host that is only a port", _HOST, get(host=":80")),
    refused("Host with a bracket left open", _HOST, get(host="[2001:db8::1")),
    refused("Host with a name in brackets", _HOST, get(host="[example]")),
    refused("Host with something behind its bracket", _HOST, get(host="[2001:db8::1]x")),
]
