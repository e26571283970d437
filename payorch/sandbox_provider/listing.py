"""Pages of a list: all payments or refunds of an account, oldest first."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from payorch.sandbox_provider.api_errors import invalid

_MOST = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`created_after` as the ledger writes times, or nothing; `after` is the last id seen."""

    created_after: str
    after: str | None
    limit: int


def parse_page(args: Mapping[str, str]) -> PageRequest:
    """The page that a query string asks for; raises ApiRefusal 422 naming the field."""
    return PageRequest(
        created_after=_read_time(args.get("created_after")),
        after=args.get("after") or None,
        limit=_read_limit(args.get("limit")),
    )


def _read_time(text: str | None) -> str:
    if not text:
        return ""
    try:
        # An unescaped "+" of "+00:00" arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
        if at.tzinfo is not None:
            return at.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        pass
    raise invalid(
        "invalid_time", "A time such as 2030-01-31T12:00:00Z is needed.", param="created_after"
    )


def _read_limit(text: str | None) -> int:
    if text is None:
        return _MOST
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= _MOST:
        raise invalid("invalid_limit", f"1 to {_MOST} is needed.", param="limit")
    return int(text)


def page_statement(select: str, table: str) -> str:
    """For the values of `page_values`.

    In the order in which rows were written, and not of their times: a row that is written while
    somebody turns pages is then never behind them. The plus keeps SQLite from sorting instead.
    """
    return f"""{select} WHERE number > COALESCE((SELECT number FROM {table} WHERE id = ?), 0)
        AND +account = ? AND +created_at > ? ORDER BY number LIMIT ?"""


def page_values(account: str, page: PageRequest) -> tuple[object, ...]:
    # One more than asked for tells whether there is more.
    return page.after, account, page.created_after, page.limit + 1


def page_object(
    found: Sequence[Item], page: PageRequest, show: Callable[[Item], dict[str, object]]
) -> dict[str, object]:
    shown = [show(item) for item in found[: page.limit]]
    return {"data": shown, "has_more": len(found) > page.limit}
