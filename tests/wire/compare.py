#!/usr/bin/python3
"""Runs the rows that rest on more than our own rules against HAProxy, nginx and Sidegate, by one measure (meaning.py).

    /usr/bin/python3 tests/wire/compare.py [--failures] [--only haproxy,nginx,sidegate]

HAProxy and nginx are Debian's, with their defaults: `apt-get install haproxy nginx-light`. A row counts when all three
ways of delivering it come out right. Rows about upgrades are left out for a proxy that is not configured for them.
"""

import argparse
import pathlib
import sys
import tempfile
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.gateway import Gateways, sidegate  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.process import Process, run  # noqa: E402
from support.raw import RawClient  # noqa: E402
from wire import gateways as named_gateways  # noqa: E402
from wire.meaning import misunderstandings  # noqa: E402
from wire.observation import Proxy, observe  # noqa: E402
from wire.origin import ScriptedOrigin  # noqa: E402
from wire.table import all_rows  # noqa: E402
from wire.ways import WAYS  # noqa: E402

PATIENCE_SECONDS = 1  # an answer that has not begun by then does not come

HAPROXY = """\
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend public
  bind 127.0.0.1:{port}
  default_backend app
backend app
  server origin {origin}
"""

NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream app {{ server {origin}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""


class Program:
    """Another proxy, in the foreground, with a configuration of its own."""

    def __init__(self, name, forwards_upgrades, template, command, version):
        self.name, self.forwards_upgrades = name, forwards_upgrades
        self._template, self._command, self._version = template, command, version
        self._process = None

    @property
    def version(self):
        done = run([self._command[0], self._version])
        return (done.stdout + done.stderr).splitlines()[0]

    def start(self, folder, origin):
        port = free_port()
        path = folder / f"{self.name}.conf"
        path.write_text(self._template.format(port=port, origin=origin.address, folder=folder))
        command = [word.format(folder=folder, file=path) for word in self._command]
        self._process = Process(command, folder, self.name)
        self._process.wait_ready(lambda: _listens(port))
        return Proxy(port, port)

    def stop(self):
        self._process.terminate()


class Sidegate:
    name, forwards_upgrades = "sidegate", True

    def __init__(self):
        self._gateways = None

    @property
    def version(self):
        return sidegate("version").stdout.strip()

    def start(self, folder, origin):
        self._gateways = Gateways(folder)
        return named_gateways.start(self._gateways, "plain", origin.url)

    def stop(self):
        self._gateways.stop_all()


PROXIES = (
    Sidegate(),
    Program("haproxy", True, HAPROXY, ["/usr/sbin/haproxy", "-db", "-f", "{file}"], "-v"),
    Program("nginx", False, NGINX, ["/usr/sbin/nginx", "-p", "{folder}", "-e", "stderr", "-c", "{file}"], "-v"),
)


@dataclass
class Score:
    right: int = 0
    failures: list = field(default_factory=list)  # (topic, row, way, what was misunderstood)


def _listens(port):
    try:
        with RawClient(port, timeout=PATIENCE_SECONDS):
            return True
    except OSError:
        return False


def score(proxy, rows):
    """Each with a folder, an origin and a run of its own."""
    result = Score()
    with tempfile.TemporaryDirectory() as folder, ScriptedOrigin() as origin:
        places = proxy.start(pathlib.Path(folder), origin)
        try:
            for topic, row in rows:
                failure = _first_failure(row, places, origin)
                result.right += failure is None
                if failure:
                    result.failures.append((topic, row, *failure))
        finally:
            proxy.stop()
    return result


def _first_failure(row, places, origin):
    for way, split in WAYS.items():
        found = misunderstandings(row, observe(row, split, places, origin, PATIENCE_SECONDS))
        if found:
            return way, "; ".join(found)
    return None


def measured(proxy):
    return [(topic, row) for topic, row in all_rows()
            if row.gateway == "plain" and not row.ours and (proxy.forwards_upgrades or not row.upgrades)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--failures", action="store_true", help="also say which rows came out wrong, and how")
    parser.add_argument("--only", default=",".join(proxy.name for proxy in PROXIES), metavar="A,B")
    arguments = parser.parse_args()
    for proxy in PROXIES:
        if proxy.name not in arguments.only.split(","):
            continue
        rows = measured(proxy)
        result = score(proxy, rows)
        print(f"{proxy.name}: {result.right} of {len(rows)} rows ({proxy.version})", flush=True)
        for topic, row, way, why in result.failures if arguments.failures else []:
            print(f"  {topic}: {row.name} ({way}, {row.source}): {why}")


if __name__ == "__main__":
    main()
