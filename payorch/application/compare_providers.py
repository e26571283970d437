"""The standing comparison with the providers' own books, and what is done about a difference.

`verify --providers` only says what it finds. Here a contradiction goes the way of every news that
comes late: a charge that the books have as none is given back by itself, an approval that the
provider denies is flagged for finance. Nothing else is written, and what was seen once is not
said again.
"""

from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.ports import Clock
from payorch.application.provider_gateway import Answer, ListedPayment
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.verify_providers import ProviderComparison, VerifyProvidersUseCase
from payorch.domain.transaction import TransactionId

SOURCE = "comparison"
SINCE = timedelta(hours=48)
"""Providers' charges that arrive later than this are seen by their webhooks and settlements."""

BUDGET_S = 300.0
"""A run that is not done by then leaves the rest to the next one: other work waits, too."""

MAX_FINDINGS = 50


class OrphanBook(Protocol):
    def keep_orphan(
        self, payment: ListedPayment, provider_code: str, *, note: str, at: datetime
    ) -> bool:
        """Show money without an order to staff, once. False when it was shown already."""


class CompareProvidersUseCase:
    def __init__(
        self,
        *,
        verify: VerifyProvidersUseCase,
        recorder: OutcomeRecorder,
        orphans: OrphanBook,
        clock: Clock,
    ) -> None:
        self._verify = verify
        self._recorder = recorder
        self._orphans = orphans
        self._clock = clock

    def execute(self) -> ProviderComparison:
        """Raises LedgerUnavailable; running it again is harmless."""
        return self._verify.execute(
            since=self._clock.now() - SINCE,
            limit=MAX_FINDINGS,
            discoveries=self,
            budget_s=BUDGET_S,
        )

    def contradicted(self, transaction_id: TransactionId, answer: Answer) -> None:
        self._recorder.record_late(transaction_id, SOURCE, answer)

    def charge_not_in_books(self, provider_code: str, payment: ListedPayment) -> None:
        """Another system may share the account: only what names an order of a payorch is told."""
        if payment.order_id is not None:
            note = f"Found by listing; its order: {payment.order_id}."
            self._orphans.keep_orphan(payment, provider_code, note=note, at=self._clock.now())
