"""What an API key looks like: `po_live_<id>_<secret>_<checksum>`.

Secret scanners know it by how it begins. The checksum tells a mistyped or cut key from a wrong
one without a look into the database; it protects nothing, as anybody can work it out.
"""

import re
import zlib
from dataclasses import dataclass, field

from payorch.domain.api_key import KeyMode

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 8
SECRET_LENGTH = 43
"""32 random bytes in base 62."""

_CHECKSUM_LENGTH = 6
_LIKE_A_KEY = re.compile(r"po_(live|test)_")
_KEY = re.compile(
    rf"po_(live|test)_([0-9A-Za-z]{{{ID_LENGTH}}})_"
    rf"[0-9A-Za-z]{{{SECRET_LENGTH}}}_[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}}"
)


class MistypedKey(Exception):
    """The text was meant to be a key, but a part of it is missing or wrong."""


@dataclass(frozen=True, slots=True)
class KeyText:
    """The whole key, which must not be stored, logged or shown a second time."""

    mode: KeyMode
    id: str
    text: str = field(repr=False)

    @classmethod
    def of(cls, mode: KeyMode, id: str, secret: str) -> "KeyText":  # noqa: A002 - the key's own word
        begin = f"po_{mode}_{id}_{secret}"
        return cls(mode, id, f"{begin}_{_checksum(begin)}")


def read_key(text: str) -> KeyText | None:
    """The key that `text` is; None when it is something else. Raises MistypedKey."""
    if not _LIKE_A_KEY.match(text):
        return None
    match = _KEY.fullmatch(text)
    begin, _, checksum = text.rpartition("_")
    if match is None or _checksum(begin) != checksum:
        raise MistypedKey
    return KeyText(KeyMode(match[1]), match[2], text)


def base62(number: int, length: int) -> str:
    """`number` in exactly `length` digits; the highest ones are lost where they do not fit."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(begin: str) -> str:
    return base62(zlib.crc32(begin.encode()), _CHECKSUM_LENGTH)
