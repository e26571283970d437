"""The search box: any id a person may hold in their hand, found by indexes alone.

Each place is asked by equality in a SELECT of its own. One OR over columns of several tables
would make either database read a whole table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Select, union_all

from payorch.presentation.services import services

MAX_SEARCH_LENGTH = 254


@dataclass(frozen=True, slots=True)
class Indexed:
    """A place that is found by one value only, not by what was typed."""

    keys: Select[Any]
    column: Any
    value: str


def by_email(keys: Select[Any], column: Any, text: str) -> Indexed:
    """A column with blind indexes of e-mail addresses."""
    return Indexed(keys, column, services().personal_data.email_index(text))


def keys_found(
    text: str, places: Sequence[tuple[Select[Any], Any] | Indexed]
) -> CompoundSelect[Any]:
    """The keys of all rows that `text` names, for an IN condition.

    `places` are pairs (selection of the keys, column to look into), each look indexed. Our ids and
    the e-mail addresses are stored in lower case, so a text in capitals finds them, too.
    """
    spellings = {text, text.lower()}
    return union_all(
        *(
            place.keys.where(place.column == place.value)
            if isinstance(place, Indexed)
            else place[0].where(place[1].in_(spellings))
            for place in places
        )
    )


def cleaned(text: str) -> str:
    """What was pasted, without what came along: blanks, NUL, the brackets of a mail address."""
    return text.replace("\0", "").strip().strip("<>\"'").strip()[:MAX_SEARCH_LENGTH]
