"""Forgets who a customer was: on request, and after the time that the settings give.

Only of orders that are over: whoever still owes or is owed money has to be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from payorch.application.jobs import Job
from payorch.application.personal_data import Erasable, ErasureBook
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import OrderNotErasable, OrderNotFound
from payorch.domain.payment_order import OrderId

AT_ONCE = 100
BATCHES_PER_RUN = 100


@dataclass(frozen=True, slots=True)
class Erasure:
    """`refused` are orders that are not over, each with the reason."""

    erased: tuple[OrderId, ...]
    already: int
    refused: tuple[Erasable, ...]


class EraseCustomerUseCase:
    """`keep` None: for ever."""

    def __init__(self, book: ErasureBook, clock: Clock, *, keep: timedelta | None) -> None:
        self._book = book
        self._clock = clock
        self._keep = keep

    def of_order(self, order_id: OrderId, *, actor: str, reason: str) -> None:
        """Erasing it again changes nothing.

        Raises OrderNotFound, OrderNotErasable with the sentence why, and ReasonRequired.
        """
        why = checked_reason(reason)
        found = self._found(order_id)
        if found.is_erased:
            return
        if found.why_not is not None or not self._erase([order_id], actor, why):
            raise OrderNotErasable(found.why_not or "The order has changed meanwhile.")

    def of_email(self, email: str, *, actor: str, reason: str) -> Erasure:
        """All finished orders of this address. Raises ReasonRequired."""
        why = checked_reason(reason)
        found = self._book.of_email(email)
        wanted = [one.id for one in found if not one.is_erased and one.why_not is None]
        erased: list[OrderId] = []
        for start in range(0, len(wanted), AT_ONCE):
            erased += self._erase(wanted[start : start + AT_ONCE], actor, why)
        return Erasure(
            erased=tuple(erased),
            already=sum(one.is_erased for one in found),
            refused=tuple(one for one in found if not one.is_erased and one.why_not is not None),
        )

    def why_not(self, order_id: OrderId) -> str | None:
        """What keeps the order from being erased. Raises OrderNotFound."""
        found = self._found(order_id)
        return "It is erased already." if found.is_erased else found.why_not

    def handle(self, _job: Job) -> None:
        """Handler of ERASE_OLD_CUSTOMERS."""
        if self._keep is None:
            return
        reason = f"Kept for {self._keep.days} days, as the settings say."
        before = self._clock.now() - self._keep
        since = None
        for _ in range(BATCHES_PER_RUN):
            found = self._book.finished_before(before, since=since, limit=AT_ONCE)
            if not self._erase([order.id for order in found], "system", reason):
                return
            # What was erased before is not read again with each batch.
            since = found[-1].created_at

    def _erase(self, orders: Sequence[OrderId], actor: str, reason: str) -> Sequence[OrderId]:
        if not orders:
            return ()
        return self._book.erase(orders, actor=actor, reason=reason, at=self._clock.now())

    def _found(self, order_id: OrderId) -> Erasable:
        found = self._book.of_order(order_id)
        if found is None:
            raise OrderNotFound("There is no such order.")
        return found
