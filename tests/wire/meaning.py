"""Whether what was observed means what a row says, whoever the proxy is: it may frame and order things in its own way.

An expected refusal is met when nothing of it arrived at the origin as a whole request, and the client was told by an
error or an end. An expected request is met by one with the same method, target, body and trailers (or none), without
the lines that had to go and with those that had to stay; an expected answer by one with the same status and body.
"""

import re

from wire.messages import read_all, read_answers, read_request
from wire.observation import MORE, WAITING
from wire.origin import SWITCHED
from wire.row import RESETS, TUNNEL
from wire.template import sample

_AUTHORITY = re.compile(r"^https?://[^/?]+/?", re.IGNORECASE)
# How a body is framed, and how a connection is kept, is for each proxy to choose.
_OWN_CHOICE = ("content-length", "transfer-encoding", "connection")
_OWN_ANSWER = b"\r\nCache-Control: no-store\r\n"


def misunderstandings(row, seen):
    """What does not mean what the row says, as texts; none when all does."""
    return _in_requests(row, seen) + _in_answers(row, seen)


def _in_requests(row, seen):
    before_tunnel = sample(row.origin).partition(SWITCHED)[0]
    expected = [] if row.partly else read_all(before_tunnel, read_request)[0]
    if len(seen.requests) != len(expected):
        return [f"{len(seen.requests)} requests arrived, {len(expected)} should have: "
                + ", ".join(request.start for request in seen.requests)]
    sent = read_all(b"".join(row.sends), read_request)[0]
    own_choice = (*_OWN_CHOICE, "upgrade") if row.upgrades else _OWN_CHOICE
    found = []
    for number, (wanted, got) in enumerate(zip(expected, seen.requests)):
        lines = sent[number].fields if number < len(sent) else []
        found += _in_request(wanted, got, [line for line in lines if line[0] not in own_choice])
    return found


def _in_request(wanted, got, lines):
    found = []
    if _asked(wanted) != _asked(got):
        found.append(f"{got.start!r} arrived, {wanted.start!r} should have")
    if wanted.body != got.body:
        found.append(f"the body {got.body!r} arrived, {wanted.body!r} should have")
    if got.trailers and [line.lower() for line in got.trailers] != [line.lower() for line in wanted.trailers]:
        found.append(f"the trailers {got.trailers!r} arrived")
    for line in lines:
        if line in wanted.fields and line not in got.fields:
            found.append(f"{line[0]} did not arrive")
        if line not in wanted.fields and line in got.fields:
            found.append(f"{line[0]} arrived")
    return found


def _asked(request):
    """Method and target. The absolute form of a target says the same (RFC 9112 section 3.2.2)."""
    method, target = (request.start.split(" ") + [""])[:2]
    return method, _AUTHORITY.sub("/", target)


def _in_answers(row, seen):
    ended = seen.ending not in (RESETS, WAITING)
    got, rest = read_answers(seen.answered, row.methods, at_end=ended)
    got = _without_continue(got)
    if row.ends == RESETS:
        whole = [answer.status for answer in got if 200 <= answer.status < 500]
        return [f"the answer {whole} looks whole"] if whole and not rest else _waiting(seen)
    wanted = _without_continue(read_answers(sample(b"".join(row.answer)), row.methods, at_end=True)[0])
    for number, answer in enumerate(wanted):
        there = got[number] if number < len(got) else None
        if _OWN_ANSWER.decode() in answer.raw.decode("latin-1"):
            if there is None:
                return _waiting(seen)
            if there.status < 400:
                return [f"answered {there.start!r}, where an error was due"]
        elif there is None:
            return [f"no answer, where {answer.start!r} was due"]
        elif (there.status, there.body) != (answer.status, answer.body):
            return [f"answered {there.start!r} {there.body!r}, where {answer.start!r} {answer.body!r} was due"]
    if row.ends == TUNNEL and not seen.answered.endswith(MORE):
        return ["the tunnel does not carry what is sent through it"]
    return []


def _without_continue(answers):
    """A proxy may ask for the body itself, where the origin would have."""
    return [answer for answer in answers if answer.status != 100]


def _waiting(seen):
    return ["it waits, where an answer or an end was due"] if seen.ending == WAITING else []
