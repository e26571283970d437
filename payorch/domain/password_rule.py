"""Which passwords are refused: short ones, common ones, and what anybody would guess of a person.

No composition is asked for, and no regular change: NIST SP 800-63B, 3.1.1.2, advises against both.
Generated passwords pass; this is about what people make up.
"""

import re
from collections.abc import Container, Iterator

MIN_PASSWORD_LENGTH = 12
"""PCI DSS 4.0.1, 8.3.6; security.md S14."""
MAX_PASSWORD_LENGTH = 128
"""What Flask-Security accepts; longer ones would only cost hashing time."""

_OWN_NAME = "payorch"
_SHORTEST_WORD = 3
"""Shorter parts of an address are in too many passwords by chance."""
_LONGEST_BEAT = 4
"""A text of this length is easily guessed, however often it is repeated."""
_LEFT_OVER = 8
"""What has to be left besides the words that everybody expects."""


def why_refused(password: str, *, email: str, common: Container[str]) -> str | None:
    """One sentence for the person who chose it; None: it may be used.

    `common` holds passwords in lower case, short ones too: they are looked for with the digits
    and signs that people put around them, and repeated.
    """
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters."
    text = password.casefold()
    if any(variant in common for variant in _variants(text)) or len(_unit(text)) <= _LONGEST_BEAT:
        return (
            "This password is one of the first that are tried: it is common, or a common one "
            "with digits or signs around it, or one repeated. Use several words, or let one be "
            "made up."
        )
    left = _without_expected(text, email.casefold())
    if left != text and (len(left) < _LEFT_OVER or any(one in common for one in _variants(left))):
        return (
            "This password is made of the e-mail address or of payorch's name: whoever guesses "
            "tries these first."
        )
    return None


def _variants(text: str) -> Iterator[str]:
    """What people turn into a long password: "Dragon-2026!" and "dragondragon" are "dragon"."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    for one in (text, bare):
        yield one
        yield _unit(one)


def _unit(text: str) -> str:
    """The shortest text that is repeated here."""
    return text[: (text + text).find(text, 1)] if text else text


def _without_expected(text: str, email: str) -> str:
    """Without the parts of the address and our own name; the longest are taken out first."""
    words = {_OWN_NAME, email, *re.split(r"[^\w]+|_", email)}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD:
            text = text.replace(word, "")
    return text
