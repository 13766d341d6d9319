"""Fixtures of the end-to-end tests: the built program, real peers around it, everything on loopback."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE / "peers")]

from raw_origin import RawOrigin  # noqa: E402
from support.gateway import BINARY, Gateways  # noqa: E402
from support.peers import GUIDE_SIGNING_KEY, AuthService, TtsService, WebSocketService  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists() and not session.config.option.collectonly:
        pytest.exit(f"no binary at {BINARY}: build it, or set SIDEGATE_BINARY", returncode=2)


def pytest_report_header(config):
    return f"binary: {BINARY}"


@pytest.fixture(scope="session")
def auth_service(tmp_path_factory):
    service = AuthService(tmp_path_factory.mktemp("auth"), GUIDE_SIGNING_KEY)
    try:
        yield service.wait_until_listening()
    finally:
        service.terminate()


@pytest.fixture(scope="session")
def tts_service(tmp_path_factory):
    service = TtsService(tmp_path_factory.mktemp("tts"))
    try:
        yield service.wait_until_listening()
    finally:
        service.terminate()


@pytest.fixture(scope="session")
def websocket_service(tmp_path_factory):
    service = WebSocketService(tmp_path_factory.mktemp("websocket"))
    try:
        yield service.wait_until_listening()
    finally:
        service.terminate()


@pytest.fixture(scope="module")
def module_gateways(tmp_path_factory):
    """Starts gateways that live as long as the file's tests."""
    gateways = Gateways(tmp_path_factory.mktemp("gateways"))
    yield gateways
    gateways.stop_all()


@pytest.fixture
def gateways(tmp_path):
    """Starts gateways that live as long as one test."""
    gateways = Gateways(tmp_path)
    yield gateways
    gateways.stop_all()


@pytest.fixture
def origin():
    with RawOrigin() as running:
        yield running
