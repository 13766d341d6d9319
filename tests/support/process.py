"""A program under test: started with a chosen environment, watched by its process id, always ended."""

import os
import pathlib
import re
import signal
import subprocess

from support.polling import PATIENCE, wait_until

# Nothing of the caller's environment reaches a program under test but these: where to find programs, and what a
# sanitizer is told.
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
SANITIZER_REPORTS = (
    "AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "UndefinedBehaviorSanitizer", ": runtime error:",
)


def clean_environment(extra=None):
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **(extra or {})}


class Process:
    """A started program with its output in files."""

    def __init__(self, command, folder, name, environment=None):
        self.command = [str(word) for word in command]
        self.stdout_path = pathlib.Path(folder) / f"{name}.out"
        self.stderr_path = pathlib.Path(folder) / f"{name}.err"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self._process = subprocess.Popen(
                self.command, cwd=folder, env=clean_environment(environment), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    @property
    def status(self):
        """The exit status, or None while it runs."""
        return self._process.poll()

    def send(self, number):
        self._process.send_signal(number)

    def wait(self, timeout=10):
        """The exit status, waited for."""
        try:
            return self._process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} (pid {self.pid}) did not end:\n{self.tail()}") from None

    def terminate(self, timeout=10):
        """Asks it to end, by its process id, and returns the exit status; a program that does not listen is killed."""
        if self.status is None:
            self.send(signal.SIGTERM)
        return self.wait_or_kill(timeout)

    def wait_or_kill(self, timeout):
        try:
            return self.wait(timeout)
        finally:
            if self.status is None:
                self._process.kill()
                self._process.wait()

    def wait_ready(self, ready, timeout=20):
        """Polls `ready()` while the program lives."""

        def check():
            assert self.status is None, f"{self.command[0]} ended with {self.status}:\n{self.tail()}"
            return ready()

        return wait_until(check, lambda: f"{self.command[0]} ready\n{self.tail()}", timeout)

    def tail(self, characters=4000):
        return f"--- stdout\n{self.stdout[-characters:]}\n--- stderr\n{self.stderr[-characters:]}"

    def memory_kib(self, field="VmRSS"):
        """`VmRSS`, or `VmHWM` for the peak."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {field} for {self.pid}")

    def assert_no_sanitizer_report(self):
        for report in SANITIZER_REPORTS:
            assert report not in self.stderr, f"{self.command[0]}:\n{self.stderr[-8000:]}"


def run(command, environment=None, folder=None, text="", timeout=20):
    """Runs a program to its end; returns subprocess.CompletedProcess with text output."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=clean_environment(environment), input=text,
        capture_output=True, text=True, errors="replace", timeout=timeout * PATIENCE, check=False,
    )
    for report in SANITIZER_REPORTS:
        assert report not in done.stderr, done.stderr[-8000:]
    return done


def run_script(commands, folder, environment=None, timeout=60):
    """Runs shell commands one after the other in one bash, standard error with standard output, and returns
    (output, exit status) for each that was reached. Whatever they leave running is ended."""
    marked = "".join(f"{command}\nprintf '\\n<<%s>>\\n' $?\n" for command in commands)
    script, output = pathlib.Path(folder) / "script.sh", pathlib.Path(folder) / "script.out"
    script.write_text(marked)
    with open(output, "wb") as out:  # not a pipe, which a program left running would hold open
        shell = subprocess.Popen(["bash", str(script)], cwd=folder, env=clean_environment(environment),
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            # Not reaped yet, so that its number is still its own when its process group is ended.
            wait_until(lambda: os.waitid(os.P_PID, shell.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT),
                       lambda: f"{script} ended:\n{output.read_text(errors='replace')}", timeout)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
    pieces = re.split(r"\n?<<(\d+)>>\n", output.read_text(errors="replace"))
    return list(zip(pieces[0:-1:2], map(int, pieces[1::2])))
