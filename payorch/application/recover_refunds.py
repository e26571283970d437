"""After a restored backup: find the refunds and voids that the books have forgotten.

Without them the same money would be given back once more. Runs in SAFE mode, where their ladder
only asks. Everything may be run again.
"""

from dataclasses import dataclass, field
from datetime import datetime

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock, Ids
from payorch.application.provider_books import ProviderBooks
from payorch.application.recovery_book import RecoveryBook, RecreatedRefund
from payorch.application.refund_gateway import ListedRefund
from payorch.application.resolve_refund import RefundResolution, ResolveRefund
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.transaction import Transaction

MAX_OPEN = 10_000


@dataclass(slots=True)
class RefundRecovery:
    """What was done. `unclear` names refunds at the provider that the books cannot take."""

    listed: int = 0
    recreated: int = 0
    settled: int = 0
    unclear: dict[str, str] = field(default_factory=dict)


class RecoverRefunds:
    def __init__(
        self,
        *,
        book: RecoveryBook,
        providers: ProviderBooks,
        resolve: ResolveRefund,
        registry: PaymentMethodRegistry,
        clock: Clock,
        ids: Ids,
        checkpoint: Checkpoint,
    ) -> None:
        self._book = book
        self._providers = providers
        self._resolve = resolve
        self._registry = registry
        self._clock = clock
        self._ids = ids
        self._checkpoint = checkpoint

    def execute(self, since: datetime) -> RefundRecovery:
        """List, recreate and settle. Raises LedgerUnavailable; run it again then.

        Methods that cannot be asked for a list are the payments' part of the report.
        """
        found = RefundRecovery()
        for method in self._registry.configuration().methods:
            for page in self._providers.refund_pages(method, since) or ():
                if page is None:
                    found.unclear[method.code] = "its refunds could not be listed to the end"
                    break
                found.listed += len(page)
                self._take_up(page, method, found)
        for refund_id in self._book.open_refunds(limit=MAX_OPEN):
            if self._resolve.execute(refund_id) is RefundResolution.SETTLED:
                found.settled += 1
            self._checkpoint("open_refund_checked")
        return found

    def take_up_void(self, transaction: Transaction) -> bool:
        """The provider has voided what is approved here. False when its void is known."""
        return self._book.recreate_void(transaction, self._ids.refund_id(), at=self._clock.now())

    def _take_up(
        self, page: tuple[ListedRefund, ...], method: PaymentMethodVO, found: RefundRecovery
    ) -> None:
        unknown = self._book.unknown_refunds([refund.our_reference for refund in page])
        for refund in page:
            if refund.our_reference not in unknown or refund.has_failed:
                continue
            became = self._book.recreate_refund(refund, method.code, at=self._clock.now())
            self._checkpoint("refund_taken_up")
            if became is RecreatedRefund.RECREATED:
                found.recreated += 1
            elif became not in {RecreatedRefund.KNOWN, RecreatedRefund.FOREIGN}:
                found.unclear[f"{method.code} {refund.provider_reference}"] = became.value
