"""How a member of the staff arranges the lists of the back office: for themselves only.

Columns and saved views are a convenience: they open nothing that the list would not show, and
are not journalled. A view keeps filters, never the text of a search: that may be a customer's
address, which is sealed where it is stored and would lie here in the clear.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.ports import Clock
from payorch.domain.errors import ListViewRefused

MAX_VIEWS = 20
"""Of one person for one list: more tabs than that nobody finds anything in."""

MAX_VIEW_NAME = 40
MAX_FILTERS_LENGTH = 2_000
"""All names and values of a view's filters together; a list has some twenty filters."""


@dataclass(frozen=True, slots=True)
class OwnView:
    """A name for a set of filters of one list, by the filters' names in the URL."""

    id: str
    name: str
    filters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OwnList:
    """`columns` None: the list's own."""

    columns: Sequence[str] | None
    views: Sequence[OwnView]


class OwnListBook(Protocol):
    """`staff` is an e-mail address; each method reaches what is theirs only."""

    def of(self, staff: str, list_name: str) -> OwnList:
        """Views by name; an empty arrangement for somebody without an account."""
        ...

    def show_columns(self, staff: str, list_name: str, columns: Sequence[str] | None) -> None: ...

    def save_view(
        self, staff: str, list_name: str, name: str, filters: Mapping[str, str], *, at: datetime
    ) -> None:
        """Raises ListViewRefused when the name is taken, or there are MAX_VIEWS already."""
        ...

    def rename_view(self, staff: str, list_name: str, view_id: str, name: str) -> None:
        """Raises ListViewRefused when the name is taken, or it is no view of theirs."""
        ...

    def delete_view(self, staff: str, list_name: str, view_id: str) -> None:
        """Raises ListViewRefused when it is no view of theirs."""
        ...


class ArrangeListsUseCase:
    def __init__(self, book: OwnListBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def of(self, staff: str, list_name: str) -> OwnList:
        return self._book.of(staff, list_name)

    def show_columns(self, staff: str, list_name: str, columns: Sequence[str] | None) -> None:
        """None: those that the list shows by itself, whatever these will be."""
        self._book.show_columns(staff, list_name, columns)

    def save_view(
        self,
        staff: str,
        list_name: str,
        name: str,
        filters: Mapping[str, str],
        *,
        reserved: Collection[str] = (),
    ) -> None:
        """`reserved` are the names of the list's own views. Raises ListViewRefused."""
        if not filters:
            raise ListViewRefused("Set a filter first: a view is a name for filters.")
        if sum(len(key) + len(value) for key, value in filters.items()) > MAX_FILTERS_LENGTH:
            raise ListViewRefused("These filters are too long to be saved.")
        checked = _checked_name(name, reserved)
        self._book.save_view(staff, list_name, checked, filters, at=self._clock.now())

    def rename_view(
        self,
        staff: str,
        list_name: str,
        view_id: str,
        name: str,
        *,
        reserved: Collection[str] = (),
    ) -> None:
        """Raises ListViewRefused."""
        self._book.rename_view(staff, list_name, view_id, _checked_name(name, reserved))

    def delete_view(self, staff: str, list_name: str, view_id: str) -> None:
        """Raises ListViewRefused when it is no view of theirs."""
        self._book.delete_view(staff, list_name, view_id)


def _checked_name(name: str, reserved: Collection[str]) -> str:
    """Printable, without doubled blanks. Raises ListViewRefused."""
    text = " ".join(
        "".join(c for c in name if c == " " or unicodedata.category(c)[0] != "C").split()
    )
    if not text:
        raise ListViewRefused("Give the view a name.")
    if len(text) > MAX_VIEW_NAME:
        raise ListViewRefused(f"A view's name has at most {MAX_VIEW_NAME} characters.")
    if text.casefold() in {it.casefold() for it in reserved}:
        raise ListViewRefused(f"The list has a view {text!r} of its own.")
    return text
