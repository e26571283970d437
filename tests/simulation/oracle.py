"""What must be true when everything has come to rest. The providers' ledgers are the truth.

One exception runs through all of it: a provider that called a payment declined and captured it
all the same has lied, and nobody can know before it is asked again or says so itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from payorch.application.job_queue import LEASE_RAN_OUT
from payorch.application.payment_result import ResultKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Row

    from tests.simulation.account import Payment
    from tests.simulation.world import World

OPEN = {"started", "unknown", "requires_action", "pending"}


def judge(world: World) -> Iterator[str]:
    """Everything that is wrong, one sentence each."""
    yield from Judge(world).findings()


class Judge:
    def __init__(self, world: World) -> None:
        self._world = world
        self._payments: dict[str, list[Payment]] = defaultdict(list)
        for payment in world.providers.payments():
            self._payments[payment.reference].append(payment)
        self._attempts: dict[int, list[Row]] = defaultdict(list)
        for attempt in world.books.transactions():
            self._attempts[attempt.order_id].append(attempt)

    def findings(self) -> Iterator[str]:
        if self._world.books.has_alert("reconcile_broke"):
            yield "the reconciler broke on a transaction"
        yield from self._charges_without_attempt()
        yield from self._baskets()
        for order in self._world.books.orders():
            yield from self._order(order)
        yield from self._told()
        yield from self._surplus()
        yield from self._doubles()
        yield from self._refunds()
        for job in self._world.books.dead_jobs():
            if job.last_error != LEASE_RAN_OUT:
                yield f"a job died: {job.kind}, {job.last_error}"

    def _charges_without_attempt(self) -> Iterator[str]:
        known = {attempt.public_id for attempts in self._attempts.values() for attempt in attempts}
        for reference in self._payments:
            if reference not in known:
                yield f"{reference} is at a provider, but not in the books"

    def _baskets(self) -> Iterator[str]:
        """Each customer wanted one thing, whatever number of orders was made of it."""
        captured: dict[str, list[Payment]] = defaultdict(list)
        for attempts in self._attempts.values():
            for attempt in attempts:
                captured[attempt.submit_key.split(":")[0]] += self._captured(attempt)
        for shopper, payments in captured.items():
            honest = [payment for payment in payments if not (payment.is_lie or payment.is_double)]
            if len(honest) > 1:
                yield f"{shopper} was charged {len(honest)} times"

    def _order(self, order: Row) -> Iterator[str]:
        attempts = self._attempts[order.id]
        captured = [payment for attempt in attempts for payment in self._captured(attempt)]
        right = [p for p in captured if (p.amount, p.currency) == (order.amount_minor, "EUR")]
        has_lie = any(payment.is_lie for payment in captured)
        open_attempts = [attempt for attempt in attempts if attempt.status in OPEN]
        if len(open_attempts) > 1:
            yield f"{order.public_id} has {len(open_attempts)} open attempts"
        for attempt in open_attempts:
            yield from self._open(attempt)
        if open_attempts and order.status != "processing":
            yield f"{order.public_id} is {order.status} with an open attempt"
        if order.status == "processing" and not open_attempts:
            yield f"{order.public_id} is being processed by nobody"
        if order.public_id in self._world.cancelled and order.status != "cancelled":
            yield f"{order.public_id} was cancelled, and is {order.status}"
        if order.status == "paid":
            yield from self._paid(order, attempts, right)
        elif captured and not has_lie and not open_attempts:
            yield f"{order.public_id} is {order.status}, but was charged"

    def _paid(self, order: Row, attempts: list[Row], right: list[Payment]) -> Iterator[str]:
        """PAID by exactly the attempt that the provider has captured, at the right amount."""
        approved = [attempt for attempt in attempts if attempt.status in {"approved", "voided"}]
        if [attempt.id for attempt in approved] != [order.paid_transaction_id]:
            yield f"{order.public_id} is paid, but its attempts say otherwise"
        references = {attempt.public_id for attempt in approved}
        if not any(payment.reference in references for payment in right):
            yield f"{order.public_id} is paid, but nothing of its amount was captured"

    def _open(self, attempt: Row) -> Iterator[str]:
        """Only what cannot be proved may stay open, and then people know of it."""
        if attempt.status == "started":
            yield f"{attempt.public_id} is still started"
        elif self._is_provable(attempt):
            yield f"{attempt.public_id} is still {attempt.status}, but could be settled"
        elif attempt.review_since is None:
            yield f"{attempt.public_id} is {attempt.status}, and nobody is told"

    def _is_provable(self, attempt: Row) -> bool:
        """Whether the provider, asked as it documents, would say how the attempt ended."""
        can = self._world.providers.accounts[attempt.provider_code].capabilities
        payments = self._payments[attempt.public_id]
        if any(payment.is_wrong for payment in payments):
            # Another amount than was asked for is a case for finance.
            return False
        if not payments:
            return can.cancel_by_reference
        is_found = can.find_by_reference or attempt.provider_reference in {p.id for p in payments}
        is_final = all(not payment.is_open for payment in payments)
        if is_final:
            return is_found or can.cancel_by_reference
        return can.cancel_by_reference or (is_found and can.cancel_by_id)

    def _told(self) -> Iterator[str]:
        """Who was told that nothing was charged was not charged, in all honesty, later either."""
        charged = {
            attempt.submit_key
            for attempts in self._attempts.values()
            for attempt in attempts
            for payment in self._captured(attempt)
            if not payment.is_lie
        }
        for told in self._world.told:
            if told.kind in {ResultKind.DECLINED, ResultKind.NOT_CHARGED} and told.key in charged:
                yield f"{told.key} was told {told.kind}, and charged"

    def _surplus(self) -> Iterator[str]:
        """What was captured for an attempt that the books closed otherwise has gone back."""
        flags = {order.id: order.flag for order in self._world.books.orders()}
        in_review = self._given_back_by_people()
        for attempts in self._attempts.values():
            for attempt in attempts:
                if attempt.status in OPEN or attempt.status in {"approved", "voided"}:
                    continue
                for payment in self._captured(attempt):
                    can = self._world.providers.accounts[payment.account].capabilities
                    if payment.net == 0 or payment.id in self._world.webhooks.dropped:
                        continue
                    if payment.id in in_review:
                        continue
                    if can.refund or can.void:
                        yield f"{payment.id} was captured for a closed attempt, and kept"
                    elif flags[attempt.order_id] is None:
                        yield f"{payment.id} was captured for a closed attempt, and nobody is told"

    def _doubles(self) -> Iterator[str]:
        """What was captured beside the approval has gone back, and the approval itself has not."""
        guard = [r for r in self._world.books.refunds() if r.is_guard]
        guarded = {r.payment_reference for r in guard}
        in_review = self._given_back_by_people()
        # A provider may refuse to give back: then staff are told, and nobody can do more.
        refused = {r.payment_reference for r in guard if r.status == "failed"}
        for attempts in self._attempts.values():
            for attempt in attempts:
                if attempt.status not in {"approved", "voided"}:
                    continue
                if attempt.provider_reference in guarded:
                    yield f"{attempt.public_id} is approved by what goes back"
                for payment in self._captured(attempt):
                    can = self._world.providers.accounts[payment.account].capabilities
                    is_told = payment.id not in self._world.webhooks.dropped | in_review
                    is_kept = payment.net > 0 and payment.id != attempt.provider_reference
                    if is_kept and payment.id in refused:
                        if not self._world.books.has_alert("guard_refund_failed"):
                            yield f"{payment.id} was not taken back, and nobody is told"
                        continue
                    if is_kept and is_told and (can.refund or can.void):
                        yield f"{payment.id} was captured beside the approval, and kept"

    def _given_back_by_people(self) -> set[str]:
        """Charges of which nobody can prove whether the request to give them back arrived: it may
        not be sent twice, and staff are told (that only such are with them, `_refunds` sees).
        """
        return {
            refund.payment_reference
            for refund in self._world.books.refunds()
            if refund.is_guard and refund.status == "unknown" and refund.review_since is not None
        }

    def _refunds(self) -> Iterator[str]:
        """What the books say went back is what the provider gave back, to the cent."""
        given_back: dict[str, int] = defaultdict(int)
        unsettled: set[str] = set()
        for refund in self._world.books.refunds():
            if refund.status == "succeeded":
                given_back[refund.payment_reference] += refund.amount_minor
            elif refund.status != "failed":
                unsettled.add(refund.payment_reference)
                if self._is_refund_provable(refund):
                    yield f"{refund.public_id} is still {refund.status}, but could be settled"
                elif refund.review_since is None:
                    yield f"{refund.public_id} is {refund.status}, and nobody is told"
        for payment in self._world.providers.payments():
            booked = given_back[payment.id]
            if booked != payment.refunded and payment.id not in unsettled:
                yield f"{payment.refunded} of {payment.id} went back; the books say {booked}"

    def _is_refund_provable(self, refund: Row) -> bool:
        """Whether asking again, or sending it again under its key, tells how it ended."""
        account = self._world.providers.accounts[refund.provider_code]
        if account.has_keys or refund.kind == "void":
            return True
        is_known = any(r.reference == refund.public_id for r in account.refunds.values())
        return is_known and account.capabilities.find_by_reference

    def _captured(self, attempt: Row) -> list[Payment]:
        return [payment for payment in self._payments[attempt.public_id] if payment.captured]
