"""The commands: their words, what they print, and their exit status.

0 is fine, 1 failed at run time or "no", 2 the words, the configuration or a key file are wrong.
"""

import json
import re
import signal
import socket
import time

import jwt
import pytest

from support import tokens
from support.gateway import BINARY, ROOT, jwt_authenticator, named_environment, servers, sidegate, staff_routes
from support.ports import free_port
from support.process import Process
from support.raw import request


@pytest.fixture
def key_file(tmp_path):
    """As an editor leaves it, with a newline at its end that is no part of the key."""
    path = tmp_path / "signing.key"
    path.write_text(tokens.KEY + "\n")
    return path


def mint(key, *words, claims=None, algorithm="HS256"):
    claims = {"user_id": "42"} if claims is None else claims
    return sidegate("token", "mint", "--key", key, "--alg", algorithm, "--claims", json.dumps(claims), *words)


def verify(key, token, *words, algorithm="HS256", text=""):
    return sidegate("token", "verify", "--key", key, "--alg", algorithm, *words, token, text=text)


# -- words

def test_version():
    done = sidegate("version")
    assert done.returncode == 0
    assert re.search(r"\b0\.1\.0\b", done.stdout)


def test_help_names_every_command():
    done = sidegate("--help")
    assert done.returncode == 0
    for command in ("run", "check", "explain", "token", "demo", "version"):
        assert re.search(rf"\b{command}\b", done.stdout), command


@pytest.mark.parametrize("command", ["run", "check", "explain", "token", "token mint", "token inspect", "token verify", "demo",
                                     "version"])
def test_help_of_each_command(command):
    done = sidegate(*command.split(), "--help")
    assert done.returncode == 0 and command.split()[-1] in done.stdout


@pytest.mark.parametrize("words", [
    "frobnicate", "run --frobnicate", "check --config", "token", "token frobnicate", "token mint",
    "token verify x", "version extra", "--frobnicate", "demo --port notaport", "demo --port 65536",
])
def test_unknown_words(words, tmp_path):
    done = sidegate(*words.split(), folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr and not done.stdout, "an error is for standard error"


@pytest.mark.parametrize("words", [
    ["key", "hash", "--subject", "acme"],
])
def test_commands_that_are_to_come(words, tmp_path):
    done = sidegate(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "not supported yet" in done.stderr


# -- finding a configuration

def test_no_configuration_and_no_environment(tmp_path):
    """Never an open door."""
    for command in ("run", "check"):
        done = sidegate(command, folder=tmp_path)
        assert done.returncode == 2, command
        assert "DJANGO_JWT_SIGNING_KEY" in done.stderr and "AUTH_SERVICE_URL" in done.stderr


def minimal(upstream="http://127.0.0.1:8000"):
    port, admin = free_port(), free_port()
    return {
        "version": 1,
        "listeners": {"public": {"address": f"127.0.0.1:{port}"}},
        "admin": {"address": f"127.0.0.1:{admin}"},
        **staff_routes(tokens.KEY, upstream),
    }


def write(path, configuration):
    path.write_text(json.dumps(configuration, indent=2))
    return path


BROKEN = {"version": 1, "frobnicate": 1}


def test_the_order_in_which_a_configuration_is_found(tmp_path):
    """--config, then $SIDEGATE_CONFIG, then ./sidegate.yaml, then the environment."""
    good, bad = write(tmp_path / "good.yaml", minimal()), write(tmp_path / "bad.yaml", BROKEN)
    environment = {"DJANGO_JWT_SIGNING_KEY": tokens.KEY}

    def status(*words, **more):
        return sidegate("check", *words, folder=tmp_path, environment={**environment, **more}).returncode

    assert status() == 0, "the environment"
    write(tmp_path / "sidegate.yaml", BROKEN)
    assert status() == 2, "./sidegate.yaml"
    assert status(SIDEGATE_CONFIG=str(good)) == 0
    assert status("--config", str(bad), SIDEGATE_CONFIG=str(good)) == 2
    assert status("--config", str(good), SIDEGATE_CONFIG=str(bad)) == 0


def test_a_configuration_that_is_not_there(tmp_path):
    done = sidegate("check", "--config", tmp_path / "none.yaml")
    assert done.returncode == 2 and "none.yaml" in done.stderr
    done = sidegate("check", folder=tmp_path, environment={"SIDEGATE_CONFIG": "none.yaml"})
    assert done.returncode == 2 and "none.yaml" in done.stderr


# -- check

EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(path):
    done = sidegate("check", "--config", path, environment=named_environment(path.read_text()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples():
    assert EXAMPLES


VALID_ROUTE = "  - {path: /**, authenticate: [staff], upstream: app}"
DOCUMENT = """\
version: 1
listeners: {{public: {{address: "127.0.0.1:8080"}}}}
upstreams: {{app: {{servers: ["http://127.0.0.1:8000"]}}}}
authenticators:
  staff: {{jwt: {{token: [{{bearer: Authorization}}], keys: [{{secret: {key}}}], algorithms: [HS256]}}}}
{more}
routes:
{route}
"""


def document(more="", route=VALID_ROUTE, key="{env: JWT_KEY}"):
    return DOCUMENT.format(more=more, route=route, key=key)


@pytest.mark.parametrize("text, place, words", [
    (document("limts: {head: 16KiB}"), "6:1", ["limts", "did you mean", "limits"]),
    (document("workers: many"), "6:10", ["many"]),
    (document("workers: 1\nworkers: 2"), "7:1", ["workers"]),
    (document("limits: {head: 16}"), "6:16", ["16"]),
    (document("limits: {head_timeout: 5}"), "6:24", ["5"]),
    (document("limits: {head: -1KiB}"), "6:16", ["-1KiB"]),
    (document(route="  - {path: /**, authenticate: [staf], upstream: app}"), "8:32", ["staf", "did you mean", "staff"]),
    (document(route="  - {path: /**, authenticate: [staff], upstream: apps}"), "8:50", ["apps", "did you mean", "app"]),
    (document(route="  - {path: /**, upstream: app}"), "8:5", ["authenticate"]),
    (document(route="  - {path: public, authenticate: none, upstream: app}"), "8:12", ["public"]),
    (document(key="too-short"), "5:", ["32", "allow_weak"]),
    (document(key="{env: NOT_SET}"), "5:", ["NOT_SET"]),
    (document("access_log: {path: '${NOT_SET}'}"), "6:20", ["NOT_SET"]),
    (document("user_info: {}"), "6:12", ["user_info", "at least one"]),
    (document("session_refresh: {}"), "6:18", ["session_refresh", "for", "required"]),
    (document("rate_limits: {}"), "6:1", ["rate_limits", "not supported yet"]),
    (document("inject: {Content-Length: '1'}"), "6:10", ["Content-Length"]),
    (document("admin: {address: '0.0.0.0:9901'}"), "6:", ["token"]),
    (document("log: {level: loud}"), "6:14", ["loud"]),
    (document("  oops"), "7:", []),
    ("version: 2\n", "1:10", ["version"]),
    ("a: [\n", "", []),
])
def test_errors_say_where_and_what(tmp_path, text, place, words):
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    done = sidegate("check", "--config", path, environment={"JWT_KEY": tokens.KEY})
    assert done.returncode == 2, done.stdout + done.stderr
    errors = [line for line in done.stderr.splitlines() if re.match(rf"{re.escape(str(path))}:\d+:\d+: ", line)]
    assert errors, done.stderr
    wanted = [line for line in errors if line.startswith(f"{path}:{place}")]
    assert any(all(word in line for word in words) for line in wanted), done.stderr


def test_all_errors_are_told_at_once(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text(document("limts: {}\nworkers: many\nlog: {level: loud}", key="too-short"))
    done = sidegate("check", "--config", path)
    assert done.returncode == 2
    for word in ("limts", "many", "loud", "32"):
        assert word in done.stderr, word
    assert "too-short" not in done.stderr, "a secret is never shown, not even a bad one"


def test_run_tells_the_same_errors_as_check(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text(document("limts: {}\nworkers: many", key="'" + tokens.KEY + "'"))
    checked, ran = (sidegate(command, "--config", path) for command in ("check", "run"))
    assert checked.returncode == ran.returncode == 2
    errors = [line for line in checked.stderr.splitlines() if line.startswith(str(path))]
    assert len(errors) == 2
    assert all(error in ran.stderr for error in errors)


def test_check_print_shows_what_is_in_force_and_no_secret(tmp_path):
    path = write(tmp_path / "gateway.yaml", minimal())
    done = sidegate("check", "--config", path, "--print")
    assert done.returncode == 0
    assert tokens.KEY not in done.stdout + done.stderr
    assert "<redacted>" in done.stdout
    for expected in ("head_timeout: 10s", "keep_alive: 75s", "response_timeout: 30s", "name: private"):
        assert expected in done.stdout, expected


def test_what_check_prints_is_a_configuration(tmp_path):
    """With its secret put back it is accepted, and prints the same again."""
    path = write(tmp_path / "gateway.yaml", minimal())
    first = sidegate("check", "--config", path, "--print").stdout
    path.write_text(re.sub(r"[\"']?<redacted>[\"']?", tokens.KEY, first))
    second = sidegate("check", "--config", path, "--print")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first


def test_check_print_shows_the_sidecar(tmp_path):
    environment = {"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_UPSTREAM": "http://127.0.0.1:8123"}
    done = sidegate("check", "--print", folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr
    for expected in ("http://127.0.0.1:8123", "access_token", "X-User-Id", "{claims.user_type|staff}", "/public/**",
                     "[::]:8080", "127.0.0.1:9901", "[::]:9902"):
        assert expected in done.stdout, expected
    assert tokens.KEY not in done.stdout


@pytest.mark.parametrize("environment, word", [
    ({"AUTH_SERVICE_URL": "https://auth", "AUTH_REFRESH_URL": "https://auth/refresh/"}, "DJANGO_JWT_SIGNING_KEY"),
    ({"DJANGO_JWT_SIGNING_KEY": "short"}, "SIDEGATE_ALLOW_WEAK_SECRET"),
    ({"DJANGO_JWT_SIGNING_KEY": ""}, "DJANGO_JWT_SIGNING_KEY"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "JWT_ALGORITHM": "none"}, "JWT_ALGORITHM"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "JWT_ALGORITHM": "RS256"}, "JWT_ALGORITHM"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_UPSTREAM": "nonsense"}, "SIDEGATE_UPSTREAM"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_LISTEN": "nonsense"}, "SIDEGATE_LISTEN"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_WORKERS": "0"}, "SIDEGATE_WORKERS"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_ADMIN": "0.0.0.0:9901"}, "SIDEGATE_ADMIN"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_PUBLIC": "public"}, "SIDEGATE_PUBLIC"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_LOG_LEVEL": "loud"}, "SIDEGATE_LOG_LEVEL"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "TOKEN_REFRESH_THRESHOLD": "soon"}, "TOKEN_REFRESH_THRESHOLD"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "AUTH_REFRESH_URL": "soon"}, "AUTH_REFRESH_URL"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_EGRESS_LISTEN": "127.0.0.1:1"}, "not supported yet"),
    ({"DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_CORS_ORIGINS": "https://a"}, "not supported yet"),
], ids=lambda value: next(reversed(value)) if isinstance(value, dict) else "")
def test_wrong_variables_are_named(tmp_path, environment, word):
    done = sidegate("check", folder=tmp_path, environment=environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert word in done.stderr
    assert tokens.KEY not in done.stdout + done.stderr


# -- run

@pytest.mark.parametrize("which", ["listener", "admin"])
def test_an_address_in_use(tmp_path, which):
    configuration = minimal()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = {"address": f"127.0.0.1:{taken.getsockname()[1]}"}
        if which == "listener":
            configuration["listeners"]["public"] = address
        else:
            configuration["admin"] = address
        path = write(tmp_path / "gateway.yaml", configuration)
        done = sidegate("run", "--config", path)
    assert done.returncode == 1, done.stderr
    assert address["address"] in done.stderr


def test_run_without_words_says_nothing_secret(tmp_path):
    """And ends well: start, then TERM."""
    port, admin, health = free_port(), free_port(), free_port()
    process = Process([BINARY, "run"], tmp_path, "run", {
        "DJANGO_JWT_SIGNING_KEY": tokens.KEY, "SIDEGATE_LISTEN": f"127.0.0.1:{port}",
        "SIDEGATE_ADMIN": f"127.0.0.1:{admin}", "SIDEGATE_HEALTH": f"127.0.0.1:{health}",
    })
    try:
        process.wait_ready(lambda: is_open(port) and is_open(admin) and is_open(health))
        process.send(signal.SIGINT)
        process.send(signal.SIGINT)
    finally:
        process.terminate()
    assert tokens.KEY not in process.stdout + process.stderr


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except ConnectionError:
        return False


# -- token

@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_minted_tokens_are_verified_by_us_and_by_pyjwt(tmp_path, algorithm):
    key = tmp_path / "key"
    key.write_text("k" * 64)
    minted = mint(key, "--ttl", "1h", claims={"user_id": "42", "roles": ["a"], "n": {"x": [1, None]}},
                  algorithm=algorithm)
    assert minted.returncode == 0, minted.stderr
    token = minted.stdout.rstrip("\n")
    assert minted.stdout == token + "\n"

    claims = jwt.decode(token, "k" * 64, algorithms=[algorithm])
    assert (claims["user_id"], claims["roles"], claims["n"]) == ("42", ["a"], {"x": [1, None]})
    assert claims["exp"] - claims["iat"] == 3600 and abs(claims["iat"] - time.time()) < 60
    assert jwt.get_unverified_header(token)["alg"] == algorithm

    verified = verify(key, token, algorithm=algorithm)
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout) == claims


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_pyjwts_tokens_are_verified(tmp_path, algorithm):
    key = tmp_path / "key"
    key.write_text("k" * 64)
    token = tokens.token("k" * 64, algorithm, name="Käse \"x\"", roles=[])
    done = verify(key, token, algorithm=algorithm)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == jwt.decode(token, "k" * 64, algorithms=[algorithm])


def test_a_key_of_raw_bytes(tmp_path):
    """Bytes that are no text, a newline among them; only one at the end is dropped."""
    raw = bytes(range(256))
    key = tmp_path / "key"
    key.write_bytes(raw + b"\n")
    done = verify(key, tokens.token(raw))
    assert done.returncode == 0, done.stderr


def test_a_jwk_and_a_jwk_set(tmp_path):
    jwk = {"kty": "oct", "k": tokens.encode(tokens.KEY.encode()), "kid": "one", "alg": "HS256"}
    single, several = tmp_path / "key.jwk", tmp_path / "keys.json"
    single.write_text(json.dumps(jwk))
    several.write_text(json.dumps({"keys": [{**jwk, "k": tokens.encode(b"y" * 32), "kid": "two"}, jwk]}))
    token = tokens.token(headers={"kid": "one"})
    for path in (single, several):
        assert verify(path, token).returncode == 0, path
    assert verify(several, tokens.token()).returncode == 0, "with no kid every key is tried"
    minted = mint(several, "--kid", "one", "--ttl", "1m")
    assert jwt.get_unverified_header(minted.stdout.strip())["kid"] == "one"
    assert jwt.decode(minted.stdout.strip(), tokens.KEY, algorithms=["HS256"])


def test_verify_reads_a_token_from_standard_input(key_file):
    token = tokens.token()
    for text in (token, token + "\n"):
        assert verify(key_file, "-", text=text).returncode == 0


@pytest.mark.parametrize("make, reason", [
    (lambda: tokens.token(lifetime=-10), "expired"),
    (lambda: tokens.token("another-signing-key-of-the-same-length-or-so"), "bad_signature"),
    (lambda: tokens.last_bit_flipped(tokens.token()), "bad_signature"),
    (lambda: tokens.tampered(tokens.token(), user_id="1"), "bad_signature"),
    (lambda: tokens.token(algorithm="HS512"), "bad_signature"),
    (lambda: tokens.unsigned(), None),
    (lambda: tokens.token(nbf=int(time.time()) + 300), "not_yet_valid"),
    (lambda: tokens.token(exp=None), "missing_claim"),
    (lambda: "garbage", "malformed"),
    (lambda: "a.b.c", "malformed"),
    (lambda: "", "malformed"),
])
def test_verify_says_no(key_file, make, reason):
    token = make()
    done = verify(key_file, token)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert reason is None or reason in done.stderr
    assert not token or token not in done.stderr


def test_verify_jws_checks_no_claim(key_file):
    """A signature over anything: an expired token, or a payload that is no JSON."""
    done = verify(key_file, tokens.token(lifetime=-10), "--jws")
    assert done.returncode == 0 and json.loads(done.stdout)["user_id"] == "42"
    signed = jwt.api_jws.encode(b"any payload", tokens.KEY, algorithm="HS256")
    assert verify(key_file, signed).returncode == 1
    done = verify(key_file, signed, "--jws")
    assert (done.returncode, done.stdout) == (0, "any payload\n")
    assert verify(key_file, tokens.last_bit_flipped(signed), "--jws").returncode == 1


def test_several_algorithms(key_file):
    for algorithm in ("HS256", "HS384"):
        assert verify(key_file, tokens.token(algorithm=algorithm), algorithm="HS256,HS384").returncode == 0
    assert verify(key_file, tokens.token(algorithm="HS512"), algorithm="HS256,HS384").returncode == 1


@pytest.mark.parametrize("words", [
    ["mint", "--key", "/nonexistent", "--alg", "HS256", "--claims", "{}"],
    ["mint", "--key", "KEY", "--alg", "none", "--claims", "{}"],
    ["mint", "--key", "KEY", "--alg", "HS1", "--claims", "{}"],
    ["mint", "--key", "KEY", "--alg", "HS256", "--claims", "{"],
    ["mint", "--key", "KEY", "--alg", "HS256", "--claims", "[]"],
    ["mint", "--key", "KEY", "--alg", "HS256", "--claims", '{"a":1,"a":2}'],
    ["mint", "--key", "KEY", "--alg", "HS256", "--claims", "{}", "--ttl", "soon"],
    ["mint", "--key", "KEY", "--alg", "HS256", "--claims", "{}", "--ttl", "-1h"],
    ["verify", "--key", "/nonexistent", "--alg", "HS256", "x"],
    ["verify", "--key", "KEY", "--alg", "none", "x"],
    ["verify", "--key", "KEY", "--alg", "", "x"],
    ["verify", "--key", "KEY", "x"],
    ["verify", "--key", "KEY", "--alg", "HS256"],
], ids=" ".join)
def test_wrong_words_of_token_commands(key_file, words):
    done = sidegate("token", *[str(key_file) if word == "KEY" else word for word in words])
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr and not done.stdout
    assert tokens.KEY not in done.stderr


def test_inspect_shows_and_vouches_for_nothing(key_file):
    token = tokens.token("whatever", name="Mary", headers={"kid": "k1"})
    for words, text in (([token], ""), (["-"], token + "\n")):
        done = sidegate("token", "inspect", *words, text=text)
        assert done.returncode == 0, done.stderr
        for expected in ("HS256", "k1", "Mary", "42"):
            assert expected in done.stdout, expected
        assert re.search(r"(?i)nothing\b.*\bverified|\bverified nothing|not verified", done.stdout)
        assert token.rsplit(".", 1)[1] not in done.stdout, "the signature would make it a credential"


def test_inspect_of_garbage():
    done = sidegate("token", "inspect", "garbage")
    assert done.returncode != 0 and not done.stdout


def test_a_minted_token_passes_the_running_proxy(gateways, tts_service, key_file):
    gateway = gateways.start({
        "upstreams": {"app": servers(tts_service.url)},
        "authenticators": {"staff": jwt_authenticator({"file": str(key_file)})},
        "inject": {"X-User-Id": "{subject}", "X-User-Type": "{claims.user_type|staff}"},
        "routes": [{"path": "/**", "authenticate": ["staff"], "upstream": "app"}],
    })
    for claims, expected in (({"user_id": "42"}, ("42", "staff")), ({"user_id": 7, "user_type": "x"}, ("7", "x"))):
        token = mint(key_file, "--ttl", "1m", claims=claims).stdout.strip()
        assert verify(key_file, token).returncode == 0
        answer = gateway.ask(request("GET", "/", f"Authorization: Bearer {token}"))
        assert answer.status == 200
        identity = json.loads(answer.body)["identity"]
        assert (identity["id"], identity["type"]) == expected
    assert gateway.get("/", cookies={"access_token": tokens.token()}).status_code == 200, "and PyJWT's"
