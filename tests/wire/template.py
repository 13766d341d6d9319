"""Expected bytes, exact but for markers where nobody can know them beforehand.

    {added}        the lines that Sidegate adds to a request, in order
    {id}           32 hexadecimal digits in lower case: a request id
    {hex16} …      so many of them
    {port}         the listener's port
    {origin}       address and port of the origin
    {chunks DATA}  DATA as chunks of any size, with no extension and without the last one
"""

import os
import re
from dataclasses import dataclass

from wire.row import ADDED, lines_added

_MARKER = re.compile(rb"\{(id|hex\d+|port|origin|chunks [^}]*)\}")
_DIGITS = re.compile(rb"[0-9a-f]*")
_SIZE_LINE = re.compile(rb"([1-9a-f][0-9a-f]{0,15})\r\n")
_BEGUN_SIZE_LINE = re.compile(rb"[1-9a-f][0-9a-f]{0,15}\r?")
_BLOCK = "".join(line + "\r\n" for line in lines_added()).encode()


def spelled_out(template):
    """With the lines of `{added}` in its place."""
    return template.replace(ADDED.encode(), _BLOCK)


def sample(template):
    """Bytes that match, for those who want to read them as a message."""
    def stand_in(marker):
        word = marker[1]
        if word.startswith(b"chunks "):
            return b"%x\r\n%s\r\n" % (len(word) - 7, word[7:])
        return {b"port": b"80", b"origin": b"127.0.0.1:80", b"id": b"a" * 32}.get(word, b"a" * 16)

    return _MARKER.sub(stand_in, spelled_out(template))


@dataclass
class Match:
    """How far data matches a template."""

    end: int = 0  # bytes of the data that match
    whole: bool = False  # the template was used up


class _Difference(Exception):
    pass


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def literal(self, expected):
        common = os.path.commonprefix([expected, self.data[self.at : self.at + len(expected)]])
        self.at += len(common)
        if len(common) < len(expected):
            raise _Difference

    def digits(self, count):
        found = _DIGITS.match(self.data, self.at, self.at + count).end() - self.at
        self.at += found
        if found < count:
            raise _Difference

    def chunks(self, data):
        while data:
            line = _SIZE_LINE.match(self.data, self.at)
            if not line:
                self._begun_size()
            size = int(line[1], 16)
            if size > len(data):
                raise _Difference
            self.at = line.end()
            self.literal(data[:size] + b"\r\n")
            data = data[size:]

    def _begun_size(self):
        """No size line stands here. What stands here may be the beginning of one, if nothing follows."""
        if _BEGUN_SIZE_LINE.fullmatch(self.data, self.at):
            self.at = len(self.data)
        raise _Difference


def match(template, data, places):
    """Compares. `places` are the values of {port} and {origin}."""
    cursor, result = _Cursor(bytes(data)), Match()
    try:
        for number, part in enumerate(_MARKER.split(spelled_out(template))):
            if number % 2 == 0:
                cursor.literal(part)
            elif part.startswith(b"chunks "):
                cursor.chunks(part[7:])
            elif part == b"id":
                cursor.digits(32)
            elif part.startswith(b"hex"):
                cursor.digits(int(part[3:]))
            else:
                cursor.literal(places[part.decode()])
        result.whole = True
    except _Difference:
        pass
    result.end = cursor.at
    return result
