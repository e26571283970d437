"""Finds parts of an order's money that one person alone asked for beyond the limit of a day.

The lock of the order keeps them within it (refund_opening.py). When each was asked for, and in
which order, is read from the journal: its ids are given as the transactions commit. What has no
entry there is found by another rule.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import RowMapping, func, literal, select

from payorch.domain.second_person import AskedFor, beyond_one_person
from payorch.infrastructure.persistence.payment_check_statements import moment
from payorch.infrastructure.persistence.refund_check_statements import is_agreed, moves_money
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow, RefundRow

_ABOUT_ORDER = "order:"
_TRIES = ("refund_requested", "refund_retried")

_of_staff = (RefundRow.asked_by_staff, ~RefundRow.is_guard, moves_money)
_touched = (
    select(OrderRow.id)
    .join(JournalRow, OrderRow.public_id == func.substr(JournalRow.subject, len(_ABOUT_ORDER) + 1))
    .where(JournalRow.action.in_(_TRIES), JournalRow.created_at >= moment("since"))
)
# Only these can have passed it; in a healthy shop they are few, and of two people each.
_large = (
    select(RefundRow.order_id)
    .where(*_of_staff, RefundRow.order_id.in_(_touched))
    .group_by(RefundRow.order_id)
    .having(func.sum(RefundRow.amount_minor) > func.min(RefundRow.one_person_limit_minor))
)
tries = (
    select(
        RefundRow.order_id,
        RefundRow.public_id,
        RefundRow.amount_minor,
        RefundRow.one_person_limit_minor,
        JournalRow.created_at.label("at"),
        is_agreed.label("has_two"),
    )
    .join(OrderRow, OrderRow.id == RefundRow.order_id)
    .join(
        JournalRow,
        (JournalRow.subject == literal(_ABOUT_ORDER) + OrderRow.public_id)
        & JournalRow.action.in_(_TRIES)
        & (JournalRow.after["refund"].as_string() == RefundRow.public_id),
    )
    .where(*_of_staff, RefundRow.order_id.in_(_large))
    .order_by(RefundRow.order_id, JournalRow.id)
)
"""Each try of each refund of the orders that are worth a look."""


def parts_beyond_limit(rows: Any) -> Iterator[tuple[AskedFor, int]]:
    """Of the rows of `tries`. A refund that is too large by itself is found by another check."""
    for _, of_order in groupby(rows, lambda row: row["order_id"]):
        for one, asked_minor in beyond_one_person(list(_last_tries(of_order).values())):
            if one.amount_minor <= (one.limit_minor or 0):
                yield one, asked_minor


def _last_tries(rows: Iterator[RowMapping]) -> dict[str, AskedFor]:
    """In the order of the last try of each."""
    last: dict[str, AskedFor] = {}
    for row in rows:
        name = row["public_id"]
        last.pop(name, None)
        last[name] = AskedFor(
            name,
            row["amount_minor"],
            row["at"],
            row["one_person_limit_minor"],
            has_two=bool(row["has_two"]),
        )
    return last
