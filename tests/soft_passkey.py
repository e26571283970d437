"""An authenticator without a device: it signs whatever it is asked to, as no honest one would.

The last is what the tests are about; the formats are those of WebAuthn level 2, sections 6.1 and
6.5, with ES256 and the attestation "none".
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
ORIGIN = "http://localhost:4321"
"""The settings' own default."""


def as_text(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass
class SoftPasskey:
    host: str = "localhost"
    origin: str = ORIGIN
    sign_count: int = 0
    verifies_user: bool = True
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def created(self, options):
        """The browser's answer to options to register."""
        numbers = self.key.public_key().public_numbers()
        public_key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        credential = (
            bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + public_key
        )
        attestation = {
            "fmt": "none",
            "attStmt": {},
            "authData": self._authenticator_data(HAS_CREDENTIAL) + credential,
        }
        return self._answer(
            clientDataJSON=as_text(self._client_data(options, "webauthn.create")),
            attestationObject=as_text(cbor2.dumps(attestation)),
            transports=["internal", "unheard-of"],
        )

    def used(self, options, *, counts=1):
        """The browser's answer to options to use it."""
        self.sign_count += counts
        client_data = self._client_data(options, "webauthn.get")
        data = self._authenticator_data()
        signature = self.key.sign(
            data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256())
        )
        return self._answer(
            clientDataJSON=as_text(client_data),
            authenticatorData=as_text(data),
            signature=as_text(signature),
        )

    def _client_data(self, options, kind):
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(told).encode()

    def _authenticator_data(self, flags=0):
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        return (
            hashlib.sha256(self.host.encode()).digest()
            + bytes([flags])
            + self.sign_count.to_bytes(4)
        )

    def _answer(self, **response):
        name = as_text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
