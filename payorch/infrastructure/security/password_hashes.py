"""Passwords hashed as Flask-Security checks them (presentation/backoffice/staff_login.py).

NFKD-normalized, Argon2id, no second secret - so a new PAYORCH_SECRET_KEY locks nobody out.
"""

import unicodedata

from argon2 import PasswordHasher


class Argon2PasswordHashes:
    """`hasher` is for tests, which need no strong hashes; the default is argon2-cffi's own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash_of(self, password: str) -> str:
        return self._hasher.hash(unicodedata.normalize("NFKD", password))
