"""Requests at a fixed rate, whatever becomes of the earlier ones: see open_loop.cpp."""

import subprocess
from statistics import quantiles

import native
from load import CONNECTIONS, Load, LoadFailure


class OpenLoop:
    def __init__(self, requests, credentials, rate, cpu):
        self._rate = rate
        self._head = (f"GET {requests.path} HTTP/1.1\r\nHost: localhost\r\n"
                      f"Authorization: Bearer {credentials[0]}\r\n\r\n")
        self._command = ["taskset", "-c", str(cpu), native.program("open_loop")]

    def run(self, server, seconds):
        command = [*self._command, str(server.port), str(self._rate), str(seconds), str(CONNECTIONS)]
        try:
            done = subprocess.run(command, input=self._head, capture_output=True, text=True, timeout=seconds + 20,
                                  check=False)
        except subprocess.TimeoutExpired as expired:
            raise LoadFailure(f"open_loop did not end in time: {server.contestant.name}") from expired
        if done.returncode != 0:
            raise LoadFailure(f"open_loop: {server.contestant.name}: {done.stderr}")
        latencies = [int(line) / 1e9 for line in done.stdout.split()]
        percentiles = quantiles(latencies, n=100)
        return Load(len(latencies), seconds, percentiles[49], percentiles[98])
