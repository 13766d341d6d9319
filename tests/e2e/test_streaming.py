"""A gibibyte each way at the same time, through a gateway that keeps nothing of it."""

import socket
import threading
import zlib

import pytest

from support.gateway import open_routes
from support.polling import PATIENCE
from support.raw import request

GIBIBYTE = 1 << 30
BLOCK = bytes(range(256)) * 4096
TIMEOUT = 60 * PATIENCE
# What one connection needs on each side, and what the allocator takes at once; far below what is sent.
MEMORY_GROWTH_KIB_MAX = 4 * 1024 if PATIENCE == 1 else 16 * 1024


def send_all(connection, framing):
    for _ in range(GIBIBYTE // len(BLOCK)):
        connection.sendall(BLOCK if framing == "length" else b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))
    if framing == "chunked":
        connection.sendall(b"0\r\n\r\n")


class Reader:
    """Reads a message from a socket without keeping it: its head, then the checksum of its body."""

    def __init__(self, connection):
        self.file = connection.makefile("rb", buffering=1 << 20)
        self.checksum, self.length = 0, 0

    def read(self):
        lines = list(iter(self.file.readline, b"\r\n"))
        if any(line.lower() == b"transfer-encoding: chunked\r\n" for line in lines):
            while size := int(self.file.readline(), 16):
                self._take(size)
                assert self.file.readline() == b"\r\n"
            assert self.file.readline() == b"\r\n"
        else:
            self._take(GIBIBYTE)
        return lines[0]

    def _take(self, size):
        while size:
            piece = self.file.read1(min(size, 1 << 20))
            assert piece, "the body was cut off"
            self.checksum = zlib.crc32(piece, self.checksum)
            self.length += len(piece)
            size -= len(piece)


class EchoingOrigin:
    """Takes one request and answers it while it is still coming."""

    def __init__(self, framing):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT)
        self._framing = framing
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.reader = None
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(TIMEOUT)
            self.reader = Reader(connection)
            sending = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            sending.start()
            self.reader.read()
            sending.join(TIMEOUT)

    def _answer(self, connection):
        field = b"Transfer-Encoding: chunked" if self._framing == "chunked" else b"Content-Length: %d" % GIBIBYTE
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\n")
        send_all(connection, self._framing)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._listener.close()


def expected_checksum():
    checksum = 0
    for _ in range(GIBIBYTE // len(BLOCK)):
        checksum = zlib.crc32(BLOCK, checksum)
    return checksum


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_gibibyte_each_way_with_flat_memory(gateways, framing):
    with EchoingOrigin(framing) as origin:
        gateway = gateways.start(open_routes(origin.url))
        before = gateway.memory_kib("VmHWM")
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=TIMEOUT) as client:
            field = "Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {GIBIBYTE}"
            client.sendall(request("POST", "/both", field))
            sending = threading.Thread(target=send_all, args=(client, framing), daemon=True)
            sending.start()
            answer = Reader(client)
            assert answer.read().startswith(b"HTTP/1.1 200 ")
            sending.join(TIMEOUT)
        origin.thread.join(TIMEOUT)
        expected = expected_checksum()
        assert (answer.length, answer.checksum) == (GIBIBYTE, expected)
        assert (origin.reader.length, origin.reader.checksum) == (GIBIBYTE, expected)
        assert gateway.memory_kib("VmHWM") - before < MEMORY_GROWTH_KIB_MAX
