"""The real programs around Sidegate."""

import json
import pathlib
import socket

import requests

from support.polling import PATIENCE
from support.ports import free_port
from support.process import Process

PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"
TIMEOUT = 10 * PATIENCE
API_KEY = "your-api-key-for-internal-calls"
# The guide's own value. It is shorter than it should be, which the gateways that use it are told to accept.
GUIDE_SIGNING_KEY = "your-shared-signing-key"


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    except ConnectionError:
        return False
    return True


class Peer(Process):
    """A WSGI program under gunicorn, on a port and, where asked, a unix socket."""

    def __init__(self, name, application, folder, environment, unix_socket=None, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.unix_socket = unix_socket
        command = [
            "/usr/bin/python3", "-B", "-m", "gunicorn", "--chdir", PEERS / name, "--bind", f"127.0.0.1:{self.port}",
            "--workers", "1", "--threads", "16", "--worker-class", "gthread", "--worker-tmp-dir", "/dev/shm",
            # Longer than any test, so that no idle connection goes away just as it is used.
            "--keep-alive", "120",
            "--limit-request-line", "0", "--limit-request-field_size", "0",
        ]
        if unix_socket:
            command += ["--bind", f"unix:{unix_socket}"]
        super().__init__([*command, application], folder, name, environment)

    def wait_until_listening(self):
        self.wait_ready(self._listens)
        return self

    def _listens(self):
        if not is_listening(self.port):
            return False
        # The port is open before the program is loaded; an answer, whatever it is, says that it is.
        try:
            return requests.get(self.url + "/", timeout=2).status_code < 600
        except requests.RequestException:
            return False


class AuthService(Peer):
    """The Auth Service. `log_in` does what the frontend does; `settings` are more environment variables of it."""

    def __init__(self, folder, signing_key, port=None, **settings):
        environment = {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_JWT_SIGNING_KEY": signing_key,
            "AUTH_API_KEY": API_KEY,
            "AUTH_DATABASE": str(pathlib.Path(folder) / "auth.sqlite3"),
            **settings,
        }
        super().__init__("auth_service", "project.wsgi:application", folder, environment, port=port)

    def log_in(self, email):
        body = {"email": email, "password": "password-of-" + email.split("@")[0]}
        session = requests.Session()
        response = session.post(self.url + "/api/v1/users/login/", json=body, timeout=TIMEOUT)
        assert response.status_code == 200, response.text
        assert session.cookies["access_token"] == response.json()["access"]
        return session


class TtsService(Peer):
    def __init__(self, folder):
        super().__init__("tts_service", "app:app", folder, {}, unix_socket=str(pathlib.Path(folder) / "tts.sock"))


class WebSocketService(Process):
    """The `ws` package of npm, as a service and as a client of it."""

    FOLDER = PEERS / "websocket_service"

    def __init__(self, folder):
        assert (self.FOLDER / "node_modules").exists(), f"run: npm ci --prefix {self.FOLDER}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(["node", self.FOLDER / "server.js", self.port], folder, "websocket_service")

    def wait_until_listening(self):
        self.wait_ready(lambda: is_listening(self.port))
        return self

    @classmethod
    def command(cls, url, **options):
        """The client's, for `url`; see client.js for the options."""
        return ["node", cls.FOLDER / "client.js", url.replace("http://", "ws://"), json.dumps(options)]
