"""The open transactions that are due: each is settled by the ladder or put off.

Workers enqueue one job for each, so that a silent provider keeps nobody else waiting; the command
goes through them itself, one after the other.

Any number of passes may run at once, on any number of machines; the lease keeps them apart. One
that breaks is reported and put off: it must not keep the others from being settled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from payorch.application.open_attempts import OpenAttempts
from payorch.application.resolve_transaction import Resolution, ResolveTransactionUseCase
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.transaction import TransactionId

ENQUEUED_PER_PASS = 500


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    checked: int
    settled: int
    still_open: int
    review: int
    broken: int


class ReconcileUseCase:
    def __init__(
        self,
        *,
        open_attempts: OpenAttempts,
        resolve: ResolveTransactionUseCase,
        alert: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        self._open_attempts = open_attempts
        self._resolve = resolve
        self._alert = alert

    def execute(self, limit: int = 100) -> ReconcileReport:
        """Check at most `limit` due transactions, the longest waiting first.

        Raises LedgerUnavailable: without the books there is nothing to go on with.
        """
        found = [
            self.check(transaction_id) for transaction_id in self._open_attempts.due(limit=limit)
        ]
        return ReconcileReport(
            checked=len(found),
            settled=found.count(Resolution.SETTLED) + found.count(Resolution.GONE),
            still_open=found.count(Resolution.STILL_OPEN) + found.count(Resolution.HELD),
            review=found.count(Resolution.REVIEW),
            broken=found.count(None),
        )

    def enqueue_due(self, limit: int = ENQUEUED_PER_PASS) -> int:
        """A job for each due transaction that has none, the longest waiting first; how many.

        Raises LedgerUnavailable.
        """
        return self._open_attempts.enqueue_due(limit=limit)

    def check(
        self, transaction_id: TransactionId, *, token: int | None = None
    ) -> Resolution | None:
        """One check, see ResolveTransactionUseCase. None when it broke, which staff are told."""
        try:
            return self._resolve.execute(transaction_id, token=token)
        except LedgerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must be settled
            facts = {"transaction": transaction_id, "error": type(error).__name__}
            self._alert("reconcile_broke", facts)
            return None
