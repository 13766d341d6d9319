"""Tokens that are signed with a private key and verified with the public one: PEM, certificates, JWKs and sets of them."""

import json

import jwt
import pytest
import requests

from support import tokens
from support.gateway import TIMEOUT, jwt_authenticator, servers, sidegate
from support.key_pairs import KeyPair, jwk_set
from support.polling import wait_until
from support.raw import request
from support.token_makers import hmac_token

NOTICED = 4.5  # seconds in which a change of a file must have been noticed
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed448"]
FORMS = {
    "pem_file": lambda pair: pair.public_pem,
    "pem_file of a certificate": lambda pair: pair.certificate,
    "jwk_file": lambda pair: json.dumps(pair.jwk()),
    "jwks_file": lambda pair: jwk_set({"kty": "AKP"}, pair.jwk(kid="one")),
}
PAIRS = {algorithm: KeyPair(algorithm) for algorithm in ALGORITHMS}


def configuration(origin, *keys, algorithms):
    return {
        "upstreams": {"app": servers(origin.url)},
        "authenticators": {"staff": jwt_authenticator("unused", keys=list(keys), algorithms=algorithms)},
        "inject": {"X-User-Id": "{subject}"},
        "routes": [{"path": "/**", "authenticate": ["staff"], "upstream": "app"}],
    }


def ask(gateway, token):
    return gateway.ask(request("GET", "/", f"Authorization: Bearer {token}")).status


# -- every algorithm and every form of key

@pytest.fixture(scope="module")
def one_of_each(module_gateways, tmp_path_factory):
    """A gateway for each form of key file, with a key for each algorithm."""
    folder = tmp_path_factory.mktemp("keys")
    started = {}
    for form, text_of in FORMS.items():
        keys = []
        for algorithm, pair in PAIRS.items():
            path = folder / f"{form}-{algorithm}"
            path.write_text(text_of(pair))
            keys.append({form.split()[0]: str(path)})
        blocks = {
            "authenticators": {"staff": jwt_authenticator("unused", keys=keys, algorithms=[*ALGORITHMS[:-1]])},
            "upstreams": {"app": servers("http://127.0.0.1:1")},
            "routes": [{"path": "/**", "authenticate": ["staff"], "upstream": "app"}],
        }
        started[form] = module_gateways.start(blocks)
    return started


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS)
def test_tokens_of_pyjwt_are_verified(one_of_each, form, algorithm):
    """A token that is accepted comes as far as the application, of which there is none here."""
    gateway, pair = one_of_each[form], PAIRS[algorithm]
    good = pair.token()
    assert ask(gateway, good) == 502
    assert ask(gateway, tokens.last_bit_flipped(good)) == 401
    assert ask(gateway, tokens.tampered(good, user_id="1")) == 401
    assert ask(gateway, KeyPair(algorithm).token()) == 401, "signed by somebody else"
    assert ask(gateway, pair.token(lifetime=-10)) == 401
    assert ask(gateway, good) == 502


def test_the_caller_is_named_to_the_application(gateways, origin, tmp_path):
    (tmp_path / "issuer.pem").write_text(PAIRS["RS256"].public_pem)
    gateway = gateways.start(configuration(origin, {"pem_file": "issuer.pem"}, algorithms=["RS256"]))
    assert ask(gateway, PAIRS["RS256"].token(subject="4711")) == 200
    assert origin.requests[-1].get("X-User-Id") == "4711"


# -- attacks

@pytest.mark.parametrize("algorithms", [["RS256"], ["HS256", "RS256"]], ids=",".join)
def test_cve_2026_39999_a_public_key_is_never_the_secret_of_an_hmac(gateways, origin, tmp_path, algorithms):
    """`alg` of the token does not choose how a key is used."""
    pair = PAIRS["RS256"]
    (tmp_path / "issuer.pem").write_text(pair.public_pem)
    keys = [{"pem_file": "issuer.pem"}, {"secret": tokens.KEY}][:len(algorithms)]
    gateway = gateways.start(configuration(origin, *keys, algorithms=algorithms))
    assert ask(gateway, pair.token()) == 200
    for secret in (pair.public_pem, pair.public_pem.rstrip("\n"), json.dumps(pair.jwk()), pair.jwk()["n"], ""):
        for header in ({"alg": "HS256"}, {"alg": "RS256"}, {"alg": "HS256", "jwk": pair.jwk()}):
            assert ask(gateway, hmac_token(secret, tokens.claims(), **header)) == 401, header


def test_a_key_that_the_token_brings_along_proves_nothing(gateways, origin, tmp_path):
    (tmp_path / "issuer.pem").write_text(PAIRS["ES256"].public_pem)
    gateway = gateways.start(configuration(origin, {"pem_file": "issuer.pem"}, algorithms=["ES256"]))
    own = KeyPair("ES256")
    assert ask(gateway, own.token(headers={"jwk": own.jwk()})) == 401
    assert ask(gateway, own.token(headers={"x5c": ["".join(own.certificate.splitlines()[1:-1])]})) == 401


def test_only_the_algorithms_of_the_list_are_accepted(gateways, origin, tmp_path):
    (tmp_path / "issuer.pem").write_text(PAIRS["RS256"].public_pem)
    gateway = gateways.start(configuration(origin, {"pem_file": "issuer.pem"}, algorithms=["RS256"]))
    for algorithm in ("RS512", "PS256"):
        assert ask(gateway, tokens.token(PAIRS["RS256"].private, algorithm)) == 401
    assert ask(gateway, tokens.unsigned()) == 401


def test_cve_2022_21449_signatures_of_zeros_are_refused(gateways, origin, tmp_path):
    (tmp_path / "issuer.pem").write_text(PAIRS["ES256"].public_pem)
    gateway = gateways.start(configuration(origin, {"pem_file": "issuer.pem"}, algorithms=["ES256"]))
    for signature in (bytes(64), bytes(31) + b"\1" + bytes(31) + b"\1", b"\xff" * 64, b"0\6\2\1\0\2\1\0"):
        assert ask(gateway, tokens.unsigned({"alg": "ES256"}, tokens.encode(signature))) == 401


# -- rotation

def test_a_set_of_keys_that_changes_is_read_again(gateways, origin, tmp_path):
    """As an issuer rotates: the old key, both, the new one. No reload is asked for."""
    old, new = KeyPair("ES256"), KeyPair("RS256")
    file = tmp_path / "issuer.jwks"
    before, after = old.token(headers={"kid": "old"}), new.token(headers={"kid": "new"})
    file.write_text(jwk_set(old.jwk(kid="old")))
    gateway = gateways.start(configuration(origin, {"jwks_file": "issuer.jwks"}, algorithms=["ES256", "RS256"]))
    assert (ask(gateway, before), ask(gateway, after)) == (200, 401)

    for text, expected in ((jwk_set(old.jwk(kid="old"), new.jwk(kid="new")), (200, 200)),
                           (jwk_set(new.jwk(kid="new")), (401, 200))):
        file.write_text(text)
        wait_until(lambda wanted=expected: (ask(gateway, before), ask(gateway, after)) == wanted,
                   lambda wanted=expected: f"{wanted}\n{gateway.tail()}", NOTICED)

    file.write_text(new.private_pem)
    wait_until(lambda: gateway.metrics().total("sidegate_config_reloads_total", result="failure"),
               gateway.tail, NOTICED)
    assert ask(gateway, after) == 200, "the keys in use stay"
    assert not any(secret in gateway.stderr for secret in new.secrets())


def test_a_pem_is_replaced_with_a_reload(gateways, origin, tmp_path):
    old, new = KeyPair("RS256"), KeyPair("RS256")
    file = tmp_path / "issuer.pem"
    file.write_text(old.public_pem)
    gateway = gateways.start(configuration(origin, {"pem_file": "issuer.pem"}, algorithms=["RS256"]))
    file.write_text(new.public_pem)
    answer = requests.post(gateway.admin_url + "/reload", json={}, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    assert (ask(gateway, old.token()), ask(gateway, new.token())) == (401, 200)


# -- what operators see

def test_keys_have_names(gateways, origin, tmp_path):
    pair = PAIRS["ES256"]
    (tmp_path / "issuer.jwks").write_text(jwk_set(pair.jwk(kid="2026-11")))
    key = {"jwks_file": "issuer.jwks", "until": "2099-12-31T00:00:00Z"}
    gateway = gateways.start(configuration(origin, key, algorithms=["ES256"]))
    name = f"keys[0] (file {tmp_path}/issuer.jwks)"
    (staff,) = requests.get(gateway.admin_url + "/authenticators", timeout=TIMEOUT).json()["authenticators"]
    assert [each["name"] for each in staff["keys"]] == [name] and staff["algorithms"] == ["ES256"]
    assert gateway.metrics().total("sidegate_key_expiry_timestamp_seconds", authenticator="staff", key=name) > 0
    assert f'jwks_file: "{tmp_path}/issuer.jwks"' in requests.get(gateway.admin_url + "/config", timeout=TIMEOUT).text
    done = sidegate("explain", "--config", gateway.command[-1], "GET", "/",
                    "-H", "Authorization: Bearer " + pair.token(headers={"kid": "2026-11"}))
    assert f'made by {name} kid "2026-11"' in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["pem_file", "jwk_file"])
def test_private_keys_are_not_shown(tmp_path, form):
    """A PEM is refused; of a JWK the public half is used, with a warning."""
    pair = PAIRS["RS256"]
    (tmp_path / "issuer").write_text(pair.private_pem if form == "pem_file" else json.dumps(pair.jwk(private=True)))
    path = tmp_path / "sidegate.yaml"
    path.write_text(json.dumps({"version": 1, "listeners": {"public": {"address": "127.0.0.1:1"}},
                                "upstreams": {"app": servers("http://127.0.0.1:1")},
                                "authenticators": {"staff": jwt_authenticator("", keys=[{form: "issuer"}],
                                                                             algorithms=["RS256"])},
                                "routes": [{"path": "/**", "authenticate": ["staff"], "upstream": "app"}]}))
    done = sidegate("check", "--config", path, "--print")
    assert done.returncode == (2 if form == "pem_file" else 0), done.stderr
    assert "it holds a private key" in done.stderr
    assert ("warning: " in done.stderr) == (form == "jwk_file")
    pieces = [secret[at:at + 20] for secret in pair.secrets() for at in range(0, len(secret) - 20, 20)]
    assert not any(piece in done.stdout + done.stderr for piece in pieces)


# -- the commands

def mint(key, algorithm, *words):
    return sidegate("token", "mint", "--key", key, "--alg", algorithm, "--claims", '{"sub": "42"}', "--ttl", "1h", *words)


def verify(key, algorithm, token):
    return sidegate("token", "verify", "--key", key, "--alg", algorithm, token)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_minted_tokens_are_verified_by_us_and_by_pyjwt(tmp_path, name):
    pair = PAIRS[name]
    texts = {"private.pem": pair.private_pem, "private.jwk": json.dumps(pair.jwk(private=True, kid="one")),
             "public.pem": pair.public_pem, "public.jwk": json.dumps(pair.jwk()), "certificate.pem": pair.certificate,
             "set.json": jwk_set(pair.jwk())}
    for file, text in texts.items():
        (tmp_path / file).write_text(text)
    for signer in ("private.pem", "private.jwk"):
        minted = mint(tmp_path / signer, pair.algorithm)
        assert minted.returncode == 0, minted.stderr
        token = minted.stdout.strip()
        claims = jwt.decode(token, pair.private.public_key(), algorithms=[pair.algorithm])
        assert claims["sub"] == "42"
        assert jwt.get_unverified_header(token).get("kid") == ("one" if signer == "private.jwk" else None)
        for file in texts:
            done = verify(tmp_path / file, pair.algorithm, token)
            assert done.returncode == 0, file + done.stderr
            assert json.loads(done.stdout) == claims
            assert ("private key, which is not used" in done.stderr) == (file == "private.jwk")


@pytest.mark.parametrize("signer, algorithm, says", [
    ("public.pem", "ES256", "it holds a public key, which cannot sign"),
    ("public.jwk", "ES256", "the JWK is a public key, which cannot sign"),
    ("private.pem", "ES384", "the key is for ES256, not for ES384"),
    ("private.pem", "HS256", "the key is for ES256, not for HS256"),
    ("secret", "ES256", "the key is for HS256, HS384, HS512, not for ES256"),
])
def test_keys_that_cannot_sign(tmp_path, signer, algorithm, says):
    pair = PAIRS["ES256"]
    texts = {"public.pem": pair.public_pem, "public.jwk": json.dumps(pair.jwk()), "private.pem": pair.private_pem,
             "secret": tokens.KEY}
    (tmp_path / signer).write_text(texts[signer])
    done = mint(tmp_path / signer, algorithm)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_verify_takes_no_key_of_another_kind(tmp_path):
    (tmp_path / "public.pem").write_text(PAIRS["RS256"].public_pem)
    done = verify(tmp_path / "public.pem", "HS256", tokens.token())
    assert done.returncode == 2
    assert "a public key (RSA) is for RS256" in done.stderr
