"""Delivers a row to a proxy and observes what comes of it, without judging."""

import socket
from dataclasses import dataclass

from support.raw import RawClient
from wire.messages import read_answers
from wire.origin import FOLLOW_UP
from wire.row import CLOSES, OPEN, RESETS, TUNNEL, get

SMUGGLED = get("/smuggled")
FOLLOWING = get(FOLLOW_UP)
WAITING = "waits"  # neither answers nor closes
MORE = b"more through the tunnel"
PIECE = 64 * 1024


@dataclass
class Observation:
    arrived: bytes  # at the origin
    requests: list  # the whole ones among it, the follow-up left out
    answered: bytes  # to the client, the answer to the follow-up included where the connection stayed open
    ending: str  # OPEN: the follow-up was answered on the same connection


@dataclass
class Proxy:
    """Where a row connects, and where the request does that proves that nothing is on its way any more."""

    port: int
    settling_port: int


class _Client:
    def __init__(self, port, split, name, patience):
        self.raw = RawClient(port, timeout=patience)
        self.split, self.name = split, name
        self.received, self.ending = b"", None

    def deliver(self, data):
        """A peer that has heard enough and closed is no error: its answer is read next."""
        for piece in self.split(data, self.name) if data else []:
            try:
                self.raw.socket.sendall(piece)
            except OSError:
                return

    def read_until(self, enough):
        """Reads until `enough` says so, the connection ends, or patience does. Says whether there was enough."""
        while self.ending is None:
            if enough(self.received):
                return True
            try:
                piece = self.raw.socket.recv(PIECE)
            except socket.timeout:
                self.ending = WAITING
                break
            except ConnectionError:
                self.ending = RESETS
                break
            if not piece:
                self.ending = CLOSES
            self.received += piece
        return enough(self.received)

    def wait_for_a_head(self):
        """For a while: a proxy may hold it back until it has more."""
        self.read_until(lambda received: b"\r\n\r\n" in received)
        self.ending = None if self.ending == WAITING else self.ending

    def finish_sending(self):
        try:
            self.raw.finish_sending()
        except OSError:
            pass  # the peer was faster


def observe(row, split, proxy, origin, patience):
    """One delivery on a connection of its own. Ends when all that it could cause has happened."""
    origin.begin(row, split)
    client = _Client(proxy.port, split, row.name, patience)
    with client.raw:
        _converse(row, client, origin)
        origin.wait_until_said()  # what is one too many has arrived when the next request does
        ending = client.ending or _prove_open(row, client)
    if ending != OPEN:
        _settle(proxy, patience)
    requests = [request for request in origin.requests() if f" {FOLLOW_UP} " not in request.start]
    return Observation(origin.arrived(), requests, client.received, ending)


def _converse(row, client, origin):
    """Sends the row's pieces, each once the one before it is answered."""
    expected = 0
    for number, (sends, answer) in enumerate(zip(row.sends, row.answer)):
        last = number == len(row.sends) - 1
        expected += answer.count(b"HTTP/1.1 ")
        client.deliver(sends + (SMUGGLED if last and row.is_followed else b""))
        if last and row.half_closes:
            client.finish_sending()
        if last and row.ends == RESETS:
            client.wait_for_a_head()
            origin.release()
        if last and row.ends in (CLOSES, RESETS):
            client.read_until(lambda received: False)
        elif last and row.ends == TUNNEL:
            client.read_until(lambda received: len(received) >= _tunnel_bytes(received, answer))
        elif not client.read_until(lambda received, count=expected: _count(received, row.methods) >= count):
            return


def _count(received, methods):
    return len(read_answers(received, methods)[0])


def _tunnel_bytes(received, answer):
    """How much there is once the answer's head has come, and as much behind it as the row says."""
    end = received.find(b"\r\n\r\n")
    behind = len(answer) - answer.find(b"\r\n\r\n")
    return len(received) + 1 if end < 0 else end + behind


def _prove_open(row, client):
    if row.ends == TUNNEL:
        there = len(client.received)
        client.deliver(MORE)
        client.read_until(lambda received: len(received) >= there + len(MORE))
        client.finish_sending()
        client.read_until(lambda received: False)
        return TUNNEL if client.ending == CLOSES else client.ending
    there = len(client.received)
    client.deliver(FOLLOWING)
    client.read_until(lambda received: _count(received[there:], ["GET"]) > 0)
    return client.ending or OPEN


def _settle(proxy, patience):
    """What a closed connection has caused is at the origin before a request that comes after it is answered."""
    with RawClient(proxy.settling_port, timeout=patience) as client:
        client.send(FOLLOWING)
        client.read_response()
