"""Keys of staff sessions: random, and stored as a plain hash, because 256 bits cannot be tried."""

import hashlib
import secrets

KEY_BYTES = 32


class RandomSessionKeys:
    def new(self) -> str:
        return secrets.token_urlsafe(KEY_BYTES)

    def hash_of(self, key: str) -> str:
        return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
