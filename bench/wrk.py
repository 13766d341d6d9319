"""wrk: as many requests as a contestant answers, one after the other on each connection."""

import re
import subprocess

from load import CONNECTIONS, Load, LoadFailure

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}

_TOKENS_IN_TURN = """\
local requests = {}
init = function()
  for line in io.lines("%s") do
    wrk.headers["Authorization"] = "Bearer " .. line
    requests[#requests + 1] = wrk.format()
  end
end
local next_request = 0
request = function()
  next_request = next_request %% #requests + 1
  return requests[next_request]
end
"""


class Wrk:
    """One thread on one CPU."""

    def __init__(self, requests, credentials, cpu, folder):
        self._refused = not requests.genuine
        self._path = requests.path
        script = folder / "load.lua"
        script.write_text(_script(requests, credentials, folder))
        self._command = ["taskset", "-c", str(cpu), "wrk", "-t", "1", "-c", str(CONNECTIONS), "--latency",
                         "-s", str(script)]

    def run(self, server, seconds):
        url = server.url(self._path)
        try:
            done = subprocess.run([*self._command, "-d", f"{seconds}s", url], capture_output=True, text=True,
                                  timeout=seconds + 20, check=False)
        except subprocess.TimeoutExpired as expired:
            raise LoadFailure(f"wrk did not end in time: {url}") from expired
        if done.returncode != 0:
            raise LoadFailure(f"wrk failed: {done.stdout}{done.stderr}")
        return parse(done.stdout, self._refused)


def _script(requests, credentials, folder):
    lines = [f'wrk.path = "{requests.path}"']
    if requests.body_bytes:
        lines += ['wrk.method = "POST"', f'wrk.body = string.rep("x", {requests.body_bytes})']
    if not requests.keep_alive:
        lines += ['wrk.headers["Connection"] = "close"']
    if requests.in_turn:
        tokens = folder / "tokens"
        tokens.write_text("".join(f"{token}\n" for token in credentials))
        lines += [_TOKENS_IN_TURN % tokens]
    elif credentials:
        lines += [f'wrk.headers["Authorization"] = "Bearer {credentials[0]}"']
    return "\n".join(lines) + "\n"


def parse(output, refused=False):
    """The numbers in what wrk prints. `refused`: no answer but a refusal was wanted."""
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", output)
    if not total or int(total[1]) == 0:
        raise LoadFailure(f"no requests:\n{output}")
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if "Socket errors" in output or (int(others[1]) if others else 0) != (int(total[1]) if refused else 0):
        raise LoadFailure(f"not every request was answered with {'a refusal' if refused else '2xx'}:\n{output}")
    return Load(int(total[1]), float(total[2]) * _SECONDS[total[3]], _latency(output, 50), _latency(output, 99))


def _latency(output, percent):
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m) *$", output, re.MULTILINE)
    if not found:
        raise LoadFailure(f"no latency in:\n{output}")
    return float(found[1]) * _SECONDS[found[2]]
