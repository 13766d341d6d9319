"""What the hot path costs, counted and not timed: it stays within the budgets of budgets.json, and near them.

A budget that is too high guards nothing, so a change that makes something cheaper has to lower it.
"""

import json
import pathlib

import pytest

from performance import callgrind, system_calls

BUDGETS = json.loads(pathlib.Path(__file__).with_name("budgets.json").read_text())

# The compiler may arrange unrelated code anew; and what is small may move by a few instructions.
INSTRUCTIONS_SHARE, INSTRUCTIONS_MIN = 0.05, 50
# Of a kind that requests make, and of one that only a clock drives, which a slow machine sees more often.
CALLS, CALLS_OF_CLOCK, CALLS_IN_ALL = 0.1, 0.25, 0.5


def assert_near(measured, budget, tolerance, what):
    if abs(measured - budget) <= tolerance:
        return
    verdict = ("It has become dearer: find out why, and raise its budget only for a reason" if measured > budget
               else "It has become cheaper: lower its budget")
    pytest.fail(f"{what}: {measured:.2f} a request in place of {budget} ±{tolerance:.2f}. {verdict}, in "
                "tests/performance/budgets.json. tests/performance/measure.py says what all of it costs now.",
                pytrace=False)


@pytest.fixture(scope="module")
def instructions(tmp_path_factory):
    return callgrind.instructions_per_round(tmp_path_factory.mktemp("callgrind"))


def test_every_benchmark_has_a_budget(instructions):
    assert instructions.keys() == BUDGETS["instructions"].keys()


@pytest.mark.parametrize("owner", ["own", "libraries"])
@pytest.mark.parametrize("benchmark", BUDGETS["instructions"])
def test_instructions(benchmark, owner, instructions):
    budget = BUDGETS["instructions"][benchmark][owner]
    tolerance = max(INSTRUCTIONS_SHARE * budget, INSTRUCTIONS_MIN)
    assert_near(instructions[benchmark][owner], budget, tolerance, f"{benchmark}, {owner} instructions")


@pytest.mark.parametrize("connections", system_calls.ROUNDS)
def test_system_calls(connections, gateways):
    """Each kind in the best of three runs: others on the machine may come between two threads that take turns."""
    budgets = BUDGETS["system calls"][str(connections)]
    runs = [system_calls.calls_per_request(connections, gateways) for _ in range(3)]

    def assert_one_is_near(measured, budget, tolerance, what):
        assert_near(min(measured, key=lambda each: abs(each - budget)), budget, tolerance,
                    f"{what} at {connections} connections")

    for kind in set(budgets).union(*runs):
        tolerance = CALLS if kind in budgets else CALLS_OF_CLOCK
        assert_one_is_near([run.get(kind, 0) for run in runs], budgets.get(kind, 0), tolerance, kind)
    assert_one_is_near([sum(run.values()) for run in runs], sum(budgets.values()), CALLS_IN_ALL, "system calls in all")
