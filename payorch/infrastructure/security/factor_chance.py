"""Secrets of authenticator apps and recovery codes, from the system's randomness."""

import hashlib
import secrets

from payorch.application.second_factor import RECOVERY_CODE_LENGTH
from payorch.domain.one_time_code import SECRET_BYTES
from payorch.infrastructure.system_clock import ID_ALPHABET

_GROUP = 4


class RandomFactorChance:
    def new_id(self) -> str:
        return f"sf_{secrets.token_hex(12)}"

    def new_secret(self) -> bytes:
        return secrets.token_bytes(SECRET_BYTES)

    def new_recovery_code(self) -> str:
        """80 bits in groups of four, such as "7k2m-x0pa-93tq-vd4h"."""
        letters = "".join(secrets.choice(ID_ALPHABET) for _ in range(RECOVERY_CODE_LENGTH))
        return "-".join(letters[i : i + _GROUP] for i in range(0, len(letters), _GROUP))

    def hash_of(self, recovery_code: str, *, staff: str) -> str:
        """Without a key: 80 bits cannot be tried, and a new secret key locks nobody out."""
        return hashlib.sha256(f"payorch recovery:{staff}:{recovery_code}".encode()).hexdigest()
