"""Both sides of a gateway in one thread, so that all of its requests are always at the same stage.

    with Lockstep(connections, request, answer) as sides:
        sides.connect(gateways.start(...))     # a gateway in front of sides.url
        requests = sides.run(rounds)

In a round every client asks, then the origin reads every request, then it answers them all, then every client reads its
answer. With several connections the gateway is held while one of the sides writes, and so finds everything there at
once. What it does for a request is then the same each time, on a machine of any speed and however busy.
"""

import os
import signal
import socket

from support.polling import PATIENCE

TIMEOUT = 10 * PATIENCE
PIECE = 1 << 16


class Lockstep:
    """`request` is a head without a body; `answer` is the same for all."""

    def __init__(self, connections, request, answer):
        self._count, self._request, self._answer = connections, request, answer
        self._clients, self._origins, self._gateway = [], [], None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=connections)
        self._listener.settimeout(TIMEOUT)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in (*self._clients, *self._origins, self._listener):
            each.close()

    def connect(self, gateway):
        """Opens the clients' connections, and by a first round the gateway's, which it keeps."""
        self._gateway = gateway
        self._clients = [_prepared(socket.create_connection(("127.0.0.1", gateway.port))) for _ in range(self._count)]
        self._write(self._clients, self._request)
        self._origins = [_prepared(self._listener.accept()[0]) for _ in range(self._count)]
        self._end_round()

    def run(self, rounds):
        """Returns the number of requests."""
        for _ in range(rounds):
            self._write(self._clients, self._request)
            self._end_round()
        return rounds * self._count

    def _end_round(self):
        for origin in self._origins:
            _read_until(origin, b"\r\n\r\n")
        self._write(self._origins, self._answer)
        end = b"\r\n\r\n" + self._answer.partition(b"\r\n\r\n")[2]
        for client in self._clients:
            answer = _read_until(client, end)
            assert answer.startswith(b"HTTP/1.1 200 "), answer

    def _write(self, sockets, data):
        if self._count == 1:
            sockets[0].sendall(data)
            return
        self._gateway.send(signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, self._gateway.pid, os.WSTOPPED)
            for each in sockets:
                each.sendall(data)
        finally:
            self._gateway.send(signal.SIGCONT)


def _prepared(connection):
    connection.settimeout(TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _read_until(source, end):
    data = b""
    while not data.endswith(end):
        piece = source.recv(PIECE)
        assert piece, f"closed after {data!r}"
        data += piece
    return data
