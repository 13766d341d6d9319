"""Sidegate under test."""

import json
import os
import pathlib
import re
import signal

import requests

from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.process import Process, run
from support.raw import RawClient, ask

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SIDEGATE_BINARY") or ROOT / "build/release/sidegate").resolve()
TIMEOUT = 10 * PATIENCE


def sidegate(*words, environment=None, folder=None, text="", timeout=20):
    """Runs a command of the binary to its end, in `folder` so that no configuration file of the project is found."""
    return run([BINARY, *words], environment, folder or "/", text, timeout)


def named_environment(text):
    """A dummy for every variable that a configuration names with no default."""
    names = re.findall(r"env:\s*([A-Za-z_]\w*)", text) + re.findall(r"(?<!\$)\$\{([A-Za-z_]\w*)\}", text)
    return {name: "http://127.0.0.1:1" if name.endswith("URL") else "x" * 64 for name in names}


class Gateway(Process):
    """A running `sidegate run`, with its access log on standard output and its other log on standard error."""

    def __init__(self, folder, name, port, admin_port, environment, configuration=None, health_port=None):
        words = [BINARY, "run"] + (["--config", configuration] if configuration else [])
        super().__init__(words, folder, name, environment)
        self.port, self.admin_port, self.health_port = port, admin_port, health_port
        self.url = f"http://127.0.0.1:{port}"
        self.admin_url = f"http://127.0.0.1:{admin_port}"
        self.health_url = f"http://127.0.0.1:{health_port}"
        self.expected_statuses = (0,)

    def is_ready(self):
        try:
            return requests.get(self.admin_url + "/readyz", timeout=TIMEOUT).status_code == 200
        except requests.ConnectionError:
            return False

    def raw(self, **options):
        return RawClient(self.port, **options)

    def ask(self, data, method="GET"):
        """One raw request on a connection of its own."""
        return ask(self.port, data, method)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def request(self, method, path, **options):
        options = {"timeout": TIMEOUT, "allow_redirects": False, **options}
        return requests.request(method, self.url + path, **options)

    # -- what it says about what it did

    def access_log(self):
        """The lines of the access log, each parsed. Whatever else stands on standard output is an error."""
        whole = self.stdout.rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def access_line(self, response):
        """The line about the request that `response` answers, waited for: the log is written behind the requests."""
        wanted = header(response, "X-Request-Id")
        assert wanted, "the answer has no X-Request-Id"
        lines = wait_until(lambda: [line for line in self.access_log() if line.get("request_id") == wanted],
                           lambda: f"an access log line for {wanted} in\n{self.tail()}")
        assert len(lines) == 1, lines
        return lines[0]

    def log_lines(self):
        return [json.loads(line) for line in self.stderr.splitlines() if line]

    def metrics(self):
        response = requests.get(self.admin_url + "/metrics", timeout=TIMEOUT)
        assert response.status_code == 200
        return Metrics(response.text)


class Metrics:
    """Prometheus's text format, as far as the tests need it."""

    _LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
    _LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text, self.samples = text, []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = self._LINE.match(line)
                assert match, f"no sample: {line!r}"
                labels = dict(self._LABEL.findall(match["labels"] or ""))
                self.samples.append((match["name"], labels, float(match["value"])))

    def total(self, name, /, **labels):
        """The sum over every sample of that name with those labels."""
        return sum(value for found, has, value in self.samples
                   if found == name and all(has.get(key) == wanted for key, wanted in labels.items()))

    def has(self, name):
        return any(found == name for found, _, _ in self.samples)


def header(response, name):
    """A field of a response of `requests` or of the raw client."""
    return response.get(name) if hasattr(response, "head") else response.headers.get(name)


class Gateways:
    """Starts gateways and ends them all, failing where one did not end well."""

    def __init__(self, folder):
        self.folder, self.started = pathlib.Path(folder), []

    def start(self, configuration, environment=None, **options):
        """Starts one from a configuration: the blocks that matter to the test, the rest is filled in.

        JSON is YAML, so the blocks are plain dictionaries.
        """
        port, admin = free_port(), free_port()
        name = f"gateway{len(self.started)}"
        blocks = {
            "version": 1,
            "workers": 1,
            "listeners": {"public": {"address": f"127.0.0.1:{port}"}},
            "admin": {"address": f"127.0.0.1:{admin}"},
            "shutdown": {"grace": "10ms", "timeout": "5s"},
            **configuration,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(blocks, indent=2) + "\n")
        return self._started(Gateway(self.folder, name, port, admin, environment, path, **options))

    def start_from_environment(self, environment):
        """Starts one with no configuration file at all."""
        port, admin, health = free_port(), free_port(), free_port()
        settings = {
            "SIDEGATE_LISTEN": f"127.0.0.1:{port}",
            "SIDEGATE_ADMIN": f"127.0.0.1:{admin}",
            "SIDEGATE_HEALTH": f"127.0.0.1:{health}",
            "SIDEGATE_WORKERS": "1",
            **environment,
        }
        name = f"gateway{len(self.started)}"
        return self._started(Gateway(self.folder, name, port, admin, settings, health_port=health))

    def _started(self, gateway):
        self.started.append(gateway)
        gateway.wait_ready(gateway.is_ready)
        return gateway

    def stop_all(self):
        running = [gateway for gateway in self.started if gateway.status is None]
        for gateway in running:  # all at once, since each may take its grace period
            gateway.send(signal.SIGTERM)
        problems = []
        for gateway in self.started:
            try:
                status = gateway.wait_or_kill(timeout=30)  # asking twice would cut its ending short
                gateway.assert_no_sanitizer_report()
                assert gateway not in running or status in gateway.expected_statuses, (
                    f"exit status {status}\n{gateway.tail()}")
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


# -- blocks of configuration that many tests share

def servers(*urls, **more):
    return {"servers": list(urls), **more}


def jwt_authenticator(key, **more):
    """The guide's: cookie first, then bearer, named by user_id."""
    return {"jwt": {
        "token": [{"cookie": "access_token"}, {"bearer": "Authorization"}],
        "keys": [{"secret": key}],
        "algorithms": ["HS256"],
        "subject": "user_id",
        **more,
    }}


INJECT = {
    "X-User-Id": "{subject}",
    "X-User-Type": "{claims.user_type|staff}",
    "X-Auth-Method": "{authenticator}",
}


def open_routes(*urls, **upstream):
    """A gateway that lets everything through to one upstream."""
    return {
        "upstreams": {"app": servers(*urls, **upstream)},
        "routes": [{"name": "all", "path": "/**", "authenticate": "none", "upstream": "app"}],
    }


def staff_routes(key, *urls, **upstream):
    """/public/** for everyone, the rest for those with a token."""
    return {
        "upstreams": {"app": servers(*urls, **upstream)},
        "authenticators": {"staff": jwt_authenticator(key)},
        "inject": INJECT,
        "routes": [
            {"name": "public", "path": "/public/**", "authenticate": "none", "upstream": "app"},
            {"name": "private", "path": "/**", "authenticate": ["staff"], "upstream": "app"},
        ],
    }
