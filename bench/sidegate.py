"""Sidegate by its smallest configuration for the task."""

from dataclasses import dataclass

import auth_service
from contestant import Contestant


@dataclass(frozen=True)
class Sidegate(Contestant):
    """Verifies a bearer token, or asks the Auth Service about it, or with no algorithm lets everybody through."""

    algorithm: str | None = "HS256"
    cached: bool = True  # whether verified tokens are remembered
    remote_ttl: str | None = None  # asks, and remembers an answer for so long
    unix_upstream: bool = False

    @property
    def name(self):
        how = f"remote, ttl {self.remote_ttl}" if self.remote_ttl else self.algorithm or "no authentication"
        return ", ".join(["Sidegate", how] + ["cache off"] * (not self.cached)
                         + ["unix upstream"] * self.unix_upstream)

    def environment(self, place):
        return {"JWT_KEY": place.surroundings.issuer.secret}

    def command(self, place):
        origin = place.surroundings.origin
        server = f"unix:{origin.unix_path}" if self.unix_upstream else f"http://127.0.0.1:{origin.port}"
        configuration = place.write("sidegate.yaml", f"""\
version: 1
workers: 1
listeners: {{public: {{address: "127.0.0.1:{place.port}"}}}}
admin: {{address: "127.0.0.1:{place.admin_port}"}}
access_log: {{path: {place.log_file if place.surroundings.logs else "none"}}}
shutdown: {{grace: 0s, timeout: 1s}}
limits: {{connections: {place.connections_max}}}
upstreams: {{app: {{servers: ["{server}"]}}}}
{self._authenticators(place.surroundings)}routes:
  - {{path: /**, authenticate: {"[staff]" if self.algorithm else "none"}, upstream: app}}
""")
        return [place.surroundings.sidegate, "run", "--config", configuration]

    def _authenticators(self, surroundings):
        if not self.algorithm:
            return ""
        staff = self._remote(surroundings.auth_service) if self.remote_ttl else self._jwt(surroundings.issuer)
        return f"""\
authenticators:
  staff:
{staff}
inject: {{X-User-Id: "{{subject}}"}}
"""

    def _remote(self, service):
        return f"""\
    remote:
      token: [{{bearer: Authorization}}]
      url: "http://127.0.0.1:{service.port}{auth_service.PATH}"
      subject: user_id
      cache: {{ttl: {self.remote_ttl}}}"""

    def _jwt(self, issuer):
        shared = self.algorithm == "HS256"
        key = "secret: {env: JWT_KEY}" if shared else f"pem_file: {issuer.public_key(self.algorithm)}"
        cache = "" if self.cached else "\n      verified_cache: {max_entries: 0}"
        return f"""\
    jwt:
      token: [{{bearer: Authorization}}]
      keys: [{{{key}}}]
      algorithms: [{self.algorithm}]
      subject: user_id{cache}"""
