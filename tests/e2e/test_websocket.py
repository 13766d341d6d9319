"""WebSocket (RFC 6455) with a real service and real clients: npm's `ws` on both sides."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import tokens
from support.gateway import staff_routes
from support.peers import WebSocketService
from support.polling import PATIENCE, wait_until
from support.process import run

# Around the lengths at which the frame's own length field changes its size, and the sizes of our buffers.
SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]


@pytest.fixture(scope="module")
def gateway(module_gateways, websocket_service):
    return module_gateways.start(staff_routes(tokens.KEY, websocket_service.url))


def connect(gateway, path="/chat", **options):
    done = run(WebSocketService.command(gateway.url + path, **options), timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cookie(**claims):
    return {"Cookie": "access_token=" + tokens.token(**claims)}


def test_messages_of_every_size_come_back(gateway):
    seen = connect(gateway, headers=cookie(user_id=42), sizes=SIZES, then="goodbye")
    assert seen["told"] == {"url": "/chat", "user": "42", "type": "staff"}
    assert (seen["echoed"], seen["pongs"]) == (len(SIZES), len(SIZES))
    assert (seen["code"], seen["reason"]) == (4001, "as you wish"), "the service's own word of farewell arrives"


def test_a_subprotocol_is_agreed_on(gateway):
    seen = connect(gateway, headers=cookie(), protocols=["video", "chat"], then="goodbye")
    assert seen["protocol"] == "chat"


def test_no_tunnel_without_a_credential(gateway):
    assert connect(gateway)["status"] == 401
    assert connect(gateway, headers={"Authorization": "Bearer nonsense"})["status"] == 401


def test_another_sites_page_cannot_use_the_cookie(gateway):
    """Browsers ask no one before they open a WebSocket to another host, and send its cookies along."""
    foreign = {**cookie(), "Origin": "https://evil.example"}
    assert connect(gateway, headers=foreign)["status"] == 403
    own = {**cookie(), "Origin": gateway.url}
    assert connect(gateway, headers=own, then="goodbye")["code"] == 4001


def test_identity_cannot_be_forged(gateway):
    forged = {**cookie(user_id=42), "X-User-Id": "1", "X_User_Type": "admin"}
    assert connect(gateway, headers=forged, then="goodbye")["told"]["user"] == "42"
    seen = connect(gateway, "/public/chat", headers={"X-User-Id": "1", "X-User-Type": "admin"}, then="goodbye")
    assert seen["told"] == {"url": "/public/chat"}


def test_a_tunnel_ends_with_its_token(gateway):
    # Long enough for the client to start: a token's time is told in whole seconds.
    seen = connect(gateway, headers=cookie(lifetime=int(6 * PATIENCE)), sizes=[10], then="wait")
    assert (seen["echoed"], seen["code"]) == (1, 1006)
    lines = wait_until(lambda: [line for line in gateway.access_log() if line.get("reason") == "expired"], gateway.tail)
    assert lines[-1]["status"] == 101


def test_the_access_log_tells_of_a_tunnel_once(gateway):
    connect(gateway, "/logged", headers=cookie(user_id=7), sizes=[1000], then="goodbye")
    lines = wait_until(lambda: [line for line in gateway.access_log() if line.get("path") == "/logged"], gateway.tail)
    assert len(lines) == 1
    assert (lines[0]["status"], lines[0]["subject"], lines[0].get("reason")) == (101, "7", None)
    assert lines[0]["bytes_in"] > 1000 and lines[0]["bytes_out"] > 1000


def test_many_tunnels_at_once(gateway):
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(connect, gateway, headers=cookie(user_id=number), sizes=[70000] * 5, then="goodbye")
                for number in range(24)]
        for number, job in enumerate(jobs):
            seen = job.result()
            assert (seen["told"]["user"], seen["echoed"], seen["code"]) == (str(number), 5, 4001)
