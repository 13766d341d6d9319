"""What is asked of a contestant, and what came of it. wrk.py and open_loop.py do the asking."""

from dataclasses import dataclass

CONNECTIONS = 64


class LoadFailure(Exception):
    """The generator did not run, or not every answer was the expected one: the numbers would mean nothing."""


@dataclass(frozen=True)
class Requests:
    """All alike but for their tokens, of which they take one after the other."""

    path: str = "/"
    body_bytes: int = 0  # none: GET, otherwise POST
    algorithm: str | None = "HS256"  # of the tokens; None: no token
    tokens: int = 1  # how many different ones
    in_turn: bool = False  # taken from a list, even if it is of one token: the generator's work is then the same
    genuine: bool = True  # otherwise of a stranger's key, so that each request is to be answered with 401
    keep_alive: bool = True  # otherwise a new connection for each

    def credentials(self, issuer, stranger):
        if not self.algorithm:
            return []
        source = issuer if self.genuine else stranger
        more = [source.mint(self.algorithm, str(5000 + i)) for i in range(1, self.tokens)]
        return [source.usual(self.algorithm), *more]


@dataclass
class Load:
    requests: int
    seconds: float
    median_latency: float
    p99_latency: float
