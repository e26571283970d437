"""Compare the books with the providers' own: what `payorch verify --providers` adds.

It only asks: nothing is changed here or at a provider. A provider's list comes first, because it
costs few calls and also names what the books do not know; what the list leaves in doubt, or does
not name, is asked for one by one, at ProviderBooks' gentle pace.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.provider_books import ProviderBooks, Verdict, compared, may_hold_money
from payorch.application.provider_gateway import Answer, ListedPayment
from payorch.application.recovery_book import Touched
from payorch.application.verify_ledger import Fact, Finding, finding
from payorch.domain.outcome import Approved
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.transaction import Transaction, TransactionId

PAGE = 200


class Discoveries(Protocol):
    """Told of what a comparison finds, as it finds it."""

    def contradicted(self, transaction_id: TransactionId, answer: Answer) -> None:
        """The provider says of a closed transaction what the books do not."""

    def charge_not_in_books(self, provider_code: str, payment: ListedPayment) -> None: ...


class ComparedBook(Protocol):
    """What of our books is held against the providers'. Every method raises LedgerUnavailable."""

    def touched(
        self, since: datetime, *, after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[Touched]:
        """Transactions that changed since then, open or not, in the order of their change."""

    def transactions(self, references: Sequence[str]) -> Mapping[str, Transaction]:
        """Those of our transactions that have one of these references of ours."""

    def noticed_charges(
        self, provider_code: str, provider_references: Sequence[str]
    ) -> frozenset[str]:
        """Those payments without a transaction that staff were already told of."""

    def has_kept_contradiction(self, transaction_id: TransactionId) -> bool:
        """Whether the books hold news of it that they could not apply: the guard and finance see
        to these, and the rules about the books themselves watch that they do.
        """


@dataclass(slots=True)
class ProviderComparison:
    """`listed` payments were read from lists, `asked` transactions were asked for one by one.

    Not `is_complete`: the time was over before everything was asked for.
    """

    listed: int = 0
    asked: int = 0
    is_complete: bool = True
    findings: list[Finding] = field(default_factory=list)


class VerifyProvidersUseCase:
    def __init__(
        self,
        book: ComparedBook,
        providers: ProviderBooks,
        registry: PaymentMethodRegistry,
        clock: Clock,
    ) -> None:
        self._book = book
        self._providers = providers
        self._registry = registry
        self._clock = clock

    def execute(
        self,
        *,
        since: datetime,
        limit: int,
        discoveries: Discoveries | None = None,
        budget_s: float | None = None,
    ) -> ProviderComparison:
        """Everything since then, at most `limit` findings of each kind, and at most `budget_s`
        long: what changed first is asked for first.

        Payments may be made meanwhile: what is open here is left to the reconciler, and a
        difference counts only when it is still there at a second look. Raises LedgerUnavailable.
        """
        ends_at_s = None if budget_s is None else self._clock.monotonic() + budget_s
        run = _Run(limit, discoveries, ends_at_s)
        for method in self._registry.configuration().methods:
            self._read_list(method, since, run)
        for transaction in self._touched(since):
            if run.is_time_up(self._clock):
                break
            if not transaction.is_open and transaction.id not in run.agreed:
                self._ask(transaction, run)
        return run.comparison

    def _read_list(self, method: PaymentMethodVO, since: datetime, run: "_Run") -> None:
        pages = self._providers.pages(method, since)
        if pages is None:
            run.find("provider_not_listed", method.code, why="it gives no list")
            return
        for page in pages:
            if page is None:
                run.find("provider_not_listed", method.code, why="it stopped answering")
                return
            if run.is_time_up(self._clock):
                return
            run.comparison.listed += len(page)
            self._read_page(method, page, run)

    def _read_page(
        self, method: PaymentMethodVO, page: Sequence[ListedPayment], run: "_Run"
    ) -> None:
        ours = self._book.transactions([payment.our_reference for payment in page])
        foreign = [
            payment
            for payment in page
            if payment.our_reference not in ours and may_hold_money(payment.outcome)
        ]
        for payment in page:
            transaction = ours.get(payment.our_reference)
            if transaction is not None and not transaction.is_open:
                answer = Answer(payment.outcome, 0, {})
                run.hear(transaction.id, compared(transaction, answer).verdict)
        if foreign:
            self._find_foreign(method, foreign, run)

    def _find_foreign(
        self, method: PaymentMethodVO, foreign: Sequence[ListedPayment], run: "_Run"
    ) -> None:
        noticed = self._book.noticed_charges(
            method.code, [payment.provider_reference for payment in foreign]
        )
        for payment in foreign:
            if payment.provider_reference not in noticed:
                is_charged = isinstance(payment.outcome, Approved)
                if is_charged and run.discoveries is not None:
                    run.discoveries.charge_not_in_books(method.code, payment)
                run.find(
                    "charge_not_in_books" if is_charged else "payment_not_in_books",
                    payment.provider_reference,
                    provider=method.code,
                    reference=payment.our_reference,
                    order=payment.order_id,
                    amount_minor=payment.amount_minor,
                    currency=payment.currency,
                )

    def _touched(self, since: datetime) -> Iterator[Transaction]:
        after = None
        while page := self._book.touched(since, after=after, limit=PAGE):
            yield from (touched.transaction for touched in page)
            after = page[-1].place

    def _ask(self, transaction: Transaction, run: "_Run") -> None:
        run.comparison.asked += 1
        # As it is now: it may have been voided since the list was read.
        fresh = self._book.transactions([transaction.id]).get(transaction.id, transaction)
        comparison = self._providers.compare(fresh)
        is_contradiction = comparison.verdict is Verdict.CONTRADICTS
        is_known = self._book.has_kept_contradiction(fresh.id)
        if is_contradiction and comparison.answer is not None:
            self._tell(run, fresh, comparison.answer, is_known=is_known)
        if comparison.verdict is Verdict.AGREES or is_known:
            return
        run.find(
            "provider_contradicts" if is_contradiction else "provider_unclear",
            fresh.id,
            provider=fresh.provider_code,
            here=fresh.status.value,
            why=comparison.why,
        )

    def _tell(
        self, run: "_Run", transaction: Transaction, answer: Answer, *, is_known: bool
    ) -> None:
        """A charge of ours is passed on each time: each is given back once, but there may be
        another one by now.
        """
        is_again_worth = not is_known or _is_charge_of(transaction, answer)
        if run.discoveries is not None and is_again_worth:
            run.discoveries.contradicted(transaction.id, answer)


def _is_charge_of(transaction: Transaction, answer: Answer) -> bool:
    outcome = answer.outcome
    return isinstance(outcome, Approved) and outcome.our_reference == transaction.id


class _Run:
    """`agreed` are transactions that their provider's list confirmed, and never doubted."""

    def __init__(
        self, limit: int, discoveries: Discoveries | None, ends_at_s: float | None
    ) -> None:
        self.discoveries = discoveries
        self._ends_at_s = ends_at_s
        self.comparison = ProviderComparison()
        self.agreed: set[str] = set()
        self._doubted: set[str] = set()
        self._limit = limit
        self._found: Counter[str] = Counter()

    def is_time_up(self, clock: Clock) -> bool:
        if self._ends_at_s is None or clock.monotonic() < self._ends_at_s:
            return False
        self.comparison.is_complete = False
        return True

    def hear(self, transaction_id: TransactionId, verdict: Verdict) -> None:
        """A list may name a reference twice, when it was charged twice."""
        if verdict is not Verdict.AGREES:
            self._doubted.add(transaction_id)
            self.agreed.discard(transaction_id)
        elif transaction_id not in self._doubted:
            self.agreed.add(transaction_id)

    def find(self, kind: str, subject: str, **facts: Fact) -> None:
        self._found[kind] += 1
        if self._found[kind] <= self._limit:
            self.comparison.findings.append(finding(kind, subject, **facts))
