"""An origin that answers as a row says and records every byte that arrives.

It has one thread for all of its connections, so that whatever was sent to it before a request was answered has been
recorded by then. Requests for FOLLOW_UP are the runner's own and are answered plainly.
"""

import selectors
import socket
import struct
import threading

from wire.messages import Incomplete, read_head, read_request
from wire.row import KEEPS, OK, RESETS, THEN_RESETS, TUNNEL

FOLLOW_UP = "/follow-up"
SWITCHED = b"{switched}"
_CONTINUE = b"HTTP/1.1 100"
TIMEOUT = 20
PIECE = 64 * 1024


class _Connection:
    def __init__(self, connected):
        self.socket = connected
        self.rest = b""  # of a request that is not whole yet
        self.told_early = False
        self.tunnel = False


class ScriptedOrigin:
    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.begin(None, None)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        self._wake.send(b"x")
        self._thread.join(TIMEOUT)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._wake.close()

    def begin(self, row, split):
        """Forgets what came before and answers as `row` says, its bytes split by `split`."""
        with self._lock:
            self._row, self._split = row, split
            self._arrived = {}  # by connection, in the order of their first bytes
            self._requests = []
            self._answered = 0
            self._held = None

    def release(self):
        """Ends the connection that was held open until the head of its answer was through."""
        with self._lock:
            if self._held:
                self._end_as_told(self._held)

    def wait_until_said(self):
        """Until it has sent all that it has to say to what arrived, which its lock is held for."""
        with self._lock:
            pass

    def arrived(self):
        """Every byte since `begin`, connection after connection."""
        with self._lock:
            return b"".join(self._arrived.values())

    def requests(self):
        """The whole requests since `begin`."""
        with self._lock:
            return list(self._requests)

    def _serve(self):
        while not self._ended:
            for key, _ in self._selector.select(TIMEOUT):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data is not None:
                    with self._lock:
                        self._read(key.data)

    def _accept(self):
        connected, _ = self._listener.accept()
        connected.settimeout(TIMEOUT)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connected, selectors.EVENT_READ, _Connection(connected))

    def _read(self, connection):
        try:
            piece = connection.socket.recv(PIECE)
            if piece:
                self._record(connection, piece)
                self._answer_what_is_whole(connection)
            else:
                self._end(connection)
        except OSError:
            self._end(connection)

    def _record(self, connection, piece):
        self._arrived[connection] = self._arrived.get(connection, b"") + piece
        connection.rest += piece

    def _answer_what_is_whole(self, connection):
        while connection.rest and connection.socket.fileno() >= 0:
            if connection.tunnel:
                connection.socket.sendall(connection.rest)
                connection.rest = b""
                return
            try:
                self._tell_early(connection)
                request = read_request(connection.rest)
            except Incomplete:
                return
            except ValueError:  # no request, whatever it is
                return self._end(connection)
            connection.rest = connection.rest[len(request.raw) :]
            connection.told_early = False
            self._requests.append(request)
            self._answer(connection, request)

    def _tell_early(self, connection):
        head = read_head(connection.rest)
        if connection.told_early or not self._row or _is_follow_up(head):
            return
        connection.told_early = True
        early = self._row.origin_early
        if early and (head.all("expect") or not early.startswith(_CONTINUE)):
            self._send(connection, early)

    def _answer(self, connection, request):
        if self._row is None or _is_follow_up(request):
            connection.socket.sendall(OK)
            return
        answer = self._row.origin_sends[min(self._answered, len(self._row.origin_sends) - 1)]
        self._answered += 1
        if answer.startswith(b"HTTP/1.1 101"):
            connection.tunnel = True
            self._arrived[connection] += SWITCHED if self._row.ends == TUNNEL else b""
        self._send(connection, answer)
        if self._row.origin_then != KEEPS and self._row.ends == RESETS:
            self._held = connection
        elif self._row.origin_then != KEEPS or not answer:
            self._end_as_told(connection)

    def _end_as_told(self, connection):
        if self._row.origin_then == THEN_RESETS:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end(connection)

    def _send(self, connection, data):
        for piece in self._split(data, self._row.name):
            connection.socket.sendall(piece)

    def _end(self, connection):
        if connection.socket.fileno() >= 0:
            self._selector.unregister(connection.socket)
            connection.socket.close()


def _is_follow_up(head):
    return f" {FOLLOW_UP} " in head.start
