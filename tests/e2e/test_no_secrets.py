"""No token, key, cookie value, password or Authorization value is written anywhere, whole or in part, at any level.

The secrets are distinctive, everything that a gateway and the commands write is gathered, and no piece of any secret
may stand in it: as it is, in base64 at any offset, in base64url, in hexadecimal or percent-encoded.
"""

import base64
import hashlib
import json

import pytest
import requests

from raw_origin import Gate, RawOrigin, ok
from support import tokens
from support.gateway import BINARY, INJECT, TIMEOUT, jwt_authenticator, servers, sidegate
from support.polling import wait_until
from support.ports import free_port
from support.process import Process
from support.raw import SWITCHING, UPGRADE, EndOfStream, RawClient, request

PIECE = 12  # characters; shorter ones stand somewhere by chance


def secret(name):
    """The same in each run, and like nothing else that is ever written."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode().lower().rstrip("=")


# -- the secrets

KEYS = {name: secret(name) for name in ("key by env", "key by file", "plain key")}
OTHERS = {name: secret(name) for name in (
    "another cookie", "Basic password", "query", "API key", "cookie of the answer", "broken answer", "admin token",
    "request body", "unknown header", "userinfo of a target",
)}
PRIVATE_CLAIM = secret("claim")  # `token inspect` is asked to show it; nothing else is


def staff_token(**more):
    return tokens.token(**{"key": KEYS["key by env"], "note": PRIVATE_CLAIM, **more})


GOOD = staff_token(subject="1001")
TOKENS = {
    "valid": GOOD,
    "valid, by the key in a file": staff_token(key=KEYS["key by file"], subject="1002"),
    "valid, by the plain key": staff_token(key=KEYS["plain key"], subject="1003"),
    "expired": staff_token(subject="1004", lifetime=-60),
    "not yet valid": staff_token(subject="1005", nbf=4_000_000_000, lifetime=4_000_000_000),
    "forged": tokens.last_bit_flipped(staff_token(subject="1006")),
    "by another key": staff_token(key=secret("another key"), subject="1007"),
    "without a signature": tokens.unsigned(subject="1008", note=PRIVATE_CLAIM, kid=secret("kid")),
    "cut": staff_token(subject="1009")[:-20],
    "cut in its claims": ".".join(staff_token(subject="1010").split(".")[:2])[:-5],
    "too long": staff_token(subject="1011", padding=secret("padding") * 60),
    "no token": secret("no token"),
    "a control character in its subject": staff_token(subject="1012\n"),
}
# The three parts of every token, each a secret of its own.
PARTS = {f"part {number} of the token: {name}": part
         for name, token in TOKENS.items() for number, part in enumerate(token.split("."), 1) if part}
SECRETS = {**KEYS, **OTHERS, **PARTS}


def forms(text):
    """The ways in which a program might write a text."""
    data = text.encode()
    yield text
    yield text.upper()
    for offset in range(3):  # what stands before it moves the groups of base64
        shifted = base64.b64encode(b"\0" * offset + data).decode()[4 if offset else 0:]
        yield shifted
        yield shifted.translate(str.maketrans("+/", "-_"))
    yield data.hex()
    yield data.hex().upper()
    yield "".join(f"%{byte:02X}" for byte in data)
    yield "".join(f"%{byte:02x}" for byte in data)


def pieces(text):
    return (text[start:start + PIECE] for start in range(len(text) - PIECE + 1))


def every_piece(secrets):
    """Maps each piece of each form of each secret to the name of the secret."""
    assert all(len(value) >= PIECE for value in secrets.values())
    return {piece: name for name, value in secrets.items() for form in forms(value) for piece in pieces(form)}


ALL_BUT_CLAIMS = every_piece(SECRETS)
ALL = {**ALL_BUT_CLAIMS, **every_piece({"a claim": PRIVATE_CLAIM})}


def assert_clean(written, unwanted=ALL):  # a dictionary, which nobody changes
    """`written` maps a place to what was written there; `unwanted` is what `every_piece` returned."""
    for place, text in written.items():
        found = next((piece for piece in pieces(text) if piece in unwanted), None)
        assert found is None, f"a piece of {unwanted[found]} in {place}: {context(text, found)}"


def context(text, piece):
    place = text.index(piece)
    return text[max(0, place - 200):place + 200]


def test_the_search_finds_what_it_is_meant_to_find():
    """A piece of a form of a secret in the midst of other text; and nothing where there is none."""
    unwanted = every_piece({"it": secret("it")})
    assert_clean({"a place": "nothing of the kind, " * 20}, unwanted)
    for form in forms(secret("it")):
        with pytest.raises(AssertionError, match="a piece of it in a place"):
            assert_clean({"a place": "before " + form[5:5 + PIECE] + " after"}, unwanted)


# -- a gateway that sees them all

def answer(exchange):
    """Of every kind, with secrets of its own."""
    exchange.read_body()
    target = exchange.request.target
    if target.startswith("/private/tunnel"):
        exchange.send(SWITCHING)
        exchange.close()
    elif target.startswith("/private/broken"):
        exchange.send(f"{OTHERS['broken answer']}\r\nSet-Cookie: a={OTHERS['broken answer']}\r\n\r\n".encode())
        exchange.close()
    elif target.startswith("/late"):
        exchange.origin.gate.wait()
    else:
        exchange.send(ok(b"ok", f"Set-Cookie: session={OTHERS['cookie of the answer']}".encode()))


@pytest.fixture(scope="module")
def service():
    with RawOrigin() as running:
        running.handler, running.gate = answer, Gate()
        yield running
        running.gate.open()


def configuration(service, ports, logs):
    app = {"authenticate": ["staff"], "upstream": "app"}
    keys = [{"secret": {"env": "STAFF_KEY"}}, {"secret": {"file": "key"}},
            {"secret": KEYS["plain key"], "until": "2099-01-01T00:00:00Z"}]
    return {
        "listeners": {
            "public": {"address": f"127.0.0.1:{ports[0]}"},
            "proxied": {"address": f"127.0.0.1:{ports[1]}", "proxy_protocol": True, "trusted_proxies": ["127.0.0.1"]},
        },
        "limits": {"token": "2KiB", "target": "1KiB", "head": "8KiB", "head_timeout": "2s"},
        **logs,
        "upstreams": {
            "app": servers(service.url),
            "gone": servers(f"http://127.0.0.1:{free_port()}"),
            "late": servers(service.url, response_timeout="100ms"),
        },
        "authenticators": {"staff": jwt_authenticator(None, keys=keys)},
        "inject": INJECT,
        "routes": [
            {"name": "public", "path": "/public/**", "authenticate": "none", "upstream": "app"},
            {"name": "small", "path": "/small/**", "max_body": "1KiB", **app},
            {"name": "reading", "path": "/reading", "methods": ["GET"], **app},
            {"name": "gone", "path": "/gone/**", **app, "upstream": "gone"},
            {"name": "late", "path": "/late/**", **app, "upstream": "late"},
            {"name": "private", "path": "/private/**", **app},
        ],
    }


IN_FILES = {"log": {"level": "debug", "path": "own.log"}, "access_log": {"path": "access.log", "query": False}}
ON_STREAMS = {"log": {"level": "debug", "format": "text"}, "access_log": {"query": False}}


@pytest.fixture(scope="module", params=[IN_FILES, ON_STREAMS], ids=["json in files", "text on streams"])
def running(request, module_gateways, service):  # `request` is pytest's here
    (module_gateways.folder / "key").write_text(KEYS["key by file"] + "\n")
    ports = (free_port(), free_port())
    gateway = module_gateways.start(configuration(service, ports, request.param), environment=ENVIRONMENT)
    gateway.port, gateway.proxy_port = ports
    in_file = request.param is IN_FILES
    gateway.access_log_path = gateway.stdout_path.parent / "access.log" if in_file else gateway.stdout_path
    return gateway


ENVIRONMENT = {"STAFF_KEY": KEYS["key by env"]}
SESSION = f"session={OTHERS['another cookie']}"
COMMON = (f"X-API-Key: {OTHERS['API key']}", f"X-Unknown: {OTHERS['unknown header']}")
QUERY = f"?password={OTHERS['query']}&access_token={GOOD}"


def get(target, *fields, method="GET", **more):
    return request(method, target + QUERY, *COMMON, *fields, **more)


def credentials():
    """Each token in each place, and other things that callers send as credentials."""
    for token in TOKENS.values():
        yield f"Cookie: {SESSION}; access_token={token}"
        yield f"Cookie: {SESSION}\r\nAuthorization: Bearer {token}"
    basic = base64.b64encode(f"user:{OTHERS['Basic password']}".encode()).decode()
    yield f"Authorization: Basic {basic}"
    yield f"Cookie: access_token=\"{GOOD}\""
    yield f"Cookie: access_token={GOOD}; access_token={TOKENS['forged']}"
    yield f"Authorization: Bearer {GOOD}\r\nAuthorization: Basic {basic}"
    yield f"Authorization: {GOOD}"


def every_kind_of_request():
    """Pairs of the status that is expected and the bytes."""
    good = f"Cookie: {SESSION}; access_token={GOOD}"
    body = OTHERS["request body"].encode()
    yield 200, get("/public/x", good)
    yield 200, get("/private/x", good)
    yield 200, get("/private/x", good, method="POST", body=body)
    yield 101, get("/private/tunnel", good, *UPGRADE)
    yield 400, get("/private/%zz", good)
    yield 400, get("/private/x", good, "Broken Field: x")
    yield 400, get("/private/x", good, f"Cookie : a={OTHERS['another cookie']}")
    yield 400, get("/private/x", good, "Content-Length: x")
    yield 400, get("/private/x", good, host=f"user:{OTHERS['userinfo of a target']}@example")
    yield 400, request("GET", f"http://user:{OTHERS['userinfo of a target']}@example/x", good)
    yield 400, request("POST", "/private/x", good, "Transfer-Encoding: chunked", body=b"x\r\n" + body)
    yield 400, get("/private/x", f"{good}\0")
    yield 400, f"GET /private/x HTTP/1.1 {GOOD}\r\n\r\n".encode()
    yield 401, get("/private/x", f"Cookie: {SESSION}")
    yield 403, get("/private/x", good, "Origin: https://evil.example", method="POST")
    yield 404, get("/nowhere", good)
    yield 405, get("/reading", good, method="DELETE")
    yield 405, request("CONNECT", "example:443", good)
    yield 408, b"GET /private/x HTTP/1.1\r\nHost: example\r\n" + good.encode()
    yield 413, get("/small/x", good, method="POST", body=body * 100)
    yield 414, request("GET", "/private/x?" + GOOD * 5, good)
    yield 431, get("/private/x", good, f"X-Padding: {OTHERS['unknown header'] * 200}")
    yield 502, get("/gone/x", good)
    yield 502, get("/private/broken", good)
    yield 504, get("/late/x", good)
    yield 505, get("/private/x", good, version="HTTP/2.0")


def statuses_by(port, data):
    """The status of the answer, or None where the connection was closed without one."""
    with RawClient(port) as client:
        try:
            return client.send(data).read_response().status
        except EndOfStream:
            return None


def written_by(gateway):
    """Everything that it has written of itself, by the place."""
    paths = {gateway.stdout_path, gateway.stderr_path, gateway.access_log_path, gateway.stdout_path.parent / "own.log"}
    return {path.name: path.read_text() for path in paths if path.exists()}


def test_a_gateway_writes_none_of_them(running):
    """Its logs and its pages, at level debug, after every kind of answer."""
    kinds, fields = list(every_kind_of_request()), list(credentials())
    for status, data in kinds:
        assert statuses_by(running.port, data) == status, data[:80]
        assert statuses_by(running.proxy_port, data) is None, "what does not begin with a PROXY header is closed"
    assert {statuses_by(running.port, get("/private/x", field)) for field in fields} == {200, 400, 401}
    pages = {path: requests.get(running.admin_url + path, timeout=TIMEOUT)
             for path in ("/metrics", "/config", "/readyz")}
    assert {page.status_code for page in pages.values()} == {200}
    refused = requests.get(f"{running.admin_url}/{GOOD}", headers={"Authorization": f"Bearer {OTHERS['admin token']}"},
                           timeout=TIMEOUT)
    wait_until(lambda: running.access_log_path.read_text().count("\n") >= len(kinds) + len(fields), "a line for each")
    written = {**written_by(running), **{path: page.text for path, page in pages.items()}, "404": refused.text}
    assert all(text for place, text in written.items() if place.endswith(".log")), "the logs are not empty"
    assert_clean(written)


@pytest.mark.parametrize("path", ["/routes", "/upstreams", "/authenticators"])
def test_a_page_of_live_state_shows_none_of_them(running, path):
    for name in ("valid", "expired"):
        running.ask(get("/private/x", f"Authorization: Bearer {TOKENS[name]}"))
    page = requests.get(running.admin_url + path, timeout=TIMEOUT)
    assert page.status_code == 200
    assert isinstance(page.json(), (dict, list))
    assert_clean({path: page.text + str(page.headers)})


@pytest.mark.parametrize("name", TOKENS)
def test_explain_shows_none_of_them(running, name):
    """Though it is shown them: what it answers is passed on to colleagues."""
    basic = base64.b64encode(f"user:{OTHERS['Basic password']}".encode()).decode()
    for headers in ({"Authorization": f"Bearer {TOKENS[name]}", "Cookie": SESSION},
                    {"Cookie": f"{SESSION}; access_token={TOKENS[name]}", "Authorization": f"Basic {basic}"}):
        headers |= dict(field.split(": ", 1) for field in COMMON[:1])
        asked = {"method": "GET", "url": "http://example/private/x", "headers": headers, "client_ip": "127.0.0.1"}
        explained = requests.post(running.admin_url + "/explain", json=asked, timeout=TIMEOUT)
        assert explained.status_code == 200, explained.text
        assert_clean({"POST /explain": explained.text, **written_by(running)})


@pytest.mark.parametrize("words", [["--json"], []], ids=["json", "text"])
def test_the_command_explain_shows_none_of_them(running, words):
    for token in TOKENS.values():
        done = sidegate("explain", "--config", running.command[-1], "--listener", "public", *words,
                        "GET", "http://example/private/x", "-H", f"Authorization: Bearer {token}",
                        "-H", f"Cookie: {SESSION}", environment=ENVIRONMENT)
        assert done.returncode in (0, 1), done.stderr
        assert_clean({"stdout": done.stdout, "stderr": done.stderr})


@pytest.mark.parametrize("token", [{"env": "ADMIN_TOKEN"}, OTHERS["admin token"]], ids=["by env", "plain"])
def test_the_token_of_the_admin_api_is_shown_nowhere(tmp_path, service, token):
    """Not where it is configured, and not where it is sent, right or wrong."""
    admin, health = (f"127.0.0.1:{free_port()}" for _ in range(2))
    environment = {**ENVIRONMENT, "ADMIN_TOKEN": OTHERS["admin token"]}
    (tmp_path / "key").write_text(KEYS["key by file"])
    path = tmp_path / "gateway.yaml"
    path.write_text(json.dumps({
        "version": 1, **configuration(service, (free_port(), free_port()), {"log": {"level": "debug"}}),
        "admin": {"address": admin, "token": token}, "health": {"address": health},
    }))
    printed = sidegate("check", "--print", "--config", path, environment=environment)
    assert printed.returncode == 0, printed.stderr
    process = Process([BINARY, "run", "--config", path], tmp_path, "gateway", environment)
    try:
        process.wait_ready(lambda: is_ready(health))
        sent = {"right": OTHERS["admin token"], "wrong": GOOD, "nearly right": OTHERS["admin token"][:-1]}
        answers = {name: requests.get(f"http://{admin}/config", headers={"Authorization": f"Bearer {value}"},
                                      timeout=TIMEOUT) for name, value in sent.items()}
    finally:
        assert process.terminate() == 0
    assert answers["right"].status_code == 200
    written = {"check --print": printed.stdout, "stdout": process.stdout, "stderr": process.stderr,
               **{name: answer.text + str(answer.headers) for name, answer in answers.items()}}
    assert_clean(written)


def is_ready(address):
    try:
        return requests.get(f"http://{address}/readyz", timeout=TIMEOUT).status_code == 200
    except requests.ConnectionError:
        return False


# -- commands

def test_check_shows_none_of_them(running):
    for words in ([], ["--print"]):
        done = sidegate("check", *words, "--config", running.command[-1], environment=ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        assert_clean({"stdout": done.stdout, "stderr": done.stderr})


BAD = secret("a secret in a bad configuration")
SHORT = secret("one that is too short")[:20]
ALL_AND_BAD = {**ALL, **every_piece({"the bad one": BAD, "the short one": SHORT})}
DOCUMENT = """\
version: 1
listeners: {{public: {{address: "127.0.0.1:8080"}}}}
upstreams: {{app: {{servers: [{server}]}}}}
authenticators:
  staff: {{jwt: {{token: [{{bearer: Authorization}}], keys: {keys}, algorithms: [HS256]}}}}
routes: [{{path: /**, authenticate: [staff], upstream: app}}]
{more}
"""


def document(keys="[{secret: {env: STAFF_KEY}}]", server="'http://127.0.0.1:8000'", more=""):
    return DOCUMENT.format(keys=keys, server=server, more=more)


# What is wrong, with a secret at that place or beside it. `${BAD}` is a variable that holds one.
BAD_CONFIGURATIONS = {
    "too short": document(keys=f"[{{secret: {SHORT}}}]"),
    "too short, by env": document(keys="[{secret: {env: SHORT}}]"),
    "too short, by file": document(keys="[{secret: {file: short}}]"),
    "a list for a secret": document(keys=f"[{{secret: [{BAD}]}}]"),
    "an unknown kind of secret": document(keys=f"[{{secret: {{value: {BAD}}}}}]"),
    "a misspelt key": document(keys=f"[{{secrett: {BAD}}}]"),
    "a secret for a key": document(keys=f"[{BAD}]"),
    "a secret for the keys": document(keys=BAD),
    "a secret twice": document(keys=f"[{{secret: {BAD}, secret: {BAD}}}]"),
    "a wrong neighbour": document(keys=f"[{{secret: {BAD}, until: soon}}]"),
    "an open quote": document(keys=f"[{{secret: '{BAD}}}]"),
    "an open brace": document(keys=f"[{{secret: {BAD}"),
    "an unknown escape": document(keys=f'[{{secret: "{BAD}\\q"}}]'),
    "a password in a URL": document(server=f"'http://user:{BAD}@127.0.0.1:8000'"),
    "a user in a URL": document(server=f"'http://{BAD}@127.0.0.1:8000'"),
    "a password in a URL, by a variable": document(server="'http://user:${BAD}@127.0.0.1:8000'"),
    "a variable for a number": document(more="workers: ${BAD}"),
    "a variable for a word": document(more="log: {level: '${BAD}'}"),
    "a variable for a duration": document(more="limits: {head_timeout: '${BAD}'}"),
    "a variable for yes or no": document(more="access_log: {query: '${BAD}'}"),
    "a variable for an address": document(more="health: {address: '${BAD}'}"),
    "a variable in a template": document(more="inject: {X-Key: '{${BAD}}'}"),
    "a list for the admin's token": document(more=f"admin: {{address: '127.0.0.1:9901', token: [{BAD}]}}"),
    "a variable that is not set": document(more=f"admin: {{address: '127.0.0.1:9901', token: '${{NOT_SET}}{BAD}'}}"),
    "a block that is not supported": document(more=f"session_refresh: {{secret: {BAD}}}"),
}


@pytest.mark.parametrize("text", BAD_CONFIGURATIONS.values(), ids=BAD_CONFIGURATIONS)
def test_messages_about_a_bad_configuration_show_none_of_them(tmp_path, text):
    (tmp_path / "short").write_text(SHORT)
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    environment = {**ENVIRONMENT, "SHORT": SHORT, "BAD": BAD}
    for command in ("check", "run"):
        done = sidegate(command, "--config", path, environment=environment)
        assert done.returncode == 2, done.stdout + done.stderr
        assert_clean({"stdout": done.stdout, "stderr": done.stderr}, ALL_AND_BAD)


@pytest.mark.parametrize("variables", [
    {"DJANGO_JWT_SIGNING_KEY": SHORT},
    {"SIDEGATE_UPSTREAM": f"http://user:{BAD}@127.0.0.1:8000"},
    {"SIDEGATE_UPSTREAM": "nonsense", "AUTH_API_KEY": BAD},
    {"AUTH_SERVICE_URL": f"http://user:{BAD}@127.0.0.1:8000"},
    {"AUTH_REFRESH_URL": f"http://user:{BAD}@127.0.0.1:8000"},
    {"SIDEGATE_CONFIG": "none.yaml", "AUTH_API_KEY": BAD},
], ids=lambda variables: " ".join(variables))
def test_messages_about_bad_variables_show_none_of_them(tmp_path, variables):
    environment = {"DJANGO_JWT_SIGNING_KEY": KEYS["key by env"], **variables}
    done = sidegate("check", "--print", folder=tmp_path, environment=environment)
    assert_clean({"stdout": done.stdout, "stderr": done.stderr}, ALL_AND_BAD)


@pytest.mark.parametrize("name", TOKENS)
def test_verifying_a_token_shows_none_of_it(tmp_path, name):
    """Refused or not: its claims are printed where it is good, and nothing of it as it came."""
    key = tmp_path / "key"
    key.write_text(KEYS["key by env"])
    for words, text in (([TOKENS[name]], ""), (["-"], TOKENS[name] + "\n")):
        done = sidegate("token", "verify", "--key", key, "--alg", "HS256", *words, text=text)
        good = name in ("valid", "too long", "a control character in its subject")
        assert done.returncode == (0 if good else 1), done.stderr
        assert_clean({"stdout": done.stdout, "stderr": done.stderr}, ALL_BUT_CLAIMS if good else ALL)


@pytest.mark.parametrize("name", TOKENS)
def test_inspecting_a_token_shows_its_claims_and_none_of_it_as_it_came(name):
    """Its claims are what is asked for. Its signature would make what is printed a credential."""
    done = sidegate("token", "inspect", TOKENS[name])
    assert_clean({"stdout": done.stdout, "stderr": done.stderr}, ALL_BUT_CLAIMS)


@pytest.mark.parametrize("words", [
    ["token", "verify", GOOD],
    ["token", "verify", "--key", "KEY", "--alg", "HS256", GOOD, GOOD],
    ["token", "verify", "--key", "KEY", "--alg", "none", GOOD],
    ["token", "verify", "--key", "/nonexistent", "--alg", "HS256", GOOD],
    ["token", "verify", "--frobnicate", GOOD],
    ["token", "inspect", GOOD, TOKENS["expired"]],
    ["token", "inspekt", GOOD],
    ["token", "mint", "--key", "KEY", "--alg", "HS256", "--claims", '{"a": "%s"' % PRIVATE_CLAIM],
    ["token", "mint", "--key", "KEY", "--alg", "HS256", "--claims", "{}", GOOD],
    ["token", GOOD],
    [GOOD],
    ["check", GOOD],
    ["run", "--frobnicate=" + KEYS["key by env"]],
], ids=lambda words: " ".join(words).replace(GOOD, "TOKEN").replace(KEYS["key by env"], "SECRET")[:70])
def test_messages_about_wrong_words_show_none_of_them(tmp_path, words):
    """They end in terminals and in the logs of other programs."""
    key = tmp_path / "key"
    key.write_text(KEYS["key by env"])
    done = sidegate(*[str(key) if word == "KEY" else word for word in words], folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert_clean({"stdout": done.stdout, "stderr": done.stderr})
