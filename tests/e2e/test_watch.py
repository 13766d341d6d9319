"""Files that change: the configuration's with `watch: true`, those of secrets always."""

import json
import os
import pathlib
import time

import pytest
import requests

from support import tokens
from support.gateway import TIMEOUT, jwt_authenticator, servers
from support.polling import settled, wait_until
from support.raw import request

RELOADS = "sidegate_config_reloads_total"
NOTICED = 4.5  # seconds in which a change must have been noticed: two, and the rest for a busy machine
LOOKS = 1.3  # seconds in which every file is looked at more than once, and taken to have settled
OTHER_KEY = "another-signing-key-that-is-long-enough-for-HS256"


def get(key=None):
    fields = [f"Authorization: Bearer {tokens.token(key)}"] if key else []
    return request("GET", "/private" if key else "/open", *fields)


def outcome(gateway, result):
    return gateway.metrics().total(RELOADS, result=result)


def outcomes(gateway):
    return outcome(gateway, "success"), outcome(gateway, "failure")


def wait_for(gateway, result, count):
    wait_until(lambda: outcome(gateway, result) >= count, lambda: f"{result} {count}\n{gateway.tail()}", NOTICED)
    assert outcome(gateway, result) == count


def audit_lines(gateway):
    """Of reloads."""
    return [line for line in gateway.log_lines() if line.get("audit") and "reloaded" in line["msg"]]


# -- the file of a configuration

class Watched:
    """A gateway with its file, in which a number tells the versions apart."""

    def __init__(self, gateway):
        self.gateway, self.file = gateway, pathlib.Path(gateway.command[-1])
        self._blocks = json.loads(self.file.read_text())

    def text(self, version, **changes):
        return json.dumps({**self._blocks, "inject": {"X-Version": str(version)}, **changes}, indent=2) + "\n"

    def put(self, text):
        self.file.write_text(text)

    def replace(self, text):
        """As editors save: another file, renamed over the first."""
        draft = self.file.with_suffix(".tmp")
        draft.write_text(text)
        os.replace(draft, self.file)

    def post_reload(self):
        answer = requests.post(self.gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text

    def serves(self, version, origin):
        assert self.gateway.ask(get()).status == 200
        return origin.requests[-1].get("X-Version") == str(version)


def blocks(origin, **more):
    return {
        "watch": True, "workers": 2, "inject": {"X-Version": "0"},
        "upstreams": {"app": servers(origin.url)},
        "routes": [{"name": "open", "path": "/open", "authenticate": "none", "upstream": "app"}],
        **more,
    }


@pytest.fixture
def watched(gateways, origin):
    return Watched(gateways.start(blocks(origin)))


def test_edited_in_place_and_renamed_over(watched, origin):
    """Both ways to save a file, with a connection that stays."""
    with watched.gateway.raw() as kept:
        for version, save in enumerate((watched.put, watched.replace), 1):
            save(watched.text(version))
            wait_for(watched.gateway, "success", version)
            assert watched.serves(version, origin)
            assert kept.send(get()).read_response().get("Connection") is None
    assert [(line["level"], line["msg"], line["because"], line["file"]) for line in audit_lines(watched.gateway)] == [
        ("info", "the configuration was reloaded", "the file has changed", str(watched.file))] * 2


def test_a_folder_is_swapped(gateways, origin, tmp_path):
    """A ConfigMap of Kubernetes: what is named never changes, nor does the link behind it; where that leads does."""
    def folder(name):
        (tmp_path / name).mkdir()
        return tmp_path / name

    (tmp_path / "..data").symlink_to(folder("..2026_1").name)
    file = tmp_path / "gateway0.yaml"  # where the fixture writes
    file.symlink_to("..data/gateway0.yaml")
    watched = Watched(gateways.start(blocks(origin)))
    assert watched.file == file and file.is_symlink()
    for version in (2, 3):
        later = folder(f"..2026_{version}")
        (later / file.name).write_text(watched.text(version))
        (tmp_path / "..data_tmp").symlink_to(later.name)
        os.replace(tmp_path / "..data_tmp", tmp_path / "..data")
        wait_for(watched.gateway, "success", version - 1)
        assert watched.serves(version, origin)
    assert outcomes(watched.gateway) == (2, 0)


def test_a_file_that_is_half_written_for_a_moment(watched, origin):
    def put_in_steps(text):
        """Whether each step stood for a moment only: two looks that find the same are half a second apart."""
        stood = []
        for part in (text[: len(text) // 2], "", text[:-3]):
            began = time.monotonic()
            watched.put(part)
            time.sleep(0.1)  # the moment that is tested
            stood.append(time.monotonic() - began)
        watched.put(text)
        return max(stood) < 0.4

    for version in range(1, 11):
        successes, failures = outcomes(watched.gateway)
        lines = len(watched.gateway.log_lines())
        was_for_a_moment = put_in_steps(watched.text(version))
        wait_for(watched.gateway, "success", successes + 1)
        assert watched.serves(version, origin)
        if was_for_a_moment:
            break
    assert outcomes(watched.gateway) == (successes + 1, failures)
    assert not [line for line in watched.gateway.log_lines()[lines:] if line["level"] == "error"]


def test_an_error_that_stays_is_told_once(watched, origin):
    watched.put(watched.text(1)[:-3])
    wait_for(watched.gateway, "failure", 1)
    assert settled(lambda: outcomes(watched.gateway), quiet=LOOKS) == (0, 1)
    assert watched.serves(0, origin)
    audit, *errors = [line for line in watched.gateway.log_lines() if line["level"] == "error"]
    assert audit["audit"] and audit["because"] == "the file has changed" and audit["file"] == str(watched.file)
    assert errors and all(line["msg"].startswith(f"{watched.file}:") for line in errors)
    watched.put(watched.text(1))
    wait_for(watched.gateway, "success", 1)
    assert watched.serves(1, origin)


def test_a_file_that_was_only_touched(watched, origin):
    """Whether that is a change or not, it harms nobody."""
    with watched.gateway.raw() as kept:
        assert kept.send(get()).read_response().status == 200
        os.utime(watched.file)
        settled(lambda: outcomes(watched.gateway), quiet=LOOKS)
        assert kept.send(get()).read_response().get("Connection") is None
    assert outcome(watched.gateway, "failure") == 0 and watched.serves(0, origin)


def test_a_file_that_is_deleted_and_comes_back(watched, origin):
    watched.file.unlink()
    wait_for(watched.gateway, "failure", 1)
    assert watched.serves(0, origin)
    watched.put(watched.text(1))
    wait_for(watched.gateway, "success", 1)
    assert watched.serves(1, origin)


def test_watching_ends_and_begins_by_a_reload(watched, origin):
    watched.put(watched.text(1, watch=False))
    watched.post_reload()
    successes, failures = outcomes(watched.gateway)
    watched.put(watched.text(2, watch=True))
    assert settled(lambda: outcomes(watched.gateway), quiet=LOOKS) == (successes, failures)
    assert watched.serves(1, origin)
    watched.post_reload()
    assert watched.serves(2, origin)
    watched.put(watched.text(3))
    wait_for(watched.gateway, "success", successes + 2)
    assert watched.serves(3, origin) and failures == 0


def test_one_change_is_taken_once(watched, origin):
    """What has been reloaded by hand is no change any more for whoever looks at the file later."""
    watched.put(watched.text(1))
    watched.post_reload()
    taken = outcomes(watched.gateway)
    assert settled(lambda: outcomes(watched.gateway), quiet=LOOKS) == taken
    assert watched.serves(1, origin) and taken[1] == 0


# -- files of secrets

def with_secret_file(origin, file, **more):
    return {
        "workers": 2, "upstreams": {"app": servers(origin.url)},
        "authenticators": {"staff": jwt_authenticator({"file": str(file)})},
        "routes": [{"name": "private", "path": "/**", "authenticate": ["staff"], "upstream": "app"}],
        **more,
    }


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(tokens.KEY + "\n")
    return file


def accepts(gateway, key, client=None):
    answer = client.send(get(key)).read_response() if client else gateway.ask(get(key))
    assert answer.status in (200, 401)
    return answer.status == 200


def test_a_secret_that_changes_in_place(gateways, origin, key_file):
    """Whatever `watch` says, and also for connections that stay."""
    gateway = gateways.start(with_secret_file(origin, key_file))
    with gateway.raw() as kept:
        assert accepts(gateway, tokens.KEY, kept) and not accepts(gateway, OTHER_KEY, kept)
        key_file.write_text(OTHER_KEY)
        wait_for(gateway, "success", 1)
        for client in (kept, None):
            assert accepts(gateway, OTHER_KEY, client) and not accepts(gateway, tokens.KEY, client)
    assert [(line["level"], line["because"]) for line in audit_lines(gateway)] == [
        ("info", f"a secret has changed: {key_file}")]
    assert not any(key in gateway.stderr for key in (tokens.KEY, OTHER_KEY))


def test_a_secret_whose_folder_is_swapped(gateways, origin, tmp_path):
    """A Secret of Kubernetes; the file's name in the configuration is relative to the configuration's own folder."""
    def mounted(name, key):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_text(key)
        (tmp_path / "..data_tmp").symlink_to(name)
        os.replace(tmp_path / "..data_tmp", tmp_path / "..data")

    mounted("..first", tokens.KEY)
    (tmp_path / "key").symlink_to("..data/key")
    gateway = gateways.start(with_secret_file(origin, "key"))
    assert accepts(gateway, tokens.KEY)
    mounted("..second", OTHER_KEY)
    wait_for(gateway, "success", 1)
    assert accepts(gateway, OTHER_KEY) and not accepts(gateway, tokens.KEY)


def test_a_secret_brings_no_other_change_with_it(gateways, origin, key_file):
    """The rest of the file waits for a reload, even where it would be wrong; then it is taken with the new secret."""
    gateway = gateways.start(with_secret_file(origin, key_file))
    file = pathlib.Path(gateway.command[-1])
    later = {**json.loads(file.read_text()), "inject": {"X-Version": "1"}}
    file.write_text("not: [yaml")
    key_file.write_text(OTHER_KEY)
    wait_for(gateway, "success", 1)
    assert accepts(gateway, OTHER_KEY) and origin.requests[-1].get("X-Version") is None
    file.write_text(json.dumps(later))
    key_file.write_text(tokens.KEY)
    wait_for(gateway, "success", 2)
    assert accepts(gateway, tokens.KEY) and origin.requests[-1].get("X-Version") is None
    answer = requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert accepts(gateway, tokens.KEY) and origin.requests[-1].get("X-Version") == "1"


def test_a_secret_that_cannot_be_used(gateways, origin, tmp_path):
    """The one in use stays, the log says so once, and a good one is taken as soon as it is there."""
    spoils = {"deleted": lambda file: file.unlink(), "empty": lambda file: file.write_text("\n"),
              "short": lambda file: file.write_text("too short")}
    files = [tmp_path / name for name in spoils]
    for file in files:
        file.write_text(tokens.KEY)
    started = [gateways.start(with_secret_file(origin, file)) for file in files]
    for file in files:
        spoils[file.name](file)
    for gateway in started:  # waited for together
        wait_for(gateway, "failure", 1)
    assert settled(lambda: [outcomes(gateway) for gateway in started], quiet=LOOKS) == [(0, 1)] * 3
    for gateway in started:
        assert accepts(gateway, tokens.KEY)
        audit, error = [line for line in gateway.log_lines() if line["level"] == "error"]
        assert audit["audit"] and audit["because"].startswith("a secret has changed: /")
        assert error["msg"].startswith(f"{gateway.command[-1]}:") and "authenticators.staff.jwt.keys" in error["msg"]
    for file in files:
        file.write_text(OTHER_KEY)
    for gateway in started:
        wait_for(gateway, "success", 1)
        assert accepts(gateway, OTHER_KEY) and not accepts(gateway, tokens.KEY)


def test_a_secret_of_a_later_configuration_is_watched(gateways, origin, tmp_path, key_file):
    """And one that is not named any more is not."""
    gateway = gateways.start(with_secret_file(origin, key_file))
    later = tmp_path / "later"
    later.write_text(tokens.KEY)
    file = pathlib.Path(gateway.command[-1])
    file.write_text(file.read_text().replace(str(key_file), str(later)))
    assert requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT).status_code == 200
    later.write_text(OTHER_KEY)
    wait_for(gateway, "success", 2)
    assert accepts(gateway, OTHER_KEY)
    key_file.unlink()
    assert settled(lambda: outcomes(gateway), quiet=LOOKS) == (2, 0)


def test_the_admin_token_changes(gateways, origin, tmp_path, key_file):
    """Taken into use by a reload first, since the fixture that starts the gateway has no token."""
    token = tmp_path / "admin-token"
    token.write_text("first-token-of-the-admin-api")
    gateway = gateways.start(with_secret_file(origin, key_file))
    file = pathlib.Path(gateway.command[-1])
    settings = json.loads(file.read_text())
    settings["admin"]["token"] = {"file": str(token)}
    file.write_text(json.dumps(settings))
    assert requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT).status_code == 200

    def status(shown):
        return requests.get(gateway.admin_url + "/config", timeout=TIMEOUT,
                            headers={"Authorization": f"Bearer {shown}"}).status_code

    assert status("first-token-of-the-admin-api") == 200
    token.write_text("second-token-of-the-admin-api\n")
    wait_until(lambda: status("second-token-of-the-admin-api") == 200, "the new token", NOTICED)
    assert status("first-token-of-the-admin-api") == 401
    assert [line["because"] for line in audit_lines(gateway)] == ["asked for", f"a secret has changed: {token}"]
