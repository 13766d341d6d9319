"""A listener with `proxy_protocol` takes nothing without a PROXY header, and that from `trusted_proxies` only."""

import socket
import struct

from wire.row import CLOSES, arrives, get, lines_added, ok, row

TITLE = "PROXY protocol"

_RULE = "docs/requests.md: What is forwarded"
_LENGTHS = "CVE-2026-47692"
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_GET = get("/x", "Connection: close")
_IPV4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 5000, 80)
_IPV6 = (socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
         + struct.pack("!HH", 5000, 80))
_TLV = b"\x03\x00\x04abcd"


def _v2(addresses, command=0x21, family=0x11, length=None):
    return _SIGNATURE + struct.pack("!BBH", command, family, len(addresses) if length is None else length) + addresses


def _told(name, header, ip, source=_RULE, request=_GET, **values):
    """Each closes its connection, so that what is sent to see whether it is open needs no header."""
    forwarded = 'for="[%s]";proto=http;host="example"' % ip if ":" in ip else None
    added = lines_added(ip=ip, forwarded=forwarded, **values)
    return row(name, source, header + request, arrives("GET /x", added=added), ok(closes=True), ends=CLOSES,
               gateway="PROXY protocol", ours=True)


def _silent(name, data, source=_RULE, gateway="PROXY protocol"):
    return row(name, source, data + _GET, b"", b"", ends=CLOSES, gateway=gateway, ours=True)


ROWS = [
    _told("version 1, IPv4", b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n", "192.0.2.7"),
    _told("version 1, IPv6", b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 80\r\n", "2001:db8::7"),
    _told("version 1, unknown", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    _told("version 1, unknown with more", b"PROXY UNKNOWN 192.0.2.7 192.0.2.1 5000 80\r\n", "127.0.0.1"),
    _told("version 2, IPv4", _v2(_IPV4), "192.0.2.7"),
    _told("version 2, IPv6", _v2(_IPV6, family=0x21), "2001:db8::7"),
    _told("version 2, local", _v2(b"", command=0x20, family=0), "127.0.0.1"),
    _told("version 2, local with addresses", _v2(_IPV4, command=0x20), "127.0.0.1"),
    _told("version 2, unspecified family", _v2(b"", family=0), "127.0.0.1"),
    _told("version 2 with more behind its addresses", _v2(_IPV4 + _TLV), "192.0.2.7", _LENGTHS),
    _told("X-Forwarded-For is not believed of an address that is not trusted",
          b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n",
          "192.0.2.7", request=get("/x", "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https",
                                   "Connection: close")),
    _told("X-Forwarded-For is believed of an address that is trusted", b"PROXY TCP4 10.1.2.3 192.0.2.1 5000 80\r\n",
          "10.1.2.3", request=get("/x", "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https", "Connection: close"),
          for_="192.0.2.9, 10.1.2.3", proto="https"),
    _silent("no header", b""),
    _silent("a header in lower case", b"proxy TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"),
    _silent("bare LF behind a header", b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\n"),
    _silent("an address that is none", b"PROXY TCP4 192.0.2.777 192.0.2.1 5000 80\r\n"),
    _silent("an address of the other family", b"PROXY TCP4 2001:db8::7 2001:db8::1 5000 80\r\n"),
    _silent("a port that is too large", b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 80\r\n"),
    _silent("a port is missing", b"PROXY TCP4 192.0.2.7 192.0.2.1 5000\r\n"),
    _silent("two blanks", b"PROXY  TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"),
    _silent("a family that nobody knows", b"PROXY UDP4 192.0.2.7 192.0.2.1 5000 80\r\n"),
    _silent("a header of 108 bytes", b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n"),
    _told("a header of 107 bytes", b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", "127.0.0.1"),
    _silent("version 3", _v2(_IPV4, command=0x31)),
    _silent("version 2, a command that nobody knows", _v2(_IPV4, command=0x22)),
    _silent("version 2, shorter than its addresses", _v2(_IPV4, length=8), _LENGTHS),
    _silent("version 2, IPv6 shorter than its addresses", _v2(_IPV4, family=0x21), _LENGTHS),
    _silent("a signature with a mistake", _v2(_IPV4).replace(b"QUIT", b"QUIZ")),
    _silent("a header from a peer that is not trusted", b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n",
            gateway="PROXY protocol of others"),
    _silent("no header from a peer that is not trusted", b"", gateway="PROXY protocol of others"),
]
