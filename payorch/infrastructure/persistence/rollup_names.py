"""Names of rows of the rollup, by which those who keep what they read know it again."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import RowMapping


def name_of(*tables: Sequence[RowMapping]) -> bytes:
    """The same for the same rows in any order, and for no others."""
    named = hashlib.blake2b(digest_size=16)
    for rows in tables:
        for line in sorted(repr(sorted(row.items())) for row in rows):
            named.update(line.encode())
        named.update(b"\n")
    return named.digest()
