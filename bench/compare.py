#!/usr/bin/python3
"""Sidegate beside HAProxy, nginx and a relay that knows no HTTP: CPU time, latency and memory. README.md says how to
read it."""

import argparse
import datetime
import json
import os
import resource
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import chart
import checks
import machine
import native
import report
import scenarios
from auth_service import AuthService
from contestant import Surroundings
from load import CONNECTIONS, LoadFailure
from origin import BODY_BYTES, Origin
from outcome import Outcome
from packages import install_what_is_missing
from processes import StartFailure
from tokens import Issuer

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Bench:
    """What a scenario needs to know of the run."""

    folder: Path
    surroundings: Surroundings
    stranger: Issuer  # whose tokens nobody may believe
    load_cpu: int
    rounds: int
    seconds: int
    warm_up_seconds: int


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sidegate", type=Path, default=ROOT / "build/release/sidegate", metavar="FILE",
                        help="the binary to measure (default: %(default)s)")
    parser.add_argument("--scenario", default=",".join(scenarios.ALL), metavar="NAME[,NAME]",
                        help="which, and in which order (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of load for each contestant in each round")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 second, without a warm-up")
    parser.add_argument("--logs", choices=["on", "off"], default="on", help="access logs, of everyone or of nobody")
    parser.add_argument("--proxy-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=1, help="for the origin and the load")
    parser.add_argument("--json", type=Path, default=native.BUILD / "compare.json", metavar="FILE")
    parser.add_argument("--svg", type=Path, default=native.BUILD / "compare.svg", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 2, 1
    arguments.scenario = arguments.scenario.split(",")
    unknown = [name for name in arguments.scenario if name not in scenarios.ALL]
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    if min(arguments.rounds, arguments.seconds) < 1:
        parser.error("--rounds and --seconds are at least 1")
    absent = {arguments.proxy_cpu, arguments.load_cpu} - os.sched_getaffinity(0)
    if absent:
        parser.error(f"no such CPU for this process: {', '.join(map(str, sorted(absent)))}")
    if not arguments.sidegate.exists():
        parser.error(f"no such file: {arguments.sidegate}; to build it: cmake --preset release && "
                     "cmake --build --preset release")
    arguments.sidegate = arguments.sidegate.resolve()
    return arguments


def allow_many_descriptors():
    """For 10,000 connections a proxy may want two each. Without the right to raise the limit it stays."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, 65536), max(most, 65536)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run(arguments, folder):
    """The outcome of each scenario by its name; one that fails does not keep the others from running."""
    issuer = Issuer(folder / "issuer")
    origin = Origin(folder, arguments.load_cpu)
    auth_service = AuthService(folder, arguments.load_cpu, issuer.secret)
    bench = Bench(
        folder=folder, surroundings=Surroundings(arguments.proxy_cpu, origin, auth_service, issuer,
                                                 arguments.logs == "on", arguments.sidegate),
        stranger=Issuer(folder / "stranger"), load_cpu=arguments.load_cpu, rounds=arguments.rounds,
        seconds=arguments.seconds, warm_up_seconds=0 if arguments.quick else 1)
    outcomes = {}
    try:
        origin.wait_until_it_listens()
        auth_service.wait_until_it_listens()
        for name in arguments.scenario:
            try:
                outcomes[name] = Outcome(scenarios.ALL[name], scenarios.ALL[name].run(bench))
            except (StartFailure, checks.WrongAnswer, LoadFailure) as failure:
                outcomes[name] = Outcome(scenarios.ALL[name], failure=str(failure))
                print(f"{name}: failed: {failure}", file=sys.stderr)
    finally:
        origin.stop()
        auth_service.stop()
    return outcomes


def describe(arguments):
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": machine.commit(), "machine": machine.describe(), "versions": machine.versions(arguments.sidegate),
            "settings": {"rounds": arguments.rounds, "seconds": arguments.seconds, "logs": arguments.logs,
                         "proxy_cpu": arguments.proxy_cpu, "load_cpu": arguments.load_cpu, "connections": CONNECTIONS,
                         "body_bytes": BODY_BYTES}}


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def main():
    arguments = parse_arguments()
    # A stop from outside unwinds as well, so that no process is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    install_what_is_missing()
    native.compile_all()
    allow_many_descriptors()
    context = describe(arguments)
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=in_memory) as folder:
        outcomes = run(arguments, Path(folder))
    print(report.markdown(outcomes, context))
    write(arguments.json, json.dumps(report.as_json(outcomes, context), indent=2) + "\n")
    write(arguments.svg, chart.draw(outcomes, context))
    print(f"\nDetails: {arguments.json}; chart: {arguments.svg}")
    if any(outcome.failure for outcome in outcomes.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
