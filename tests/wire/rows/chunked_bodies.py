"""Chunks are read strictly and made anew: the origin sees no size, extension or line end of the caller's."""

from wire.row import CHUNKED, CLOSES, arrives, chunked, post, refused, row

TITLE = "Chunked bodies"

_CHUNKS = "RFC 9112 §7.1"
_EXTENSIONS = "RFC 9112 §7.1.1"
_STRICTER = "docs/requests.md: Refused at once"
_CRLF = "RFC 9112 §7.1; nginx/nginx#1016"


def _passing(name, body, data=b"abc", source=_CHUNKS):
    return row(name, source, post(CHUNKED, body=body), arrives("POST /x", CHUNKED, body=b"{chunks %s}0\r\n\r\n" % data))


def _refused(name, body, source=_CHUNKS, data=b"abc", **more):
    """The head and what of the body was well formed may be on its way already; a whole request never is."""
    at_most = arrives("POST /x", CHUNKED, body=b"{chunks %s}0\r\n\r\n" % data)
    return refused(name, source, post(CHUNKED, body=body), origin=at_most, partly=True, **more)


ROWS = [
    _passing("one chunk", chunked(b"abc")),
    _passing("three chunks", chunked(b"a", b"b", b"c")),
    row("no chunk", _CHUNKS, post(CHUNKED, body=chunked()), arrives("POST /x", CHUNKED, body=b"0\r\n\r\n")),
    _passing("size in upper case", b"B\r\nabcdefghijk\r\n0\r\n\r\n", b"abcdefghijk"),
    _passing("size in lower case", b"b\r\nabcdefghijk\r\n0\r\n\r\n", b"abcdefghijk"),
    _passing("size with zeros before it", b"0003\r\nabc\r\n0\r\n\r\n"),
    _passing("size of sixteen digits", b"0000000000000003\r\nabc\r\n0\r\n\r\n"),
    _passing("last chunk of several zeros", b"3\r\nabc\r\n000\r\n\r\n"),
    _passing("data that looks like the end", chunked(b"0\r\n\r\n"), b"0\r\n\r\n"),
    _passing("data that looks like a request", chunked(b"GET / HTTP/1.1\r\n\r\n"), b"GET / HTTP/1.1\r\n\r\n"),
    _passing("extension", b"3;a=b\r\nabc\r\n0\r\n\r\n", source=_EXTENSIONS),
    _passing("extension without a value", b"3;a\r\nabc\r\n0;last\r\n\r\n", source=_EXTENSIONS),
    _passing("extension in quotes", b'3;a="b;c"\r\nabc\r\n0\r\n\r\n', source=_EXTENSIONS),
    _passing("blanks before an extension", b"3 \t;a=b\r\nabc\r\n0\r\n\r\n", source=_EXTENSIONS),
    _refused("no size", b"\r\nabc\r\n0\r\n\r\n"),
    _refused("size is a word", b"xyz\r\nabc\r\n0\r\n\r\n"),
    _refused("size with 0x", b"0x3\r\nabc\r\n0\r\n\r\n"),
    _refused("size with a plus", b"+3\r\nabc\r\n0\r\n\r\n"),
    _refused("size with a minus", b"-3\r\nabc\r\n0\r\n\r\n"),
    _refused("size with a fraction", b"3.0\r\nabc\r\n0\r\n\r\n"),
    _refused("size with an underscore", b"0_3\r\nabc\r\n0\r\n\r\n"),
    _refused("blank before a size", b" 3\r\nabc\r\n0\r\n\r\n"),
    _refused("blank behind a size", b"3 \r\nabc\r\n0\r\n\r\n", ours=True),
    _refused("comma behind a size", b"3,\r\nabc\r\n0\r\n\r\n"),
    _refused("extension without its semicolon", b"3 a=b\r\nabc\r\n0\r\n\r\n"),
    _refused("NUL in a size", b"3\0\r\nabc\r\n0\r\n\r\n"),
    _refused("size of seventeen digits", b"00000000000000003\r\nabc\r\n0\r\n\r\n", _STRICTER, ours=True),
    _refused("size of 2^64 + 3", b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    _refused("bare LF behind a size", b"3\nabc\r\n0\r\n\r\n", _CRLF),
    _refused("bare CR behind a size", b"3\rabc\r\n0\r\n\r\n", _CRLF),
    _refused("CR CR LF behind a size", b"3\r\r\nabc\r\n0\r\n\r\n", _CRLF),
    _refused("bare LF behind data", b"3\r\nabc\n0\r\n\r\n", _CRLF),
    _refused("nothing behind data", b"3\r\nabc0\r\n\r\n"),
    _refused("data longer than its size", b"3\r\nabcd\r\n0\r\n\r\n"),
    _refused("data shorter than its size", b"3\r\nab\r\n0\r\n\r\n", data=b"ab\r"),
    _refused("bare LF behind the last size", b"3\r\nabc\r\n0\n\r\n", _CRLF),
    _refused("bare LF at the end", b"3\r\nabc\r\n0\r\n\n", _CRLF),
    _refused("bare LF behind an extension", b"3;a=b\nabc\r\n0\r\n\r\n", _CRLF),
    _refused("bare LF in a quoted extension", b'3;a="\n"\r\nabc\r\n0\r\n\r\n', "RFC 9112 §7.1.1; Beast before v361"),
    _refused("bare CR in an extension", b"3;a\rb\r\nabc\r\n0\r\n\r\n", _EXTENSIONS),
    _refused("NUL in an extension", b"3;a=\0\r\nabc\r\n0\r\n\r\n", "RFC 9112 §7.1.1; Beast before v361"),
    row("end of the connection in a size", "RFC 9112 §8", post(CHUNKED, body=b"3\r\nabc\r\n1"),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}1"), b"", half_closes=True, partly=True, ends=CLOSES),
    row("end of the connection in data", "RFC 9112 §8", post(CHUNKED, body=b"3\r\nab"),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}"), b"", half_closes=True, partly=True, ends=CLOSES),
    row("end of the connection before the last chunk", "RFC 9112 §8", post(CHUNKED, body=b"3\r\nabc\r\n"),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}0"), b"", half_closes=True, partly=True, ends=CLOSES),
]
