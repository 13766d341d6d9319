"""Tokens, the keys that they are verified with, and what is remembered of them.

Each advisory against software of this kind has a test named after it. Where the rule is about keys that are fetched,
an issuer made of bytes publishes them, or does whatever is worse.
"""

import datetime
import json
import ssl
import threading
import time
from contextlib import contextmanager

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from raw_origin import Gate, RawOrigin, answering, answering_then_closing, ok
from support import tokens
from support.gateway import INJECT, TIMEOUT, jwt_authenticator, servers, sidegate
from support.key_pairs import KeyPair, jwk_set
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.raw import RawClient, request
from support.token_makers import hmac_token

INVALID_TOKEN = b'{"error":"Invalid token"}'
UNAVAILABLE = b'{"error":"Auth service unavailable"}'
ISSUER, AUDIENCE = "https://issuer.example", "tts"
PAIR, STRANGER = KeyPair("RS256"), KeyPair("RS256")
SECRET = {"secret": tokens.KEY}
DAY = datetime.timedelta(days=1)


def get(target="/", *fields):
    return request("GET", target, *fields)


def bearing(token, target="/"):
    return get(target, f"Authorization: Bearer {token}")


def carrying(token, target="/"):
    return get(target, f"Cookie: access_token={token}")


def configuration(url, *keys, algorithms=("HS256",), **rules):
    """A token that these keys verify is needed for everything, but below /optional."""
    return {
        "upstreams": {"app": servers(url)},
        "authenticators": {"staff": jwt_authenticator(None, keys=list(keys), algorithms=list(algorithms), **rules)},
        "inject": INJECT,
        "routes": [{"path": "/optional/**", "authenticate": "optional", "upstream": "app"},
                   {"path": "/**", "authenticate": ["staff"], "upstream": "app"}],
    }


def configured(*keys, **rules):
    return lambda url: configuration(url, *keys, **rules)


def check(folder, blocks):
    """`sidegate check` of a configuration, which is completed with a listener."""
    path = folder / "sidegate.yaml"
    path.write_text(json.dumps({"version": 1, "listeners": {"public": {"address": "127.0.0.1:1"}}, **blocks}))
    return sidegate("check", "--config", path)


def check_refuses(folder, blocks, says):
    done = check(folder, blocks)
    assert done.returncode == 2 and says in done.stderr, (done.returncode, done.stderr)


def assert_invalid(watched, data):
    """401 that tells nothing, and nothing arrives."""
    assert watched.ask_refused(data, 401).body == INVALID_TOKEN


def user(watched, data):
    """Whom the application is told of a request that must arrive."""
    return watched.ask_forwarded(data)[1].get("X-User-Id")


@pytest.fixture(scope="module")
def watch_secret(watch):
    return watch(configured(SECRET))


# -- which key, for which algorithm

PUBLIC_TEXTS = {
    "PEM": PAIR.public_pem,
    "PEM without the last line's end": PAIR.public_pem.rstrip("\n"),
    "PEM with CRLF": PAIR.public_pem.replace("\n", "\r\n"),
    "the base64 of the PEM": "".join(PAIR.public_pem.splitlines()[1:-1]),
    "certificate": PAIR.certificate,
    "JWK": json.dumps(PAIR.jwk()),
    "JWK without blanks": json.dumps(PAIR.jwk(), separators=(",", ":")),
    "modulus as text": PAIR.jwk()["n"],
    "modulus": PAIR.private.public_key().public_numbers().n.to_bytes(256, "big"),
    "DER": PAIR.private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    "nothing": "",
    "zeros": bytes(64),
}
KEY_FILES = {
    "pem_file": lambda: PAIR.public_pem,
    "pem_file of a certificate": lambda: PAIR.certificate,
    "jwk_file": lambda: json.dumps(PAIR.jwk()),
    "jwks_file": lambda: jwk_set(PAIR.jwk(kid="one")),
}


@pytest.fixture(scope="module", params=[*KEY_FILES, "jwks_url"])
def public_key(request, watch, tmp_path_factory):
    """A gateway that verifies with a public key and, so that HMACs are known to it, with a secret."""
    both = {"algorithms": ["HS256", "RS256"]}
    if request.param == "jwks_url":
        with published(jwk_set(PAIR.jwk(kid="one"))) as issuer:
            yield watch(configured(SECRET, {"jwks_url": issuer.url}, issuer=ISSUER, audience=[AUDIENCE], **both))
    else:
        path = tmp_path_factory.mktemp("keys") / "issuer"
        path.write_text(KEY_FILES[request.param]())
        yield watch(configured(SECRET, {request.param.split()[0]: str(path)}, **both))


def own_claims(**more):
    return tokens.claims(**{"iss": ISSUER, "aud": AUDIENCE, **more})


def signed(pair=PAIR, algorithm=None, headers=None, **claims):
    return jwt.encode(own_claims(**claims), pair.private, algorithm or pair.algorithm, headers=headers)


@pytest.mark.parametrize("secret", PUBLIC_TEXTS.values(), ids=PUBLIC_TEXTS)
def test_cve_2026_39999_a_public_key_is_never_the_secret_of_an_hmac(public_key, secret):
    """APISIX took the key from its configuration and the algorithm from the token."""
    for honest in (signed(), hmac_token(tokens.KEY, own_claims())):
        assert user(public_key, bearing(honest)) == "42"
    for header in ({}, {"kid": "one"}, {"jwk": PAIR.jwk()}):
        assert_invalid(public_key, bearing(hmac_token(secret, own_claims(), **header)))


def test_cve_2026_39999_a_key_is_used_for_its_own_algorithm_alone(watch, tmp_path):
    (tmp_path / "issuer.jwk").write_text(json.dumps(PAIR.jwk(alg="RS256")))
    watched = watch(configured({"jwk_file": str(tmp_path / "issuer.jwk")}, algorithms=["RS256", "RS512", "PS256"]))
    assert user(watched, bearing(signed())) == "42"
    for algorithm in ("RS512", "PS256"):
        assert_invalid(watched, bearing(signed(algorithm=algorithm)))


# -- which bytes

def with_other_claims(good):
    """Forms in which somebody else's claims come along with a signature that holds."""
    header, payload, signature = good.split(".")
    other = tokens.encode(json.dumps(tokens.claims(subject="1")).encode())
    flat = {"protected": header, "payload": payload, "signature": signature}
    return {
        "in their place": f"{header}.{other}.{signature}",
        "behind": f"{good}.{other}",
        "before": f"{other}.{good}",
        "between": f"{header}.{payload}.{other}.{signature}",
        "as a part of an encrypted token": f"{header}.{other}.{payload}.{signature}.{other}",
        "in a second token": f"{good},{header}.{other}.{signature}",
        "in the JSON form": json.dumps({**flat, "payload": other}),
        "in the JSON form, twice": json.dumps(flat)[:-1] + f', "payload": "{other}"}}',
        "in the general JSON form": json.dumps({"payload": other, "signatures": [{"protected": header,
                                                                                  "signature": signature}]}),
    }


def test_apisix_10982_claims_are_those_that_were_verified(watch):
    """It took the claims from other bytes than the signature was verified over. Ours are told from one token, once it
    was verified, and remembered for that token alone."""
    watched = watch(configured(SECRET))
    good = tokens.token()
    assert user(watched, bearing(good)) == "42"
    for form, token in with_other_claims(good).items():
        assert watched.ask_refused(bearing(token), 401).body == INVALID_TOKEN, form
        assert user(watched, bearing(good)) == "42"


def test_apisix_10982_a_member_that_is_there_twice_is_nobodys(watch):
    watched = watch(configured(SECRET))
    for twice in ('"user_id": "1"', '"user\\u005fid": "1"'):
        payload = json.dumps(tokens.claims())[:-1] + f", {twice}}}"
        assert_invalid(watched, bearing(hmac_token(tokens.KEY, payload)))


def test_apisix_10982_another_credential_says_nothing(watch):
    """The cookie decides; a bearer token beside it is looked at by nobody, and not passed on."""
    watched = watch(configured(SECRET))
    good, evil = tokens.token(), tokens.tampered(tokens.token(), user_id="1")
    arrived = watched.ask_forwarded(get("/", f"Cookie: access_token={good}", f"Authorization: Bearer {evil}"))[1]
    assert (arrived.get("X-User-Id"), arrived.get("Authorization")) == ("42", None)
    watched.ask_refused(get("/", f"Cookie: access_token={evil}", f"Authorization: Bearer {good}"), 401)


# -- tokens that prove nothing

NONE = ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "HS256,none", None, 0, False, [], ["none"], {}]


@pytest.mark.parametrize("algorithm", NONE, ids=repr)
def test_haproxy_jwt_verify_none_is_no_algorithm(watch_secret, algorithm):
    """HAProxy's documentation lists `none`, and feeds the token's own `alg` to the verification."""
    signature = tokens.token().rpartition(".")[2]
    for header in ({"alg": algorithm}, {"alg": algorithm, "typ": "JWT"}):
        for its in ("", signature):
            assert_invalid(watch_secret, bearing(tokens.unsigned(header, its)))
            assert_invalid(watch_secret, carrying(tokens.unsigned(header, its)))


@pytest.mark.parametrize("algorithm", ["none", "None", "", "*", "HS1", "ES256K", "dir", "RSA-OAEP"])
def test_haproxy_jwt_verify_and_apisix_only_known_algorithms_can_be_configured(tmp_path, algorithm):
    blocks = configuration("http://127.0.0.1:1", SECRET, algorithms=["HS256", algorithm])
    check_refuses(tmp_path, blocks, "authenticators.staff.jwt.algorithms[1]")


def test_haproxy_jwt_verify_a_token_ends(watch):
    """It checks the signature and nothing else. Here a token without an end is refused unless the operator says so."""
    strict, lenient = watch(configured(SECRET)), watch(configured(SECRET, require_claims=[]))
    endless = jwt.encode({"user_id": "42"}, tokens.KEY)
    assert_invalid(strict, bearing(endless))
    assert user(lenient, bearing(endless)) == "42"
    for watched in (strict, lenient):
        for end in (None, "never", "4102444800", [], True, -1, 0, int(time.time()) - 1):
            assert_invalid(watched, bearing(hmac_token(tokens.KEY, {"user_id": "42", "exp": end})))


NOT_ACCEPTED = ["HS1", "HS128", "HS512", "hs256", "HS256 ", "RS1", "RS256", "ES256K", "ES512", "EdDSA", "dir", "A128KW"]


@pytest.mark.parametrize("algorithm", NOT_ACCEPTED)
def test_apisix_openid_connect_an_algorithm_that_is_not_accepted_is_refused(watch_secret, algorithm):
    """`accept_unsupported_alg` was true unless somebody said otherwise."""
    covered, _, signature = tokens.token().partition(".")[2].rpartition(".")
    header = tokens.encode(json.dumps({"alg": algorithm}).encode())
    assert_invalid(watch_secret, bearing(f"{header}.{covered}.{signature}"))


STRINGS = ["x", "true", "1", "undefined", "null", "a.b", "a.b.c", "..", "a..c", "eyJhbGciOiJub25lIn0.e30.", "x" * 4096,
           ".".join(["eyJhbGciOiJIUzI1NiJ9", "e30", "x" * 43]), "0" * 32, "-", "=", "Bearer", "%00", "{}", "[]"]


@pytest.mark.parametrize("text", STRINGS, ids=lambda text: text[:24])
def test_cve_2022_29226_a_token_that_is_there_is_no_proof(watch_secret, text):
    """Envoy's oauth2 filter took whoever had some token for somebody who had logged in."""
    assert_invalid(watch_secret, bearing(text))
    assert watch_secret.ask_refused(carrying(text), 401).body == INVALID_TOKEN


# -- a credential that cannot be verified is not the same as none

UNVERIFIABLE = {
    "of an unknown issuer": lambda: jwt.encode(own_claims(iss="https://evil.example"), tokens.KEY),
    "of an unknown issuer and key": lambda: jwt.encode(own_claims(iss="https://evil.example"), "k" * 32),
    "without an issuer": lambda: tokens.token(aud=AUDIENCE),
    "for somebody else": lambda: jwt.encode(own_claims(aud="other"), tokens.KEY),
    "of an unknown key": lambda: jwt.encode(own_claims(), "k" * 32),
    "with an unknown kid and key": lambda: jwt.encode(own_claims(), "k" * 32, headers={"kid": "x"}),
    "expired": lambda: jwt.encode(own_claims(lifetime=-1), tokens.KEY),
    "not valid yet": lambda: jwt.encode(own_claims(nbf=int(time.time()) + 600), tokens.KEY),
    "with no signature": lambda: tokens.unsigned(iss=ISSUER, aud=AUDIENCE),
    "opaque": lambda: "2YotnFZFEjr1zCsicMWpAA",
    "too large": lambda: jwt.encode(own_claims(more="x" * 17000), tokens.KEY),
}


@pytest.fixture(scope="module")
def watch_claims(watch):
    return watch(configured(SECRET, issuer=ISSUER, audience=[AUDIENCE]))


@pytest.mark.parametrize("token", UNVERIFIABLE.values(), ids=UNVERIFIABLE)
@pytest.mark.parametrize("target", ["/", "/optional/"])
def test_istio_security_2021_001_an_unverifiable_token_is_not_a_missing_one(watch_claims, target, token):
    """With `allow_missing` Istio let tokens of unknown issuers through, as if their bearer had shown none."""
    assert_invalid(watch_claims, bearing(token(), target))
    assert_invalid(watch_claims, carrying(token(), target))
    good = jwt.encode(own_claims(), tokens.KEY)
    assert_invalid(watch_claims, get(target, f"Cookie: access_token={token()}", f"Authorization: Bearer {good}"))


def test_istio_security_2021_001_a_missing_token_is_missing(watch_claims):
    assert user(watch_claims, get("/optional/")) is None
    watch_claims.ask_refused(get(), 401)


# -- one purpose is not another

PURPOSES = {
    "an id token": ({"aud": "tts-frontend"}, {"typ": "JWT"}),
    "an id token for the same audience": ({}, {"typ": "JWT"}),
    "a token of no type": ({}, {"typ": None}),
    "a logout token": ({}, {"typ": "logout+jwt"}),
    "a security event": ({}, {"typ": "secevent+jwt"}),
    "an access token for another service": ({"aud": "utm"}, {"typ": "at+jwt"}),
    "an access token for nobody": ({"aud": []}, {"typ": "at+jwt"}),
    "an access token for a name that begins the same": ({"aud": ["tts2", "tt", "tts ", "TTS"]}, {"typ": "at+jwt"}),
    "an access token whose audience is an object": ({"aud": {"tts": True}}, {"typ": "at+jwt"}),
    "a type that is no text": ({}, {"typ": ["at+jwt"]}),
}


@pytest.fixture(scope="module")
def access_tokens(watch):
    return watch(configured(SECRET, type="at+jwt", audience=[AUDIENCE]))


@pytest.mark.parametrize("claims, header", PURPOSES.values(), ids=PURPOSES)
def test_cve_2024_47616_a_token_of_another_purpose_is_refused(access_tokens, claims, header):
    """Pomerium took a token that it had signed for one purpose where it expected one for another."""
    header = {name: value for name, value in header.items() if value is not None}
    assert_invalid(access_tokens, bearing(hmac_token(tokens.KEY, {**own_claims(), **claims}, **header)))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_cve_2024_47616_a_token_of_this_purpose_is_accepted(access_tokens, typ):
    """RFC 7515 section 4.1.9: a media type, so case does not count and "application/" may be left out."""
    assert user(access_tokens, bearing(hmac_token(tokens.KEY, own_claims(), typ=typ))) == "42"
    assert user(access_tokens, bearing(hmac_token(tokens.KEY, own_claims(aud=["utm", AUDIENCE]), typ=typ))) == "42"


# -- what is remembered

def two_services(url, one, other):
    """Two authenticators, each with a route of its own, that read the same places."""
    return {
        "upstreams": {"app": servers(url)},
        "authenticators": {"one": jwt_authenticator(None, **one), "other": jwt_authenticator(None, **other)},
        "inject": INJECT,
        "routes": [{"path": f"/{name}/**", "authenticate": [name], "upstream": "app"} for name in ("one", "other")],
    }


def test_ghsa_4mq7_pvjg_xp2r_what_one_authenticator_verified_is_nothing_to_another(watch):
    """Oathkeeper's cache key did not say who had been asked."""
    one, other = ({"keys": [{"secret": secret}]} for secret in (tokens.KEY, "k" * 32))
    watched = watch(lambda url: two_services(url, one, other))
    token = tokens.token()
    for _ in range(3):
        assert user(watched, bearing(token, "/one/")) == "42"
        assert_invalid(watched, bearing(token, "/other/"))
    assert user(watched, bearing(tokens.token("k" * 32), "/other/")) == "42"


def test_cve_2021_32701_what_is_asked_of_a_token_is_asked_each_time(watch):
    """Oathkeeper checked the scopes of a token only where its answer was not remembered yet."""
    keys = [{"secret": tokens.KEY}]
    one, other = {"keys": keys, "audience": ["tts"]}, {"keys": keys, "require_claims": ["exp", "tenant"]}
    watched = watch(lambda url: two_services(url, one, other))
    token = tokens.token(aud="tts")
    for _ in range(3):
        assert user(watched, bearing(token, "/one/")) == "42"
        assert_invalid(watched, bearing(token, "/other/"))


def test_cve_2021_41230_claims_are_believed_for_a_while_only(watch):
    """Pomerium kept to the claims of the login. `max_age` bounds how old they may be, whatever `exp` says."""
    watched = watch(configured(SECRET, max_age="1m"))
    now = int(time.time())
    assert user(watched, bearing(tokens.token(iat=now - 30))) == "42"
    assert_invalid(watched, bearing(tokens.token(iat=now - 61)))
    assert_invalid(watched, bearing(tokens.token(iat=now + 60)))
    assert_invalid(watched, bearing(tokens.token()))
    ageing = bearing(tokens.token(iat=int(time.time()) - 55))
    assert user(watched, ageing) == "42"
    wait_until(lambda: watched.ask(ageing)[0].status == 401, "the remembered token has become too old")


# -- configurations that would not do what they seem to

MISTAKES = {
    "audiences": {"audiences": ["tts"]},
    "issuers": {"issuers": [ISSUER]},
    "require": {"require": ["exp"]},
    "maxage": {"maxage": "1h"},
    "an empty audience": {"audience": []},
    "an empty issuer": {"issuer": ""},
    "no algorithm": {"algorithms": []},
    "no key": {"keys": []},
    "no place": {"token": []},
    "an empty type": {"type": ""},
    "no age": {"max_age": "0s"},
    "scopes": {"scopes": ["read"]},
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_ghsa_652x_m2gr_hppm_a_rule_without_effect_is_an_error(tmp_path, mistake):
    """oauth2-proxy went on without a rule that a flag no longer brought about."""
    blocks = configuration("http://127.0.0.1:1", SECRET)
    blocks["authenticators"]["staff"]["jwt"].update(mistake)
    check_refuses(tmp_path, blocks, "authenticators.staff.jwt")


@pytest.mark.parametrize("key", ["authorise", "authorize", "authorization", "allowed_groups", "roles", "autenticate"])
def test_ghsa_652x_m2gr_hppm_a_rule_of_a_route_is_known_or_an_error(tmp_path, key):
    """`authorize` is not built yet; it must say so until it is."""
    blocks = configuration("http://127.0.0.1:1", SECRET)
    blocks["routes"][0][key] = ["staff"]
    check_refuses(tmp_path, blocks, "at routes[0]")


UNREADABLE = {
    "a variable that is not set": lambda folder: {"secret": {"env": "NOT_SET"}},
    "a file that is not there": lambda folder: {"secret": {"file": str(folder / "missing")}},
    "a folder": lambda folder: {"secret": {"file": str(folder)}},
    "an empty file": lambda folder: {"secret": {"file": str(_written(folder / "empty", ""))}},
    "a line's end": lambda folder: {"secret": {"file": str(_written(folder / "empty", "\n"))}},
    "an empty text": lambda folder: {"secret": ""},
    "a PEM that is not there": lambda folder: {"pem_file": str(folder / "missing")},
    "a PEM that is empty": lambda folder: {"pem_file": str(_written(folder / "empty", ""))},
    "a set that is not there": lambda folder: {"jwks_file": str(folder / "missing")},
    "a set that is empty": lambda folder: {"jwks_file": str(_written(folder / "empty", '{"keys": []}'))},
}


def _written(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("key", UNREADABLE.values(), ids=UNREADABLE)
def test_ghsa_4mr2_fg2p_w63c_a_key_that_cannot_be_read_opens_no_door(tmp_path, key):
    """Traefik served a route without authentication when the file of its secret could not be read."""
    blocks = configuration("http://127.0.0.1:1", key(tmp_path), algorithms=["HS256", "RS256"])
    check_refuses(tmp_path, blocks, "authenticators.staff.jwt.keys[0]")
    done = sidegate("run", "--config", tmp_path / "sidegate.yaml")
    assert done.returncode == 2, done.stderr


def test_ghsa_4mr2_fg2p_w63c_a_key_that_can_no_longer_be_read_opens_no_door(watch, tmp_path):
    path = _written(tmp_path / "key", tokens.KEY)
    watched = watch(configured({"secret": {"file": str(path)}}))
    path.unlink()
    answer = requests.post(watched.gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)
    assert answer.status_code == 422 and "keys[0].secret" in answer.text
    watched.ask_refused(get(), 401)
    assert_invalid(watched, bearing(tokens.token("k" * 32)))
    assert_invalid(watched, bearing(hmac_token("", tokens.claims())))
    assert user(watched, bearing(tokens.token())) == "42", "the key in use stays"


# -- JSON that is made to hurt

def nested(depth, opening="[", closing="]"):
    return opening * depth + closing * depth


PAINFUL = {
    "an array of 5000 depths": '{"user_id": "42", "exp": 4102444800, "x": ' + nested(5000) + "}",
    "an object of 2000 depths": '{"user_id": "42", "exp": 4102444800, "x": ' + nested(2000, '{"a":', "}").replace(
        ":}", ":1}", 1) + "}",
    "an array that never ends": '{"user_id": "42", "exp": 4102444800, "x": ' + "[" * 8000,
    "a number of 8000 digits": '{"user_id": "42", "exp": 4102444800, "x": ' + "9" * 8000 + "}",
    "a fraction of 8000 digits": '{"user_id": "42", "exp": 4102444800, "x": 0.' + "9" * 8000 + "}",
    "an end of 8000 digits": '{"user_id": "42", "exp": ' + "9" * 8000 + "}",
    "an end beyond every number": '{"user_id": "42", "exp": 1e999999999}',
    "an end that is almost nothing": '{"user_id": "42", "exp": 1e-999999999}',
}


@pytest.mark.parametrize("payload", PAINFUL.values(), ids=PAINFUL)
def test_cve_2026_48042_cve_2025_11230_claims_that_hurt_are_refused_soon(watch_secret, payload):
    """Depths ended Envoy, long numbers stopped HAProxy. The signature is good: the issuer is only careless."""
    started = time.monotonic()
    assert_invalid(watch_secret, bearing(hmac_token(tokens.KEY, payload)))
    assert time.monotonic() - started < 2 * PATIENCE
    assert user(watch_secret, bearing(tokens.token())) == "42"


@pytest.mark.parametrize("header", [{"alg": "HS256", "x": json.loads(nested(900))}, {"alg": "HS256", "x": 10**4000}],
                         ids=["deep", "long"])
def test_cve_2026_48042_cve_2025_11230_headers_that_hurt_are_refused_soon(watch_secret, header):
    """Before there is a signature that could be verified."""
    started = time.monotonic()
    assert_invalid(watch_secret, bearing(tokens.unsigned(header, "x" * 43)))
    assert time.monotonic() - started < 2 * PATIENCE


PAINFUL_SETS = {
    "deep": '{"keys": [' + json.dumps(PAIR.jwk()) + '], "x": ' + nested(100_000) + "}",
    "a deep key": '{"keys": [' + json.dumps(PAIR.jwk())[:-1] + ', "x": ' + nested(100_000) + "}]}",
    "a long number": '{"keys": [' + json.dumps(PAIR.jwk()) + '], "x": ' + "9" * 100_000 + "}",
    "large": '{"keys": [' + json.dumps(PAIR.jwk()) + '], "x": "' + "x" * (2 << 20) + '"}',
    "of too many keys": jwk_set(*[PAIR.jwk(kid=str(number)) for number in range(1000)]),
}


@pytest.mark.parametrize("text", PAINFUL_SETS.values(), ids=PAINFUL_SETS)
def test_cve_2026_48042_cve_2025_11230_keys_that_hurt_are_refused_soon(tmp_path, text):
    started = time.monotonic()
    path = _written(tmp_path / "issuer.jwks", text)
    blocks = configuration("http://127.0.0.1:1", {"jwks_file": str(path)}, algorithms=["RS256"])
    check_refuses(tmp_path, blocks, "authenticators.staff.jwt.keys[0]")
    assert time.monotonic() - started < 2 * PATIENCE


# -- keys that are fetched

JWKS = jwk_set(PAIR.jwk(kid="one"))
SOON = {"refresh": "1s", "cooldown": "1s"}


@contextmanager
def published(text, *fields, status=b"200 OK"):
    """An issuer that answers every question with `text`."""
    with RawOrigin() as issuer:
        issuer.handler = answering(ok(text if isinstance(text, bytes) else text.encode(), *fields, status=status))
        yield issuer


def fetched(url, kind="jwks_url", algorithms=("RS256",), **key):
    """Keys of an issuer, of which the gateway does not wait long for the first."""
    its = {kind: url, **SOON, **key}
    issuer = url if kind == "oidc_issuer" else ISSUER
    return lambda app: {
        "startup_timeout": "100ms",
        **configuration(app, its, algorithms=algorithms, issuer=issuer, audience=[AUDIENCE]),
    }


def assert_unavailable(watched, data):
    """The decision cannot be made: 503, and nothing arrives."""
    answer = watched.ask_refused(data, 503)
    assert answer.body == UNAVAILABLE and answer.get("Retry-After")


def discovery(url, **more):
    return {"issuer": url, "jwks_uri": url + "/keys", **more}


def answering_by_path(**documents):
    """A handler: each path its answer. /.well-known/openid-configuration is `discovery`, /keys `keys`."""
    paths = {"/.well-known/openid-configuration": "discovery", "/keys": "keys"}

    def handler(exchange):
        exchange.read_body()
        name = paths.get(exchange.request.target)
        exchange.send(ok(documents[name].encode()) if name in documents else ok(b"", status=b"404 Not Found"))

    return handler


@pytest.mark.parametrize("kind", ["jwks_url", "oidc_issuer"])
@pytest.mark.parametrize("missing", ["issuer", "audience"])
def test_apisix_openid_connect_published_keys_want_an_issuer_and_an_audience(tmp_path, kind, missing):
    """Whoever publishes keys signs with them for everybody. APISIX enforced neither until #13829."""
    rules = {"issuer": ISSUER, "audience": [AUDIENCE], "algorithms": ["RS256"]}
    blocks = configuration("http://127.0.0.1:1", {kind: ISSUER}, **rules)
    assert check(tmp_path, blocks).returncode == 0
    del blocks["authenticators"]["staff"]["jwt"][missing]
    check_refuses(tmp_path, blocks, f'"{missing}"')


@pytest.mark.parametrize("kind", ["jwks_url", "oidc_issuer"])
def test_apisix_openid_connect_tokens_of_published_keys_are_for_us(watch, kind):
    with RawOrigin() as issuer:
        issuer.handler = answering_by_path(discovery=json.dumps(discovery(issuer.url)), keys=JWKS)
        url = issuer.url + ("/keys" if kind == "jwks_url" else "")
        watched = watch(fetched(url, kind))
        own = url if kind == "oidc_issuer" else ISSUER
        assert user(watched, bearing(signed(iss=own))) == "42"
        for claims in ({"aud": "other"}, {"aud": None}, {"iss": "https://evil.example"}, {"iss": None},
                       {"iss": own + "/"}):
            left = {name: value for name, value in own_claims(**{"iss": own, **claims}).items() if value is not None}
            assert_invalid(watched, bearing(jwt.encode(left, PAIR.private, "RS256")))
        for algorithm in ("RS512", "PS256"):
            assert_invalid(watched, bearing(signed(iss=own, algorithm=algorithm)))


BROKEN_ISSUERS = {
    "that is not there": lambda: answering(ok(b"not found", status=b"404 Not Found")),
    "that is broken": lambda: answering(ok(JWKS.encode(), status=b"500 Internal Server Error")),
    "that says nothing": lambda: answering_then_closing(b""),
    "that breaks off": lambda: answering_then_closing(
        ok(JWKS.encode()).replace(b"Content-Length: ", b"Content-Length: 1")),
    "that says garbage": lambda: answering_then_closing(b"\0\xff" * 64 + b"\r\n\r\n"),
    "with an empty answer": lambda: answering(ok(b"")),
    "with a page": lambda: answering(ok(b"<!DOCTYPE html><title>Log in</title>")),
    "with half a set": lambda: answering(ok(JWKS[:-20].encode())),
    "with no key": lambda: answering(ok(b'{"keys": []}')),
    "with no set": lambda: answering(ok(json.dumps(PAIR.jwk()).encode())),
    "with a secret": lambda: answering(ok(jwk_set({"kty": "oct", "k": tokens.encode(tokens.KEY.encode())}).encode())),
}


@pytest.mark.parametrize("handler", BROKEN_ISSUERS.values(), ids=BROKEN_ISSUERS)
def test_cve_2026_31837_without_keys_no_token_is_accepted(watch, handler):
    """When it could not fetch keys, Istio fell back to a pair whose private half is public."""
    with RawOrigin() as issuer:
        issuer.handler = handler()
        watched = watch(fetched(issuer.url, algorithms=["RS256", "HS256"]))
        for target in ("/", "/optional/"):
            for token in (signed(), signed(STRANGER), signed(headers={"kid": "one"}),
                          signed(STRANGER, headers={"kid": "", "jwk": STRANGER.jwk()})):
                assert_unavailable(watched, bearing(token, target))
            for token in (hmac_token("", own_claims()), hmac_token(tokens.KEY, own_claims()),
                          hmac_token(PAIR.public_pem, own_claims()), tokens.unsigned(iss=ISSUER, aud=AUDIENCE)):
                answer, arrived = watched.ask(bearing(token, target))
                assert answer.status in (401, 503) and not arrived
        assert issuer.requests, "it was asked"


def test_cve_2026_31837_an_issuer_that_nobody_reaches_lends_no_key(watch):
    watched = watch(fetched(f"http://127.0.0.1:{free_port()}"))
    for token in (signed(), signed(STRANGER), signed(headers={"jku": "http://127.0.0.1/keys"})):
        assert_unavailable(watched, bearing(token))


# -- where they are fetched from

REFUSED_URLS = {
    "http to another machine": "http://192.0.2.1/jwks",
    "http to a name": "http://issuer.example/jwks",
    "a file": "file:///etc/passwd",
    "another scheme": "ftp://issuer.example/jwks",
    "gopher": "gopher://127.0.0.1:6379/_INFO",
    "no scheme": "issuer.example/jwks",
    "a user": "https://user:secret@issuer.example/jwks",
    "a fragment": "https://issuer.example/jwks#x",
    "a line's end": "https://issuer.example/jwks\r\nX-Evil: 1",
    "a loopback name that is somebody's": "http://localhost.evil.example/jwks",
    "a loopback address that is a name": "http://127.0.0.1.evil.example/jwks",
}


@pytest.mark.parametrize("kind", ["jwks_url", "oidc_issuer"])
@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS)
def test_ghsa_fgw5_hp8f_xfhc_keys_are_not_fetched_from_just_anywhere(tmp_path, kind, url):
    """Istio fetched whatever `jwksUri` said."""
    rules = {"issuer": ISSUER, "audience": [AUDIENCE], "algorithms": ["RS256"]}
    check_refuses(tmp_path, configuration("http://127.0.0.1:1", {kind: url}, **rules), f"keys[0].{kind}")


LINK_LOCAL = ["http://169.254.169.254/latest/meta-data", "https://169.254.169.254/jwks", "http://[fe80::1]/jwks",
              "http://[::ffff:169.254.169.254]/jwks"]


@pytest.mark.parametrize("url", LINK_LOCAL)
def test_ghsa_fgw5_hp8f_xfhc_metadata_services_are_never_asked(tmp_path, watch, url):
    """Not with `allow_http` either, which is for a network that is trusted; nor where a discovery document says so."""
    check_refuses(tmp_path, fetched(url, allow_http=True)("http://127.0.0.1:1"), "link-local")
    with RawOrigin() as issuer:
        issuer.handler = answering_by_path(discovery=json.dumps(discovery(issuer.url, jwks_uri=url)))
        watched = watch(fetched(issuer.url, kind="oidc_issuer", allow_http=True))
        assert_unavailable(watched, bearing(signed()))
    assert "link-local" in watched.gateway.stderr


OTHER_PORT = "http://127.0.0.1:{inside}/keys"
ELSEWHERE = {
    "another port": OTHER_PORT,
    "another port, relative": "//127.0.0.1:{inside}/keys",
    "another name": "http://localhost:{issuer}/keys",
    "another scheme": "https://127.0.0.1:{issuer}/keys",
    "a metadata service": "http://169.254.169.254/keys",
    "a file": "file:///etc/passwd",
    "a user": "http://127.0.0.1:{issuer}@127.0.0.1:{inside}/keys",
}


@pytest.mark.parametrize("status, location", [
    *(pytest.param(307, location, id=name) for name, location in ELSEWHERE.items()),
    *(pytest.param(status, OTHER_PORT, id=str(status)) for status in (300, 301, 302, 303, 308)),
])
def test_ghsa_fgw5_hp8f_xfhc_a_redirect_leads_to_no_other_host(watch, status, location):
    with RawOrigin() as issuer, published(JWKS) as inside:
        there = location.format(issuer=issuer.port, inside=inside.port).encode()
        issuer.handler = answering(ok(b"", b"Location: " + there, status=b"%d Elsewhere" % status))
        assert_unavailable(watch(fetched(issuer.url + "/jwks")), bearing(signed()))
        assert {seen.target for seen in issuer.requests} == {"/jwks"} and not inside.received


def test_ghsa_fgw5_hp8f_xfhc_a_redirect_on_the_same_host_is_followed(watch):
    with RawOrigin() as issuer:
        def handler(exchange):
            exchange.read_body()
            moved = ok(b"", b"Location: /keys", status=b"307 Temporary Redirect")
            exchange.send(ok(JWKS.encode()) if exchange.request.target == "/keys" else moved)

        issuer.handler = handler
        assert user(watch(fetched(issuer.url + "/old")), bearing(signed())) == "42"


def test_ghsa_fgw5_hp8f_xfhc_redirects_end(watch):
    with published("", b"Location: /again", status=b"302 Found") as issuer:
        assert_unavailable(watch(fetched(issuer.url)), bearing(signed()))
        assert 1 < len(issuer.requests) < 20


DISCOVERIES = {
    "of another issuer": {"issuer": "https://evil.example"},
    "of an issuer that is written otherwise": {"issuer": "http://LOCALHOST"},
    "without an issuer": {"issuer": None},
    "without keys": {"jwks_uri": None},
    "with keys in a file": {"jwks_uri": "file:///etc/passwd"},
    "with keys by http of another machine": {"jwks_uri": "http://192.0.2.1/keys"},
    "with keys of a metadata service": {"jwks_uri": "http://169.254.169.254/keys"},
    "with keys that are no text": {"jwks_uri": ["https://issuer.example/keys"]},
}


@pytest.mark.parametrize("mistake", DISCOVERIES.values(), ids=DISCOVERIES)
def test_ghsa_fgw5_hp8f_xfhc_a_discovery_document_leads_to_no_other_place(watch, mistake):
    with RawOrigin() as issuer:
        document = {name: value for name, value in discovery(issuer.url, **mistake).items() if value is not None}
        issuer.handler = answering_by_path(discovery=json.dumps(document), keys=JWKS)
        watched = watch(fetched(issuer.url, "oidc_issuer"))
        assert_unavailable(watched, bearing(signed(iss=issuer.url)))
        assert {seen.target for seen in issuer.requests} == {"/.well-known/openid-configuration"}


@pytest.mark.parametrize("text", PAINFUL_SETS.values(), ids=PAINFUL_SETS)
def test_ghsa_fgw5_hp8f_xfhc_published_keys_that_hurt_are_not_used(watch, text):
    with published(text) as issuer:
        assert_unavailable(watch(fetched(issuer.url)), bearing(signed()))
        assert issuer.requests, "it was asked"


def test_ghsa_fgw5_hp8f_xfhc_an_answer_without_end_is_not_read_to_its_end(watch):
    """More than a set of keys may need is read by nobody, whatever is sent."""
    sent, most = [], 64 << 20
    with RawOrigin() as issuer:
        def handler(exchange):
            exchange.read_body()
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            for _ in range(most >> 16):
                exchange.send(b" " * (1 << 16))
                sent.append(1 << 16)
            exchange.close()

        issuer.handler = handler
        watched = watch(fetched(issuer.url, cooldown="10s", refresh="10s"))
        assert_unavailable(watched, bearing(signed()))
        assert 0 < sum(sent) < most, "it has hung up"


# -- clients that leave while keys are fetched

OUTCOMES = {"keys": lambda exchange: exchange.send(ok(JWKS.encode())), "nothing": lambda exchange: exchange.close()}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_cve_2025_64527_a_client_that_leaves_during_a_fetch_harms_nobody(watch, outcome):
    """Envoy crashed. Here clients leave while they wait for the first keys, and the gateway goes on."""
    gate = Gate()
    with RawOrigin() as issuer:
        def handler(exchange):
            exchange.read_body()
            gate.wait()
            OUTCOMES[outcome](exchange)

        issuer.handler = handler
        watched = watch(fetched(issuer.url))
        data = bearing(signed())
        for leaving in (RawClient.reset, RawClient.finish_sending, lambda client: client.socket.close()):
            for size in (1, len(data) // 2, len(data) - 1, len(data), len(data)):
                leaving(watched.client().send(data[:size]))
        staying = [watched.client().send(data) for _ in range(5)]
        watched.client().send(data + data).reset()
        gate.open()
        statuses = {client.read_response().status for client in staying}
        assert statuses == ({200} if outcome == "keys" else {503})
        issuer.handler = answering(ok(JWKS.encode()))
        wait_until(lambda: watched.ask(data)[0].status == 200, watched.gateway.tail, 5)


def test_cve_2025_64527_a_client_that_leaves_while_an_unknown_kid_is_asked_for_harms_nobody(watch):
    """The second place where a request waits for a fetch."""
    asked, gate = threading.Event(), Gate()
    with published(JWKS) as issuer:
        watched = watch(fetched(issuer.url, cooldown="10ms", refresh="1h"))
        assert user(watched, bearing(signed(headers={"kid": "one"}))) == "42"

        def handler(exchange):
            exchange.read_body()
            asked.set()
            gate.wait()
            exchange.send(ok(jwk_set(PAIR.jwk(kid="one"), STRANGER.jwk(kid="two")).encode()))

        issuer.handler = handler
        data = bearing(signed(STRANGER, headers={"kid": "two"}))
        # Within the cooldown nobody is asked; those who come then leave as well.
        wait_until(lambda: watched.client().send(data) and asked.is_set(), watched.gateway.tail)
        clients = [watched.client().send(data) for _ in range(6)]
        for client in clients[:4]:
            client.reset()
        assert user(watched, bearing(signed(headers={"kid": "one"}))) == "42", "who needs no new key does not wait"
        gate.open()
        assert [client.read_response().status for client in clients[4:]] == [200, 200]


# -- names in certificates

class TlsOrigin(RawOrigin):
    """The same over TLS."""

    def __init__(self, certificate, private_key):
        super().__init__()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, private_key)

    def _serve(self, connection, number):
        try:
            connection = self._context.wrap_socket(connection, server_side=True)
        except OSError:
            pass  # refused in the handshake; reading what is left of it finds the end
        super()._serve(connection, number)


def certificate_for(pair, name, common_name="issuer"):
    """One that signs itself for exactly this DNS name: no command would put a NUL into it."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder(subject, subject, pair.private.public_key(), 1, now - DAY, now + DAY)
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    certificate = builder.add_extension(names, critical=False).sign(pair.private, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def published_over_tls(folder, *names):
    """An issuer with a certificate for these names, and a file to trust it by."""
    pair = KeyPair("ES256")
    certificate = _written(folder / "issuer.pem", certificate_for(pair, *names))
    with TlsOrigin(certificate, _written(folder / "issuer.key", pair.private_pem)) as issuer:
        issuer.handler = answering(ok(JWKS.encode()))
        yield issuer, {"url": f"https://localhost:{issuer.port}/keys", "ca": str(certificate)}


NAMES = {
    "a NUL and another name": ("localhost\0.evil.example", "issuer"),
    "a NUL": ("localhost\0", "issuer"),
    "a NUL in the common name": ("evil.example", "localhost\0.evil.example"),
    "the common name alone": ("evil.example", "localhost"),
    "another name": ("evil.example", "issuer"),
    "a name that ends the same": ("xlocalhost", "issuer"),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_cve_2025_66220_cve_2026_47778_a_name_with_a_nul_is_nobodys(watch, tmp_path, names):
    """Envoy compared the names of certificates up to the NUL only."""
    with published_over_tls(tmp_path, *names) as (issuer, key):
        assert_unavailable(watch(fetched(**key)), bearing(signed()))
        assert issuer.received and not issuer.requests, "it was called, and told nothing"


def test_cve_2025_66220_cve_2026_47778_the_name_without_it_is_the_issuers(watch, tmp_path):
    with published_over_tls(tmp_path, "localhost") as (_, key):
        assert user(watch(fetched(**key)), bearing(signed())) == "42"
