"""Reloads, by HUP and by POST /reload: the next configuration is taken whole or not at all, and disturbs nobody."""

import itertools
import json
import os
import pathlib
import re
import signal
import stat
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import BINARY, TIMEOUT, jwt_authenticator, open_routes, servers
from support.polling import PATIENCE, settled, wait_until
from support.ports import free_port
from support.process import Process
from support.raw import SWITCHING, UPGRADE, RawClient, ask, request
from support.steady_load import SteadyLoad

RELOADS = "sidegate_config_reloads_total"
REFUSED = "the configuration was not reloaded; the one in use stays"
GRACE = {"shutdown": {"grace": "1s", "timeout": "10s"}}  # in which a client may rest before it asks once more
OTHER_KEY = "another-signing-key-that-is-long-enough-for-HS256"


def get(target="/", *fields):
    return request("GET", target, *fields)


def bearer(key=tokens.KEY):
    return f"Authorization: Bearer {tokens.token(key)}"


# -- changing the configuration of a gateway that runs

def file_of(gateway):
    return pathlib.Path(gateway.command[-1])


def blocks_of(gateway):
    return json.loads(file_of(gateway).read_text())


def write(gateway, **changes):
    """Writes other blocks into the gateway's file; a block of None goes. It does not know of them yet."""
    blocks = {name: block for name, block in {**blocks_of(gateway), **changes}.items() if block is not None}
    file_of(gateway).write_text(json.dumps(blocks, indent=2) + "\n")


def post_reload(gateway):
    return requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)


def reload(gateway, **changes):
    """Takes other blocks into use, through the admin API; returns the warnings."""
    write(gateway, **changes)
    answer = post_reload(gateway)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json" and answer.json()["status"] == "reloaded"
    return answer.json()["warnings"]


def hang_up(gateway):
    """Has it reload by HUP, and waits until every worker has taken over: the metrics ask each of them."""
    before = reloads(gateway, "success")
    gateway.send(signal.SIGHUP)
    wait_until(lambda: reloads(gateway, "success") > before, lambda: f"a reload\n{gateway.tail()}")


def refused_errors(gateway):
    """The errors for which the admin API refuses a reload now."""
    answer = post_reload(gateway)
    assert answer.status_code == 422, answer.text
    assert set(answer.json()) == {"errors", "warnings"}
    return answer.json()["errors"]


def reloads(gateway, result):
    return gateway.metrics().total(RELOADS, result=result)


def listeners(gateway, **more):
    """The public listener and others."""
    return {"public": {"address": f"127.0.0.1:{gateway.port}"}, **more}


def is_open(address):
    try:
        RawClient(address).socket.close()
    except (ConnectionError, FileNotFoundError):
        return False
    return True


def connections(gateway, listener="public"):
    return gateway.metrics().total("sidegate_connections", listener=listener)


def open_descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def assert_nothing_lost(load):
    assert not load.lost, load.lost[:3]
    assert {attempt.status for attempt in load.answered} == {200}


# -- an origin that tells which configuration it was asked by

def versioned(version, *urls, key=OTHER_KEY, routes_turned=False, **upstream):
    """A configuration that leaves its number in each request: in two fields and in the path."""
    routes = [
        {"name": "load", "path": "/load/**", "authenticate": ["staff"], "upstream": "app",
         "rewrite": {"prefix": f"/{version}"}, "inject": {"X-Route-Version": f"v{version}"}},
        {"name": "rest", "path": "/{any}/**", "authenticate": ["staff"], "upstream": "app",
         "rewrite": {"prefix": f"/{version}"}, "inject": {"X-Route-Version": f"v{version}"}},
    ]
    authenticator = jwt_authenticator(tokens.KEY)
    authenticator["jwt"]["keys"].append({"secret": key})
    if routes_turned:
        routes = [{**routes[1], "path": "/{any}", "name": "rest"}, routes[0], {**routes[1], "name": "more"}]
    return {
        "upstreams": {"app": servers(*urls, **upstream)},
        "authenticators": {"staff": authenticator},
        "inject": {"X-Version": f"v{version}", "X-User-Id": "{subject}"},
        "routes": routes,
    }


def tell_version(exchange):
    exchange.read_body()
    seen = exchange.request
    exchange.send(ok(" ".join([seen.get("X-Version"), seen.get("X-Route-Version"), seen.target]).encode()))


def version_of(answer):
    """The configuration that a request was forwarded by, the same in all its parts."""
    everywhere, on_route, target = answer.body.decode().split(" ")
    version = int(everywhere.removeprefix("v"))
    assert on_route == everywhere and target.startswith(f"/{version}/"), answer.body
    return version


# -- under load

def test_twenty_reloads_under_load(gateways, origin):
    """No request is lost, and each is answered by one of the configurations that were in use while it lasted."""
    origin.handler = tell_version
    gateway = gateways.start({**versioned(0, origin.url), "workers": 2})
    taken_over, recorded_before = {0: time.monotonic()}, {}
    with SteadyLoad(gateway.port, fields=(bearer(),)) as load:
        load.wait_for_answers(50)
        for version in range(1, 21):
            write(gateway, limits={"head": f"{16 + version}KiB", "keep_alive": f"{60 + version}s"}, **versioned(
                version, origin.url, key=OTHER_KEY + str(version), routes_turned=version % 2 == 1,
                response_timeout=f"{20 + version % 3}s"))
            recorded_before[version] = len(load.answered)
            if version % 2:
                hang_up(gateway)
            else:
                assert post_reload(gateway).status_code == 200
            taken_over[version] = time.monotonic()
            load.wait_for_answers(30)
    assert_nothing_lost(load)
    for number, attempt in enumerate(load.answered):
        oldest = max(version for version, moment in taken_over.items() if moment <= attempt.begun)
        newest = max((version for version, count in recorded_before.items() if count <= number), default=0)
        assert oldest <= version_of(attempt.answer) <= newest, attempt
    assert {version_of(attempt.answer) for attempt in load.answered} == set(range(21))
    assert (reloads(gateway, "success"), reloads(gateway, "failure")) == (20, 0)
    asked = Counter(attempt.target for attempt in load.answered)
    wait_until(lambda: Counter(line["path"] for line in gateway.access_log()) == asked, "a line for each request")


def test_many_reloads_at_the_same_time(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})
    with SteadyLoad(gateway.port) as load, ThreadPoolExecutor(20) as threads:
        load.wait_for_answers(20)
        answers = list(threads.map(lambda _: post_reload(gateway).status_code, range(40)))
        gateway.send(signal.SIGHUP)
        load.wait_for_answers(20)
    assert answers == [200] * 40
    assert_nothing_lost(load)
    wait_until(lambda: reloads(gateway, "success") == 41, "each is counted")


def test_a_thousand_reloads_leave_nothing_behind(gateways, origin):
    """Neither memory nor descriptors: what belonged to a configuration goes with the last request of it."""
    origin.handler = tell_version
    gateway = gateways.start({**versioned(0, origin.url), "workers": 2})
    with SteadyLoad(gateway.port, kept=2, fresh=1, fields=(bearer(),)) as load:
        def reload_to(versions):
            for version in versions:
                reload(gateway, **versioned(version, origin.url, response_timeout=f"{10 + version % 2}s"))

        reload_to(range(1, 101))
        memory = gateway.memory_kib()
        reload_to(range(101, 1101))
        load.wait_for_answers(20)
        growth = gateway.memory_kib() - memory
    assert_nothing_lost(load)
    descriptors = settled(lambda: open_descriptors(gateway), quiet=1.2)
    # The parsed files alone, the least that could stay, take 11 MiB, 20 beside a sanitizer. Its allocator scatters by 7.
    assert growth < (4 if PATIENCE == 1 else 14) * 1024, f"{growth} KiB more after 1,000 reloads"
    assert descriptors < 40
    wait_until(lambda: connections(gateway) == 0, "the load has gone")


# -- requests under way

def rules(version, url, **more):
    return {"upstreams": {"app": servers(url, response_timeout="20s", idle_timeout="20s")}, "limits": {"idle": "20s"},
            "inject": {"X-Version": version},
            "routes": [{"name": version, "path": "/**", "authenticate": "none", "upstream": "app"}], **more}


def test_what_is_under_way_ends_by_the_old_rules(gateways, origin):
    """A slow answer, an upload and a WebSocket, while the new rules would have cut each of them."""
    gate = Gate()

    def behave(exchange):
        target = exchange.request.target
        if target == "/tunnel":
            exchange.send(SWITCHING)
            while data := exchange.origin.receive(exchange.socket, exchange.request.connection):
                exchange.send(data)
            return exchange.close()
        body = exchange.read_body()
        if target == "/slow":
            gate.wait()
        return exchange.send(ok(exchange.request.get("X-Version").encode() + b" " + body))

    origin.handler = behave
    gateway = gateways.start({**rules("old", origin.url), "workers": 2})
    slow = gateway.raw().send(get("/slow"))
    upload = gateway.raw().send(request("POST", "/upload", "Content-Length: 8") + b"half")
    tunnel = gateway.raw().send(get("/tunnel", *UPGRADE))
    assert tunnel.read_response().status == 101
    wait_until(lambda: len(origin.requests) == 3, "all three arrived")

    reload(gateway, **rules("new", origin.url, limits={"idle": "200ms"}, upstreams={
        "app": servers(origin.url, response_timeout="1500ms", idle_timeout="200ms")}, routes=[
            {"name": "new", "path": "/{name}", "authenticate": "none", "upstream": "app", "max_body": "5B"}]))
    with gateway.raw() as late, gateway.raw() as silent, gateway.raw() as idle:  # these are under the new rules
        late.send(get("/slow"))
        silent.send(request("POST", "/silent", "Content-Length: 4") + b"ha")
        assert idle.send(get("/tunnel", *UPGRADE)).read_response().status == 101
        assert (late.read_response().status, silent.read_response().status) == (504, 408)
        assert idle.is_closed()

    gate.open()
    answers = slow.read_response(), upload.send(b"half").read_response()
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"old "), (200, b"old halfhalf")]
    assert tunnel.send(b"still here").take(10) == b"still here"
    assert upload.send(request("POST", "/upload", body=b"more than 5")).read_response().status == 413
    assert slow.send(get("/next")).read_response().body == b"new "
    assert slow.send(get("/two/segments")).read_response().status == 404
    tunnel.finish_sending().read_to_end()
    for answer in answers:
        assert gateway.access_line(answer)["route"] == "old"
    wait_until(lambda: [line for line in gateway.access_log()
                        if (line["path"], line["status"], line.get("route")) == ("/tunnel", 101, "old")], "its line")


def test_a_request_whose_head_is_half_read(gateways, origin):
    """It belongs to one of the two configurations, and the next one on its connection to the new."""
    origin.handler = tell_version
    gateway = gateways.start(versioned(1, origin.url))
    data = get("/load/half", bearer())
    with gateway.raw() as client, gateway.raw() as first_byte:
        client.send(data[:-9])
        first_byte.send(data[:1])
        wait_until(lambda: connections(gateway) == 2, "both connected")
        reload(gateway, **versioned(2, origin.url))
        for connection, rest in ((client, data[-9:]), (first_byte, data[1:])):
            assert version_of(connection.send(rest).read_response()) in (1, 2)
            assert version_of(connection.send(data).read_response()) == 2


def test_a_half_read_head_may_be_larger_than_the_new_limit(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "limits": {"head": "64KiB"}})
    data = get("/", "X-Long: " + "x" * 7000, "X-Longer: " + "y" * 40000)
    with gateway.raw() as client:
        client.send(data[:45000])
        wait_until(lambda: connections(gateway) == 1, "it connected")
        reload(gateway, limits={"head": "4KiB"})
        assert client.send(data[45000:]).read_response().status in (200, 431)


def test_pipelined_requests_across_a_reload(gateways, origin):
    """The one under way ends by the old configuration; the one behind it, read already, begins with the new."""
    gate = Gate()

    def behave(exchange):
        if exchange.request.target.endswith("/slow"):
            gate.wait()
        tell_version(exchange)

    origin.handler = behave
    gateway = gateways.start(versioned(1, origin.url))
    with gateway.raw() as client:
        client.send(b"".join(get(f"/load/{name}", bearer()) for name in ("slow", "second", "third")))
        wait_until(lambda: origin.requests, "the first arrived")
        reload(gateway, **versioned(2, origin.url))
        gate.open()
        assert [version_of(client.read_response()) for _ in range(3)] == [1, 2, 2]


# -- listeners

def test_listeners_come_and_go_under_load(gateways, origin):
    """Nothing is lost on those that stay, and nothing that had begun on the one that goes."""
    gateway = gateways.start({**open_routes(origin.url), **GRACE, "workers": 2})
    other = free_port()
    with SteadyLoad(gateway.port, kept=2, fresh=2) as staying:
        for _ in range(5):
            reload(gateway, listeners=listeners(gateway, other={"address": f"127.0.0.1:{other}"}))
            with SteadyLoad(other, kept=2, fresh=6, prefix="/other") as going:
                going.wait_for_answers(40)
                reload(gateway, listeners=listeners(gateway))
                going.wait_for_refusal()
            assert not going.broken_off, going.broken_off[:3]
            assert {attempt.status for attempt in going.answered} == {200}
            assert not is_open(other)
        staying.wait_for_answers(10)
    assert_nothing_lost(staying)


def test_connections_of_a_listener_that_is_gone(gateways, origin):
    """What is under way ends, an idle one has its grace for one request more, and none stays."""
    gate = Gate()

    def behave(exchange):
        exchange.read_body()
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.send(ok())

    origin.handler = behave
    other = free_port()
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "2s", "timeout": "20s"}})
    reload(gateway, listeners=listeners(gateway, other={"address": f"127.0.0.1:{other}"}))
    slow, used, idle, unused = (RawClient(other) for _ in range(4))
    for client in (used, idle):
        assert client.send(get()).read_response().get("Connection") != "close"
    slow.send(get("/slow"))
    wait_until(lambda: connections(gateway, "other") == 4 and len(origin.requests) == 3, "they are known")

    removed = time.monotonic()
    reload(gateway, listeners=listeners(gateway))
    assert not is_open(other)
    last = used.send(get()).read_response()
    assert (last.status, last.get("Connection")) == (200, "close") and used.is_closed()
    assert idle.is_closed() and unused.is_closed()
    assert 1.9 <= time.monotonic() - removed < 2 + 3 * PATIENCE, "closed after the grace, and not long after"
    gate.open()
    last = slow.read_response()
    assert (last.status, last.get("Connection")) == (200, "close") and slow.is_closed()


def test_further_reloads_put_the_end_of_a_connection_off_no_longer(gateways, origin):
    other = free_port()
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "400ms", "timeout": "5s"}})
    reload(gateway, listeners=listeners(gateway, other={"address": f"127.0.0.1:{other}"}))
    with RawClient(other) as idle:
        assert idle.send(get()).read_response().status == 200
        reload(gateway, listeners=listeners(gateway))
        removed = time.monotonic()
        while not idle.is_closed(within=0.1):
            reload(gateway)
            assert time.monotonic() - removed < 4 * PATIENCE, "still open"
            idle.socket.settimeout(TIMEOUT)


def test_a_listener_comes_back(gateways, origin):
    """Its earlier connections do not become those of the new one: they have been told that they end."""
    gateway = gateways.start(open_routes(origin.url))
    other = free_port()
    with_other = listeners(gateway, other={"address": f"127.0.0.1:{other}"})
    reload(gateway, listeners=with_other)
    reload(gateway, listeners=listeners(gateway))
    reload(gateway, listeners=with_other)
    assert ask(other, get()).status == 200


def test_another_name_for_the_same_address(gateways, origin):
    """Connections follow: to the name that the metrics count them under, and to the routes of that name."""
    gateway = gateways.start(open_routes(origin.url))
    with gateway.raw() as kept:
        assert kept.send(get()).read_response().status == 200
        reload(gateway, listeners={"renamed": {"address": f"127.0.0.1:{gateway.port}"}}, routes=[
            {"name": "of-the-new", "listener": "renamed", "path": "/**", "authenticate": "none", "upstream": "app"}])
        assert (connections(gateway, "renamed"), connections(gateway, "public")) == (1, 0)
        answer = kept.send(get()).read_response()
        assert (answer.status, answer.get("Connection")) == (200, None)
        assert gateway.access_line(answer)["route"] == "of-the-new"
    wait_until(lambda: connections(gateway, "renamed") == 0, "it is counted to its end")


def test_names_of_two_listeners_are_exchanged(gateways, origin):
    other = free_port()

    def routes(first, second):
        return {"listeners": {first: {"address": f"127.0.0.1:{gateway.port}"},
                              second: {"address": f"127.0.0.1:{other}"}},
                "routes": [{"name": name, "listener": name, "path": "/**", "authenticate": "none", "upstream": "app"}
                           for name in ("one", "two")]}

    gateway = gateways.start(open_routes(origin.url))
    reload(gateway, **routes("one", "two"))
    with gateway.raw() as kept:
        assert gateway.access_line(kept.send(get()).read_response())["route"] == "one"
        reload(gateway, **routes("two", "one"))
        assert gateway.access_line(kept.send(get()).read_response())["route"] == "two"
        assert gateway.access_line(ask(other, get()))["route"] == "one"


def test_a_unix_socket_listener(gateways, origin, tmp_path):
    """It comes with its mode, changes it, and goes with its file."""
    path = tmp_path / "listen.sock"
    gateway = gateways.start({**open_routes(origin.url), **GRACE, "workers": 2})

    def reload_with(**more):
        reload(gateway, listeners=listeners(gateway, **more))

    def mode():
        return stat.S_IMODE(path.stat().st_mode)

    with SteadyLoad(gateway.port, kept=1, fresh=1) as tcp:
        reload_with(local={"address": f"unix:{path}", "mode": "0600"})
        assert mode() == 0o600
        with SteadyLoad(str(path), kept=2, fresh=2, prefix="/unix") as load:
            load.wait_for_answers(20)
            reload_with(local={"address": f"unix:{path}", "mode": "0666"})
            assert mode() == 0o666
            load.wait_for_answers(20)
            assert not load.lost, load.lost[:3]
            reload_with()
            assert not path.exists()
            load.wait_for_refusal()
        assert not load.broken_off, load.broken_off[:3]
        tcp.wait_for_answers(5)
    assert_nothing_lost(tcp)


def test_connections_are_counted_right_after_reloads(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})
    clients = [gateway.raw() for _ in range(10)]
    for client in clients[:5]:
        assert client.send(get()).read_response().status == 200
    wait_until(lambda: connections(gateway) == 10, "all are known")
    for number in range(5):
        reload(gateway, inject={"X-Version": str(number)})
        assert connections(gateway) == 10
        assert gateway.metrics().total("sidegate_connections_total", listener="public") == 10
        assert clients[number].send(get()).read_response().status == 200
    for client in clients:
        client.socket.close()
    wait_until(lambda: connections(gateway) == 0, "all are gone")


# -- a configuration that is refused

def as_text(blocks):
    return json.dumps(blocks, indent=2)


def with_syntax_error(blocks, _):
    return as_text(blocks)[:-3] + "]]"


def with_unknown_key(blocks, _):
    return as_text({**blocks, "uptsreams": {}})


def taken(blocks):
    """An address in use: the origin's."""
    return {"address": blocks["upstreams"]["app"]["servers"][0].removeprefix("http://")}


def with_address_in_use(blocks, _):
    blocks["listeners"]["taken"] = taken(blocks)
    return as_text(blocks)


def with_admin_address_in_use(blocks, _):
    return as_text({**blocks, "admin": taken(blocks)})


def with_health_address_in_use(blocks, _):
    return as_text({**blocks, "health": taken(blocks)})


def with_unreadable_secret(blocks, _):
    blocks["authenticators"] = {"staff": jwt_authenticator({"file": "no-such-key"})}
    return as_text(blocks)


def with_log_in_missing_folder(blocks, folder):
    return as_text({**blocks, "log": {"path": str(folder / "missing" / "gateway.log")}})


def with_access_log_in_missing_folder(blocks, folder):
    return as_text({**blocks, "access_log": {"path": str(folder / "missing" / "access.log")}})


def with_nothing(_blocks, _folder):
    return ""


def without_file(_blocks, _folder):
    return None


LOCATED = r":\d+:\d+: "


@pytest.mark.parametrize("make, error", [
    (with_syntax_error, LOCATED),
    (with_unknown_key, LOCATED + r'.*unknown key "uptsreams" \(did you mean "upstreams"\?\)'),
    (with_address_in_use, LOCATED + r".*cannot listen on 127\.0\.0\.1:\d+: Address already in use"),
    (with_admin_address_in_use, LOCATED + r".*cannot listen on 127\.0\.0\.1:\d+: Address already in use"),
    (with_health_address_in_use, LOCATED + r".*cannot listen on 127\.0\.0\.1:\d+: Address already in use"),
    (with_unreadable_secret, LOCATED + r"at authenticators\.staff.*no-such-key.*No such file or directory"),
    (with_log_in_missing_folder, LOCATED + r".*missing/gateway\.log.*No such file or directory"),
    (with_access_log_in_missing_folder, LOCATED + r".*missing/access\.log.*No such file or directory"),
    (with_nothing, r""),
    (without_file, r": cannot read the file: No such file or directory"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_file_is_refused_and_changes_nothing(gateways, origin, tmp_path, make, error):
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})
    path, good = file_of(gateway), file_of(gateway).read_text()
    newcomer, admin = free_port(), gateway.admin_port
    elsewhere = {name: tmp_path / f"elsewhere-{name}.log" for name in ("log", "access_log")}
    blocks = {**json.loads(good), "routes": [{"path": "/new", "authenticate": "none", "upstream": "app"}],
              "listeners": {"newcomer": {"address": f"127.0.0.1:{newcomer}"}},
              **{name: {"path": str(file)} for name, file in elsewhere.items()}}
    bad = make(blocks, tmp_path)
    with gateway.raw() as kept:
        assert kept.send(get("/before")).read_response().status == 200
        path.unlink() if bad is None else path.write_text(bad)
        errors = refused_errors(gateway)
        assert errors and all(line.startswith(f"{path}:") for line in errors)
        assert any(re.fullmatch(re.escape(str(path)) + error + "(?s:.*)", line) for line in errors), errors
        answer = kept.send(get("/after")).read_response()
        assert (answer.status, answer.get("Connection")) == (200, None)
    gateway.send(signal.SIGHUP)
    wait_until(lambda: reloads(gateway, "failure") == 2, "HUP is refused as well")

    assert gateway.status is None and gateway.is_ready()
    assert gateway.ask(get("/after")).status == 200 and not is_open(newcomer)
    assert is_open(admin) and reloads(gateway, "success") == 0
    gateway.access_line(answer)
    assert not any(file.exists() and file.read_text() for file in elsewhere.values()), "no log has moved"
    lines = [line for line in gateway.log_lines() if line["level"] == "error"]
    audit = [line for line in lines if line.get("audit")]
    assert [(line["msg"], line["because"], line["file"]) for line in audit] == [
        (REFUSED, "asked for", str(path)), (REFUSED, "SIGHUP", str(path))]
    assert [line["msg"] for line in lines if not line.get("audit")] == errors * 2
    path.write_text(good)
    assert post_reload(gateway).status_code == 200, "and a good one is taken as ever"


def test_the_file_that_was_found_has_gone(tmp_path, origin):
    """A gateway that found ./sidegate.yaml does not become the sidecar of its environment when that file is deleted."""
    port, admin = free_port(), free_port()
    file = tmp_path / "sidegate.yaml"
    file.write_text(as_text({
        "version": 1, **open_routes(origin.url), "shutdown": {"grace": "10ms", "timeout": "5s"},
        "listeners": {"public": {"address": f"127.0.0.1:{port}"}}, "admin": {"address": f"127.0.0.1:{admin}"}}))
    process = Process([BINARY, "run"], tmp_path, "found", {
        "DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_LISTEN": f"127.0.0.1:{free_port()}",
        "SIDEGATE_ADMIN": f"127.0.0.1:{admin}", "SIDEGATE_HEALTH": f"127.0.0.1:{free_port()}"})
    try:
        process.wait_ready(lambda: is_open(port))
        file.unlink()
        answer = requests.post(f"http://127.0.0.1:{admin}/reload", json={}, timeout=TIMEOUT)
        assert answer.status_code == 422, answer.text
        assert ask(port, get()).status == 200
    finally:
        assert process.terminate() == 0


def test_an_audit_line_says_that_it_was_reloaded(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    reload(gateway)
    hang_up(gateway)
    audit = [line for line in gateway.log_lines() if line.get("audit")]
    assert [(line["level"], line["msg"], line["because"], line["file"]) for line in audit] == [
        ("info", "the configuration was reloaded", because, str(file_of(gateway)))
        for because in ("asked for", "SIGHUP")]


def test_warnings_of_a_reload_are_told(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})
    before = len(os.listdir(f"/proc/{gateway.pid}/task"))
    routes = [{"path": "/x", "methods": ["GET"], "authenticate": ["staff"], "upstream": "app"},
              {"path": "/**", "authenticate": "none", "upstream": "app"}]
    (warning,) = reload(gateway, routes=routes, authenticators={"staff": jwt_authenticator(tokens.KEY)})
    assert re.match(re.escape(str(file_of(gateway))) + LOCATED + ".*warning: ", warning)
    assert [line["msg"] for line in gateway.log_lines() if line["level"] == "warning"] == [warning]
    reload(gateway, workers=1)
    (told, _) = [line["msg"] for line in gateway.log_lines() if line["level"] == "warning"][1:]
    assert "workers" in told and "next start" in told
    assert len(os.listdir(f"/proc/{gateway.pid}/task")) == before
    assert gateway.get("/").status_code == 200


# -- keys

def test_keys_are_rotated(gateways, origin):
    """From the answer of the reload on: also on connections that were used with the old key."""
    def keys(*secrets):
        authenticator = jwt_authenticator("")
        authenticator["jwt"]["keys"] = [{"secret": secret} for secret in secrets]
        return {"authenticators": {"staff": authenticator}}

    gateway = gateways.start({**open_routes(origin.url), **keys(tokens.KEY), "workers": 2, "routes": [
        {"name": "private", "path": "/**", "authenticate": ["staff"], "upstream": "app"}]})
    old, new = get("/", bearer()), get("/", bearer(OTHER_KEY))
    clients = [gateway.raw() for _ in range(6)]

    def statuses():
        return [{client.send(data).read_response().status for client in clients} for data in (old, new)]

    assert statuses() == [{200}, {401}]
    reload(gateway, **keys(tokens.KEY, OTHER_KEY))
    assert statuses() == [{200}, {200}]
    reload(gateway, **keys(OTHER_KEY))
    assert statuses() == [{401}, {200}]
    assert [gateway.ask(data).status for data in (old, new)] == [401, 200]
    for client in clients:
        client.socket.close()


def test_the_authenticator_of_a_token_is_removed(gateways, origin):
    def named(name, key):
        return {"authenticators": {name: jwt_authenticator(key)},
                "routes": [{"name": "private", "path": "/**", "authenticate": [name], "upstream": "app"}]}

    gateway = gateways.start({**open_routes(origin.url), **named("staff", tokens.KEY)})
    with gateway.raw() as kept:
        assert kept.send(get("/", bearer())).read_response().status == 200
        reload(gateway, **named("guests", OTHER_KEY))
        assert kept.send(get("/", bearer())).read_response().status == 401
        assert kept.send(get("/", bearer(OTHER_KEY))).read_response().status == 200
    decisions = gateway.metrics()
    name = "sidegate_auth_decisions_total"
    assert decisions.total(name, authenticator="staff") == 0
    assert decisions.total(name, authenticator="guests", outcome="bad_signature") == 1
    assert decisions.total(name, authenticator="guests", outcome="accepted") == 1


# -- upstreams

def test_connections_to_the_upstream_stay_where_nothing_of_it_has_changed(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    for number in range(4):
        reload(gateway, inject={"X-Version": str(number)}, limits={"keep_alive": f"{30 + number}s"})
        assert gateway.ask(get()).status == 200
    assert origin.connections == 1


def test_clients_that_stay_while_their_upstream_changes(gateways, origin):
    """Each of them was the last to use a connection that goes with the upstream as it was."""
    gateway = gateways.start(open_routes(origin.url))
    clients = [gateway.raw() for _ in range(4)]
    for seconds in range(10, 14):
        for client in clients:
            assert client.send(get()).read_response().status == 200
        reload(gateway, **open_routes(origin.url, response_timeout=f"{seconds}s"))
    for client in clients:
        client.socket.close()
    wait_until(lambda: connections(gateway) == 0, "they are gone")
    assert gateway.ask(get()).status == 200


def test_another_server_list(gateways, origin):
    """The old server's connections are closed: idle ones at once, one with an answer under way behind it."""
    gate = Gate()

    def behave(exchange):
        exchange.read_body()
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.send(ok(b"old"))

    origin.handler = behave
    gateway = gateways.start(open_routes(origin.url))
    with RawOrigin() as other, gateway.raw() as slow, gateway.raw() as kept:
        slow.send(get("/slow"))
        wait_until(lambda: origin.requests, "it arrived")
        assert kept.send(get()).read_response().body == b"old"
        assert origin.open_connections == 2
        reload(gateway, **open_routes(other.url))
        wait_until(lambda: origin.open_connections == 1, "the idle one is closed")
        assert kept.send(get()).read_response().body == b"ok"
        gate.open()
        assert slow.read_response().body == b"old"
        wait_until(lambda: origin.open_connections == 0, "the other one is closed once it is idle")
        assert slow.send(get()).read_response().body == b"ok"
        metrics = gateway.metrics()
        assert metrics.total("sidegate_upstream_connections", server=origin.url) == 0
        assert metrics.total("sidegate_upstream_connections", server=other.url) >= 1


# -- limits

def test_the_size_of_a_head_changes_on_a_living_connection(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "limits": {"head": "8KiB", "headers": 100}})

    def head_of(size):
        return get("/", *(f"X-Filler-{number}: " + "x" * 1000 for number in range(size // 1024)))

    with gateway.raw() as one, gateway.raw() as two:
        for client in (one, two):
            assert client.send(head_of(6 * 1024)).read_response().status == 200
        reload(gateway, limits={"head": "64KiB"})
        assert one.send(head_of(60 * 1024)).read_response().status == 200
        assert two.send(head_of(1024)).read_response().status == 200
        reload(gateway, limits={"head": "4KiB"})
        assert one.send(head_of(2 * 1024)).read_response().status == 200
        assert one.send(head_of(6 * 1024)).read_response().status == 431
        reload(gateway, limits={"head": "64KiB"})
        assert two.send_in_pieces(head_of(60 * 1024), 700).read_response().status == 200


def test_the_number_of_connections_changes(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    clients = [gateway.raw() for _ in range(4)]
    wait_until(lambda: connections(gateway) == 4, "they are known")
    reload(gateway, limits={"connections": 2})
    assert gateway.raw().read_response().status == 503
    assert [client.send(get()).read_response().status for client in clients] == [200] * 4, "nobody is thrown out"
    reload(gateway, limits={"connections": 5})
    assert gateway.ask(get()).status == 200
    for client in clients:
        client.socket.close()


def test_the_memory_limit_changes(gateways, origin):
    """With large buffers, since a limit below one mebibyte is refused."""
    gateway = gateways.start({**open_routes(origin.url), "limits": {"head": "256KiB"}})
    with gateway.raw() as kept:
        assert kept.send(get()).read_response().status == 200
        reload(gateway, limits={"head": "256KiB", "memory": "1MiB"})
        assert gateway.raw().read_response().status == 503
        assert kept.send(get()).read_response().status == 200
        reload(gateway, limits={"head": "256KiB", "memory": 0})
        assert gateway.ask(get()).status == 200


def test_time_outs_change(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    with gateway.raw() as kept:
        assert kept.send(get()).read_response().status == 200
        reload(gateway, limits={"keep_alive": "200ms", "head_timeout": "300ms"})
        assert kept.send(get()).read_response().status == 200
        assert kept.is_closed(within=3 * PATIENCE)
    with gateway.raw() as slow:
        assert slow.send(b"GET / HT").read_response().status == 408


# -- logs

def test_rotated_logs_lose_no_line(gateways, origin, tmp_path):
    access, log = tmp_path / "access.log", tmp_path / "gateway.log"
    gateway = gateways.start({**open_routes(origin.url), "access_log": {"path": str(access)},
                              "log": {"path": str(log)}, "workers": 2})
    rotated = []
    with SteadyLoad(gateway.port) as load:
        for number in range(1, 4):
            load.wait_for_answers(50)
            wait_until(lambda: access.stat().st_size, "it has lines")
            for path in (access, log):
                rotated.append(path.rename(f"{path}.{number}"))
            hang_up(gateway)
            wait_until(lambda: access.exists() and log.exists(), "both were opened anew")
        load.wait_for_answers(50)
    assert_nothing_lost(load)
    assert gateway.terminate() == 0
    parts = [path.read_text() for path in [*rotated, access] if path.name.startswith("access")]
    assert all(parts), "each has lines"
    paths = Counter(json.loads(line)["path"] for part in parts for line in part.splitlines())
    assert paths == Counter(attempt.target for attempt in load.answered)
    assert "the configuration was reloaded" in log.read_text() and gateway.stdout == ""


def test_logs_move_and_change(gateways, origin, tmp_path):
    """Path, format, level and query. No line of the load is lost or written twice."""
    access, log = tmp_path / "access.log", tmp_path / "gateway.log"
    gateway = gateways.start({**open_routes(origin.url), "workers": 2})
    with SteadyLoad(gateway.port, kept=2, fresh=2) as load:
        load.wait_for_answers(30)
        reload(gateway, access_log={"path": str(access)}, log={"path": str(log)})
        load.wait_for_answers(30)
        reload(gateway, access_log={"path": "stdout", "query": True}, log={"path": str(log), "level": "error"})
        load.wait_for_answers(30)
    assert_nothing_lost(load)
    assert gateway.access_line(gateway.ask(get("/x?a=1")))["query"] == "a=1"
    audited = log.read_text().count("the configuration was reloaded")
    reload(gateway, access_log={"path": str(access)}, log={"path": str(log), "format": "text"})
    answer = gateway.ask(get("/for-people"))
    text = wait_until(lambda: [line for line in access.read_text().splitlines() if "/for-people" in line], "the line")
    assert answer.status == 200 and not text[0].startswith("{")
    assert log.read_text().count("the configuration was reloaded") > audited
    reload(gateway, access_log={"path": "none"}, log=None)
    assert gateway.ask(get("/unlogged")).status == 200
    assert gateway.terminate() == 0
    lines = [line for line in (gateway.stdout + access.read_text()).splitlines() if '"/load/' in line]
    assert Counter(json.loads(line)["path"] for line in lines) == Counter(attempt.target for attempt in load.answered)
    assert "/unlogged" not in gateway.stdout + access.read_text()


# -- admin and health

def test_the_admin_api_moves(gateways, origin):
    """While it answers: the reload that moves it is answered where it was asked for."""
    gateway = gateways.start(open_routes(origin.url))
    first, second, health = gateway.admin_port, free_port(), free_port()
    reload(gateway, admin={"address": f"127.0.0.1:{second}"}, health={"address": f"127.0.0.1:{health}"})
    for port in (second, health):
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT).status_code == 200
    wait_until(lambda: not is_open(first), "the old address is given up")
    gateway.admin_url = f"http://127.0.0.1:{second}"
    reload(gateway, health=None)
    wait_until(lambda: not is_open(health), "the health listener is given up")
    assert gateway.is_ready()


def test_the_admin_api_moves_back_at_once(gateways, origin):
    """Whoever takes back a change need not wait for anything."""
    gateway = gateways.start(open_routes(origin.url))
    first, second = (f"127.0.0.1:{port}" for port in (gateway.admin_port, free_port()))
    for _ in range(3):
        for there in (second, first):
            reload(gateway, admin={"address": there})
            gateway.admin_url = f"http://{there}"
    assert gateway.is_ready()
    wait_until(lambda: not is_open(int(second.split(":")[1])), "the other address is given up")
    assert gateway.is_ready()


def test_the_admin_api_moves_to_a_unix_socket_and_away(gateways, origin, tmp_path):
    path = tmp_path / "admin.sock"
    gateway = gateways.start(open_routes(origin.url))
    reload(gateway, admin={"address": f"unix:{path}"})
    assert ask(str(path), request("GET", "/readyz", host="localhost")).status == 200
    away = free_port()
    write(gateway, admin={"address": f"127.0.0.1:{away}"})
    answer = ask(str(path), request("POST", "/reload", "Content-Type: application/json", host="localhost", body=b"{}"))
    assert answer.status == 200
    wait_until(lambda: not path.exists(), "its file has gone")
    assert is_open(away)


# -- metrics

CONTINUED = [
    ("sidegate_requests_total", {"route": "kept"}),
    ("sidegate_request_duration_seconds_count", {"route": "kept"}),
    ("sidegate_upstream_requests_total", {"upstream": "app"}),
    ("sidegate_upstream_duration_seconds_count", {"upstream": "app"}),
    ("sidegate_auth_decisions_total", {"authenticator": "staff"}),
    ("sidegate_connections_total", {"listener": "public"}),
]


def test_counters_go_on(gateways, origin):
    """They never go back for what keeps its name, whatever stands before it now, and end for what is gone."""
    def numbered(number):
        return {
            "upstreams": {**{f"u{number}": servers("http://127.0.0.1:1")}, "app": servers(origin.url)},
            "authenticators": {f"a{number}": jwt_authenticator(OTHER_KEY), "staff": jwt_authenticator(tokens.KEY)},
            "routes": [
                {"name": f"r{number}", "path": f"/{number}", "authenticate": [f"a{number}"], "upstream": f"u{number}"},
                {"name": "kept", "path": "/**", "authenticate": ["staff"], "upstream": "app"},
            ],
        }

    gateway = gateways.start({**numbered(0), "workers": 2})
    seen = [[0] * len(CONTINUED)]
    with SteadyLoad(gateway.port, fields=(bearer(),)) as load:
        for number in range(1, 11):
            assert gateway.ask(get(f"/{number - 1}")).status == 401
            reload(gateway, **numbered(number))
            metrics = gateway.metrics()
            seen.append([metrics.total(name, **labels) for name, labels in CONTINUED])
            for label in (f'"r{number - 1}"', f'"a{number - 1}"', f'"u{number - 1}"'):
                assert label not in metrics.text
            load.wait_for_answers(10)
    assert_nothing_lost(load)
    for earlier, later in itertools.pairwise(seen):
        assert all(before <= after for before, after in zip(earlier, later)), (earlier, later)
    metrics, answered = gateway.metrics(), len(load.answered)
    for name, labels in CONTINUED[:-1]:
        assert metrics.total(name, **labels) == answered, name
    assert metrics.total(RELOADS, result="success") == 10


# -- the end

@pytest.mark.parametrize("delay", [0, 0.001, 0.005], ids=lambda delay: f"{delay * 1000:g} ms")
def test_a_drain_during_a_reload(gateways, origin, delay):
    gateway = gateways.start({**open_routes(origin.url), **GRACE, "workers": 2})
    other = free_port()
    with SteadyLoad(gateway.port) as load:
        load.wait_for_answers(20)
        write(gateway, listeners={"other": {"address": f"127.0.0.1:{other}"}})
        gateway.send(signal.SIGHUP)
        time.sleep(delay)  # what is tested is the moment
        gateway.send(signal.SIGTERM)
        load.wait_for_refusal()
    assert gateway.wait() == 0
    assert not load.broken_off, load.broken_off[:3]
    assert not is_open(gateway.port) and not is_open(other)


def test_a_drain_ends_what_began_before_a_reload(gateways, origin):
    """Sessions, listeners and upstream connections of every configuration there was."""
    gate = Gate()

    def behave(exchange):
        exchange.read_body()
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.send(ok())

    origin.handler = behave
    gateway = gateways.start(open_routes(origin.url))
    clients = []
    for number in range(3):
        clients.append(gateway.raw().send(get("/slow")))
        wait_until(lambda: len(origin.requests) == number + 1, "it arrived")
        reload(gateway, **open_routes(origin.url, response_timeout=f"{20 + number}s"))
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not is_open(gateway.port), "the listener is closed")
    gate.open()
    assert [client.read_response().status for client in clients] == [200] * 3
    assert gateway.wait() == 0
    wait_until(lambda: origin.open_connections == 0, "no connection stays")


def test_a_drain_right_after_a_reload_takes_no_longer(gateways, origin):
    """What a reload lets go of later is let go of at once when everything ends."""
    gateway = gateways.start(open_routes(origin.url))
    reload(gateway)
    signalled = time.monotonic()
    gateway.send(signal.SIGTERM)
    assert gateway.wait() == 0
    assert time.monotonic() - signalled < 4, "shutdown.timeout is five seconds"


def test_no_reload_during_a_drain(gateways, origin):
    gateway = gateways.start({**open_routes(origin.url), "shutdown": {"grace": "3s", "timeout": "10s"}})
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not gateway.is_ready(), "it drains")
    other = free_port()
    write(gateway, listeners=listeners(gateway, other={"address": f"127.0.0.1:{other}"}))
    answer = post_reload(gateway)
    assert (answer.status_code, list(answer.json())) == (503, ["error"])
    gateway.send(signal.SIGHUP)
    assert gateway.ask(get()).status == 200 and not is_open(other)
    assert gateway.wait() == 0


# -- no file

def test_a_configuration_from_the_environment(gateways, origin):
    gateway = gateways.start_from_environment({
        "DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_UPSTREAM": origin.url, "SIDEGATE_WORKERS": "2"})
    with SteadyLoad(gateway.port, kept=2, fresh=2, fields=(bearer(),)) as load, gateway.raw() as kept:
        assert kept.send(get("/", bearer())).read_response().status == 200
        for _ in range(3):
            assert post_reload(gateway).json() == {"status": "reloaded", "warnings": []}
            hang_up(gateway)
            load.wait_for_answers(10)
        assert kept.send(get("/")).read_response().status == 401
    assert_nothing_lost(load)
    assert reloads(gateway, "success") == 6
    # The grace period, which no variable sets, takes five seconds; the second signal, from the fixture, ends that.
    gateway.expected_statuses = (1,)
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not gateway.is_ready(), "it drains")
