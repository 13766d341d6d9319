"""The Auth Service, ended in every way, and its system users."""

import contextlib
import os
import signal
from datetime import datetime, timedelta, timezone

import requests

from support import tokens
from support.asking import VALIDATE
from support.peers import TIMEOUT, AuthService


class MortalAuthService(AuthService):
    """An Auth Service of a test's own, which may be killed and come back: another one, on the same port and folder."""

    def __init__(self, folder, signing_key=tokens.KEY, port=None, **settings):
        self._again = (folder, signing_key, settings)
        super().__init__(folder, signing_key, port, **settings)

    def kill(self):
        """At once, with all its processes, where it still lives."""
        if self.status is None:
            self._signal_all(signal.SIGKILL)
            self.wait()

    @contextlib.contextmanager
    def suspended(self):
        """Its connections are accepted, as the system does that for it, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    def successor(self):
        """Takes its place; waits until it answers."""
        folder, signing_key, settings = self._again
        return MortalAuthService(folder, signing_key, self.port, **settings).wait_until_listening()

    def _signal_all(self, number):
        os.killpg(self.pid, number)


class SystemUsers:
    """What an administrator does about the tokens of programs."""

    PATH = "/api/v1/system-users"

    def __init__(self, service):
        self._url, self._admin = service.url + self.PATH, service.log_in("admin@example.com")

    def create(self, username, lifetime=timedelta(days=90)):
        """A new one: its "id", "password" (the token) and "expires_at"."""
        expires = (datetime.now(timezone.utc) + lifetime).isoformat()
        return self._post("", {"username": username, "expires_at": expires})["data"]

    def rotate(self, system_user):
        """A new token; the old one holds for another day."""
        answer = self._post(f"/{system_user['id']}/rotate", {"grace_period_hours": 24})
        return answer["data"]["new_password"]

    def revoke_old(self, system_user):
        self._post(f"/{system_user['id']}/revoke-old", {})

    def _post(self, path, body):
        answer = self._admin.post(self._url + path, json=body, timeout=TIMEOUT)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def user_known_by(service, token):
    """The id of the user whose access token it is, by the service's own word; None where it does not hold."""
    answer = requests.get(service.url + VALIDATE, cookies={"access_token": token}, timeout=TIMEOUT)
    return answer.json()["user_id"] if answer.status_code == 200 else None
