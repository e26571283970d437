"""What people of the staff do at one order besides giving money back: ask the provider now, be
through with a flag, write a note. Each is journalled with the reason they give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.open_attempts import OpenAttempts
from payorch.application.ports import Clock
from payorch.application.resolve_transaction import Checked, ResolveTransactionUseCase
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import NothingToCheck, ReasonRequired
from payorch.domain.outcome import Declined, NotSent, Unknown
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import Transaction, TransactionId

MAX_NOTE = 1000


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The transaction that was asked about, as it was before, and what the check came to."""

    transaction: Transaction
    checked: Checked


class OrderDesk(Protocol):
    """Every method is one transaction with its journal entry, and raises LedgerUnavailable."""

    def journal_check(
        self,
        transaction_id: TransactionId,
        *,
        facts: Mapping[str, object],
        actor: str,
        reason: str,
        at: datetime,
    ) -> None: ...

    def deal_with_flag(
        self, order_id: OrderId, *, seen_version: int, actor: str, note: str, at: datetime
    ) -> None:
        """Raises FlagNotOpen when the order has changed since that version or has no open flag."""

    def reopen_flag(self, order_id: OrderId, *, actor: str, reason: str, at: datetime) -> None:
        """Raises FlagNotOpen when no flag of the order was dealt with."""

    def add_note(
        self, order_id: OrderId, *, key: str, author: str, text: str, at: datetime
    ) -> None:
        """Raises OrderNotFound. With a key that exists already nothing is added."""


class WorkOnOrderUseCase:
    def __init__(
        self,
        *,
        desk: OrderDesk,
        open_attempts: OpenAttempts,
        resolve: ResolveTransactionUseCase,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._open_attempts = open_attempts
        self._resolve = resolve
        self._clock = clock

    def check_now(self, order_id: OrderId, *, actor: str, reason: str) -> CheckReport:
        """Ask the provider about the order's open transaction, as the reconciler would.

        Raises ReasonRequired and NothingToCheck.
        """
        why = checked_reason(reason)
        attempt = self._open_attempts.of_order(order_id)
        if attempt is None:
            raise NothingToCheck("This order has no open payment: it is settled already.")
        checked = self._resolve.check_order(order_id)
        self._desk.journal_check(
            attempt.transaction.id,
            facts=_facts(checked),
            actor=actor,
            reason=why,
            at=self._clock.now(),
        )
        return CheckReport(attempt.transaction, checked)

    def deal_with_flag(
        self, order_id: OrderId, *, seen_version: int, actor: str, note: str
    ) -> None:
        """Take the order off the queue; the flag stays. Raises ReasonRequired and FlagNotOpen."""
        self._desk.deal_with_flag(
            order_id,
            seen_version=seen_version,
            actor=actor,
            note=checked_reason(note),
            at=self._clock.now(),
        )

    def reopen_flag(self, order_id: OrderId, *, actor: str, reason: str) -> None:
        """Put the order back on the queue. Raises ReasonRequired and FlagNotOpen."""
        self._desk.reopen_flag(
            order_id, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )

    def add_note(self, order_id: OrderId, *, key: str, author: str, text: str) -> None:
        """Write it down for the others. `key` makes a second press of the button harmless.

        Raises ReasonRequired (it is empty or too long) and OrderNotFound.
        """
        note = text.strip()
        if not note:
            raise ReasonRequired("Write something first.")
        if len(note) > MAX_NOTE:
            raise ReasonRequired(f"A note has at most {MAX_NOTE} characters.")
        self._desk.add_note(order_id, key=key, author=author, text=note, at=self._clock.now())


def _facts(checked: Checked) -> Mapping[str, object]:
    """What was asked and answered, as the journal keeps it."""
    climb = checked.climb
    facts: dict[str, object] = {"resolution": checked.resolution.value}
    if climb is None:
        return facts
    facts["asked"] = climb.step.value
    if climb.answer is not None:
        outcome = climb.answer.outcome
        facts["answer"] = type(outcome).__name__
        if isinstance(outcome, (NotSent, Unknown)):
            facts["because"] = outcome.reason.value
        elif isinstance(outcome, Declined):
            facts["because"] = outcome.signal.code
    return facts
