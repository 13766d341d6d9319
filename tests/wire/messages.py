"""Reading messages out of bytes, leniently: what arrives was sent by proxies of every kind."""

from dataclasses import dataclass, field


@dataclass
class Message:
    start: str
    fields: list  # (name in lower case, value)
    raw: bytes = b""
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def all(self, name):
        return [value for found, value in self.fields if found == name]

    @property
    def status(self):
        """Of an answer; 0 where there is none."""
        word = (self.start.split(" ") + [""])[1]
        return int(word) if word.isdigit() else 0


class Incomplete(Exception):
    """The bytes end before the message does."""


def read_head(data):
    """The head that `data` begins with, blank lines before it skipped."""
    begin = 0
    while data.startswith(b"\r\n", begin):
        begin += 2
    end = data.find(b"\r\n\r\n", begin)
    if end < 0:
        raise Incomplete
    lines = data[begin:end].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:])
    fields = [(name.lower(), value.strip()) for name, _, value in pairs]
    return Message(lines[0], fields, raw=data[: end + 4])


def read_request(data):
    message = read_head(data)
    return _with_body(message, data, until_close=False)


def read_answer(data, method="GET", at_end=False):
    """The answer that `data` begins with. With `at_end` nothing follows: its connection has ended in an orderly way."""
    message = read_head(data)
    if message.status < 200 or message.status in (204, 304) or method == "HEAD":
        return message
    framed = message.all("transfer-encoding") or message.all("content-length")
    if not framed and not at_end:
        raise Incomplete
    return _with_body(message, data, until_close=not framed)


def read_all(data, read):
    """The whole messages in `data`, one after the other, and the bytes behind them."""
    found = []
    while data:
        try:
            message = read(data)
        except (Incomplete, ValueError):
            break
        found.append(message)
        data = data[len(message.raw) :]
    return found, data


def read_answers(data, methods, at_end=False):
    """The whole answers to requests with these methods, and the bytes behind them. Nothing is one behind a 101."""
    found, awaited = [], list(methods)
    while data and (not found or found[-1].status != 101):
        try:
            answer = read_answer(data, awaited[0] if awaited else "GET", at_end)
        except (Incomplete, ValueError):
            break
        if answer.status >= 200 and awaited:
            awaited.pop(0)
        found.append(answer)
        data = data[len(answer.raw) :]
    return found, data


def _with_body(message, data, until_close):
    start = len(message.raw)
    if any("chunked" in value.lower() for value in message.all("transfer-encoding")):
        end = _read_chunks(message, data, start)
    elif until_close:
        end = len(data)
        message.body = data[start:]
    else:
        end = start + int((message.all("content-length") or ["0"])[0])
        if len(data) < end:
            raise Incomplete
        message.body = data[start:end]
    message.raw = data[:end]
    return message


def _read_chunks(message, data, at):
    while True:
        line, at = _line(data, at)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        if len(data) < at + size + 2:
            raise Incomplete
        message.body += data[at : at + size]
        at += size + 2
    while True:
        line, at = _line(data, at)
        if not line:
            return at
        message.trailers.append(line.decode("latin-1"))


def _line(data, at):
    end = data.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    return data[at:end], end + 2
