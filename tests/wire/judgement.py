"""Whether what was observed is what a row says, byte for byte."""

from wire.observation import FOLLOWING, MORE
from wire.origin import FOLLOW_UP
from wire.row import CLOSES, OPEN, RESETS, TUNNEL, arrives, ok
from wire.template import match, spelled_out

_FOLLOW_UP_LINE = FOLLOWING.partition(b"\r\n")[0]


def differences(row, seen, proxy, origin_address):
    """What is not as the row says, as texts; none when all is."""
    places = {"port": str(proxy.port).encode(), "origin": origin_address.encode()}
    following = {**places, "port": str(proxy.settling_port).encode()} if seen.ending != OPEN else places
    found = _origin_differences(row, seen, places, following) + _answer_differences(row, seen, places)
    if not row.partly and row.ends != RESETS:
        found += _unanswered_ids(seen)
    # Where nothing is said, a reset is as good as an orderly end.
    ending = CLOSES if seen.ending == RESETS and not any(row.answer) else seen.ending
    if ending != row.ends:
        found.append(f"the connection {seen.ending}, but the row says that it {row.ends}")
    return found


def _origin_differences(row, seen, places, following_places):
    at = seen.arrived.rfind(_FOLLOW_UP_LINE)
    before, following = (seen.arrived[:at], seen.arrived[at:]) if at >= 0 else (seen.arrived, b"")
    found = []
    expected = row.origin + (MORE if row.ends == TUNNEL else b"")
    compared = match(expected, before, places)
    if row.partly:
        if compared.whole or compared.end < len(before) or seen.requests:
            found.append(_text("at the origin, at most a part of", expected, before, compared))
    elif not compared.whole or compared.end < len(before):
        found.append(_text("at the origin", expected, before, compared))
    plain = match(arrives(f"GET {FOLLOW_UP}"), following, following_places)
    if not plain.whole or plain.end < len(following):
        found.append(_text("at the origin, the request after the row's", arrives(f"GET {FOLLOW_UP}"), following, plain))
    return found


def _answer_differences(row, seen, places):
    expected = b"".join(row.answer)
    if row.ends == OPEN:
        expected += ok()
    elif row.ends == TUNNEL:
        expected += MORE
    compared = match(expected, seen.answered, places)
    # A reset may overtake what was sent before it.
    if compared.end < len(seen.answered) or not (compared.whole or row.ends == RESETS):
        return [_text("to the client", expected, seen.answered, compared)]
    return []


def _unanswered_ids(seen):
    """The origin and the client are told the same id of a request."""
    told = {id_ for request in seen.requests for id_ in request.all("x-request-id")}
    missing = [id_ for id_ in told if f"X-Request-Id: {id_}\r\n".encode() not in seen.answered]
    return [f"no answer has the X-Request-Id {missing} of the origin"] if missing else []


def _text(where, expected, got, compared):
    return (f"{where}:\n  expected {spelled_out(expected)!r}\n  got      {bytes(got)!r}\n"
            f"  differs from byte {compared.end} on")
