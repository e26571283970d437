"""The providers that payorch itself has switched off, because they refused our credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, func, literal, select
from sqlalchemy.orm import Session, scoped_session

from payorch.infrastructure.persistence.tables.journal import JournalRow
from payorch.infrastructure.persistence.tables.payment_methods import PaymentMethodRow

PAYORCH = "system"
"""The actor of what payorch does by itself (wiring/payments.py)."""


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    code: str
    name: str
    since: datetime
    reason: str


# The newest entry about each provider, by the index of subject and id.
_LAST_SWITCH = (
    select(func.max(JournalRow.id))
    .where(JournalRow.subject == literal("payment_method:", String) + PaymentMethodRow.code)
    .correlate(PaymentMethodRow)
    .scalar_subquery()
)
_SWITCHED_OFF = (
    select(
        PaymentMethodRow.code,
        PaymentMethodRow.display_name,
        JournalRow.created_at,
        JournalRow.reason,
    )
    .join(JournalRow, JournalRow.id == _LAST_SWITCH)
    .where(PaymentMethodRow.is_enabled.is_(False), JournalRow.actor == PAYORCH)
    .order_by(PaymentMethodRow.code)
)


def switched_off_by_payorch() -> Select[Any]:
    """The keys of those providers, to count them; a person's own switch is no matter."""
    return _SWITCHED_OFF.with_only_columns(PaymentMethodRow.id, maintain_column_froms=True)


def switched_off_providers(session: Session | scoped_session[Any]) -> Sequence[SwitchedOff]:
    return [SwitchedOff(*row) for row in session.execute(_SWITCHED_OFF)]
