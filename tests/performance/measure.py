#!/usr/bin/python3
"""Writes what the hot path costs now, in the form of budgets.json, to standard output:

    cmake --preset release && cmake --build --preset release --target guards
    /usr/bin/python3 tests/performance/measure.py
"""

import json
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from performance import callgrind, system_calls  # noqa: E402
from support.gateway import Gateways  # noqa: E402

RARE = 0.05  # calls a request; fewer are a clock's


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        gateways = Gateways(folder)
        try:
            calls = {connections: system_calls.calls_per_request(connections, gateways)
                     for connections in system_calls.ROUNDS}
        finally:
            gateways.stop_all()
        instructions = callgrind.instructions_per_round(folder)
    print(json.dumps({
        "instructions": {benchmark: {owner: round(count) for owner, count in counts.items()}
                         for benchmark, counts in instructions.items()},
        "system calls": {str(connections): {kind: round(count, 2) for kind, count in counts.items() if count >= RARE}
                         for connections, counts in calls.items()},
    }, indent=2))


if __name__ == "__main__":
    main()
