#!/usr/bin/python3
"""Sidegate beside HAProxy doing the same job, and beside HAProxy doing none. README.md says how to read it."""

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import checks
import contestants
import report
import tokens
from load import LoadFailure, LoadGenerator
from processes import StartFailure, free_ports

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 64
WARM_UP_SECONDS = 1
PACKAGES = {"haproxy": "haproxy", "nginx": "nginx-light", "wrk": "wrk", "taskset": "util-linux"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sidegate", type=Path, default=ROOT / "build/release/sidegate", metavar="FILE",
                        help="the binary to measure (default: %(default)s)")
    parser.add_argument("--contestants", default=",".join(contestants.ALL), metavar="A,B",
                        help="which, and in which order (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6, help="of load for each contestant in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 2 seconds")
    parser.add_argument("--tokens", type=int, default=1, help="how many different ones the requests carry in turn")
    parser.add_argument("--logs", choices=["off", "on"], default="off", help="access logs, of everyone or of nobody")
    parser.add_argument("--proxy-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=1, help="for the origin and wrk")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/compare.json", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 3, 2
    arguments.contestants = arguments.contestants.split(",")
    unknown = [name for name in arguments.contestants if name not in contestants.ALL]
    if unknown:
        parser.error(f"no such contestant: {', '.join(unknown)}")
    if min(arguments.rounds, arguments.seconds, arguments.tokens) < 1:
        parser.error("--rounds, --seconds and --tokens are at least 1")
    absent = {arguments.proxy_cpu, arguments.load_cpu} - os.sched_getaffinity(0)
    if absent:
        parser.error(f"no such CPU for this process: {', '.join(map(str, sorted(absent)))}")
    if arguments.sidegate != parser.get_default("sidegate") and not arguments.sidegate.exists():
        parser.error(f"no such file: {arguments.sidegate}")
    arguments.sidegate = arguments.sidegate.resolve()
    return arguments


def install_what_is_missing():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if not missing:
        return
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print(f"installing {', '.join(missing)}", file=sys.stderr)
    for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        subprocess.run([*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *command], check=True,
                       stdout=sys.stderr, timeout=300)


def measure(contestant, generator, seconds):
    before = contestant.process.cpu_seconds()
    load = generator.run(contestant.url(), seconds)
    cpu = contestant.process.cpu_seconds() - before
    contestant.process.forget_output()
    return report.Round(requests=load.requests, requests_per_second=load.requests / load.seconds,
                        cpu_microseconds=cpu / load.requests * 1e6, busy=cpu / load.seconds,
                        median_latency=load.median_latency, p99_latency=load.p99_latency)


def compare(chosen, generator, arguments):
    """All of them run all the time and take turns, so that whatever else the machine does meets each of them alike."""
    results = {contestant.name: [] for contestant in chosen}
    for contestant in chosen:
        generator.run(contestant.url(), WARM_UP_SECONDS)
    for number in range(1, arguments.rounds + 1):
        for contestant in chosen:
            got = measure(contestant, generator, arguments.seconds)
            results[contestant.name].append(got)
            print(f"round {number}/{arguments.rounds}: {contestant.name}: {got.requests_per_second:,.0f} requests/s, "
                  f"{got.cpu_microseconds:.2f} µs CPU each", file=sys.stderr, flush=True)
    return results


def run(arguments, folder):
    origin_port, *ports = free_ports(1 + 2 * len(arguments.contestants))
    key = tokens.make_key()
    setting = contestants.Setting(folder=folder, cpu=arguments.proxy_cpu, origin_port=origin_port, key=key,
                                  logs=arguments.logs == "on", sidegate=arguments.sidegate)
    chosen = []
    for place, name in enumerate(arguments.contestants):
        if contestants.ALL[name].is_there(setting):
            chosen.append(contestants.ALL[name](setting, *ports[2 * place:2 * place + 2]))
        else:
            print(f"left out, since it is not there: {name}", file=sys.stderr)
    generator = LoadGenerator(arguments.load_cpu, CONNECTIONS,
                              [tokens.mint(key, str(4200 + i)) for i in range(arguments.tokens)], folder)
    origin = contestants.Origin(folder, arguments.load_cpu, origin_port)
    try:
        origin.start()
        for contestant in chosen:
            contestant.start()
            checks.check(contestant, key)
        return compare(chosen, generator, arguments)
    finally:
        for each in (*chosen, origin):
            each.stop()


def describe(arguments):
    commands = {"haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"], "wrk": ["wrk", "-v"]}
    if arguments.sidegate.exists():
        commands["sidegate"] = [arguments.sidegate, "version"]
    settings = {name: value for name, value in vars(arguments).items() if name not in ("json", "sidegate", "quick")}
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": report.machine(), "versions": report.versions(commands),
            "settings": {**settings, "connections": CONNECTIONS, "body_bytes": contestants.BODY_BYTES}}


def main():
    arguments = parse_arguments()
    # A stop from outside unwinds as well, so that no process is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    install_what_is_missing()
    context = describe(arguments)
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=in_memory) as folder:
        try:
            results = run(arguments, Path(folder))
        except (StartFailure, checks.WrongAnswer, LoadFailure) as failure:
            sys.exit(f"compare: {failure}")
    baseline = contestants.BASELINE.name
    print(report.table(results, baseline))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report.as_json(results, baseline, context), indent=2) + "\n")
    print(f"\n{context['machine']['cpu']}, kernel {context['machine']['kernel']}; {arguments.rounds} × "
          f"{arguments.seconds} s, {CONNECTIONS} connections, access logs {arguments.logs}; details: {arguments.json}")


if __name__ == "__main__":
    main()
