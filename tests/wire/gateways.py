"""The gateways that the rows name, each started with a configuration of its own."""

from support import tokens
from support.gateway import INJECT, open_routes, staff_routes
from support.ports import free_port
from wire.observation import Proxy
from wire.origin import FOLLOW_UP

# Small enough that a row at a limit can be written down and sent byte by byte.
HEAD_MAX, FIELDS_MAX, TARGET_MAX, TOKEN_MAX, BODY_MAX = 1024, 10, 128, 512, 64
LIMITS = {"head": f"{HEAD_MAX}B", "headers": FIELDS_MAX, "target": f"{TARGET_MAX}B", "token": f"{TOKEN_MAX}B"}
LOOPBACK = ["127.0.0.0/8", "10.0.0.0/8"]


def _route(path, **more):
    return {"path": path, "authenticate": "none", "upstream": "app", **more}


def _one_route(url, **more):
    configuration = open_routes(url)
    configuration["routes"] = [_route(FOLLOW_UP), _route("/**", **more)]
    return configuration


def _identity(url):
    configuration = staff_routes(tokens.KEY, url)
    configuration["inject"] = {**INJECT, "X-Tenant": "{claims.tenant|}"}
    staff = {"authenticate": ["staff"]}
    configuration["routes"] = [
        _route("/**", host="secret.example", **staff),
        _route(FOLLOW_UP),
        _route("/public/**"),
        _route("/optional/**", authenticate="optional"),
        _route("/withheld/**", **staff, forward_credential=False),
        _route("/anywhere/**", **staff, csrf="none"),
        _route("/read/**", **staff, methods=["GET"]),
        _route("/admin/**", **staff),
        _route("/users/{user_id}", **staff),
    ]
    return configuration


def _small(url):
    configuration = staff_routes(tokens.KEY, url)
    configuration["limits"] = LIMITS
    configuration["routes"] = [
        _route(FOLLOW_UP),
        _route("/bounded/**", max_body=f"{BODY_MAX}B"),
        _route("/private/**", authenticate=["staff"]),
        _route("/**"),
    ]
    return configuration


def _rewriting(url):
    configuration = open_routes(url)
    configuration["routes"] = [
        _route(FOLLOW_UP),
        _route("/users/**", rewrite={"strip_prefix": "/users", "prefix": "/api"}),
        _route("/bare/**", rewrite={"strip_prefix": "/bare"}),
        _route("/inside/**", rewrite={"prefix": "/app"}),
        _route("/host/**", rewrite={"host": "tts.internal"}),
        _route("/kept/**", rewrite={"strip_prefix": "/kept"}, encoded_slash="keep", path_parameters="keep"),
    ]
    return configuration


# By name: a function of the origin's URL, and the listener's own keys.
CONFIGURATIONS = {
    "plain": (open_routes, {}),
    "identity": (_identity, {}),
    "small": (_small, {}),
    "rewriting": (_rewriting, {}),
    "encoded slashes": (lambda url: _one_route(url, encoded_slash="keep"), {}),
    "path parameters": (lambda url: _one_route(url, path_parameters="keep"), {}),
    "trusting": (open_routes, {"trusted_proxies": LOOPBACK}),
    "PROXY protocol": (open_routes, {"trusted_proxies": LOOPBACK, "proxy_protocol": True}),
    "PROXY protocol of others": (open_routes, {"trusted_proxies": ["10.0.0.0/8"], "proxy_protocol": True}),
}


def start(gateways, name, url):
    """Starts the gateway of that name before an origin."""
    make, keys = CONFIGURATIONS[name]
    port, settling_port = free_port(), free_port()
    listeners = {"public": {"address": f"127.0.0.1:{port}", **keys}}
    if keys.get("proxy_protocol"):
        listeners["settling"] = {"address": f"127.0.0.1:{settling_port}"}
    else:
        settling_port = port
    gateways.start({**make(url), "listeners": listeners})
    return Proxy(port, settling_port)
