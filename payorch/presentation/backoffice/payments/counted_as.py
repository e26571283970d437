"""The dashboard's counters as a filter of transactions, so that a mark leads to what it counts.

The same division as count_attempts makes (application/attempt_counts.py); a test holds the two
against each other.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from payorch.domain.decline_terms import DeclineClass
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.tables import TransactionRow
from payorch.presentation.backoffice.shell.exact_filters import ChoiceFilter, typed

FINISHED = "finished"
ANSWERED = "answered"

_is_customers = TransactionRow.decline_class == DeclineClass.CUSTOMER_DATA
_is_declined = TransactionRow.status == Status.DECLINED
_OPEN = (Status.STARTED, Status.REQUIRES_ACTION, Status.PENDING)

_CHARGED = sorted(CHARGED_TRANSACTION_STATUSES)
_other = aliased(TransactionRow)


def _neighbour(places: int) -> ColumnElement[bool]:
    """There is an attempt so many places further in the same submission."""
    return and_(
        _other.submission_id == TransactionRow.submission_id,
        _other.attempt_number == TransactionRow.attempt_number + places,
    )


def tried_after(provider_code: str) -> ColumnElement[bool]:
    """The attempt before it in the submission was at this provider."""
    return exists().where(_neighbour(-1), _other.provider_code == provider_code)


CONDITIONS: Mapping[str, tuple[str, ColumnElement[bool]]] = {
    FINISHED: ("Finished", typed(TransactionRow.status.not_in((*_OPEN, Status.UNKNOWN)))),
    ANSWERED: ("Answered or cut", typed(TransactionRow.latency_ms.is_not(None))),
    "charged": ("Approved, voided or not", typed(TransactionRow.status.in_(_CHARGED))),
    "ended": (
        "Not approved, and no other provider tried",
        and_(
            TransactionRow.status.not_in((*_CHARGED, *_OPEN, Status.UNKNOWN)),
            ~exists().where(_neighbour(1)),
        ),
    ),
    "unfinished": (
        "Open or unknown",
        typed(TransactionRow.status.in_((*_OPEN, Status.UNKNOWN))),
    ),
    "approved": ("Approved", typed(TransactionRow.status == Status.APPROVED)),
    "voided": ("Approved, then voided", typed(TransactionRow.status == Status.VOIDED)),
    "declined": ("Declined, for whatever reason", typed(_is_declined)),
    "declined_issuer": (
        "Declined, not for customer data",
        and_(_is_declined, or_(TransactionRow.decline_class.is_(None), ~_is_customers)),
    ),
    "declined_customer_data": ("Declined for customer data", and_(_is_declined, _is_customers)),
    "not_sent": ("Not sent", typed(TransactionRow.status == Status.NOT_SENT)),
    "unknown": ("Unknown", typed(TransactionRow.status == Status.UNKNOWN)),
    "abandoned": ("Abandoned", typed(TransactionRow.status == Status.ABANDONED)),
    "still_open": ("Open, not unknown", typed(TransactionRow.status.in_(_OPEN))),
}
"""By the name in the address: how it reads, and which transactions it means."""


def counted_as_filter() -> ChoiceFilter:
    return ChoiceFilter(
        name="counted",
        label="Counted as",
        choices=lambda: [(name, text) for name, (text, _) in CONDITIONS.items()],
        where=lambda name: CONDITIONS[name][1],
        is_extra=True,
    )
