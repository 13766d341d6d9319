"""Where and with what a comparison ran."""

import os
import platform
import re
import subprocess
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def describe():
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": cpu[1] if cpu else platform.machine(), "cpus": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0]}


def versions(sidegate):
    """The first line that each program prints of itself."""
    commands = {"sidegate": [sidegate, "version"], "haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"],
                "wrk": ["wrk", "-v"], "g++": ["g++", "--version"]}
    return {name: _first_line(command) for name, command in commands.items()}


def commit():
    """Of the checkout; `-dirty` where something differs from it."""
    return _first_line(["git", "-C", _ROOT, "describe", "--always", "--dirty"])


def _first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "unknown"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else "unknown"
