"""wrk: puts load on a contestant and reads what came of it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}

_ROTATION = """\
local requests = {}
init = function()
  for line in io.lines("%s") do
    requests[#requests + 1] = wrk.format("GET", nil, {["Host"] = wrk.headers["Host"], ["Authorization"] = "Bearer " .. line})
  end
end
local next_request = 0
request = function()
  next_request = next_request %% #requests + 1
  return requests[next_request]
end
"""


class LoadFailure(Exception):
    """wrk did not run, or not every answer was a 2xx: the numbers would mean nothing."""


@dataclass
class Load:
    requests: int
    seconds: float
    median_latency: float
    p99_latency: float


class LoadGenerator:
    """One thread of wrk on one CPU. With several tokens each request carries the next one."""

    def __init__(self, cpu, connections, tokens, folder):
        self._command = ["taskset", "-c", str(cpu), "wrk", "-t", "1", "-c", str(connections), "--latency"]
        if len(tokens) == 1:
            self._command += ["-H", f"Authorization: Bearer {tokens[0]}"]
        else:
            list_file = Path(folder) / "tokens"
            list_file.write_text("".join(f"{token}\n" for token in tokens))
            script = Path(folder) / "rotate.lua"
            script.write_text(_ROTATION % list_file)
            self._command += ["-s", str(script)]

    def run(self, url, seconds):
        command = [*self._command, "-d", f"{seconds}s", url]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False)
        except subprocess.TimeoutExpired as expired:
            raise LoadFailure(f"wrk did not end in time: {url}") from expired
        if done.returncode != 0:
            raise LoadFailure(f"wrk failed: {done.stdout}{done.stderr}")
        return parse(done.stdout)


def parse(output):
    """The numbers in what wrk prints."""
    if "Non-2xx" in output or "Socket errors" in output:
        raise LoadFailure(f"not every request was answered with 2xx:\n{output}")
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", output)
    if not total or int(total[1]) == 0:
        raise LoadFailure(f"no requests:\n{output}")
    return Load(int(total[1]), float(total[2]) * _SECONDS[total[3]], _latency(output, 50), _latency(output, 99))


def _latency(output, percent):
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    if not found:
        raise LoadFailure(f"no latency in:\n{output}")
    return float(found[1]) * _SECONDS[found[2]]
