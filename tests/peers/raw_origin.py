"""An origin made of bytes: it records exactly what arrives and answers exactly what it is told.

    with RawOrigin() as origin:
        origin.handler = lambda exchange: exchange.send(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")

A handler runs on the connection's own thread once the head of a request is there, and takes the body when it wants it.
Returning goes on to the next request of the connection; `exchange.close()` ends it.
"""

import os
import socket
import threading

TIMEOUT = 20  # no socket of a test waits longer than this
PIECE = 64 * 1024


def ok(body=b"ok", *fields, status=b"200 OK"):
    """A plain answer with a length."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Content-Type: text/plain", *fields]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Request:
    """One request as it arrived. `raw` is every byte of it that was read."""

    def __init__(self, head, connection, number):
        self.head = head
        self.connection = connection  # the how-manieth connection it came on, from 1
        self.number = number  # the how-manieth request of that connection, from 1
        self.raw = bytearray(head)
        self.body = None  # until read whole
        self.trailers = []
        lines = head.split(b"\r\n")
        self.start_line = lines[0].decode("latin-1")
        self.method, self.target, self.version = (self.start_line.split(" ") + ["", "", ""])[:3]
        pairs = (line.partition(b":") for line in lines[1:] if line)
        self.fields = [(name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in pairs]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def get(self, name):
        """The one value of a field, or None. Two of them are the caller's business to see."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def names(self):
        return [field.lower() for field, _ in self.fields]


class Exchange:
    """A request with the means to answer it."""

    def __init__(self, origin, connection_socket, request, rest):
        self.origin, self.socket, self.request = origin, connection_socket, request
        self.rest = rest  # bytes read beyond what has been consumed
        self.open = True

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        """Ends the connection. Shut down first, so that the peer learns of it while another thread still reads."""
        self.open = False
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def read_body(self):
        request = self.request
        if request.all("transfer-encoding"):
            request.body = self._read_chunked()
        else:
            request.body = self._take(int(request.get("content-length") or 0))
        return request.body

    def _receive(self):
        piece = self.origin.receive(self.socket, self.request.connection)
        if not piece:
            raise ConnectionError("the request ended in its body")
        self.rest += piece

    def _take(self, count):
        pieces, missing = [], count
        while True:
            piece, self.rest = self.rest[:missing], self.rest[missing:]
            pieces.append(piece)
            missing -= len(piece)
            if not missing:
                break
            self._receive()
        data = b"".join(pieces)
        self.request.raw += data
        return data

    def _take_line(self):
        while b"\r\n" not in self.rest:
            self._receive()
        return self._take(self.rest.index(b"\r\n") + 2)[:-2]

    def _read_chunked(self):
        pieces = []
        while size := int(self._take_line().split(b";")[0], 16):
            pieces.append(self._take(size))
            assert self._take(2) == b"\r\n", "a chunk ends with CRLF"
        while line := self._take_line():
            self.request.trailers.append(line.decode("latin-1"))
        return b"".join(pieces)


class RawOrigin:
    """Listens on a port or, with `path`, on a unix socket; with `tls`, an ssl.SSLContext, it speaks TLS there."""

    def __init__(self, path=None, port=0, tls=None):
        self.path, self._tls = path, tls
        self.requests = []  # every head that arrived, in order of arrival
        self.received = []  # per connection, every byte that arrived
        self.handler = None  # None: read the body, answer 200
        self._sockets, self._open, self._lock = [], 0, threading.Lock()
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
        else:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", port))
        self._listener.listen(128)
        self.port = None if path else self._listener.getsockname()[1]
        self.url = f"unix:{path}" if path else f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # Shutting down wakes the accept under way, which closing alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._thread.join(TIMEOUT)
        if self.path:
            os.unlink(self.path)

    @property
    def connections(self):
        """How many connections something was sent on."""
        return sum(1 for data in self.received if data)

    @property
    def open_connections(self):
        """How many connections are open still."""
        return self._open

    @property
    def arrived(self):
        """Every byte that arrived."""
        return b"".join(bytes(data) for data in self.received)

    def receive(self, connection_socket, connection):
        piece = connection_socket.recv(PIECE)
        self.received[connection - 1] += piece
        return piece

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            with self._lock:
                self._sockets.append(connection)
                self.received.append(bytearray())
                number = len(self._sockets)
                self._open += 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        rest, count = b"", 0
        try:
            if self._tls:
                connection = self._sockets[number - 1] = self._tls.wrap_socket(connection, server_side=True)
            while True:
                while b"\r\n\r\n" not in rest:
                    piece = self.receive(connection, number)
                    if not piece:
                        return
                    rest += piece
                head, rest = self._split(rest)
                count += 1
                request = Request(head, number, count)
                handler = self.handler or answer_ok  # settled when the request counts
                self.requests.append(request)
                exchange = Exchange(self, connection, request, rest)
                handler(exchange)
                if not exchange.open:
                    return
                if request.body is None:
                    exchange.read_body()
                rest = exchange.rest
        except (OSError, ConnectionError):
            pass  # the gateway went away, which some tests are about
        finally:
            connection.close()
            with self._lock:
                self._open -= 1

    @staticmethod
    def _split(data):
        end = data.index(b"\r\n\r\n") + 4
        return data[:end], data[end:]


def answer_ok(exchange):
    exchange.read_body()
    exchange.send(ok())


def answering(data):
    """A handler that reads the body, answers `data` and keeps the connection."""

    def handler(exchange):
        exchange.read_body()
        exchange.send(data)

    return handler


def answering_then_closing(data):
    def handler(exchange):
        exchange.read_body()
        exchange.send(data)
        exchange.close()

    return handler


class Gate:
    """Holds a handler back until the test opens it."""

    def __init__(self):
        self._event = threading.Event()

    def open(self):
        self._event.set()

    def wait(self):
        assert self._event.wait(TIMEOUT), "the test never opened the gate"
