"""A steady load of requests, for tests in which none may be lost.

    with SteadyLoad(gateway.port) as load:
        load.wait_for_answers(100)
        ...                                # what must not disturb the requests
    assert not load.broken_off
    assert {attempt.status for attempt in load.answered} == {200}

Some threads keep a connection and ask on it again and again, others open one for each request; both send GET and POST
with a body in turn. Each request becomes an `Attempt`. A client of HTTP may find its idle connection closed before it
writes anything; it then opens another one, and nothing is lost. A request that was written, in part or whole, and
whose connection ended before its whole answer, is lost. Lost is no fault of the peer where the client itself rested
between opening or looking at its connection and writing: the peer may have given it up meanwhile.
"""

import itertools
import select
import threading
import time
from dataclasses import dataclass, replace

from support.raw import TIMEOUT, EndOfStream, RawClient, Response, request

REFUSED = "refused"  # there was no connection to write on
LATE = "written late"  # on a connection that was idle for longer than a client may count on
LATE_AFTER = 0.1  # half of what a proxy that ends waits for the request of an idle connection
BODY = b"a body of some length " * 100
PAUSE = 0.002  # between two requests of a thread: steady, not as many as the machine can bear


@dataclass(frozen=True)
class Attempt:
    """One request and what came of it."""

    method: str
    target: str
    connection: str  # "kept" or "fresh", as it was meant to be
    begun: float  # by time.monotonic(), before connecting where a connection had to be opened
    written: bool = False  # some of its bytes may have reached the peer
    answer: Response = None  # None where it was lost
    loss: str = None  # REFUSED, LATE, or how its connection ended
    ended: float = None  # when that was known

    @property
    def status(self):
        return self.answer.status if self.answer else None

    @property
    def closing(self):
        """Whether the answer announces that it is the connection's last."""
        return self.answer is not None and (self.answer.get("Connection") or "").lower() == "close"


class SteadyLoad:
    """Requests from `kept` threads that keep their connections and `fresh` threads that do not.

    `address` is a port of 127.0.0.1 or the path of a unix socket; `fields` are further lines of each request's head;
    the paths begin with `prefix`, and no two requests have the same one.
    """

    def __init__(self, address, kept=4, fresh=4, fields=(), prefix="/load"):
        self._address, self._fields, self._prefix = address, fields, prefix
        self._attempts, self._problems = [], []
        self._stopped, self._changed = threading.Event(), threading.Condition()
        kinds = ["kept"] * kept + ["fresh"] * fresh
        self._threads = [threading.Thread(target=self._run, args=(kind, number), daemon=True)
                         for number, kind in enumerate(kinds)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets each thread end its request, and ends them. May be called before the `with` ends."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 1)
        assert not any(thread.is_alive() for thread in self._threads), "a client of the load hangs"
        assert not self._problems, self._problems

    # -- what came of the requests

    @property
    def answered(self):
        """Those with a whole answer, whatever its status."""
        return [attempt for attempt in list(self._attempts) if attempt.answer]

    @property
    def lost(self):
        """Those without: refused connections too."""
        return [attempt for attempt in list(self._attempts) if attempt.loss]

    @property
    def refused(self):
        """Those that nobody accepted a connection for."""
        return [attempt for attempt in self.lost if attempt.loss == REFUSED]

    @property
    def broken_off(self):
        """All other losses but late ones: a peer that closes down in an orderly way leaves none."""
        return [attempt for attempt in self.lost if attempt.loss not in (REFUSED, LATE)]

    def wait_for_answers(self, count):
        """Waits until that many more requests have their answers."""
        wanted = len(self.answered) + count
        self._wait(lambda: len(self.answered) >= wanted, f"{count} more answers")

    def wait_for_refusal(self):
        """Waits until the first connection was refused."""
        self._wait(lambda: self.refused, "a refused connection")

    def _wait(self, condition, wanted):
        with self._changed:
            assert self._changed.wait_for(condition, TIMEOUT), f"not within {TIMEOUT} s: {wanted}"

    # -- the clients

    def _run(self, kind, number):
        client = None
        try:
            for turn in itertools.count():
                client = self._attempt(kind, f"{self._prefix}/{number}/{turn}", turn, client)
                if self._stopped.wait(PAUSE):
                    break
        except Exception as problem:  # a thread's exception is the test's, told when it stops
            self._problems.append(repr(problem))
        finally:
            if client:
                client.socket.close()

    def _attempt(self, kind, target, turn, client):
        """Makes one request, and returns the connection for the next one, or None."""
        method = "POST" if turn % 2 else "GET"
        details = {"method": method, "target": target, "connection": kind, "begun": time.monotonic()}
        if client is None or self._was_closed(client):
            try:
                client = RawClient(self._address)
            except (ConnectionError, FileNotFoundError):  # reset: it was queued for a listener that has closed
                self._record(Attempt(**details, loss=REFUSED))
                return None
            except OSError as error:
                self._record(Attempt(**details, loss=f"{error!r} while connecting"))
                return None
        attempt = self._exchange(client, details)
        self._record(attempt)
        if attempt.answer and kind == "kept" and not attempt.closing:
            return client
        client.socket.close()
        return None

    @staticmethod
    def _was_closed(client):
        """Whether the peer ended the idle connection already."""
        if not select.select([client.socket], [], [], 0)[0]:
            return False
        assert client.is_closed(), "an answer that nobody asked for"
        client.socket.close()
        return True

    def _exchange(self, client, details):
        body = BODY if details["method"] == "POST" else b""
        written = None
        try:
            client.send(request(details["method"], details["target"], *self._fields, body=body))
            written = time.monotonic()
            answer = client.read_response(details["method"])
        except (ConnectionError, EndOfStream) as error:
            # The connection was fine when the attempt began, or was opened after that.
            is_late = not client.buffer and (written or time.monotonic()) - details["begun"] > LATE_AFTER
            return Attempt(**details, written=True, loss=LATE if is_late else str(error) or type(error).__name__)
        except OSError as error:  # a time-out
            return Attempt(**details, written=True, loss=str(error) or type(error).__name__)
        if not answer.complete:
            return Attempt(**details, written=True, loss="the answer was cut off")
        return Attempt(**details, written=True, answer=answer)

    def _record(self, attempt):
        with self._changed:
            self._attempts.append(replace(attempt, ended=time.monotonic()))
            self._changed.notify_all()
