"""What came of a scenario, and whether its bars are met."""

from dataclasses import asdict, dataclass, field
from statistics import median

from scenario import RatioBar, Scenario


@dataclass(frozen=True)
class Spread:
    median: float
    min: float
    max: float


@dataclass(frozen=True)
class Verdict:
    """A bar beside what was measured. `own` and `value` are the same where there is no rival."""

    what: str
    unit: str
    own: float
    rival: float | None
    value: Spread
    at_most: float | None

    @property
    def met(self):
        """None where there is nothing to meet."""
        return None if self.at_most is None else self.value.median <= self.at_most


@dataclass
class Outcome:
    """`results`: the rounds of each entrant by its name; empty where the scenario failed."""

    scenario: Scenario
    results: dict = field(default_factory=dict)
    failure: str | None = None

    def summary(self, name):
        """The middle and the extremes of each number over the rounds."""
        rounds = [asdict(each) for each in self.results[name]]
        return {key: spread([each[key] for each in rounds]) for key in rounds[0]}

    def verdicts(self):
        return [self._ratio(bar) if isinstance(bar, RatioBar) else self._fixed(bar)
                for bar in self.scenario.bars if self.results]

    def _ratio(self, bar):
        """Taken round by round, so that a machine which is slower for a while is slower for both sides of it."""
        own, rival = ([each.cpu_microseconds for each in self.results[name]] for name in (bar.own, bar.rival))
        return Verdict(f"{bar.own} ÷ {bar.rival}", "µs", median(own), median(rival),
                       spread([mine / theirs for mine, theirs in zip(own, rival)]), bar.at_most)

    def _fixed(self, bar):
        value = self.summary(bar.own)[bar.quantity]
        return Verdict(f"{bar.own}: {bar.what}", bar.unit, value.median, None, value, bar.at_most)


def spread(values):
    return Spread(median(values), min(values), max(values))
