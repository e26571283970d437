"""The search box: any id a person may hold in their hand, found by indexes alone.

Each place is asked by equality in a SELECT of its own. One OR over columns of several tables
would make either database read a whole table.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Select, union_all

MAX_SEARCH_LENGTH = 254


def keys_found(text: str, places: Sequence[tuple[Select[Any], Any]]) -> CompoundSelect[Any]:
    """The keys of all rows that `text` names, for an IN condition.

    `places` are pairs (selection of the keys, column to look into), each look indexed. Our ids and
    the e-mail addresses are stored in lower case, so a text in capitals finds them, too.
    """
    spellings = {text, text.lower()}
    return union_all(*(keys.where(column.in_(spellings)) for keys, column in places))


def cleaned(text: str) -> str:
    """What was pasted, without what came along: blanks, NUL, the brackets of a mail address."""
    return text.replace("\0", "").strip().strip("<>\"'").strip()[:MAX_SEARCH_LENGTH]
