"""A client made of bytes: sends exactly what it is told and reads exactly what comes."""

import socket
import struct
import time

from support.polling import PATIENCE

TIMEOUT = 10 * PATIENCE

# The beginning of a WebSocket, as far as a proxy looks at it: fields of the request, and the whole answer.
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Response:
    def __init__(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.status_line = lines[0]
        self.version, status, *reason = lines[0].split(" ", 2)
        self.status, self.reason = int(status), (reason or [""])[0]
        pairs = (line.partition(":") for line in lines[1:] if line)
        self.fields = [(name, value.strip()) for name, _, value in pairs]
        self.body = b""
        self.complete = False  # ended as its framing says
        self.trailers = []

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.status_line!r} {len(self.body)} bytes, {'complete' if self.complete else 'cut off'}>"


class EndOfStream(Exception):
    """The peer closed, orderly or not."""


class RawClient:
    """One connection. `address` is a port of 127.0.0.1 or the path of a unix socket."""

    def __init__(self, address, timeout=TIMEOUT, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)  # before connecting, to count
        self.socket.settimeout(timeout)
        self.socket.connect(address if isinstance(address, str) else ("127.0.0.1", address))
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def send_in_pieces(self, data, size=1):
        """Each piece in a send of its own. A peer that has heard enough and closed is no error: its answer is read next."""
        for start in range(0, len(data), size):
            try:
                self.socket.sendall(data[start : start + size])
            except OSError:
                break
        return self

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """Ends the connection at once and in both directions, which nobody can take for a half-close."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _receive(self):
        try:
            piece = self.socket.recv(256 * 1024)
        except ConnectionError as error:
            raise EndOfStream("reset") from error
        if not piece:
            raise EndOfStream("closed")
        self.buffer += piece

    def take(self, count):
        while len(self.buffer) < count:
            self._receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def take_line(self):
        while b"\r\n" not in self.buffer:
            self._receive()
        return self.take(self.buffer.index(b"\r\n") + 2)[:-2]

    def read_head(self):
        """The next response's head, interim ones included."""
        while b"\r\n\r\n" not in self.buffer:
            self._receive()
        return Response(self.take(self.buffer.index(b"\r\n\r\n") + 4))

    def read_response(self, method="GET"):
        """The next final response. One that is cut off comes back with `complete` false."""
        while (response := self.read_head()).status in (100, 102, 103):
            pass
        self.read_body(response, method)
        return response

    def read_body(self, response, method="GET"):
        encodings, lengths = response.all("transfer-encoding"), response.all("content-length")
        try:
            if method == "HEAD" or response.status in (101, 204, 304):
                pass
            elif encodings:
                assert encodings == ["chunked"] and not lengths, response.head
                self._read_chunked(response)
            elif lengths:
                self._read_length(response, int(response.get("content-length")))
            else:
                self._read_to_end(response)
            response.complete = True
        except EndOfStream:
            pass
        return response

    def _read_length(self, response, length):
        pieces, missing = [], length
        try:
            while missing:
                if not self.buffer:
                    self._receive()
                piece, self.buffer = self.buffer[:missing], self.buffer[missing:]
                pieces.append(piece)
                missing -= len(piece)
        finally:
            response.body = b"".join(pieces)

    def _read_chunked(self, response):
        pieces = []
        try:
            while size := int(self.take_line().split(b";")[0], 16):
                pieces.append(self.take(size))
                assert self.take(2) == b"\r\n"
            while line := self.take_line():
                response.trailers.append(line.decode("latin-1"))
        finally:
            response.body = b"".join(pieces)

    def _read_to_end(self, response):
        try:
            while True:
                self._receive()
        except EndOfStream as end:
            response.body, self.buffer = self.buffer, b""
            if str(end) == "reset":
                raise

    def read_to_end(self):
        """Everything until the peer closes."""
        try:
            while True:
                self._receive()
        except EndOfStream:
            data, self.buffer = self.buffer, b""
            return data

    def is_closed(self, within=TIMEOUT):
        """Whether the peer closes the connection without sending another byte."""
        if self.buffer:
            return False
        deadline = time.monotonic() + within
        try:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False


def request(method, target, *fields, host="example", body=b"", version="HTTP/1.1"):
    """The bytes of a request. A body gets its length unless a field says how it is framed."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    framed = any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields)
    if body and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces, trailers=()):
    """A chunked body."""
    parts = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
    return b"".join(parts) + b"0\r\n" + b"".join(line.encode() + b"\r\n" for line in trailers) + b"\r\n"


def ask(address, data, method="GET"):
    """One request on a connection of its own."""
    with RawClient(address) as client:
        return client.send(data).read_response(method)
