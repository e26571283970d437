"""Random API keys, and the keyed hash by which they are known again.

The hash is quick on purpose: a key has 256 random bits, which nobody tries out, and it is worked
out at each request. Its own key, derived from the secret key, makes a stolen table worth nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from payorch.domain.api_key import KeyMode
from payorch.domain.api_key_text import ID_LENGTH, SECRET_LENGTH, KeyText, base62

_SECRET_BITS = 256
_ID_BITS = 64
_NO_DIGEST = "0" * 64


class DerivedApiKeySecrets:
    """`earlier_secret_keys`: hashes that were made with them are still known."""

    def __init__(self, secret_key: str, earlier_secret_keys: Sequence[str] = ()) -> None:
        self._peppers = [_pepper(key) for key in (secret_key, *earlier_secret_keys)]

    def make(self, mode: KeyMode) -> KeyText:
        return KeyText.of(
            mode,
            base62(secrets.randbits(_ID_BITS), ID_LENGTH),
            base62(secrets.randbits(_SECRET_BITS), SECRET_LENGTH),
        )

    def digest_of(self, text: str) -> str:
        return _digest(self._peppers[0], text)

    def is_right(self, text: str, digest: str | None) -> bool:
        expected = digest or _NO_DIGEST
        # Every one is compared, so that it takes as long whichever of them fits.
        found = [hmac.compare_digest(_digest(pepper, text), expected) for pepper in self._peppers]
        return digest is not None and any(found)


def _pepper(secret_key: str) -> bytes:
    return hashlib.sha256(b"payorch api key:" + secret_key.encode()).digest()


def _digest(pepper: bytes, text: str) -> str:
    return hmac.new(pepper, text.encode(), "sha256").hexdigest()
