"""How many system calls a warm request costs, of each kind and of whichever thread.

They are counted by tests/support/count_system_calls.cpp. A kind that a clock drives (the tick of the deadlines, the
access log's batches) comes to a few hundredths of a call.
"""

import struct

from performance.lockstep import Lockstep
from support import tokens
from support.gateway import BINARY, staff_routes
from support.raw import request

LIBRARY = BINARY.with_name("libcount_system_calls.so")
ROUNDS = {1: 2000, 32: 100}  # by the number of connections
BODY = b"x" * 1024
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def calls_per_request(connections, gateways):
    """A map of kinds to numbers, for requests with a bearer token on so many connections at once."""
    asked = request("GET", "/items/7", "Accept: */*", f"Authorization: Bearer {tokens.token()}")
    table = gateways.folder / f"{connections}.counts"
    environment = {"LD_PRELOAD": str(LIBRARY), "SYSTEM_CALL_COUNTS": str(table)}
    with Lockstep(connections, asked, ANSWER) as sides:
        sides.connect(gateways.start(staff_routes(tokens.KEY, sides.url), environment))
        sides.run(ROUNDS[connections] // 10)
        before = _read(table)
        requests = sides.run(ROUNDS[connections])
        after = _read(table)
    return {kind: (count - before.get(kind, 0)) / requests for kind, count in after.items()}


def _read(table):
    counts = struct.iter_unpack("24sQ", table.read_bytes())
    return {name.rstrip(b"\0").decode(): count for name, count in counts if name[0]}
