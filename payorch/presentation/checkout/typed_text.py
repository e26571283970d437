"""What a text field keeps of what was typed."""

from __future__ import annotations

import unicodedata


def one_line(text: str | None) -> str:
    """`text` without control characters and outer spaces; inner runs of spaces become one.

    Control characters break receipts, exports and PostgreSQL (which refuses NUL), and nobody
    types them on purpose. Invisible direction marks could make a name read as another one.
    """
    kept = "".join(
        " " if character.isspace() else character
        for character in text or ""
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return " ".join(kept.split())
