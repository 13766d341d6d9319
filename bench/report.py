"""What a comparison came to: medians over the rounds, a Markdown table, and JSON with all of it."""

import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass
class Round:
    """One contestant in one round."""

    requests: int
    requests_per_second: float
    cpu_microseconds: float  # of the proxy, per request
    busy: float  # share of its CPU that the proxy used
    median_latency: float
    p99_latency: float


def summarise(rounds, baseline_rounds):
    """The middle of each number and its extremes. The ratio is taken round by round, so that a machine which is slower
    for a while is slower for both sides of it."""
    ratios = [own.cpu_microseconds / base.cpu_microseconds for own, base in zip(rounds, baseline_rounds)]
    return {
        "requests_per_second": _spread([each.requests_per_second for each in rounds]),
        "cpu_microseconds": _spread([each.cpu_microseconds for each in rounds]),
        "cpu_ratio": _spread(ratios) if ratios else None,
        "busy": median(each.busy for each in rounds),
        "median_latency": median(each.median_latency for each in rounds),
        "p99_latency": median(each.p99_latency for each in rounds),
    }


def _spread(values):
    return {"median": median(values), "min": min(values), "max": max(values)}


def table(results, baseline_name):
    """`results`: the rounds of each contestant by its name."""
    lines = [
        f"| contestant | requests/s (min–max) | CPU µs/request (min–max) | CPU ÷ {baseline_name} | CPU busy | p50 / p99 ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, rounds in results.items():
        line = summarise(rounds, results.get(baseline_name, []))
        rate, cpu, ratio = line["requests_per_second"], line["cpu_microseconds"], line["cpu_ratio"]
        ratio_text = f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})" if ratio else "–"
        lines.append(
            f"| {name} | {rate['median']:,.0f} ({rate['min']:,.0f}–{rate['max']:,.0f}) "
            f"| {cpu['median']:.2f} ({cpu['min']:.2f}–{cpu['max']:.2f}) | {ratio_text} | {line['busy']:.0%} "
            f"| {line['median_latency'] * 1e3:.2f} / {line['p99_latency'] * 1e3:.2f} |")
    return "\n".join(lines)


def as_json(results, baseline_name, context):
    baseline_rounds = results.get(baseline_name, [])
    return {
        **context,
        "contestants": {
            name: {"summary": summarise(rounds, baseline_rounds), "rounds": [asdict(each) for each in rounds]}
            for name, rounds in results.items()
        },
    }


def machine():
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": cpu[1] if cpu else platform.machine(), "cpus": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


def versions(commands):
    """The first line that each program prints of itself."""
    return {name: _first_line(command) for name, command in commands.items()}


def _first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else "unknown"
