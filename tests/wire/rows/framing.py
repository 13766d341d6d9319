"""Where a request ends. One whose length could be read in two ways is refused and nothing behind it is a request."""

from wire.row import CHUNKED, arrives, chunked, get, post, refused, row

TITLE = "Framing of requests"

_BOTH = "RFC 9112 §6.3; Beast before v361"
_LENGTH = "RFC 9110 §8.6"
_BAD_LENGTH = "RFC 9112 §6.3"
_CODING = "RFC 9112 §6.1"
_STRICTER = "docs/requests.md: Refused at once"
_EMPTY = chunked()


def _bad_length(name, value, source=_BAD_LENGTH, **more):
    return refused(name, source, post(f"Content-Length:{value}", body=b"abc"), **more)


def _bad_coding(name, value, source=_CODING, **more):
    return refused(name, source, post(f"Transfer-Encoding:{value}", body=_EMPTY), **more)


ROWS = [
    row("a length", _LENGTH, post("Content-Length: 3", body=b"abc"),
        arrives("POST /x", "Content-Length: 3", body=b"abc")),
    row("a length of nothing", _LENGTH, post("Content-Length: 0"), arrives("POST /x", "Content-Length: 0")),
    row("a length with zeros before it", _LENGTH, post("Content-Length: 03", body=b"abc"),
        arrives("POST /x", "Content-Length: 03", body=b"abc")),
    row("a POST without a length has no body", "RFC 9112 §6.3", post(), arrives("POST /x")),
    row("a GET may have a body", "RFC 9110 §9.3.1", get("/x", "Content-Length: 3", body=b"abc"),
        arrives("GET /x", "Content-Length: 3", body=b"abc")),
    row("a body that looks like a request", "RFC 9112 §6.3", post("Content-Length: 38", body=get("/inner")),
        arrives("POST /x", "Content-Length: 38", body=get("/inner"))),
    row("a body that looks like the end of chunks", "RFC 9112 §6.3", post("Content-Length: 5", body=b"0\r\n\r\n"),
        arrives("POST /x", "Content-Length: 5", body=b"0\r\n\r\n")),
    row("a body of every byte", "RFC 9112 §6.2", post("Content-Length: 256", body=bytes(range(256))),
        arrives("POST /x", "Content-Length: 256", body=bytes(range(256)))),
    row("chunked", _CODING, post(CHUNKED, body=chunked(b"abc")),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    row("chunked in other letters", "RFC 9112 §7", post("transfer-encoding: CHUNKED", body=chunked(b"abc")),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    row("chunked with white space around it", "RFC 9112 §5",
        post("Transfer-Encoding:  \tchunked \t", body=chunked(b"abc")),
        arrives("POST /x", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    row("chunked GET", _CODING, get("/x", CHUNKED, body=chunked(b"abc")),
        arrives("GET /x", CHUNKED, body=b"{chunks abc}0\r\n\r\n")),
    row("a name that is long is not cut to another one", "CVE-2021-40346",
        post("Content-Length0" + "a" * 255 + ":", "Content-Length: 3", body=b"abc"),
        arrives("POST /x", "Content-Length0" + "a" * 255 + ":", "Content-Length: 3", body=b"abc")),
    refused("both, the coding first", _BOTH, post(CHUNKED, "Content-Length: 5", body=_EMPTY), ours=True),
    refused("both, the length first", _BOTH, post("Content-Length: 5", CHUNKED, body=_EMPTY), ours=True),
    refused("both, a length of nothing", _BOTH, post("Content-Length: 0", CHUNKED, body=_EMPTY), ours=True),
    refused("both, in other letters", _BOTH, post("content-length: 5", "TRANSFER-ENCODING: CHUNKED", body=_EMPTY),
            ours=True),
    refused("both, the length would reach the next request", _BOTH, post("Content-Length: 45", CHUNKED, body=_EMPTY),
            ours=True),
    refused("a length and an unknown coding", _CODING, post("Content-Length: 3", "Transfer-Encoding: x", body=b"abc")),
    refused("an unknown coding and a length", _CODING + "; Beast before v361",
            post("Transfer-Encoding: x", "Content-Length: 3", body=b"abc")),
    refused("a length and identity", _CODING, post("Content-Length: 3", "Transfer-Encoding: identity", body=b"abc")),
    refused("two lengths that differ", _BAD_LENGTH + "; CVE-2021-40346",
            post("Content-Length: 3", "Content-Length: 4", body=b"abcd")),
    refused("two lengths that differ, apart", _BAD_LENGTH,
            post("Content-Length: 3", "X-A: 1", "Content-Length: 0", body=b"abc")),
    refused("two lengths, one of them empty", "CVE-2023-40225",
            post("Content-Length: 3", "Content-Length:", body=b"abc")),
    refused("two lengths that are the same", _STRICTER, post("Content-Length: 3", "Content-Length: 3", body=b"abc"),
            ours=True),
    _bad_length("list of lengths", " 3, 3", _STRICTER, ours=True),
    _bad_length("list of lengths that differ", " 3, 4"),
    _bad_length("length with a comma", " 3,"),
    _bad_length("length with a plus", " +3", _BAD_LENGTH + "; CVE-2023-40225"),
    _bad_length("length with a minus", " -3"),
    _bad_length("length in hexadecimal", " 0x3"),
    _bad_length("no length", "", "CVE-2023-40225"),
    _bad_length("a blank as length", "   ", "CVE-2023-40225"),
    _bad_length("blank inside a length", " 1 0"),
    _bad_length("length with a fraction", " 3.0"),
    _bad_length("length with an exponent", " 3e0"),
    _bad_length("length in quotes", ' "3"'),
    _bad_length("length with a letter", " 3a"),
    _bad_length("length with a full-width digit", " \xef\xbc\x93"),
    _bad_length("length with an underscore", " 1_0"),
    _bad_length("length of 2^64 + 3", " 18446744073709551619"),
    _bad_length("length of forty nines", " " + "9" * 40),
    _bad_coding("gzip", " gzip"),
    _bad_coding("identity", " identity"),
    _bad_coding("gzip, chunked", " gzip, chunked", _STRICTER, ours=True),
    _bad_coding("chunked, gzip", " chunked, gzip", _CODING + "; Beast before v361"),
    _bad_coding("chunked, identity", " chunked, identity"),
    _bad_coding("chunked, chunked", " chunked, chunked", _STRICTER, ours=True),
    _bad_coding("xchunked", " xchunked"),
    _bad_coding("chunkedx", " chunkedx"),
    _bad_coding("chunked with a parameter", " chunked;q=1", "RFC 9112 §7.1"),
    _bad_coding("chunked in quotes", ' "chunked"'),
    _bad_coding("no coding", "", _STRICTER, ours=True),
    _bad_coding("chunked and a comma", " chunked,", _STRICTER, ours=True),
    _bad_coding("vertical tab before chunked", " \x0bchunked"),
    _bad_coding("NUL behind chunked", " chunked\0"),
    _bad_coding("folded chunked", "\r\n chunked", _STRICTER, ours=True),
    refused("chunked in two fields", _STRICTER, post(CHUNKED, CHUNKED, body=_EMPTY), ours=True),
    refused("gzip and chunked in two fields", _STRICTER, post("Transfer-Encoding: gzip", CHUNKED, body=_EMPTY),
            ours=True),
    refused("chunked and gzip in two fields", _CODING, post(CHUNKED, "Transfer-Encoding: gzip", body=_EMPTY)),
    refused("chunked and identity in two fields", _CODING, post(CHUNKED, "Transfer-Encoding: identity", body=_EMPTY)),
    row("a name like Transfer-Encoding is not it", "docs/requests.md: What is forwarded",
        post("Transfer_Encoding: chunked"), arrives("POST /x"), ours=True),
    row("a name like Content-Length is not it", "docs/requests.md: What is forwarded", post("Content_Length: 100"),
        arrives("POST /x"), ours=True),
]
