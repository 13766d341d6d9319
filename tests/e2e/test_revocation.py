"""Credentials that are taken back: refused from that moment on by every worker, whatever had been remembered of them."""

import base64
import contextlib
import json
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from support import tokens
from support.gateway import TIMEOUT, jwt_authenticator, sidegate, staff_routes
from support.polling import PATIENCE, wait_until
from support.raw import SWITCHING, UPGRADE, request
from test_reload import OTHER_KEY, file_of, refused_errors, reload, write

INVALID = {"error": "Invalid token"}
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
AUDITED = "a credential was revoked"
CONNECTIONS = 16  # enough for both workers to have some


def seconds(offset=0):
    return int(time.time()) + offset


def rfc3339(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def post(gateway, **body):
    return requests.post(gateway.admin_url + "/revocations", json=body, timeout=TIMEOUT)


def revoke(gateway, **body):
    """Takes a credential back and gives what the admin API says of it."""
    answer = post(gateway, **body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    said = answer.json()
    assert said.pop("status") == "revoked"
    return said


def bearer(token):
    return f"Authorization: Bearer {token}"


def ask(gateway, token, target="/x"):
    return gateway.ask(request("GET", target, bearer(token)))


def is_accepted(gateway, token):
    answer = ask(gateway, token)
    if answer.status == 200:
        return True
    assert (answer.status, json.loads(answer.body)) == (401, INVALID)
    assert 'error="invalid_token"' in answer.get("WWW-Authenticate")
    assert gateway.access_line(answer)["reason"] == "revoked"
    return False


def audit_lines(gateway):
    return [line for line in gateway.log_lines() if line["msg"] == AUDITED]


def configuration(url, file=None, **more):
    blocks = {**staff_routes(tokens.KEY, url), "workers": 2, **more}
    if file:
        blocks["revocations"] = {"file": str(file)}
    return blocks


def entry(jti, authenticator="staff", **more):
    return {"authenticator": authenticator, "jti": jti, "expires": seconds(600), **more}


def write_file(path, *entries):
    """As an operator's editor does it: another file in its place."""
    beside = path.with_suffix(".edited")
    beside.write_text(json.dumps({"revocations": entries}))
    beside.rename(path)


def entries_of(path):
    return json.loads(path.read_text())["revocations"]


@contextlib.contextmanager
def connections(gateway, token, count=CONNECTIONS):
    """Kept connections, over each of which the token was accepted once."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(gateway.raw()) for _ in range(count)]
        for client in clients:
            assert client.send(request("GET", "/x", bearer(token))).read_response().status == 200
        yield clients


def statuses(clients, token):
    for client in clients:
        client.send(request("GET", "/x", bearer(token)))
    return {client.read_response().status for client in clients}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "revoked.json"


@pytest.fixture
def gateway(gateways, origin):
    return gateways.start(configuration(origin.url))


# -- by what a credential is known

def test_by_its_jti(gateway):
    token, other = tokens.token(jti="one"), tokens.token(jti="two")
    with connections(gateway, token) as clients:
        expires = seconds(60)
        assert revoke(gateway, jti="one", expires=expires) == {
            "authenticator": "staff", "kind": "jti", "expires": rfc3339(expires)}
        assert statuses(clients, token) == {401}, "though every worker remembers it"
        assert statuses(clients, other) == {200}
    assert not is_accepted(gateway, token)
    line = audit_lines(gateway)[0]
    assert (line["audit"], line["authenticator"], line["kind"], line["jti"]) == (True, "staff", "jti", "one")
    assert line["expires"] == rfc3339(expires)
    decisions = gateway.metrics().total("sidegate_auth_decisions_total", authenticator="staff", outcome="revoked")
    assert decisions == CONNECTIONS + 1


def test_by_its_subject_and_when_it_was_issued(gateway):
    moment = seconds(-100)
    older, newer = tokens.token(iat=moment - 1), tokens.token(iat=moment)
    silent, another = tokens.token(), tokens.token(subject=7, iat=moment - 1)
    said = revoke(gateway, authenticator="staff", subject="42", issued_before=rfc3339(moment))
    assert said["kind"] == "subject"
    assert not is_accepted(gateway, older)
    assert is_accepted(gateway, newer)
    assert not is_accepted(gateway, silent), "it may be as old as any"
    assert is_accepted(gateway, another)
    line = audit_lines(gateway)[0]
    assert (line["subject"], line["issued_before"]) == ("42", rfc3339(moment))


def test_a_program_whose_token_is_rotated_loses_no_request(gateway):
    """The old one and the new one side by side for as long as the backend says, then the old one is revoked."""
    rotated = seconds(-60)
    old, new = (tokens.token(subject="analytics-service", iat=at) for at in (rotated - 3600, rotated))
    with connections(gateway, old) as of_old, connections(gateway, new) as of_new:
        assert statuses(of_old, new) == statuses(of_new, old) == {200}, "the grace period"
        revoke(gateway, subject="analytics-service", issued_before=rotated, expires=seconds(86400))
        assert statuses(of_new, new) == {200}
        assert statuses(of_old, old) == {401}


def test_of_several_rules_for_a_subject_the_strictest_counts(gateway):
    token = tokens.token(iat=seconds(-50))
    revoke(gateway, subject="42", issued_before=seconds(-100))
    assert is_accepted(gateway, token)
    revoke(gateway, subject="42", issued_before=seconds(-10))
    revoke(gateway, subject="42", issued_before=seconds(-200))
    assert not is_accepted(gateway, token)


def test_by_the_token_which_has_a_jti(gateway):
    token = tokens.token(jti="one", lifetime=300)
    exp = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"]
    with connections(gateway, token) as clients:
        assert revoke(gateway, token=token) == {"authenticator": "staff", "kind": "jti", "expires": rfc3339(exp)}
        assert statuses(clients, token) == {401}
    assert not is_accepted(gateway, tokens.token(jti="one")), "another one of the same jti"
    line = audit_lines(gateway)[0]
    assert (line["jti"], line["subject"]) == ("one", "42")


def test_by_the_token_which_has_none(gateway):
    token, other = tokens.token(lifetime=300), tokens.token(lifetime=301)
    with connections(gateway, token) as clients:
        assert revoke(gateway, token=token)["kind"] == "token"
        assert statuses(clients, token) == {401}
        assert statuses(clients, other) == {200}
    assert not is_accepted(gateway, token)
    assert is_accepted(gateway, other)


def test_a_rule_lasts_until_it_expires(gateway):
    token = tokens.token(jti="one")
    revoke(gateway, jti="one", expires=seconds(int(3 * PATIENCE)))
    assert not is_accepted(gateway, token)
    wait_until(lambda: ask(gateway, token).status == 200, "the rule has expired")


def test_a_rule_lasts_a_day_where_nobody_says_how_long(gateway):
    began = seconds()
    for body in ({"jti": "one"}, {"subject": "42", "issued_before": 1}, {"token": tokens.token(lifetime=-60)}):
        expires = revoke(gateway, **body)["expires"]
        assert rfc3339(began + 86400) <= expires <= rfc3339(seconds(86400))


def test_a_rule_lasts_as_long_as_the_leeway_lets_the_token(gateways, origin):
    blocks = configuration(origin.url)
    blocks["authenticators"] = {"staff": jwt_authenticator(tokens.KEY, leeway="60s")}
    gateway = gateways.start(blocks)
    token = tokens.token(lifetime=-1)
    assert is_accepted(gateway, token), "within the leeway"
    revoke(gateway, token=token)
    assert not is_accepted(gateway, token)


# -- which authenticator

def two_authenticators(url, other_key=OTHER_KEY):
    """Each reads a place of its own."""
    blocks = configuration(url)
    blocks["authenticators"] = {
        "staff": jwt_authenticator(tokens.KEY, token=[{"bearer": "Authorization"}]),
        "partner": jwt_authenticator(other_key, token=[{"cookie": "partner"}])}
    blocks["routes"][1]["authenticate"] = ["staff", "partner"]
    return blocks


def test_with_two_authenticators_one_must_be_named(gateways, origin):
    gateway = gateways.start(two_authenticators(origin.url))
    answer = post(gateway, jti="one")
    assert (answer.status_code, answer.json()) == (422, {"error": '"authenticator" is missing: there are several'})
    assert revoke(gateway, authenticator="partner", jti="one")["authenticator"] == "partner"
    assert is_accepted(gateway, tokens.token(jti="one")), "that is the other's"
    cookie = f"Cookie: partner={tokens.token(OTHER_KEY, jti='one')}"
    assert gateway.ask(request("GET", "/x", cookie)).status == 401


def test_a_token_needs_none_to_be_named(gateways, origin):
    gateway = gateways.start(two_authenticators(origin.url))
    assert revoke(gateway, token=tokens.token(OTHER_KEY))["authenticator"] == "partner"
    answer = post(gateway, authenticator="staff", token=tokens.token(OTHER_KEY))
    assert (answer.status_code, answer.json()) == (422, {"error": "no authenticator accepts the token: bad_signature"})


def test_a_token_that_two_accept_is_revoked_for_both(gateways, origin):
    gateway = gateways.start(two_authenticators(origin.url, tokens.KEY))
    token = tokens.token()
    assert revoke(gateway, token=token)["authenticator"] == ["staff", "partner"]
    assert not is_accepted(gateway, token)
    assert gateway.ask(request("GET", "/x", f"Cookie: partner={token}")).status == 401
    assert [line["authenticator"] for line in audit_lines(gateway)] == ["staff", "partner"]


# -- what is refused

@pytest.mark.parametrize("body, error", [
    ({}, 'exactly one of "jti", "subject" and "token" must be there'),
    ({"jti": "one", "token": "two"}, 'exactly one of "jti", "subject" and "token" must be there'),
    ({"jti": ""}, '"jti" must be a text that is not empty'),
    ({"jti": 7}, '"jti" must be a text that is not empty'),
    ({"jti": "x" * 1025}, '"jti" is longer than 1024 bytes'),
    ({"subject": "42"}, '"subject" and "issued_before" belong together'),
    ({"jti": "one", "issued_before": 1}, '"subject" and "issued_before" belong together'),
    ({"subject": "42", "issued_before": "yesterday"}, '"issued_before" must be a time of RFC 3339'),
    ({"jti": "one", "expires": 1}, '"expires" must be later than now'),
    ({"jti": "one", "expires": "1h"}, '"expires" must be a time of RFC 3339'),
    ({"jti": "one", "expires": 1798675200000}, '"expires" must be a time of RFC 3339'),
    ({"jti": "one", "authenticator": "nobody"}, '"authenticator": there is none of this name'),
    ({"jti": "one", "reason": "lost"}, 'there is no member "reason"'),
    ({"token": tokens.unsigned()}, "no authenticator accepts the token: bad_signature"),
    ({"token": "nonsense"}, "no authenticator accepts the token: malformed"),
    ({"token": tokens.token(OTHER_KEY)}, "no authenticator accepts the token: bad_signature"),
    ({"token": "x" * 20_000}, "no authenticator accepts the token: token_too_large"),
])
def test_a_wrong_body_is_told(gateway, body, error):
    answer = post(gateway, **body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(error)
    assert "eyJ" not in answer.text


def test_a_body_that_is_no_json_is_told(gateway):
    for body in (b"", b"[]", b'{"jti": "one", "jti": "two"}', b'{"jti": "one"'):
        answer = requests.post(gateway.admin_url + "/revocations", data=body, timeout=TIMEOUT,
                               headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()) == (
            422, {"error": "the body is not a JSON object, or has a member twice"})


def test_only_posts_of_json_are_taken(gateway):
    assert requests.get(gateway.admin_url + "/revocations", timeout=TIMEOUT).status_code == 405
    assert requests.post(gateway.admin_url + "/revocations", data={"jti": "one"}, timeout=TIMEOUT).status_code == 415
    assert requests.post(gateway.url + "/revocations", json={"jti": "one"}, timeout=TIMEOUT).status_code == 401


# -- what lasts longer than a request

@pytest.fixture
def lasting(origin):
    """An origin that opens a tunnel or a stream of events, and leaves it open."""
    def handle(exchange):
        exchange.send(SWITCHING if exchange.request.get("Upgrade") else EVENTS)
        with contextlib.suppress(OSError):
            exchange.socket.recv(1)

    origin.handler = handle
    return origin


def open_lasting(gateway, token, kind, target="/x"):
    client = gateway.raw()
    client.send(request("GET", target, bearer(token), *(UPGRADE if kind == "tunnel" else ())))
    assert client.read_head().status == (101 if kind == "tunnel" else 200)
    return client


def is_open(client):
    client.socket.settimeout(0.3)
    try:
        while client.socket.recv(1024):
            pass
        return False
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def seconds_to_end(client):
    began = time.monotonic()
    client.socket.settimeout(TIMEOUT)
    with contextlib.suppress(ConnectionError):
        while client.socket.recv(1024):
            pass
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["tunnel", "events"])
def test_what_is_open_ends(gateway, lasting, kind):
    token = tokens.token(jti="one")
    revoked = [open_lasting(gateway, token, kind) for _ in range(CONNECTIONS)]
    other = open_lasting(gateway, tokens.token(jti="two"), kind)
    revoke(gateway, token=token)
    assert max(seconds_to_end(client) for client in revoked) < 2 * PATIENCE
    assert is_open(other)
    other.socket.close()
    lines = wait_until(lambda: [line for line in gateway.access_log() if line.get("reason") == "revoked"], gateway.tail)
    assert lines[0]["status"] == (101 if kind == "tunnel" else 200)


@pytest.mark.parametrize("kind", ["tunnel", "events"])
@pytest.mark.parametrize("by", ["jti", "subject", "digest", "file"])
def test_what_is_open_ends_however_it_is_revoked(gateways, lasting, kind, by, file):
    gateway = gateways.start(configuration(lasting.url, file))
    token = tokens.token(**({} if by == "digest" else {"jti": "one"}))
    client = open_lasting(gateway, token, kind)
    if by == "file":
        write_file(file, entry("one"))
    else:
        revoke(gateway, **{"jti": {"jti": "one"}, "subject": {"subject": "42", "issued_before": seconds()},
                           "digest": {"token": token}}[by])
    assert seconds_to_end(client) < 2 * PATIENCE


@pytest.mark.parametrize("kind", ["tunnel", "events"])
def test_what_is_open_may_outlive_its_token_where_the_route_says_so(gateways, lasting, kind):
    blocks = configuration(lasting.url)
    blocks["routes"][1]["close_at_expiry"] = False
    gateway = gateways.start(blocks)
    token = tokens.token(jti="one")
    client = open_lasting(gateway, token, kind)
    revoke(gateway, jti="one")
    assert is_open(client)
    client.socket.close()
    assert ask(gateway, token).status == 401


def test_what_is_open_ends_on_a_configuration_of_before(gateway, lasting):
    client = open_lasting(gateway, tokens.token(jti="one"), "tunnel")
    reload(gateway, log={"level": "debug"})
    assert is_open(client)
    revoke(gateway, jti="one")
    assert seconds_to_end(client) < 2 * PATIENCE


# -- the file

def test_the_file_is_made_by_the_first_and_for_its_owner_alone(gateways, origin, file):
    gateway = gateways.start(configuration(origin.url, file))
    assert not file.exists()
    expires = seconds(60)
    revoke(gateway, jti="one", expires=expires)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert entries_of(file) == [{"authenticator": "staff", "jti": "one", "expires": rfc3339(expires)}]


def test_what_is_in_the_file_outlives_a_restart(gateways, origin, file):
    blocks = configuration(origin.url, file)
    first = gateways.start(blocks)
    by_jti, by_token, by_subject = tokens.token(jti="one"), tokens.token(), tokens.token(subject=7, iat=seconds(-10))
    fine = tokens.token(subject=7, iat=seconds())
    for body in ({"jti": "one"}, {"token": by_token}, {"subject": "7", "issued_before": seconds(-5)}):
        revoke(first, **body)
    first.send(signal.SIGTERM)
    assert first.wait_or_kill(timeout=30) == 0
    second = gateways.start(blocks)
    assert [is_accepted(second, token) for token in (by_jti, by_token, by_subject, fine)] == [False] * 3 + [True]


def test_what_is_in_memory_outlives_a_reload(gateway, file):
    token = tokens.token(jti="one")
    revoke(gateway, jti="one")
    reload(gateway, log={"level": "debug"})
    assert not is_accepted(gateway, token)
    assert not list(file.parent.glob("*.json"))


def test_a_file_that_is_named_later_gets_what_is_in_memory(gateway, file):
    write_file(file, entry("two"))
    revoke(gateway, jti="one")
    reload(gateway, revocations={"file": str(file)})
    assert not is_accepted(gateway, tokens.token(jti="one"))
    assert not is_accepted(gateway, tokens.token(jti="two"))
    assert {each["jti"] for each in entries_of(file)} == {"one", "two"}
    reload(gateway, revocations=None)
    assert not is_accepted(gateway, tokens.token(jti="two")), "it is in force still"


def test_an_edit_of_the_file_is_known_everywhere_within_a_second(gateways, origin, file):
    write_file(file)
    gateway = gateways.start(configuration(origin.url, file))
    token, other = tokens.token(jti="one"), tokens.token(jti="two")
    with connections(gateway, token) as clients:
        write_file(file, entry("one"), entry("three"))
        wait_until(lambda: 200 not in statuses(clients, token), "every worker refuses it", timeout=2)
        assert statuses(clients, other) == {200}
        write_file(file, entry("two"))
        wait_until(lambda: statuses(clients, token) == {200}, "it was taken out again", timeout=2)
        assert statuses(clients, other) == {401}

    def changes():
        return [line for line in gateway.log_lines() if line["msg"] == "the revocations have changed"]

    lines = wait_until(lambda: changes()[1:] and changes(), gateway.tail)
    assert [(line["audit"], line["file"], line["rules"]) for line in lines] == [
        (True, str(file), "2"), (True, str(file), "1")]


def test_a_file_that_cannot_be_read_leaves_what_is_in_force(gateways, origin, file):
    write_file(file, entry("one"))
    gateway = gateways.start(configuration(origin.url, file))
    broken = [{"authenticator": "staff", "jti": "two", "expires": "soon"}]
    write_file(file, entry("three"), *broken)
    lines = wait_until(lambda: [line for line in gateway.log_lines() if line["level"] == "error"], gateway.tail)
    assert lines[0]["msg"] == "the revocations cannot be read anew; those in force stay"
    assert lines[0]["error"].startswith(f'{file}: entry 2: "expires" must be a time of RFC 3339')
    assert not is_accepted(gateway, tokens.token(jti="one"))

    answer = post(gateway, jti="four")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(
        "it is revoked, but only until the next start, since it could not be written: ")
    assert not is_accepted(gateway, tokens.token(jti="four"))
    assert entries_of(file)[1:] == broken, "what somebody is writing is not written over"

    write_file(file)
    wait_until(lambda: ask(gateway, tokens.token(jti="one")).status == 200, "the file is read anew")
    revoke(gateway, jti="five")
    assert {each["jti"] for each in entries_of(file)} == {"four", "five"}


def test_a_file_that_has_gone_takes_nothing_back_and_another_in_its_place_does(gateways, origin, file):
    write_file(file, entry("one"))
    gateway = gateways.start(configuration(origin.url, file))
    file.unlink()
    wait_until(lambda: any(line.get("error") == f"{file}: it has gone" for line in gateway.log_lines()), gateway.tail)
    assert not is_accepted(gateway, tokens.token(jti="one"))
    write_file(file)
    wait_until(lambda: ask(gateway, tokens.token(jti="one")).status == 200, "the new file says so")


def test_what_a_lost_file_held_is_written_again(gateways, origin, file):
    write_file(file, entry("one"))
    gateway = gateways.start(configuration(origin.url, file))
    file.unlink()
    wait_until(lambda: any(line.get("error") == f"{file}: it has gone" for line in gateway.log_lines()), gateway.tail)
    assert not is_accepted(gateway, tokens.token(jti="one"))
    revoke(gateway, jti="two")
    assert {each["jti"] for each in entries_of(file)} == {"one", "two"}


def test_a_file_that_cannot_be_written_is_told(gateways, origin, tmp_path):
    file = tmp_path / "lost" / "revoked.json"
    file.parent.mkdir()
    gateway = gateways.start(configuration(origin.url, file))
    file.parent.rmdir()
    answer = post(gateway, jti="one")
    assert answer.status_code == 500 and "No such file or directory" in answer.json()["error"]
    assert not is_accepted(gateway, tokens.token(jti="one"))
    file.parent.mkdir()
    revoke(gateway, jti="two")
    assert {each["jti"] for each in entries_of(file)} == {"one", "two"}


def test_a_file_that_cannot_be_read_stops_the_start(gateways, origin, file):
    gateway = gateways.start(configuration(origin.url))
    file.write_text('{"revocations": [{"authenticator": "staff", "jti": "one"}]}')
    write(gateway, revocations={"file": str(file)})
    error = 'at revocations.file: this file of revocations cannot be used: entry 1: "expires" is missing'
    for command in ("run", "check"):
        done = sidegate(command, "--config", str(file_of(gateway)))
        assert done.returncode == 2
        assert done.stderr.strip().endswith(error)
    assert refused_errors(gateway)[0].endswith(error)


def test_an_authenticator_that_there_is_not_is_warned_of_and_kept(gateways, origin, file):
    write_file(file, entry("one", "gone"))
    blocks = configuration(origin.url, file)
    gateway = gateways.start(blocks)
    warning = 'at revocations.file: warning: it revokes credentials of "gone", an authenticator that there is not'
    assert any(line["msg"].endswith(warning) for line in gateway.log_lines())
    revoke(gateway, jti="two")
    assert {each["authenticator"] for each in entries_of(file)} == {"gone", "staff"}


def test_many_at_the_same_time_lose_nothing(gateways, origin, file):
    blocks = configuration(origin.url, file)
    both = [gateways.start(blocks), gateways.start(blocks)]
    names = [f"jti-{number}" for number in range(60)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: revoke(both[number % 2], jti=names[number]), range(len(names))))
    assert sorted(each["jti"] for each in entries_of(file)) == sorted(names)
    for gateway in both:
        wait_until(lambda: not any(is_accepted(gateway, tokens.token(jti=name)) for name in names),
                   "each knows of the other's", timeout=2)


# -- whom it is told

def test_no_token_stands_anywhere(gateways, origin, file, tmp_path):
    gateway = gateways.start(configuration(origin.url, file, log={"level": "debug"}))
    good, foreign = tokens.token(), tokens.token(OTHER_KEY)
    answers = [post(gateway, token=good), post(gateway, token=foreign), post(gateway, jti=good),
               post(gateway, **{"jti": "one", good: 1})]
    assert [answer.status_code for answer in answers] == [200, 422, 422, 422]
    assert ask(gateway, good).status == 401
    pieces = [piece for token in (good, foreign) for piece in token.split(".")[1:]]
    written = [path.read_text() for path in tmp_path.iterdir() if path.suffix != ".yaml"]
    assert any("sha256:" in text for text in written)
    for text in (*(answer.text for answer in answers), *written):
        assert not any(piece in text for piece in pieces)


def test_explain_tells_of_it(gateways, origin, file):
    gateway = gateways.start(configuration(origin.url, file))
    token = tokens.token(jti="one")

    def check_of(explanation):
        return [each for each in explanation["token"] if each["check"] == "revocation"]

    def explained():
        body = {"method": "GET", "url": "/x", "headers": {"Authorization": f"Bearer {token}"}}
        answer = requests.post(gateway.admin_url + "/explain", json=body, timeout=TIMEOUT)
        return answer.json()

    def explained_by_command():
        done = sidegate("explain", "--config", str(file_of(gateway)), "--json", "GET", "/x", "-H", bearer(token))
        return json.loads(done.stdout)

    for explain in (explained, explained_by_command):
        assert check_of(explain())[0]["outcome"] == "passed"
    revoke(gateway, jti="one")
    for explain in (explained, explained_by_command):
        check = check_of(explain())[0]
        assert (check["outcome"], check["detail"]) == ("failed", "revoked by its jti")


def test_one_that_drains_takes_revocations_still(gateways, lasting):
    blocks = {**configuration(lasting.url), "shutdown": {"grace": "10ms", "timeout": "20s"}}
    gateway = gateways.start(blocks)
    client = open_lasting(gateway, tokens.token(jti="one"), "tunnel")
    gateway.send(signal.SIGTERM)
    wait_until(lambda: not gateway.is_ready(), "it drains, and the worker that has no tunnel ends")
    revoke(gateway, jti="one")
    assert seconds_to_end(client) < 2 * PATIENCE
    assert gateway.wait_or_kill(timeout=30) == 0
