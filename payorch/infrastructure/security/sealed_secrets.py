"""Secrets that have to be read again, encrypted with AES-256-GCM.

`AesSecretBox` derives its keys from texts of the settings. What it seals is: version (1 byte), key
id (1), nonce (12), ciphertext with its tag. `DataKey` is a random key of its own, which is kept
sealed by such a box; its key id has 4 bytes. What a secret is about is authenticated too, so that
it cannot be moved to another row. The key id says which key it was sealed with, so that a new one
can be introduced while the former still opens.
"""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from payorch.domain.errors import SecretUnreadable

VERSION = 1
DATA_VERSION = 2
NONCE_BYTES = 12
KEY_BYTES = 32

_HEAD = 2
_DATA_HEAD = 5


class AesSecretBox:
    """`purpose` gives keys that open nothing that was sealed for another purpose."""

    def __init__(self, secret_key: str, former_keys: Sequence[str] = (), *, purpose: str) -> None:
        keys = [_derived(key, purpose) for key in (secret_key, *former_keys)]
        self._key_id, self._key = keys[0]
        self._keys = keys

    def seal(self, secret: bytes, *, about: str) -> bytes:
        return _sealed(self._key, bytes((VERSION, self._key_id)), secret, about)

    def open(self, sealed: bytes, *, about: str) -> bytes:
        # Two keys may share an id: the tag tells which of them it was.
        if (opened := self._opened(self._keys, sealed, about)) is not None:
            return opened
        raise SecretUnreadable("The secret cannot be read with the keys of this installation.")

    def is_of_first_key(self, sealed: bytes, *, about: str) -> bool:
        """Whether it would still open without the former keys."""
        return self._opened(self._keys[:1], sealed, about) is not None

    def _opened(
        self, keys: Sequence[tuple[int, AESGCM]], sealed: bytes, about: str
    ) -> bytes | None:
        for key_id, key in keys:
            if sealed[:_HEAD] == bytes((VERSION, key_id)):
                opened = _opened(key, _HEAD, sealed, about)
                if opened is not None:
                    return opened
        return None


class DataKey:
    """One key of the table `data_keys`, unwrapped. The nonces are random: 2^32 are safe."""

    def __init__(self, key_id: int, key: bytes) -> None:
        self.id = key_id
        self._head = bytes((DATA_VERSION,)) + key_id.to_bytes(_DATA_HEAD - 1)
        self._key = AESGCM(key)

    def seal(self, secret: bytes, *, about: str) -> bytes:
        return _sealed(self._key, self._head, secret, about)

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Raises SecretUnreadable."""
        if sealed[:_DATA_HEAD] == self._head:
            opened = _opened(self._key, _DATA_HEAD, sealed, about)
            if opened is not None:
                return opened
        raise SecretUnreadable(
            "The data was changed, moved from another row, or sealed with another key."
        )


def data_key_id(sealed: bytes) -> int:
    """Of the data key that `sealed` says it was sealed with. Raises SecretUnreadable."""
    if len(sealed) < _DATA_HEAD or sealed[0] != DATA_VERSION:
        raise SecretUnreadable("The data is not of a shape that this release can read.")
    return int.from_bytes(sealed[1:_DATA_HEAD])


def _derived(secret_key: str, purpose: str) -> tuple[int, AESGCM]:
    """A key and its id, of which neither tells anything about the other."""
    info = b"payorch sealed secrets: " + purpose.encode()
    derived = HKDF(SHA256(), KEY_BYTES + 1, salt=None, info=info).derive(secret_key.encode())
    return derived[0], AESGCM(derived[1:])


def _sealed(key: AESGCM, head: bytes, secret: bytes, about: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return head + nonce + key.encrypt(nonce, secret, head + about.encode())


def _opened(key: AESGCM, head_bytes: int, sealed: bytes, about: str) -> bytes | None:
    body = head_bytes + NONCE_BYTES
    head, nonce = sealed[:head_bytes], sealed[head_bytes:body]
    try:
        return key.decrypt(nonce, sealed[body:], head + about.encode())
    except (InvalidTag, ValueError):
        return None
