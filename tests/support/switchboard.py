"""A switchboard before a service: it passes calls on, counts them, and fails as it is told.

    with Switchboard(auth_service.url) as switchboard:
        switchboard.calls_of(VALIDATE)           # who asked for what, and when
        switchboard.replies[VALIDATE] = hang     # from now on, for paths that begin so
        switchboard.replies.clear()              # the real service answers again
        switchboard.stop()                       # nobody listens any more; start() does, on the same port

A reply is a function that gets the `Exchange` of raw_origin in place of the service, once the body has been read. With
no service behind it, a path that has no reply is answered 404.
"""

import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from raw_origin import RawOrigin, Request, ok
from support.polling import PATIENCE, wait_until
from support.ports import free_port

TIMEOUT = 10 * PATIENCE
LOGIN = "/accounts/login/"
# Of one connection only (RFC 9110 section 7.6.1), or about a body that is passed on whole.
_OF_THE_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "content-length")


@dataclass(frozen=True)
class Call:
    path: str  # without the query
    request: Request
    at: float  # by time.monotonic()

    @property
    def json(self):
        return json.loads(self.request.body)


class Switchboard:
    """Its calls and replies outlive a stop. With `tls`, an ssl.SSLContext, it is known as `host`."""

    def __init__(self, behind=None, tls=None, host="127.0.0.1"):
        self.calls, self.replies = [], {}
        self.most_at_once = 0  # calls under way at the same time
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._behind = urlsplit(behind) if behind else None
        self._tls, self._origin = tls, None
        self._lock, self._under_way, self._of_thread = threading.Lock(), 0, threading.local()
        self.problems = []  # exceptions of its threads are the test's, told when it stops

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        assert not self.problems, self.problems

    def start(self):
        self._origin = RawOrigin(port=self.port, tls=self._tls)
        self._origin.handler = self._take
        self._origin.__enter__()
        return self

    def stop(self):
        """Nobody listens any more, and nothing under way is answered."""
        if self._origin:
            self._origin.__exit__()
            self._origin = None

    def calls_of(self, path):
        """Those whose path begins so."""
        return [call for call in list(self.calls) if call.path.startswith(path)]

    def count(self, path=""):
        return len(self.calls_of(path))

    @property
    def under_way(self):
        return self._under_way

    def wait_for_calls(self, count, path=""):
        """Waits until it was called that often, since it began."""
        wait_until(lambda: self.count(path) >= count,
                   lambda: f"{count} calls of {path}: {[call.path for call in self.calls]}")

    # -- one call

    def _take(self, exchange):
        exchange.read_body()
        path = exchange.request.target.partition("?")[0]
        with self._lock:
            # A call counts once its reply is settled: whoever waits for it may ask for other replies then.
            reply = self._reply_for(path)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            self.calls.append(Call(path, exchange.request, time.monotonic()))
        try:
            reply(exchange)
        except OSError:
            raise  # the gateway went away, which some tests are about
        except Exception as problem:
            self.problems.append(repr(problem))
            raise
        finally:
            with self._lock:
                self._under_way -= 1

    def _reply_for(self, path):
        found = [prefix for prefix in list(self.replies) if path.startswith(prefix)]
        if found:
            return self.replies[max(found, key=len)]
        return self.pass_on if self._behind else answering({"detail": "Not found."}, status=b"404 Not Found")

    def pass_on(self, exchange):
        """The reply of the service behind."""
        try:
            answer = self._answer_of_the_service(exchange.request)
        except (OSError, http.client.HTTPException):
            return reset(exchange)
        fields = [f"{name}: {value}".encode("latin-1") for name, value in answer.getheaders()
                  if name.lower() not in _OF_THE_CONNECTION]
        body = answer.read()
        head = [b"HTTP/1.1 %d %s" % (answer.status, answer.reason.encode()), b"Content-Length: %d" % len(body), *fields]
        exchange.send(b"\r\n".join(head) + b"\r\n\r\n" + body)

    def _answer_of_the_service(self, request):
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = http.client.HTTPConnection(
                self._behind.hostname, self._behind.port, timeout=TIMEOUT)
        connection = self._of_thread.connection
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.fields:
            if name.lower() not in _OF_THE_CONNECTION:
                connection.putheader(name, value)
        if request.body or request.method == "POST":
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        return connection.getresponse()


# -- replies that are answers

def answering(value, *fields, status=b"200 OK"):
    """A JSON answer; `fields` are further lines of its head."""
    return answering_text(json.dumps(value).encode(), b"application/json", *fields, status=status)


def answering_text(body, media_type, *fields, status=b"200 OK"):
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    if media_type is not None:
        head.append(b"Content-Type: " + media_type)
    data = b"\r\n".join(head) + b"\r\n\r\n" + body
    return lambda exchange: exchange.send(data)


def held(gate, reply):
    """The reply once the test opens the gate."""

    def wait(exchange):
        gate.wait()
        reply(exchange)

    return wait


def delayed(seconds, reply):
    def wait(exchange):
        time.sleep(seconds)
        reply(exchange)

    return wait


# -- replies that are faults

def hang(exchange):
    """Takes the question and says nothing, until whoever asked has gone."""
    with contextlib.suppress(OSError):
        exchange.socket.recv(1)
    exchange.close()


def fail(exchange):
    answering({"error": "try later"}, status=b"500 Internal Server Error")(exchange)


def is_overloaded(exchange):
    answering({"error": "try later"}, b"Retry-After: 7", status=b"503 Service Unavailable")(exchange)


def talk_nonsense(exchange):
    exchange.send(b"\x15\x03\x01\x00\x02\x02\x46 this is no HTTP\r\n\r\n")
    exchange.close()


def say_nothing(exchange):
    """Closes without a word."""
    exchange.close()


def stop_half_way(exchange):
    """Closes in the midst of an answer which, whole, would be a yes."""
    whole = ok(b'{"valid": true, "active": true, "user_id": 42, "sub": "42"}')
    exchange.send(whole[:-20])
    exchange.close()


def reset(exchange):
    exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.socket.close()
    exchange.open = False


def never_end_the_head(exchange):
    """Sends a field now and then."""
    _drip(exchange, b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")


def never_end_the_body(exchange):
    """Sends a piece of it now and then."""
    _drip(exchange, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")


def _drip(exchange, beginning, drop):
    exchange.send(beginning)
    while True:  # until whoever asked has gone
        time.sleep(0.05)
        exchange.send(drop)


def never_stop(exchange):
    """Sends as much as it can."""
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n")
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:  # until whoever asked has gone
        exchange.send(piece)


def show_a_login_page(exchange):
    """As a single sign-on before the service does, of a caller whom it does not know."""
    page = b"<!DOCTYPE html><html><title>Log in</title><form></form></html>"
    answering_text(page, b"text/html; charset=utf-8")(exchange)


def redirect_to_login(exchange):
    answering_text(b"", None, b"Location: " + LOGIN.encode(), status=b"302 Found")(exchange)


# What makes a definite answer impossible; each by its name.
FAULTS = {reply.__name__: reply for reply in (
    hang, fail, is_overloaded, talk_nonsense, say_nothing, stop_half_way, reset, never_end_the_head,
    never_end_the_body, never_stop, show_a_login_page, redirect_to_login,
)}
