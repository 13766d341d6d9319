"""A scenario: who takes part, what each is asked, and the bars that the outcome is held against."""

import sys
from dataclasses import dataclass

import burst
import checks
import cost
import memory
from contestant import Contestant
from load import Requests
from open_loop import OpenLoop
from wrk import Wrk


@dataclass(frozen=True)
class Entrant:
    """A contestant and what it is asked. With a `rate`, so many requests come a second, else as many as it answers."""

    contestant: Contestant
    requests: Requests
    rate: int | None = None
    remark: str = ""

    @property
    def name(self):
        return f"{self.contestant.name}{self.remark}"

    def generator(self, bench, folder):
        credentials = self.requests.credentials(bench.surroundings.issuer, bench.stranger)
        if self.rate:
            return OpenLoop(self.requests, credentials, self.rate, bench.load_cpu)
        return Wrk(self.requests, credentials, bench.load_cpu, folder)


@dataclass(frozen=True)
class RatioBar:
    """CPU time per request of one entrant to that of another in the same round; both by name. None: it is told only."""

    own: str
    rival: str
    at_most: float | None


@dataclass(frozen=True)
class FixedBar:
    """`quantity` is a field of what the scenario measures, and `what` says it in words."""

    own: str
    what: str
    quantity: str
    unit: str
    at_most: float


@dataclass(frozen=True)
class Scenario:
    """All entrants run all the time and take turns, so that whatever else the machine does meets each of them alike."""

    name: str
    what: str
    entrants: tuple
    bars: tuple = ()
    connections_max: int = 4096

    def run(self, bench):
        """The rounds of each entrant by its name."""
        servers = {}
        try:
            for number, entrant in enumerate(self.entrants):
                folder = bench.folder / self.name / str(number)
                servers[entrant] = entrant.contestant.start(bench.surroundings, folder, self.connections_max)
                checks.check(servers[entrant], bench.surroundings.issuer, bench.stranger)
            return self.measure(bench, servers)
        finally:
            for server in servers.values():
                server.stop()

    def measure(self, bench, servers):
        generators = {entrant: entrant.generator(bench, bench.folder / self.name / str(number))
                      for number, entrant in enumerate(servers)}
        results = {entrant.name: [] for entrant in servers}
        if bench.warm_up_seconds:
            for entrant, server in servers.items():
                generators[entrant].run(server, bench.warm_up_seconds)
        for number in range(1, bench.rounds + 1):
            for entrant, server in servers.items():
                got = cost.measure(server, generators[entrant], bench.seconds)
                results[entrant.name].append(got)
                print(f"{self.name}: round {number}/{bench.rounds}: {entrant.name}: {got.requests_per_second:,.0f} "
                      f"requests/s, {got.cpu_microseconds:.2f} µs CPU each", file=sys.stderr, flush=True)
        return results


@dataclass(frozen=True)
class IdleScenario(Scenario):
    """One round for each: an allocator that has grown once does not tell the same again."""

    connections: int = 0

    def measure(self, bench, servers):
        results = {}
        for entrant, server in servers.items():
            token = bench.surroundings.issuer.usual(entrant.requests.algorithm)
            got = memory.measure(server, token, self.connections)
            results[entrant.name] = [got]
            print(f"{self.name}: {entrant.name}: {got.bytes_per_connection:,.0f} bytes for each connection",
                  file=sys.stderr, flush=True)
        return results


@dataclass(frozen=True)
class CallsScenario(Scenario):
    """No load, but many requests at the same moment, which all need the same answer of the Auth Service."""

    def measure(self, bench, servers):
        results = {entrant.name: [] for entrant in servers}
        for number in range(1, bench.rounds + 1):
            for entrant, server in servers.items():
                got = burst.measure(server, bench.surroundings.auth_service, bench.surroundings.issuer)
                results[entrant.name].append(got)
                print(f"{self.name}: round {number}/{bench.rounds}: {entrant.name}: {got.calls_per_1000:,.0f} calls "
                      f"for 1,000 requests", file=sys.stderr, flush=True)
        return results
