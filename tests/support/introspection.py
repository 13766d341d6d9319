"""Whom introspection asks (RFC 7662): npm's oidc-provider, with a client for each way of proving who asks."""

import json
import pathlib

import requests

from support.asking import CLIENT_SECRET, INTROSPECT
from support.issuer import TIMEOUT, OidcProvider
from support.key_pairs import KeyPair, jwk_set

# The ways, as the configuration names them and as OpenID Connect does.
SECRET_METHODS = {"basic": "client_secret_basic", "form": "client_secret_post"}


class IntrospectedProvider(OidcProvider):
    """Gives out opaque tokens, says what they are and takes them back."""

    def __init__(self, folder, *keys, **options):
        pair = KeyPair("ES256")
        public_keys = json.loads(jwk_set(pair.jwk(kid="sidegate", alg="ES256", use="sig")))
        clients = [
            {"client_id": f"sidegate-{way}", "client_secret": CLIENT_SECRET, "token_endpoint_auth_method": method}
            for way, method in SECRET_METHODS.items()]
        clients.append({"client_id": "sidegate-private_key_jwt", "token_endpoint_auth_method": "private_key_jwt",
                        "token_endpoint_auth_signing_alg": "ES256", "jwks": public_keys})
        self._key_file = pathlib.Path(folder) / "sidegate.jwk"
        self._key_file.write_text(json.dumps(pair.jwk(private=True, kid="sidegate", alg="ES256")))
        super().__init__(folder, *keys, clients=clients, **options)
        self.introspection_url = self.url + INTROSPECT

    def client(self, way):
        """What a configuration says of who asks, and how it is proved."""
        proof = {"key_file": str(self._key_file)} if way == "private_key_jwt" else {"secret": CLIENT_SECRET}
        return {"id": f"sidegate-{way}", "auth": way, **proof}

    def opaque_token(self):
        return self.token(resource=None)

    def revoke(self, token):
        answer = requests.post(self.url + "/token/revocation", auth=self.CLIENT, data={"token": token}, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
