"""What has to hold after every step: the model, the books and the providers' ledgers agree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.simulation.machine.model import AMOUNT_MINOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

    from tests.simulation.account import Payment, Refund
    from tests.simulation.books import Books
    from tests.simulation.machine.model import ModelOrder
    from tests.simulation.scripted_providers import ScriptedProviders

OPEN_REFUNDS = {"started", "pending", "unknown"}


class Agreement:
    """The books as they are now, beside the providers' ledgers."""

    def __init__(self, books: Books, providers: ScriptedProviders) -> None:
        self._orders = {order.public_id: order for order in books.orders()}
        self._refunds = books.refunds()
        self._payments: dict[str, Payment] = {}
        by_reference: dict[str, list[Payment]] = defaultdict(list)
        self._given_back: dict[str, list[Refund]] = defaultdict(list)
        for account in providers.accounts.values():
            for payment in account.payments.values():
                self._payments[payment.id] = payment
                by_reference[payment.reference].append(payment)
            for refund in account.refunds.values():
                self._given_back[refund.reference].append(refund)
        self._captured: dict[int, list[Payment]] = defaultdict(list)
        for attempt in books.transactions():
            charged = [p for p in by_reference[attempt.public_id] if p.captured]
            self._captured[attempt.order_id] += charged

    def check(self, model: Iterable[ModelOrder]) -> None:
        for order in model:
            self._check_order(order)
        self._check_refunds()

    def check_at_rest(self, model: Iterable[ModelOrder]) -> None:
        """When everything has been decided and asked about, nothing is between two states."""
        for order in model:
            row = self._orders[order.id]
            assert (row.status == "paid") == (len(self._captured[row.id]) == 1)
            assert row.status != "processing"
        booked: dict[str, int] = defaultdict(int)
        for refund in self._refunds:
            if refund.status == "succeeded":
                booked[refund.payment_reference] += refund.amount_minor
            elif refund.status != "failed":
                self._check_only_people_can_end(refund)
        for payment in self._payments.values():
            assert payment.refunded == booked[payment.id]

    def status_of(self, order: ModelOrder) -> str:
        return str(self._orders[order.id].status)

    def _check_order(self, order: ModelOrder) -> None:
        row = self._orders[order.id]
        captured = len(self._captured[row.id])
        assert captured <= 1
        assert row.status != "paid" or captured == 1
        assert row.status not in {"failed", "pending", "expired", "cancelled"} or captured == 0
        assert order.status in {None, row.status}

    def _check_refunds(self) -> None:
        """Never more goes back than came in, and what is settled is so at the provider, too."""
        going_back: dict[str, int] = defaultdict(int)
        for refund in self._refunds:
            assert not refund.is_guard
            self._check_refund(refund)
            if refund.status != "failed":
                going_back[refund.payment_reference] += refund.amount_minor
        for reference, amount in going_back.items():
            payment = self._payments[reference]
            assert payment.refunded <= amount <= payment.captured == AMOUNT_MINOR
        known = {refund.public_id for refund in self._refunds}
        assert known >= self._given_back.keys()

    def _check_refund(self, refund: Row) -> None:
        if refund.kind == "void":
            is_voided = self._payments[refund.payment_reference].status == "voided"
            assert refund.status != "succeeded" or is_voided
            assert refund.status != "failed" or not is_voided
            return
        made = self._given_back.get(refund.public_id, [])
        assert len(made) <= 1
        ended = {(one.status, one.amount) for one in made}
        if refund.status == "succeeded":
            assert ended == {("succeeded", refund.amount_minor)}
        elif refund.status == "failed":
            assert ended <= {("failed", refund.amount_minor)}

    def _check_only_people_can_end(self, refund: Row) -> None:
        """A request got lost, and its key's time ran out before anybody could ask again."""
        assert refund.kind == "refund"
        assert refund.status == "unknown"
        assert refund.public_id not in self._given_back
