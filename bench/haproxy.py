"""HAProxy: as a plain reverse proxy, or with the same token check as Sidegate."""

from dataclasses import dataclass

from contestant import Contestant


@dataclass(frozen=True)
class Haproxy(Contestant):
    """With an algorithm: signature, expiry, the identity header. The algorithm is fixed, which is both the safe way and
    the cheapest. A refusal is a `return`, since a `deny` would close the caller's connection. It asks for
    more than two descriptors for each of `maxconn`, and without `strict-limits` it makes do with what it gets."""

    algorithm: str | None = None

    @property
    def name(self):
        return f"HAProxy, {self.algorithm}" if self.algorithm else "HAProxy, plain"

    def command(self, place):
        log_lines = "log stdout format raw local0\n  option httplog" if place.surroundings.logs else "no log"
        configuration = place.write("haproxy.cfg", f"""\
global
  nbthread 1
  maxconn {place.connections_max}
  no strict-limits
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 30s
  timeout http-request 10s
  option http-keep-alive
  option splice-auto
  http-reuse always
  {log_lines}
frontend public
  bind 127.0.0.1:{place.port} backlog 4096
{self._rules(place.surroundings.issuer)}  default_backend app
backend app
  server origin 127.0.0.1:{place.surroundings.origin.port}
""")
        return ["haproxy", "-db", "-f", configuration]

    def _rules(self, issuer):
        if not self.algorithm:
            return ""
        key = issuer.secret if self.algorithm == "HS256" else issuer.public_key(self.algorithm)
        return f"""\
  http-request del-header X-User- -m beg
  http-request set-var(txn.token) http_auth_bearer
  http-request return status 401 unless {{ var(txn.token),jwt_verify("{self.algorithm}","{key}") -m int 1 }}
  http-request set-var(txn.now) date()
  http-request set-var(txn.left) var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now)
  http-request return status 401 unless {{ var(txn.left) -m int gt 0 }}
  http-request set-header X-User-Id %[var(txn.token),jwt_payload_query('$.user_id')]
"""
