"""All scenarios, with the bars that Sidegate is held against."""

from floor import Floor
from haproxy import Haproxy
from load import Requests
from nginx import Nginx
from scenario import CallsScenario, Entrant, FixedBar, IdleScenario, RatioBar, Scenario
from sidegate import Sidegate

_GET = Requests()
_ANONYMOUS = Requests(algorithm=None)

_SIDEGATE = Sidegate("HS256")
_SIDEGATE_OPEN = Sidegate(None)
_SIDEGATE_REMOTE = Sidegate("HS256", remote_ttl="1h")
_SIDEGATE_UNIX = Sidegate("HS256", unix_upstream=True)
_HAPROXY_JWT = Haproxy("HS256")
_HAPROXY = Haproxy()
_NGINX = Nginx()
_NGINX_AUTH = Nginx(auth_request=True)
_FLOOR = Floor()


def _uncached(algorithm):
    return Sidegate(algorithm, cached=False)


def _all_asked(requests, *contestants):
    return tuple(Entrant(contestant, requests) for contestant in contestants)


def _bars(*triples):
    return tuple(RatioBar(own.name, rival.name, at_most) for own, rival, at_most in triples)


def _get_hs256():
    return Scenario(
        "get-hs256", "GET, an answer of 1 KiB, one HS256 token",
        _all_asked(_GET, _SIDEGATE, _uncached("HS256"), _HAPROXY_JWT, _HAPROXY, _NGINX, _NGINX_AUTH, _FLOOR),
        _bars((_SIDEGATE, _HAPROXY_JWT, 0.60), (_SIDEGATE, _HAPROXY, 0.95), (_SIDEGATE, _NGINX, 0.95),
              (_SIDEGATE, _FLOOR, 1.30), (_uncached("HS256"), _HAPROXY_JWT, 0.65)))


def _many_tokens():
    many = Entrant(_SIDEGATE, Requests(tokens=10_000, in_turn=True), remark=", 10,000 tokens")
    one = Entrant(_SIDEGATE, Requests(in_turn=True), remark=", one token")
    return Scenario("tokens-10000", "the same with 10,000 tokens in turn", (many, one),
                    (RatioBar(many.name, one.name, 1.10),))


def _asymmetric(algorithm, uncached_at_most):
    own, uncached, rival = Sidegate(algorithm), _uncached(algorithm), Haproxy(algorithm)
    asked = _all_asked(Requests(algorithm=algorithm), own, uncached, rival)
    return Scenario(algorithm.lower(), f"the same with one {algorithm} token", (*asked, Entrant(_SIDEGATE, _GET)),
                    _bars((own, _SIDEGATE, 1.05), (uncached, rival, uncached_at_most)))


def _invalid():
    invalid = Requests(tokens=1000, in_turn=True, genuine=False)
    return Scenario("invalid", "HS256 tokens of another key, answered with 401",
                    _all_asked(invalid, _SIDEGATE, _HAPROXY_JWT), _bars((_SIDEGATE, _HAPROXY_JWT, 0.80)))


def _no_authentication():
    return Scenario("no-auth", "GET, an answer of 1 KiB, nobody asks for a token",
                    _all_asked(_ANONYMOUS, _SIDEGATE_OPEN, _NGINX, _HAPROXY),
                    _bars((_SIDEGATE_OPEN, _NGINX, 0.90), (_SIDEGATE_OPEN, _HAPROXY, 0.90)))


def _versus(name, what, requests, own, rival, at_most):
    return Scenario(name, what, _all_asked(requests, own, rival), _bars((own, rival, at_most)))


def _new_connection():
    """Without the floor: it would open a connection to the origin for each request, which the others do not."""
    return Scenario("new-connection", "GET, an answer of 1 KiB, a new connection for each request",
                    _all_asked(Requests(keep_alive=False), _SIDEGATE, _HAPROXY_JWT, _HAPROXY, _NGINX))


def _idle(connections):
    return IdleScenario(
        f"idle-{connections}", f"{connections:,} connections that have asked once and wait",
        _all_asked(_GET, _SIDEGATE, _HAPROXY_JWT, _NGINX),
        (FixedBar(_SIDEGATE.name, "RSS after start", "start_bytes", "bytes", 12 * 1024 * 1024),
         FixedBar(_SIDEGATE.name, "memory of an idle connection", "bytes_per_connection", "bytes", 4 * 1024)),
        connections_max=connections + 1000, connections=connections)


def _auth_service(name, what, requests):
    """Whoever asks the Auth Service has asked it about each token before, or does so in the first milliseconds."""
    tuned = Nginx(auth_request=True, open_files=True)
    return Scenario(name, what, _all_asked(requests, _SIDEGATE_REMOTE, _SIDEGATE, _NGINX_AUTH, tuned),
                    _bars((_SIDEGATE_REMOTE, _NGINX_AUTH, 0.75), (_SIDEGATE_REMOTE, tuned, None),
                          (_SIDEGATE_REMOTE, _SIDEGATE, None)))


def _auth_service_calls():
    kept, unkept = Sidegate("HS256", remote_ttl="30s"), Sidegate("HS256", remote_ttl="0s")
    return CallsScenario(
        "auth-service-calls", "100 requests at the same moment with one token that nobody has seen",
        _all_asked(_GET, kept, unkept, Nginx(auth_request=True, cached=False), _NGINX_AUTH,
                   Nginx(auth_request=True, locked=True)),
        tuple(FixedBar(own.name, "calls for 1,000 requests", "calls_per_1000", "calls", at_most)
              for own, at_most in ((kept, 10), (unkept, 20))))


def _latency(*rates):
    return Scenario(
        "latency", "GET, an answer of 1 KiB, one HS256 token, at a fixed rate",
        tuple(Entrant(contestant, _GET, rate, f" at {rate:,}/s")
              for rate in rates for contestant in (_SIDEGATE, _HAPROXY_JWT, _HAPROXY, _NGINX, _FLOOR)))


ALL = {scenario.name: scenario for scenario in (
    _get_hs256(),
    _many_tokens(),
    _asymmetric("RS256", 0.80),
    _asymmetric("ES256", 0.95),
    _invalid(),
    _no_authentication(),
    _versus("post-16k", "POST of 16 KiB, one HS256 token", Requests(body_bytes=16 * 1024), _SIDEGATE, _NGINX, 0.90),
    _versus("answer-64k", "GET, an answer of 64 KiB, one HS256 token", Requests("/64k"), _SIDEGATE, _HAPROXY, 0.80),
    _versus("answer-1m", "GET, an answer of 1 MiB, one HS256 token", Requests("/1m"), _SIDEGATE, _HAPROXY, 0.50),
    _versus("unix-upstream", "a unix socket to the origin, and TCP", _GET, _SIDEGATE_UNIX, _SIDEGATE, 0.85),
    _auth_service("auth-service", "one token, whose answer from the Auth Service is remembered", _GET),
    _auth_service("auth-service-100", "the same with 100 tokens in turn", Requests(tokens=100, in_turn=True)),
    _auth_service_calls(),
    _new_connection(),
    _idle(1000),
    _idle(10_000),
    _latency(2000, 4000),
)}
