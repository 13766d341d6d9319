"""The contestants, each with the configuration that it runs, and the origin behind all of them.

To add one: a class with `name`, `authenticates`, `command()` and `write_configuration()`, and its place in `ALL`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from processes import Process

BODY_BYTES = 1024


@dataclass
class Setting:
    """What a contestant needs to know of the run."""

    folder: Path
    cpu: int
    origin_port: int
    key: str
    logs: bool
    sidegate: Path


class Origin:
    """nginx with an answer of 1 KiB on every path but one, which answers with the X-User-Id that it was sent."""

    def __init__(self, folder, cpu, port):
        self.folder = folder
        self.cpu = cpu
        self.port = port
        self.process = None

    def start(self):
        folder = self.folder
        configuration = folder / "origin.conf"
        configuration.write_text(f"""\
daemon off;
master_process off;
pid {folder}/origin.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path {folder}/origin-body;
  proxy_temp_path {folder}/origin-proxy;
  fastcgi_temp_path {folder}/origin-fastcgi;
  uwsgi_temp_path {folder}/origin-uwsgi;
  scgi_temp_path {folder}/origin-scgi;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    default_type text/plain;
    location / {{ return 200 "{'x' * BODY_BYTES}"; }}
    location = /user-id {{ return 200 "$http_x_user_id"; }}
  }}
}}
""")
        command = ["nginx", "-p", folder, "-e", "stderr", "-c", configuration]
        self.process = Process("origin", command, self.cpu, folder)
        self.process.wait_until_it_listens(self.port)

    def stop(self):
        if self.process:
            self.process.stop()


class Contestant:
    """A proxy in front of the origin, on one CPU with one worker."""

    name = ""
    authenticates = True

    def __init__(self, setting, port, admin_port):
        self.setting = setting
        self.port = port
        self.admin_port = admin_port
        self.slug = re.sub(r"\W+", "-", self.name.lower()).strip("-")
        self.process = None

    def start(self):
        self.write_configuration()
        self.process = Process(self.slug, self.command(), self.setting.cpu, self.setting.folder, self.environment())
        self.process.wait_until_it_listens(self.port)

    def stop(self):
        if self.process:
            self.process.stop()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def file(self, suffix):
        return self.setting.folder / f"{self.slug}.{suffix}"

    def environment(self):
        return {}

    def write_configuration(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    @classmethod
    def is_there(cls, setting):
        del setting
        return True


class HaproxyPlain(Contestant):
    """HAProxy as a plain reverse proxy: no authentication, no header touched."""

    name = "HAProxy, no authentication"
    authenticates = False
    rules = ""

    def command(self):
        return ["haproxy", "-db", "-f", self.file("cfg")]

    def write_configuration(self):
        log_lines = "log stdout format raw local0\n  option httplog" if self.setting.logs else "no log"
        self.file("cfg").write_text(f"""\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  timeout http-request 10s
  option http-keep-alive
  http-reuse always
  {log_lines}
frontend public
  bind 127.0.0.1:{self.port} backlog 4096
{self.rules_text()}  default_backend app
backend app
  server origin 127.0.0.1:{self.setting.origin_port}
""")

    def rules_text(self):
        return "".join(f"  {line}\n" for line in self.rules.format(key=self.setting.key).splitlines())


class HaproxyJwt(HaproxyPlain):
    """HAProxy that verifies the bearer token: signature, expiry, the identity header. The algorithm is fixed, which is
    both the safe way and the cheapest."""

    name = "HAProxy, JWT"
    authenticates = True
    rules = """\
http-request del-header X-User- -m beg
http-request set-var(txn.token) http_auth_bearer
http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify("HS256","{key}") -m int 1 }}
http-request set-var(txn.now) date()
http-request set-var(txn.left) var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now)
http-request deny deny_status 401 unless {{ var(txn.left) -m int gt 0 }}
http-request set-header X-User-Id %[var(txn.token),jwt_payload_query('$.user_id')]"""


class Sidegate(Contestant):
    """Sidegate with the same task, by its smallest configuration."""

    name = "Sidegate, JWT"

    def command(self):
        return [self.setting.sidegate, "run", "--config", self.file("yaml")]

    def environment(self):
        return {"JWT_KEY": self.setting.key}

    def write_configuration(self):
        access_log = "stdout" if self.setting.logs else "none"
        self.file("yaml").write_text(f"""\
version: 1
workers: 1
listeners: {{public: {{address: "127.0.0.1:{self.port}"}}}}
admin: {{address: "127.0.0.1:{self.admin_port}"}}
access_log: {{path: {access_log}}}
upstreams: {{app: {{servers: ["http://127.0.0.1:{self.setting.origin_port}"]}}}}
authenticators:
  staff:
    jwt: {{token: [{{bearer: Authorization}}], keys: [{{secret: {{env: JWT_KEY}}}}], algorithms: [HS256], subject: user_id}}
inject: {{X-User-Id: "{{subject}}"}}
routes:
  - {{path: /**, authenticate: [staff], upstream: app}}
""")

    @classmethod
    def is_there(cls, setting):
        return setting.sidegate.exists()


BASELINE = HaproxyJwt
ALL = {"sidegate": Sidegate, "haproxy-jwt": HaproxyJwt, "haproxy": HaproxyPlain}
