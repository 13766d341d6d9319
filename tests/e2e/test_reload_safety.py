"""What somebody who means harm, or an accident, may put in the way of a gateway that runs."""

import json
import os
import pathlib
import signal
import time

import pytest
import requests

from raw_origin import ok
from support import tokens
from support.gateway import TIMEOUT, jwt_authenticator, open_routes, servers, staff_routes
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.raw import RawClient, request

OTHER_KEY = "another-signing-key-that-is-long-enough-for-HS256"


def get(target="/", *fields):
    return request("GET", target, *fields)


def bearer(key=tokens.KEY):
    return f"Authorization: Bearer {tokens.token(key)}"


def reload(gateway, **changes):
    """Takes other blocks into use; returns the answer of the admin API."""
    file = pathlib.Path(gateway.command[-1])
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)


def listeners(gateway, **more):
    return {"public": {"address": f"127.0.0.1:{gateway.port}"}, **more}


def with_key(key):
    return {"authenticators": {"staff": jwt_authenticator(key)}}


def connections(gateway, listener):
    return gateway.metrics().total("sidegate_connections", listener=listener)


def test_a_log_becomes_a_pipe_that_nobody_reads(gateways, origin, tmp_path):
    """Opening it would wait for a reader, and everybody for the one who opens it."""
    log = tmp_path / "sidegate.log"
    gateway = gateways.start({**open_routes(origin.url), "log": {"path": str(log)}})
    log.rename(tmp_path / "sidegate.log.1")
    os.mkfifo(log)
    gateway.send(signal.SIGHUP)
    assert reload(gateway).status_code == 200, "the log that is open serves"
    answer = reload(gateway, access_log={"path": str(log)})
    assert answer.status_code == 422 and "cannot open log file" in answer.text
    assert requests.get(gateway.admin_url + "/healthz", timeout=TIMEOUT).status_code == 200
    assert gateway.get("/").status_code == 200


@pytest.mark.parametrize("written", [b"", b"version: 1\nlisteners:"], ids=["nothing", "half of one"])
def test_a_configuration_becomes_a_pipe(gateways, origin, written):
    gateway = gateways.start(open_routes(origin.url))
    file = pathlib.Path(gateway.command[-1])
    kept = file.read_bytes()
    file.unlink()
    os.mkfifo(file)
    writer = os.open(file, os.O_RDWR)
    os.write(writer, written)
    begun = time.monotonic()
    answer = requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)
    assert answer.status_code == 422 and "nothing came from it" in answer.text
    assert time.monotonic() - begun < 3 * PATIENCE
    os.close(writer)
    file.unlink()
    file.write_bytes(kept)
    assert gateway.get("/").status_code == 200


def test_a_key_that_is_gone_is_gone_for_half_a_head_too(gateways, origin):
    gateway = gateways.start(staff_routes(tokens.KEY, origin.url))
    data = get("/private", bearer())
    with gateway.raw() as client:
        client.send(data[:-9])
        wait_until(lambda: connections(gateway, "public") == 1, "it connected")
        assert reload(gateway, **with_key(OTHER_KEY)).status_code == 200
        assert client.send(data[-9:]).read_response().status == 401


def test_a_key_that_is_gone_is_gone_for_a_listener_that_went_before(gateways, origin):
    """It has no place in the newer configuration, so nothing says by which rules it could be served."""
    gateway = gateways.start({**staff_routes(tokens.KEY, origin.url), "shutdown": {"grace": "5s", "timeout": "9s"}})
    gateway.expected_statuses = (0,)
    other = free_port()
    assert reload(gateway, listeners=listeners(gateway, other={"address": f"127.0.0.1:{other}"})).status_code == 200
    with RawClient(other) as once, RawClient(other) as twice:
        for client in (once, twice):
            assert client.send(get("/private", bearer())).read_response().status == 200
        assert reload(gateway, listeners=listeners(gateway)).status_code == 200
        assert once.send(get("/private", bearer())).read_response().status == 200
        assert reload(gateway, **with_key(OTHER_KEY)).status_code == 200
        late = twice.send(get("/private", bearer())).read_response()
        assert (late.status, late.get("Connection")) == (503, "close")


def test_how_a_connection_begins_changes(gateways, origin):
    """One that began without the PROXY header cannot go on where every connection begins with one."""
    gateway = gateways.start(open_routes(origin.url))
    with gateway.raw() as client:
        assert client.send(get()).read_response().get("Connection") is None
        address = f"127.0.0.1:{gateway.port}"
        proxied = {"address": address, "proxy_protocol": True, "trusted_proxies": ["192.0.2.1"]}
        assert reload(gateway, listeners={"public": proxied}).status_code == 200
        last = client.send(get()).read_response()
        assert (last.status, last.get("Connection")) == (200, "close")
    with gateway.raw() as client:
        assert client.send(get()).is_closed()


def test_the_file_of_a_unix_socket_is_known_by_more_than_its_name(gateways, origin, tmp_path):
    """Whoever may write to its folder must not make the gateway change, or remove, another file."""
    precious = tmp_path / "precious"
    precious.write_text("a secret")
    precious.chmod(0o600)
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "sidegate.sock"
    gateway = gateways.start(open_routes(origin.url))
    local = {"address": f"unix:{path}", "mode": "0600"}
    assert reload(gateway, listeners=listeners(gateway, local=local)).status_code == 200
    path.unlink()
    path.symlink_to(precious)
    assert reload(gateway, listeners=listeners(gateway, local={**local, "mode": "0666"})).status_code == 200
    assert precious.stat().st_mode & 0o777 == 0o600
    assert reload(gateway, listeners=listeners(gateway)).status_code == 200
    assert path.is_symlink() and precious.read_text() == "a secret"


def test_refused_requests_to_the_admin_api_leave_a_line(gateways, origin):
    gateway = gateways.start(open_routes(origin.url))
    url = gateway.admin_url + "/config"
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=TIMEOUT).status_code == 403
    assert requests.get(url, headers={"Origin": "https://evil.example"}, timeout=TIMEOUT).status_code == 403
    assert reload(gateway, admin={"address": f"127.0.0.1:{gateway.admin_port}", "token": "let-me-in"}).status_code == 200
    assert requests.get(url, headers={"Authorization": "Bearer guessed"}, timeout=TIMEOUT).status_code == 401
    lines = [line for line in gateway.log_lines() if line["msg"] == "a request to the admin API was refused"]
    assert [(line["method"], line["path"], line["audit"]) for line in lines] == [("GET", "/config", True)] * 3
    assert "guessed" not in gateway.stderr
    assert lines[0]["because"] == lines[1]["because"] != lines[2]["because"]
    stopped = requests.get(gateway.admin_url + "/readyz", headers={"Authorization": "Bearer let-me-in"}, timeout=TIMEOUT)
    assert stopped.status_code == 200


def test_why_a_server_cannot_be_reached(gateways, tmp_path):
    """The caller learns no more than 502; who runs the gateway learns which server, and why."""
    nobody, missing = f"http://127.0.0.1:{free_port()}", f"unix:{tmp_path}/missing.sock"
    gateway = gateways.start({
        "upstreams": {"nobody": servers(nobody), "missing": servers(missing)},
        "routes": [{"path": f"/{name}", "authenticate": "none", "upstream": name} for name in ("nobody", "missing")],
    })

    def told():
        return [(line["server"], line["error"]) for line in gateway.log_lines()
                if line["msg"] == "a server cannot be reached"]

    began = time.monotonic()
    assert gateway.get("/nobody").status_code == 502
    wait_until(told, "a line about the first")
    assert gateway.get("/nobody").status_code == 502
    assert set(told()) == {(nobody, "Connection refused")}
    assert len(told()) <= 1 + int(time.monotonic() - began), "one a second at most"

    def told_of_missing():
        assert gateway.get("/missing").status_code == 502
        return (missing, "No such file or directory") in told()

    wait_until(told_of_missing, "a line about the second")
