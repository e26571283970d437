"""Secrets that have to be read again, encrypted with AES-256-GCM by keys of the secret key.

A sealed secret is: version (1 byte), key id (1), nonce (12), ciphertext with its tag. What it is
about is authenticated too, so that a secret cannot be moved to another row. The key id says which
secret key it was sealed with, so that a new one can be introduced while the former still opens.
"""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from payorch.domain.errors import SecretUnreadable

VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32

_HEAD = 2


class AesSecretBox:
    """`purpose` gives keys that open nothing that was sealed for another purpose."""

    def __init__(self, secret_key: str, former_keys: Sequence[str] = (), *, purpose: str) -> None:
        keys = [_derived(key, purpose) for key in (secret_key, *former_keys)]
        self._key_id, self._key = keys[0]
        self._keys = keys

    def seal(self, secret: bytes, *, about: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        head = bytes((VERSION, self._key_id))
        return head + nonce + self._key.encrypt(nonce, secret, head + about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        head, nonce, rest = sealed[:_HEAD], sealed[_HEAD : _HEAD + NONCE_BYTES], sealed[14:]
        if len(head) == _HEAD and head[0] == VERSION:
            for key_id, key in self._keys:
                # Two keys may share an id: the tag tells which of them it was.
                if key_id == head[1] and (opened := _opened(key, nonce, rest, head, about)):
                    return opened
        raise SecretUnreadable("The secret cannot be read with the keys of this installation.")


def _derived(secret_key: str, purpose: str) -> tuple[int, AESGCM]:
    """A key and its id, of which neither tells anything about the other."""
    info = b"payorch sealed secrets: " + purpose.encode()
    derived = HKDF(SHA256(), KEY_BYTES + 1, salt=None, info=info).derive(secret_key.encode())
    return derived[0], AESGCM(derived[1:])


def _opened(key: AESGCM, nonce: bytes, rest: bytes, head: bytes, about: str) -> bytes | None:
    try:
        return key.decrypt(nonce, rest, head + about.encode())
    except (InvalidTag, ValueError):
        return None
