"""What the tests of the advisories share: a gateway before an origin of bytes, and what arrived there."""

from contextlib import ExitStack

import pytest

from raw_origin import RawOrigin
from support import raw
from support.ports import free_port


class Watched:
    """A gateway and the origin behind it, asked one request at a time."""

    def __init__(self, gateway, port, origin):
        self.gateway, self.port, self.origin = gateway, port, origin

    def client(self):
        return raw.RawClient(self.port)

    def ask(self, data, method="GET"):
        """The answer, and the requests that arrived because of it."""
        requests_before, bytes_before = len(self.origin.requests), len(self.origin.arrived)
        answer = raw.ask(self.port, data, method)
        arrived = self.origin.requests[requests_before:]
        assert arrived or len(self.origin.arrived) == bytes_before, "a part of a request arrived"
        return answer, arrived

    def ask_refused(self, data, status, method="GET"):
        """The answer to a request of which nothing may arrive."""
        answer, arrived = self.ask(data, method)
        assert (answer.status, [seen.head for seen in arrived]) == (status, [])
        return answer

    def ask_forwarded(self, data, method="GET"):
        """The answer to a request that must arrive once, and that request."""
        answer, arrived = self.ask(data, method)
        assert (answer.status, len(arrived)) == (200, 1), answer.body
        return answer, arrived[0]


@pytest.fixture(scope="module")
def watch(module_gateways):
    """Starts a gateway before an origin of its own: `configure` makes the configuration from the origin's address,
    `listener` is what the listener says beside its own address."""
    with ExitStack() as origins:

        def start(configure, **listener):
            origin, port = origins.enter_context(RawOrigin()), free_port()
            listeners = {"public": {"address": f"127.0.0.1:{port}", **listener}}
            return Watched(module_gateways.start({**configure(origin.url), "listeners": listeners}), port, origin)

        yield start
