"""Processes of a comparison: started on one CPU, watched until they listen, stopped by their id; CPU time, memory."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path


class StartFailure(Exception):
    """A process that ended, or never listened."""


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on; all held until the last is found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    """A server on one CPU. What it writes goes to two files in `folder`; its standard output may be its access log."""

    def __init__(self, name, command, cpu, folder, environment=None):
        self.output = Path(folder) / f"{name}.out"
        self.errors = Path(folder) / f"{name}.err"
        self.name = name
        with open(self.output, "ab") as output, open(self.errors, "ab") as errors:
            self._popen = subprocess.Popen(
                ["taskset", "-c", str(cpu), *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=folder,
                env={**os.environ, **(environment or {})})

    def wait_until_it_listens(self, port, seconds=10):
        deadline = time.monotonic() + seconds
        while not accepts(port):
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise StartFailure(f"{self.name} does not listen on port {port}:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self):
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in (self.output, self.errors)).strip()

    def stop(self):
        if self._popen.poll() is not None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def cpu_seconds(self):
        """Of all threads of the process and its children that live, to the nanosecond of the scheduler's clock."""
        return sum(_thread_nanoseconds(process) for process in _tree(self._popen.pid)) / 1e9

    def resident_bytes(self):
        """Of the process and its children. The pages that they share count for each of them."""
        return sum(_resident_kib(process) for process in _tree(self._popen.pid)) * 1024


def _tree(pid):
    pids = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            pids += _tree(int(child))
    return pids


def _thread_nanoseconds(pid):
    """sum_exec_runtime, the first number of schedstat: utime and stime count in ticks of 10 ms only."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def _resident_kib(pid):
    """VmRSS of /proc/PID/status would be off by what each CPU has not added to it yet."""
    return int(re.search(r"^Rss:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[1])
