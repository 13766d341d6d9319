"""What /metrics says: that Prometheus takes it, that it is what happened, and that no caller can write in it."""

import math
import pathlib
import re
import socket
import time
from collections import Counter, defaultdict

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, servers
from support.polling import wait_until
from support.ports import free_port
from support.process import run
from support.raw import SWITCHING, UPGRADE, RawClient, request

RESPONSE_TIMEOUT = 1.2  # of the upstream that is late, in seconds
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"}
OUTCOMES = {"accepted", "missing", "malformed", "bad_signature", "expired", "not_yet_valid", "wrong_issuer",
            "wrong_audience", "missing_claim", "revoked", "rejected", "unavailable"}
NO_ROUTE = ""


def bearer(**claims):
    return "Authorization: Bearer " + tokens.token(**{"iss": "issuer", "aud": "tts", **claims})


def get(target, *fields):
    return request("GET", target, *fields)


class Row:
    """Requests of one kind, and what each of them counts as. `upstream` is the code of the server's answer."""

    def __init__(self, count, data, route, code, method="GET", upstream=None, outcome=None):
        self.count, self.data, self.route, self.code, self.method = count, data, route, code, method
        self.upstream, self.outcome = upstream, outcome


def odd_method(name):
    return Row(2, request(name, "/public/x"), "public", "200", "other", "200")


_NO_LISTENER = socket.socket()
_NO_LISTENER.bind(("127.0.0.1", 0))  # so that nobody else gets the port
NOBODY = f"http://127.0.0.1:{_NO_LISTENER.getsockname()[1]}"

TRAFFIC = [
    Row(5, get("/public/x?query=1"), "public", "200", upstream="200"),
    Row(2, request("HEAD", "/public/x"), "public", "200", "HEAD", "200"),
    Row(3, request("POST", "/public/x", body=b"a body" * 1000), "public", "200", "POST", "200"),
    *(Row(1, request(name, "/public/x"), "public", "200", name, "200")
      for name in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")),
    *map(odd_method, ("FROBNICATE", "get", "PROPFIND", "M-SEARCH", "G%45T")),
    Row(2, get("/public/404"), "public", "404", upstream="404"),
    Row(1, get("/public/500"), "public", "500", upstream="500"),
    Row(4, get("/private/x", bearer()), "private", "200", upstream="200", outcome="accepted"),
    Row(3, get("/private/x"), "private", "401", outcome="missing"),
    Row(2, get("/private/x", "Authorization: Bearer nonsense"), "private", "401", outcome="malformed"),
    Row(1, get("/private/x", bearer(padding="x" * 3000)), "private", "401", outcome="malformed"),
    Row(2, get("/private/x", bearer(key="another-key-of-more-than-32-bytes")), "private", "401",
        outcome="bad_signature"),
    Row(3, get("/private/x", bearer(lifetime=-60)), "private", "401", outcome="expired"),
    Row(1, get("/private/x", bearer(nbf=int(time.time()) + 3600)), "private", "401", outcome="not_yet_valid"),
    Row(1, get("/private/x", bearer(iss="other")), "private", "401", outcome="wrong_issuer"),
    Row(2, get("/private/x", bearer(aud="other")), "private", "401", outcome="wrong_audience"),
    Row(1, get("/private/x", bearer(user_id=None)), "private", "401", outcome="missing_claim"),
    Row(2, get("/nowhere/x"), NO_ROUTE, "404"),
    Row(2, request("DELETE", "/reading"), NO_ROUTE, "405", "DELETE"),
    Row(1, request("CONNECT", "example:443"), NO_ROUTE, "405", "CONNECT"),
    Row(2, get("/%zz"), NO_ROUTE, "400"),
    Row(1, b"nonsense\r\n\r\n", NO_ROUTE, "400", "other"),
    Row(2, get("/gone"), "gone", "502", upstream="0"),
    Row(1, get("/broken"), "broken", "502", upstream="0"),
    Row(2, get("/late"), "late", "504", upstream="0"),
]
TUNNEL = Row(1, get("/tunnel", *UPGRADE), "tunnel", "101", upstream="101")
MADE = sum(row.count for row in TRAFFIC) + TUNNEL.count


def answer(exchange):
    """What the origin says to each path of TRAFFIC."""
    body = exchange.read_body()
    target = exchange.request.target
    if target == "/tunnel":
        exchange.send(SWITCHING)
        exchange.close()
    elif target == "/broken":
        exchange.send(b"nonsense\r\n\r\n")
        exchange.close()
    elif target == "/late":
        exchange.origin.gate.wait()
    elif code := re.fullmatch(r"/public/(\d+)", target):
        exchange.send(ok(status=code[1].encode() + b" Whatever"))
    elif exchange.request.method == "HEAD":
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    else:
        exchange.send(ok(b"answer to %d bytes" % len(body)))


def configuration(origin):
    route = {"authenticate": "none", "upstream": "app"}
    return {
        "workers": 2,
        "limits": {"token": "2KiB"},
        "upstreams": {
            "app": servers(origin.url),
            "gone": servers(NOBODY),
            "late": servers(origin.url, response_timeout=f"{int(RESPONSE_TIMEOUT * 1000)}ms"),
        },
        "authenticators": {"staff": jwt_authenticator(tokens.KEY, issuer="issuer", audience=["tts"])},
        "inject": INJECT,
        "routes": [
            {"name": "public", "path": "/public/**", **route},
            {"name": "private", "path": "/private/**", "authenticate": ["staff"], "upstream": "app"},
            {"name": "reading", "path": "/reading", "methods": ["GET"], **route},
            {"name": "tunnel", "path": "/tunnel", **route},
            {"name": "broken", "path": "/broken", **route},
            {"name": "gone", "path": "/gone", **route, "upstream": "gone"},
            {"name": "late", "path": "/late", **route, "upstream": "late"},
        ],
    }


@pytest.fixture(scope="module")
def service():
    with RawOrigin() as running:
        running.handler, running.gate = answer, Gate()
        yield running
        running.gate.open()


@pytest.fixture(scope="module")
def traffic(module_gateways, service):
    """The gateway after TRAFFIC and one tunnel, each request on a connection of its own."""
    gateway = module_gateways.start(configuration(service))
    for row in TRAFFIC:
        for _ in range(row.count):
            assert gateway.ask(row.data, row.method).status == int(row.code), row.data[:60]
    with gateway.raw() as client:
        assert client.send(TUNNEL.data).read_response().status == 101
        assert client.read_to_end() == b""
    wait_until(lambda: gateway.metrics().total("sidegate_requests_total") == MADE, "all are counted")
    wait_until(lambda: gateway.metrics().total("sidegate_connections") == 0, "all have closed")
    return gateway


def expected(key):
    """How often each label set is to be counted; `key` gives that of a row, or None."""
    counts = Counter()
    for row in [*TRAFFIC, TUNNEL]:
        if (labels := key(row)) is not None:
            counts[labels] += row.count
    return counts


def counted(metrics, name, *labels):
    """The samples of a metric that are not 0, by the values of their labels, which are exactly these."""
    found = {}
    for sample, has, value in metrics.samples:
        if sample == name:
            assert set(has) == set(labels), (name, has)
            key = tuple(has[label] for label in labels)
            assert key not in found, f"{name} twice: {has}"
            found[key] = value
    return {key: value for key, value in found.items() if value}


# -- the text

def test_prometheus_has_nothing_against_it(traffic):
    """Debian's promtool: no error, and no warning about names, types or help."""
    checked = run(["promtool", "check", "metrics"], text=traffic.metrics().text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


# -- what it counts

def test_requests(traffic):
    """By route, method and code. A method that was read is counted by its name, also where the request was refused."""
    assert counted(traffic.metrics(), "sidegate_requests_total", "route", "method", "code") == expected(
        lambda row: (row.route, row.method, row.code))


def test_request_durations(traffic):
    assert counted(traffic.metrics(), "sidegate_request_duration_seconds_count", "route") == expected(
        lambda row: (row.route,))


def test_decisions(traffic):
    assert counted(traffic.metrics(), "sidegate_auth_decisions_total", "authenticator", "outcome") == expected(
        lambda row: row.outcome and ("staff", row.outcome))


def test_look_ups_in_the_cache_of_verified_tokens(traffic):
    """Every token is looked up, but for those that are too long. How many are known is a matter of the workers."""
    metrics = traffic.metrics()
    cache = {"cache": "staff.verified"}
    too_long = 1
    credentials = sum(row.count for row in TRAFFIC if row.outcome not in (None, "missing")) - too_long
    hits, misses = (metrics.total("sidegate_cache_total", **cache, result=result) for result in ("hit", "miss"))
    assert hits + misses == credentials and hits >= 2  # of four times the same token, on two workers
    assert 2 <= metrics.total("sidegate_cache_entries", **cache) <= 3  # and the one that names nobody, on one of them


def upstream_of(row):
    return row.route if row.route in ("gone", "late") else "app"


def test_requests_to_upstreams(traffic, service):
    """Each that was sent, with code 0 where no answer came."""
    assert counted(traffic.metrics(), "sidegate_upstream_requests_total", "upstream", "server", "code") == expected(
        lambda row: row.upstream and (upstream_of(row), NOBODY if row.route == "gone" else service.url, row.upstream))


def test_durations_of_upstreams(traffic):
    """Of their answers: what never came took no time that could be told."""
    assert counted(traffic.metrics(), "sidegate_upstream_duration_seconds_count", "upstream") == expected(
        lambda row: (upstream_of(row),) if row.upstream not in (None, "0") else None)


def test_connections_and_the_log(traffic):
    metrics = traffic.metrics()
    assert counted(metrics, "sidegate_connections_total", "listener") == {("public",): MADE}
    assert counted(metrics, "sidegate_log_dropped_total") == {}


def test_histograms_are_cumulative_and_agree_with_their_counts(traffic):
    metrics = traffic.metrics()
    histograms = defaultdict(dict)
    for name, labels, value in metrics.samples:
        if name.endswith("_bucket"):
            others = tuple(sorted((key, label) for key, label in labels.items() if key != "le"))
            histograms[name.removesuffix("_bucket"), others][float(labels["le"])] = value
    assert {name for name, _ in histograms} == {
        "sidegate_request_duration_seconds", "sidegate_upstream_duration_seconds"}
    for (name, labels), buckets in histograms.items():
        count, seconds = (metrics.total(name + end, **dict(labels)) for end in ("_count", "_sum"))
        bounds = list(buckets)
        assert bounds == sorted(bounds) and bounds[-1] == math.inf, (name, labels)
        assert list(buckets.values()) == sorted(buckets.values()), (name, labels)
        assert buckets[math.inf] == count, (name, labels)
        least = sum(lower * (buckets[bound] - buckets.get(lower, 0)) for lower, bound in zip([0, *bounds], bounds))
        assert least <= seconds and (count > 0) == (seconds > 0), (name, labels)


def test_a_duration_lands_in_its_bucket(traffic):
    """Requests that waited for the time-out, and none of the others, took as long as it."""
    name = "sidegate_request_duration_seconds_bucket"
    metrics = traffic.metrics()
    assert metrics.total(name, route="late", le="1") == 0
    assert metrics.total(name, route="late", le="+Inf") == 2
    assert metrics.total(name, route="gone", le="1") == 2


def test_counters_of_workers_add_up(gateways, origin):
    """One client at a time needs one connection to the origin: where there are three, three workers had their share."""
    gateway = gateways.start({**configuration(origin), "workers": 3})
    asked = 0
    deadline = time.monotonic() + TIMEOUT
    while origin.connections < 3:
        assert time.monotonic() < deadline, f"{origin.connections} of 3 workers took any of {asked} connections"
        clients = [gateway.raw() for _ in range(8)]
        for client in clients:
            with client:
                assert client.send(get("/private/x", bearer())).read_response().status == 200
                asked += 1
    metrics = gateway.metrics()
    for name in ("sidegate_requests_total", "sidegate_upstream_requests_total", "sidegate_connections_total",
                 "sidegate_request_duration_seconds_count", "sidegate_upstream_duration_seconds_count"):
        assert metrics.total(name) == asked, name
    assert metrics.total("sidegate_auth_decisions_total", outcome="accepted") == asked
    assert metrics.total("sidegate_upstream_connections", upstream="app", state="idle") == 3


# -- labels

def test_labels_hold_what_the_configuration_says_and_nothing_else(traffic, service):
    """A caller who could make series could fill the memory of Sidegate and of whoever scrapes it."""
    known = {
        "route": {"public", "private", "reading", "tunnel", "broken", "gone", "late", NO_ROUTE},
        "method": METHODS,
        "upstream": {"app", "gone", "late"},
        "authenticator": {"staff"},
        "outcome": OUTCOMES,
        "listener": {"public"},
        "state": {"active", "idle"},
        "result": {"success", "failure"},
        "cache": {"staff.verified"},
        "name": {"app", "gone", "late"},
    }
    text = traffic.metrics().text
    for name, labels, _ in traffic.metrics().samples:
        for label, value in labels.items():
            if label == "server":
                assert value == (NOBODY if labels["upstream"] == "gone" else service.url), (name, labels)
            elif label == "code":
                assert re.fullmatch(r"[1-5]\d\d|0", value), (name, labels)
            elif name == "sidegate_cache_total" and label == "result":
                assert value in ("hit", "miss", "negative_hit", "stale", "coalesced"), (name, labels)
            elif label in ("le", "version", "commit"):
                assert re.fullmatch(r"[\w.+-]+", value), (name, labels)
            else:
                assert value in known[label], (name, labels)
    for word in ("FROBNICATE", "PROPFIND", "M-SEARCH", "nowhere", "nonsense", "/x", "query", "example"):
        assert word not in text, word


def test_the_number_of_series_does_not_grow_with_the_callers(gateways, origin):
    gateway = gateways.start(configuration(origin))

    def drive(marks):
        for mark in marks:
            gateway.ask(request(f"MARK{mark}", f"/public/mark{mark}?mark{mark}", f"X-User-Id: mark{mark}",
                                f"User-Agent: mark{mark}", host=f"mark{mark}.example"))
            gateway.ask(get(f"/mark{mark}"))
            gateway.ask(get("/private/x", bearer(subject=f"mark{mark}", iss=f"mark{mark}")))
            gateway.ask(get("/private/x", bearer(subject=f"mark{mark}")))
        return gateway.metrics()

    first, then = drive(range(2)), drive(range(2, 30))
    assert len(first.samples) == len(then.samples)
    assert "mark" not in then.text.lower()


# -- gauges

def test_connections_go_up_and_down(gateways, origin):
    """Those of each listener, and those to the origin: carrying a request, then idle, then none."""
    gate = Gate()

    def late(exchange):
        exchange.read_body()
        gate.wait()
        exchange.send(ok())

    origin.handler = late
    inner = free_port()
    gateway = gateways.start({**configuration(origin), "workers": 2})
    twice = gateways.start({
        **configuration(origin),
        "listeners": {"public": {"address": f"127.0.0.1:{free_port()}"}, "inner": {"address": f"127.0.0.1:{inner}"}},
    })

    def open_now(running):
        return counted(running.metrics(), "sidegate_connections", "listener")

    def to_origin():
        return counted(gateway.metrics(), "sidegate_upstream_connections", "upstream", "server", "state")

    assert (open_now(gateway), to_origin()) == ({}, {})
    clients = [gateway.raw() for _ in range(5)]
    wait_until(lambda: open_now(gateway) == {("public",): 5}, "five connections")
    for client in clients[:3]:
        client.send(get("/public/x"))
    wait_until(lambda: to_origin() == {("app", origin.url, "active"): 3}, "three requests under way")
    gate.open()
    for client in clients[:3]:
        assert client.read_response().status == 200
    wait_until(lambda: to_origin() == {("app", origin.url, "idle"): 3}, "three idle connections")
    for left, client in reversed(list(enumerate(clients))):
        client.socket.close()
        wait_until(lambda: open_now(gateway) == ({("public",): left} if left else {}), f"{left} are left")
    with RawClient(inner), RawClient(inner):
        wait_until(lambda: open_now(twice) == {("inner",): 2}, "two on the inner listener")
    wait_until(lambda: open_now(twice) == {}, "none")
    assert counted(twice.metrics(), "sidegate_connections_total", "listener") == {("inner",): 2}


# -- the process

def test_the_process_is_described_as_the_kernel_sees_it(traffic):
    of_process = pathlib.Path(f"/proc/{traffic.pid}")
    metrics = traffic.metrics()

    def value(name):
        (found,) = counted(metrics, name).values()
        return found

    assert abs(value("process_start_time_seconds") - time.time()) < 60 + TIMEOUT
    assert value("process_resident_memory_bytes") == pytest.approx(traffic.memory_kib() * 1024, rel=0.2)
    assert value("process_virtual_memory_bytes") == pytest.approx(traffic.memory_kib("VmSize") * 1024, rel=0.2)
    limit = re.search(r"Max open files\s+(\d+)", (of_process / "limits").read_text())[1]
    assert value("process_max_fds") == int(limit)
    # The connection that asked for the numbers was open while they were taken.
    descriptors = len(list((of_process / "fd").iterdir()))
    assert abs(value("process_open_fds") - descriptors) <= 1
    assert 0 < value("process_cpu_seconds_total") < 60


def test_the_processors_time_only_grows(traffic):
    def seconds():
        return traffic.metrics().total("process_cpu_seconds_total")

    before = seconds()
    wait_until(lambda: seconds() > before, "the scrapes themselves take time")


def test_the_build_is_named_once(traffic):
    assert [value for _, value in counted(traffic.metrics(), "sidegate_build_info", "version", "commit").items()] == [1]


def test_health_and_admin_tell_the_same(gateways, origin):
    health = free_port()
    gateway = gateways.start({**configuration(origin), "health": {"address": f"127.0.0.1:{health}"}},
                             health_port=health)
    assert gateway.ask(get("/public/x")).status == 200
    wait_until(lambda: gateway.metrics().total("sidegate_connections") == 0, "nothing changes any more")
    pages = [requests.get(base + "/metrics", timeout=TIMEOUT).text for base in (gateway.admin_url, gateway.health_url)]
    ours = [[line for line in page.splitlines() if line.startswith("sidegate_")] for page in pages]
    assert ours[0] == ours[1]
