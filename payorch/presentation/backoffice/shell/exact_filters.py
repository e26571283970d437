"""Filters of a list: one name in the URL each, exact, and refused when they make no sense.

A filter never searches inside a text: `LIKE '%x%'` reads the whole table. A value that cannot be
right empties the list with a message, because a list that silently ignores a filter is misread.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement

from payorch.domain.errors import InvalidMoney
from payorch.domain.money import Money

MAX_TEXT_LENGTH = 254

Bound = Literal["from", "to"]


class InvalidFilter(Exception):
    """A filter's value that cannot be used; the message is for the person who set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactFilter(ABC):
    """`name` in the URL, `label` on the page. `is_extra` hides it under "More filters"."""

    name: str
    label: str
    is_extra: bool = False

    @abstractmethod
    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:
        """The rows that match; `others` are all filters that are set.

        Raises InvalidFilter.
        """

    def options(self) -> Sequence[tuple[str, str]] | None:
        """(value, label) of each choice; None for a field to type into."""
        return None

    @property
    def input_type(self) -> str:
        return "text"

    def text_of(self, value: str) -> str:
        """`value` as the chip shows it."""
        return dict(self.options() or ()).get(value, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFilter(ExactFilter):
    """One of a known set. `where` makes the condition, so that a choice may mean anything."""

    choices: Callable[[], Sequence[tuple[str, str]]]
    where: Callable[[str], ColumnElement[bool]]

    def options(self) -> Sequence[tuple[str, str]]:
        return self.choices()

    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:  # noqa: ARG002 - the others matter to amounts only
        known = self.options()
        if value not in {choice for choice, _ in known}:
            raise InvalidFilter(f"{self.label}: there is no {value!r}.")
        return self.where(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFilter(ExactFilter):
    """The whole text of one column."""

    column: Any

    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:  # noqa: ARG002 - the others matter to amounts only
        if len(value) > MAX_TEXT_LENGTH:
            raise InvalidFilter(f"{self.label}: this text is too long.")
        return typed(self.column == value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFilter(ExactFilter):
    """From a moment on, or up to before it; a time without a zone is UTC."""

    column: Any
    bound: Bound

    @property
    def input_type(self) -> str:
        return "datetime-local"

    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:  # noqa: ARG002 - the others matter to amounts only
        moment = self._parsed(value)
        return typed(self.column >= moment if self.bound == "from" else self.column < moment)

    def text_of(self, value: str) -> str:
        return f"{self._parsed(value):%Y-%m-%d %H:%M:%S} UTC"

    def _parsed(self, value: str) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
            in_utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidFilter(f"{self.label}: write a time such as 2026-03-01T12:30.") from None
        return in_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountFilter(ExactFilter):
    """An amount in major units, at least or at most; means nothing without a currency."""

    column: Any
    bound: Bound
    currency_filter: str = "currency"

    @property
    def input_type(self) -> str:
        return "text"

    def condition(self, value: str, others: Mapping[str, str]) -> ColumnElement[bool]:
        currency = others.get(self.currency_filter)
        if not currency:
            raise InvalidFilter(f"{self.label}: choose a currency as well.")
        try:
            amount_minor = Money.from_decimal_text(value, currency).amount_minor
        except InvalidMoney as error:
            raise InvalidFilter(f"{self.label}: {error}") from None
        if self.bound == "from":
            return typed(self.column >= amount_minor)
        return typed(self.column <= amount_minor)


def typed(condition: Any) -> ColumnElement[bool]:
    """A comparison of a column that came as Any, with the type that it has."""
    result: ColumnElement[bool] = condition
    return result
