"""`sidegate demo`: what it prints is what it does, and it does it on loopback alone."""

import pathlib
import re
import signal
import subprocess
import time

import pytest
import requests

from support.gateway import BINARY, TIMEOUT
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.process import Process, run_script


class Demo(Process):
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([BINARY, "demo", "--port", str(self.port)], folder, "demo")

    def wait_until_ready(self):
        self.wait_ready(lambda: "Ctrl-C" in self.stdout)
        return self

    def printed(self, label):
        match = re.search(rf"^\s+{label}\s+(\S+)$", self.stdout, re.MULTILINE)
        assert match, self.stdout
        return match[1]

    @property
    def commands(self):
        """The lines to paste, in their order."""
        return re.findall(r"^  ((?:curl|[A-Z]+=).*)$", self.stdout, re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    process = Demo(tmp_path_factory.mktemp("demo"))
    try:
        yield process.wait_until_ready()
    finally:
        process.terminate()
        process.assert_no_sanitizer_report()


def test_the_instructions(demo):
    assert demo.printed("Open") == demo.url + "/login"
    assert demo.printed("User") and demo.printed("Password")
    assert len(demo.commands) >= 5


# Each printed command, by what is in it, and what its output must have. The first that fits is taken.
PROMISES = [
    (r"auth-service/stop", [r'"auth_service":"stopped"']),
    (r"auth-service/start", [r'"auth_service":"running"']),
    (r"-i .*NEW.*session", [r"HTTP/1\.1 503", r"Retry-After: \d+", r'\{"error":"Auth service unavailable"\}']),
    (r"NEW\" \S+/session", [r'(?i)"x-user-id": \["\d+"\]']),
    (r"TOKEN\" \S+/session", [r'(?i)"x-user-id": \["\d+"\]', r'(?i)"x-user-email": \["[^"]+@',
                             r'(?i)"x-user-roles": \["TTS:']),
    (r"^NEW=", [r"^$"]),
    (r"X-API-Key: ", [r'"id":\s*5\b']),
    (r"user-info", [r'"email"', r'"id":\s*\d+']),
    (r"/public/.*|-H 'X-User-Id: 1' \S+/public/", [r'"headers"', r"(?i)^(?!.*x-user-id)"]),
    (r"Bearer.*X-User-Id: 1", [r'(?i)"x-user-id": \["(?!1")\d+"\]']),
    (r"Bearer", [r'(?i)"x-user-id": \["\d+"\]', r'(?i)"x-user-type": \["staff"\]']),
    (r"^TOKEN=", [r"^$"]),
    (r"^JAR=", [r"login: (200|30\d)"]),
    (r'-b "?\$JAR', [r'(?i)"x-user-id": \["\d+"\]']),
    (r"curl -i", [r"HTTP/1\.1 401", r"(?i)WWW-Authenticate: Bearer", r'\{"error":"Authentication required"\}']),
]


def test_every_printed_command_does_what_it_says(demo, tmp_path):
    """All in one shell, from the top, as the instructions say."""
    results = run_script(demo.commands, tmp_path, environment={"TMPDIR": str(tmp_path)})
    assert len(results) == len(demo.commands), f"it did not get past: {demo.commands[len(results)]}"
    for command, (output, status) in zip(demo.commands, results):
        assert status == 0, f"{command}\n{output}"
        promised = next((wanted for pattern, wanted in PROMISES if re.search(pattern, command)), None)
        assert promised, f"nothing is known of: {command}"
        for pattern in promised:
            assert re.search(pattern, output.strip(), re.DOTALL), f"{command}\n{output}"


def test_a_person_with_a_browser(demo):
    """The login form, the cookies it sets, and the page that shows who is there."""
    browser = requests.Session()
    browser.headers["Accept"] = "text/html,application/xhtml+xml"
    assert browser.get(demo.url + "/", timeout=TIMEOUT).status_code == 401
    page = browser.get(demo.url + "/login", timeout=TIMEOUT)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    form = re.search(r'<form class="login" method="post" action="([^"]+)"', page.text)
    assert form and all(f'name="{name}"' in page.text for name in ("username", "password"))

    credentials = {"username": demo.printed("User"), "password": demo.printed("Password")}
    wrong = browser.post(demo.url + form[1], data={**credentials, "password": "wrong"}, timeout=TIMEOUT)
    assert wrong.status_code == 401 and "access_token" not in browser.cookies

    home = browser.post(demo.url + form[1], data=credentials, timeout=TIMEOUT)
    assert home.status_code == 200 and home.url == demo.url + "/"
    assert "Hello, user" in home.text and re.search(r"(?i)x-user-id", home.text)
    token = browser.cookies["access_token"]
    assert token.split(".")[2] not in home.text, "a page is no place for a whole token"
    cookies = [response.headers.get("Set-Cookie", "") for response in home.history]
    assert any("HttpOnly" in cookie for cookie in cookies)

    browser.post(demo.url + "/logout", timeout=TIMEOUT)
    assert browser.get(demo.url + "/", timeout=TIMEOUT).status_code == 401


def test_the_auth_service_is_stopped_from_a_page(demo):
    """Whom it has answered for goes on; a newcomer is refused for now, and the page says why."""
    page, buttons = demo.url + "/public/auth-service", re.compile(r'action="(/public/auth-service/\w+)"')
    browser = requests.Session()
    browser.headers["Accept"] = "text/html"
    credentials = {"username": demo.printed("User"), "password": demo.printed("Password")}
    browser.post(demo.url + "/api/v1/users/login/", data=credentials, timeout=TIMEOUT)
    assert browser.get(demo.url + "/session/hello", timeout=TIMEOUT).status_code == 200
    assert buttons.findall(browser.get(page, timeout=TIMEOUT).text)[0] == "/public/auth-service/stop"
    stopped = browser.post(page + "/stop", timeout=TIMEOUT)
    try:
        assert stopped.url == page and "503, Auth service unavailable" in stopped.text
        assert set(re.findall(r'<iframe [^>]*src="([^"]+)"', stopped.text)) == {"/session/hello", "/newcomer/hello"}
        assert browser.get(demo.url + "/session/hello", timeout=TIMEOUT).status_code == 200
        browser.post(page + "/newcomer", timeout=TIMEOUT)
        newcomer = browser.get(demo.url + "/newcomer/hello", timeout=TIMEOUT)
        assert newcomer.status_code == 503 and newcomer.json() == {"error": "Auth service unavailable"}
    finally:
        started = browser.post(page + "/start", timeout=TIMEOUT)
    assert "is running" in started.text
    wait_until(lambda: browser.get(demo.url + "/newcomer/hello", timeout=TIMEOUT).status_code == 200,
               lambda: "the newcomer to be served once the service runs again")


def test_the_public_page_needs_nothing(demo):
    response = requests.get(demo.url + "/public/hello", headers={"Accept": "text/html"}, timeout=TIMEOUT)
    assert response.status_code == 200 and "Hello" in response.text


def test_everything_is_on_loopback(demo):
    """No socket of the program leads elsewhere, so it needs no network and gives none away."""
    requests.get(demo.url + "/public/hello", timeout=TIMEOUT)
    own = {link for link in map(str, map(read_link, pathlib.Path(f"/proc/{demo.pid}/fd").iterdir())) if "socket" in link}
    seen = 0
    for table, loopback in (("tcp", ("0100007F",)), ("tcp6", ("00000000000000000000000001000000",))):
        for line in pathlib.Path(f"/proc/{demo.pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in own:
                assert words[1].split(":")[0] in loopback, line
                seen += 1
    assert seen >= 3, "the gateway, the Auth Service and the application listen"
    for table in ("udp", "udp6"):
        lines = pathlib.Path(f"/proc/{demo.pid}/net/{table}").read_text().splitlines()[1:]
        assert not [line for line in lines if f"socket:[{line.split()[9]}]" in own]


def read_link(path):
    try:
        return path.readlink()
    except FileNotFoundError:  # closed in between
        return ""


def test_each_run_has_its_own_passwords(demo, tmp_path):
    other = Demo(tmp_path)
    try:
        other.wait_until_ready()
        assert other.printed("Password") != demo.printed("Password")
        body = {"username": other.printed("User"), "password": other.printed("Password")}
        login = requests.post(other.url + "/api/v1/users/login/", json=body, timeout=TIMEOUT)
        token = login.json()["access"]
        cookie = {"access_token": token}
        assert requests.get(other.url + "/", cookies=cookie, timeout=TIMEOUT).status_code == 200
        assert requests.get(demo.url + "/", cookies=cookie, timeout=TIMEOUT).status_code == 401
        for secret in (body["password"], token.split(".")[2]):
            assert secret not in other.stderr, "what is printed for the person is not logged"
    finally:
        other.terminate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_it(tmp_path, number):
    process = Demo(tmp_path).wait_until_ready()
    with requests.Session() as browser:  # a connection that stays open
        browser.get(process.url + "/login", timeout=TIMEOUT)
        started = time.monotonic()
        process.send(number)
        assert process.wait() == 0, process.tail()
        assert time.monotonic() - started < 3 * PATIENCE
    process.assert_no_sanitizer_report()


def test_a_port_in_use(demo):
    done = subprocess.run([BINARY, "demo", "--port", str(demo.port)], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert str(demo.port) in done.stderr
