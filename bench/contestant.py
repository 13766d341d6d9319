"""A contestant: a proxy in front of the origin, with one worker on one CPU. It is described once and started anew in
each scenario.

To add one: a subclass with `name`, `algorithm` and `command()`, and its place in scenarios.py.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from auth_service import AuthService
from origin import Origin
from processes import Process, StartFailure, free_ports
from tokens import Issuer


@dataclass(frozen=True)
class Surroundings:
    """What all contestants of a run share."""

    proxy_cpu: int
    origin: Origin
    auth_service: AuthService
    issuer: Issuer
    logs: bool
    sidegate: Path


@dataclass(frozen=True)
class Place:
    """Where one start of a contestant happens: a folder and two ports of its own."""

    surroundings: Surroundings
    folder: Path
    port: int
    admin_port: int
    connections_max: int

    @property
    def log_file(self):
        return self.folder / "access.log"

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text)
        return file


class Server:
    """A contestant that runs."""

    def __init__(self, contestant, process, place):
        self.contestant = contestant
        self.process = process
        self.port = place.port
        self.bytes_at_start = process.resident_bytes()
        self._log_file = place.log_file

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def forget_logs(self):
        """Empties them, so that logs of a long run do not fill the memory that they lie in."""
        for file in (self._log_file, self.process.output):
            if file.exists():
                file.write_bytes(b"")

    def stop(self):
        self.process.stop()


class Contestant:
    name = ""
    algorithm = None  # of the tokens that it verifies; None: whoever asks is let through

    def command(self, place):
        """Writes the configuration and says how to start with it."""
        raise NotImplementedError

    def environment(self, place):
        del place
        return {}

    def start(self, surroundings, folder, connections_max):
        folder.mkdir(parents=True)
        place = Place(surroundings, folder, *free_ports(2), connections_max)
        slug = re.sub(r"\W+", "-", self.name.lower()).strip("-")
        process = Process(slug, self.command(place), surroundings.proxy_cpu, folder, self.environment(place))
        try:
            process.wait_until_it_listens(place.port)
            return Server(self, process, place)
        except StartFailure:
            process.stop()
            raise
