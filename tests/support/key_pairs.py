"""Key pairs made by the package cryptography, in the forms that key files have."""

import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from support import tokens

_CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


class KeyPair:
    """The two halves for an algorithm: `Ed448` stands for EdDSA with that curve."""

    def __init__(self, algorithm, bits=2048):
        self.algorithm = "EdDSA" if algorithm.startswith("Ed") else algorithm
        if algorithm in _CURVES:
            self.private = ec.generate_private_key(_CURVES[algorithm]())
        elif algorithm == "Ed448":
            self.private = ed448.Ed448PrivateKey.generate()
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, bits)

    def token(self, **options):
        """One by PyJWT; keyword arguments are those of `tokens.token`."""
        return tokens.token(self.private, self.algorithm, **options)

    @property
    def public_pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def private_pem(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    @property
    def certificate(self):
        """One that signs itself, and expired long ago."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
        builder = x509.CertificateBuilder(
            name, name, self.private.public_key(), 1, datetime.datetime(2001, 1, 1), datetime.datetime(2002, 1, 1))
        hashes_itself = self.algorithm == "EdDSA"
        signed = builder.sign(self.private, None if hashes_itself else hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def jwk(self, private=False, **more):
        """Its JSON Web Key; keyword arguments are more members."""
        numbers = self.private.private_numbers() if hasattr(self.private, "private_numbers") else None
        if numbers is None:
            encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
            public = self.private.public_key().public_bytes(encoding, form)
            secret = self.private.private_bytes(encoding, serialization.PrivateFormat.Raw, serialization.NoEncryption())
            members = {"kty": "OKP", "crv": "Ed25519" if len(public) == 32 else "Ed448", "x": tokens.encode(public)}
            secrets = {"d": tokens.encode(secret)}
        elif hasattr(numbers, "private_value"):
            size = (self.private.curve.key_size + 7) // 8
            point = numbers.public_numbers
            members = {"kty": "EC", "crv": f"P-{self.private.curve.key_size}",
                       "x": _number(point.x, size), "y": _number(point.y, size)}
            secrets = {"d": _number(numbers.private_value, size)}
        else:
            members = {"kty": "RSA", "n": _number(numbers.public_numbers.n), "e": _number(numbers.public_numbers.e)}
            secrets = {name: _number(value) for name, value in (
                ("d", numbers.d), ("p", numbers.p), ("q", numbers.q),
                ("dp", numbers.dmp1), ("dq", numbers.dmq1), ("qi", numbers.iqmp))}
        return {**members, **(secrets if private else {}), **more}

    def secrets(self):
        """Texts of which no piece may be shown."""
        jwk = self.jwk(private=True)
        body = "".join(self.private_pem.splitlines()[1:-1])
        return [body] + [value for name, value in jwk.items() if name not in self.jwk()]


def jwk_set(*keys):
    return json.dumps({"keys": list(keys)})


def _number(value, size=None):
    return tokens.encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))
