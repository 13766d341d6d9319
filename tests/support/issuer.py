"""Issuers of tokens: one that does as it is told, well or badly, and npm's oidc-provider.

    with Issuer(SigningKey("one")) as issuer:
        issuer.token(issuer.keys[0])      # a token that its key verifies
        issuer.keys = [SigningKey("two")] # a rotation
        issuer.reply = hang               # from now on
        issuer.calls                      # who asked for what, and when
"""

import contextlib
import datetime
import http.server
import ipaddress
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from dataclasses import dataclass

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.key_pairs import KeyPair, jwk_set
from support.peers import PEERS, is_listening
from support.polling import PATIENCE, wait_until
from support.ports import free_port
from support.process import Process

TIMEOUT = 10 * PATIENCE
AUDIENCE = "urn:service:tts"
ALGORITHMS = ["RS256", "ES256", "EdDSA"]
JWKS, DISCOVERY = "/jwks", "/.well-known/openid-configuration"


class SigningKey:
    """A key pair of an issuer, and the name that it is published by."""

    def __init__(self, kid, algorithm="ES256"):
        self.kid, self.pair = kid, KeyPair(algorithm)

    def jwk(self, private=False):
        return self.pair.jwk(private, kid=self.kid, alg=self.pair.algorithm, use="sig")


def issuer_authenticator(issuer_url, *keys, **more):
    """Takes the tokens of one issuer; `keys` are items of the configuration, such as {"jwks_url": …}."""
    return {"jwt": {
        "token": [{"bearer": "Authorization"}],
        "keys": list(keys),
        "algorithms": ALGORITHMS,
        "issuer": issuer_url,
        "audience": [AUDIENCE],
        **more,
    }}


# -- the one that does as it is told

@dataclass(frozen=True)
class Call:
    path: str
    at: float  # by time.monotonic()


class Issuer:
    """Publishes keys and a discovery document. Each answer ends its connection.

    `keys` are what it publishes: SigningKeys, or JWKs as dictionaries. `fields` go with the set of keys. `reply` is a
    function that gets the `_Exchange` in place of the usual answer, for every path, and `replies` has one for a path.
    With `tls`, an ssl.SSLContext, it speaks https and is known as `host`.
    """

    def __init__(self, *keys, tls=None, host="127.0.0.1"):
        self.keys, self.fields, self.calls = list(keys), {}, []
        self.reply, self.replies = None, {}
        self.problems = []  # exceptions of its threads are the test's, told when it stops
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self.jwks_url = self.url + JWKS
        self.stopped = threading.Event()
        self._tls, self._server = tls, None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Listens, on the same port each time."""
        self.stopped.clear()
        self._server = _Server(("127.0.0.1", self.port), self, self._tls)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self):
        """Nobody listens any more, and nothing under way is answered."""
        if not self.stopped.is_set() and self._server:
            self.stopped.set()
            self._server.shutdown()
            self._server.server_close()
        assert not self.problems, self.problems

    def token(self, key, **claims):
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "42", **claims}
        return key.pair.token(headers={"kid": key.kid}, **claims)

    def key_item(self, **more):
        """The item of a configuration's `keys`."""
        return {"jwks_url": self.jwks_url, **more}

    def authenticator(self, **more):
        """Fetches its keys; keyword arguments stand beside the URL."""
        return issuer_authenticator(self.url, self.key_item(**more))

    def calls_for(self, path):
        return [call for call in list(self.calls) if call.path == path]

    def wait_for_calls(self, count):
        """Waits until it was asked that often, since it began."""
        wait_until(lambda: len(self.calls) >= count, lambda: f"{count} calls of {self.url}: {self.calls}")

    def wait_until_rested(self, seconds):
        """Waits until the last call lies so far back."""
        wait_until(lambda: self.calls and time.monotonic() - self.calls[-1].at > seconds,
                   lambda: f"{seconds} s without a call of {self.url}")

    def documents(self):
        keys = [key if isinstance(key, dict) else key.jwk() for key in self.keys]
        metadata = {"issuer": self.url, "jwks_uri": self.jwks_url}
        return {JWKS: jwk_set(*keys).encode(), DISCOVERY: json.dumps(metadata).encode()}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, issuer, tls):
        super().__init__(address, _Exchange)
        self.issuer = issuer
        if tls:  # shaking hands belongs to the connection's own thread
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        """That the gateway went away, or did not like the certificate, is what some tests are about."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):
            self.issuer.problems.append(repr(problem))


class _Exchange(http.server.BaseHTTPRequestHandler):
    """One question, and what is done about it."""

    protocol_version = "HTTP/1.1"

    @property
    def issuer(self):
        return self.server.issuer

    def do_GET(self):
        issuer = self.issuer
        reply = issuer.reply or issuer.replies.get(self.path) or publish  # settled when the call counts
        issuer.calls.append(Call(self.path, time.monotonic()))
        self.close_connection = True
        reply(self)

    def answer(self, status, body=b"", length=None, **fields):
        """`length` is the one announced, where that is not the body's."""
        fields = {"Content-Length": len(body) if length is None else length, "Connection": "close", **fields}
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *words):  # noqa: A002 - the name is the base's
        pass


# -- what an issuer may do; each takes the _Exchange

def publish(exchange):
    """As a good one does."""
    body = exchange.issuer.documents().get(exchange.path)
    if body is None:
        return exchange.answer(404)
    return exchange.answer(200, body, Content_Type="application/json", **exchange.issuer.fields)


def describe(**other):
    """A discovery document that says something else; for its own path only."""

    def reply(exchange):
        told = {**json.loads(exchange.issuer.documents()[DISCOVERY]), **other}
        exchange.answer(200, json.dumps(told).encode(), Content_Type="application/json")

    return reply


def held(gate):
    """As a good one does, once the test opens the gate."""

    def reply(exchange):
        gate.wait()
        publish(exchange)

    return reply


def hang(exchange):
    """Takes the question and says nothing."""
    exchange.issuer.stopped.wait()


def fail(exchange):
    exchange.answer(500, b'{"error": "try later"}')


def talk_nonsense(exchange):
    exchange.answer(200, b"<html>Welcome to the login page</html>", Content_Type="text/html")


def stop_half_way(exchange):
    body = exchange.issuer.documents()[exchange.path]
    exchange.answer(200, body[:len(body) // 2], length=len(body))


def reset(exchange):
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(exchange.connection.detach())


def never_end_the_head(exchange):
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not exchange.issuer.stopped.wait(0.1):
        exchange.wfile.write(b"A: b\r\n")


def redirect_to(location):
    return lambda exchange: exchange.answer(302, Location=location)


# -- its certificates

class CertificateAuthority:
    """One of our own; `file` is its certificate as PEM."""

    def __init__(self, folder):
        self._folder, self._key = pathlib.Path(folder), ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of the tests")])
        self.file = self._folder / "ca.pem"
        self.file.write_bytes(self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0)))

    def server_context(self, host):
        """Of a server with a certificate for this name or address."""
        try:
            name = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        file = self._folder / f"{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + self._signed(subject, key, x509.SubjectAlternativeName([name])))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(self, subject, key, extension):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder(
            self._name, subject, key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(days=1), now + datetime.timedelta(days=1))
        signed = builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


# -- the real one

class OidcProvider(Process):
    """npm's oidc-provider. All its keys are published, and the first one signs. `clients` are further ones."""

    FOLDER = PEERS / "oidc_provider"
    CLIENT = ("worker", "the-secret-of-the-worker-which-nobody-guesses")

    def __init__(self, folder, *keys, port=None, lifetime=600, clients=()):
        assert (self.FOLDER / "node_modules").exists(), f"run: npm ci --prefix {self.FOLDER}"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.jwks_url = self.url + JWKS
        self._keys_file = pathlib.Path(folder) / f"oidc_provider-{self.port}.jwks"
        self._write(keys)
        clients_file = self._keys_file.with_suffix(".clients")
        clients_file.write_text(json.dumps(clients))
        super().__init__(["node", self.FOLDER / "server.mjs", self.port, self._keys_file, lifetime, clients_file],
                         folder, f"oidc_provider-{self.port}")

    def wait_until_listening(self):
        self.wait_ready(lambda: is_listening(self.port))
        return self

    def rotate(self, *keys):
        """Publishes these, and signs with the first from now on."""
        self._write(keys)
        self.send(signal.SIGHUP)
        wanted = [key.kid for key in keys]
        wait_until(lambda: self.published() == wanted, lambda: f"the keys {wanted}\n{self.tail()}")

    def published(self):
        return [key["kid"] for key in requests.get(self.jwks_url, timeout=TIMEOUT).json()["keys"]]

    def token(self, resource=AUDIENCE):
        """An access token for a service; without a resource it is none that says anything."""
        asked = {"grant_type": "client_credentials", **({"resource": resource, "scope": "read"} if resource else {})}
        answer = requests.post(self.url + "/token", auth=self.CLIENT, data=asked, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    @contextlib.contextmanager
    def suspended(self):
        """It takes connections, as its system does for it, and answers nothing."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def kill(self):
        self.send(signal.SIGKILL)
        self.wait()

    def _write(self, keys):
        self._keys_file.write_text(jwk_set(*(key.jwk(private=True) for key in keys)))
