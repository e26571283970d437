"""After a restored backup: bring the books back to what the providers have really done.

The database has gone back in time, the providers have not. SAFE mode comes first, so that nobody
is charged again for what the books have forgotten. Everything may be run again, also after it
was killed in the middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from payorch.application.configuration import OperatingMode, OperatingModes
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock
from payorch.application.provider_books import ProviderBooks, Verdict, may_hold_money
from payorch.application.provider_gateway import ListedPayment
from payorch.application.record_outcome import OutcomeRecorder
from payorch.application.recover_refunds import RecoverRefunds
from payorch.application.recovery_book import RecoveryBook, Recreated, Touched
from payorch.application.resolve_transaction import Resolution, ResolveTransactionUseCase
from payorch.application.staff_reason import checked_reason
from payorch.domain.outcome import Approved, Declined, NotSent
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.transaction import TransactionId

SOURCE = "recover"
PAGE = 200
MAX_OPEN = 10_000
PASSES = 3
"""An order whose forgotten attempt came after one that is still open takes a second pass."""

WAIT_FOR_HOLDER_S = 45.0
"""Longer than any lease of a call: after that its holder is dead, and the lease has run out."""

PAUSE_S = 1.0


@dataclass(slots=True)
class RecoveryReport:
    """What was done and what is left. `unclear` names transactions and why nothing is known.

    `foreign`: listed payments that name no order of a payorch, which are none of its business.
    """

    compared: int = 0
    contradicted: int = 0
    settled: int = 0
    listed: int = 0
    recreated: int = 0
    orphans: int = 0
    unclear: dict[str, str] = field(default_factory=dict)
    not_listed: list[str] = field(default_factory=list)
    still_open: int = 0
    orphans_left: int = 0
    refunds_listed: int = 0
    refunds_recreated: int = 0
    refunds_settled: int = 0
    unclear_refunds: tuple[str, ...] = ()
    foreign: int = 0
    has_left_safe_mode: bool = False

    @property
    def is_clean(self) -> bool:
        """Nothing is open, and nothing is left unexplained."""
        return not (self.unclear or self.not_listed or self.still_open or self.orphans_left)


class RecoverLedgerUseCase:
    def __init__(
        self,
        *,
        modes: OperatingModes,
        book: RecoveryBook,
        providers: ProviderBooks,
        refunds: RecoverRefunds,
        resolve: ResolveTransactionUseCase,
        recorder: OutcomeRecorder,
        registry: PaymentMethodRegistry,
        clock: Clock,
        checkpoint: Checkpoint,
    ) -> None:
        self._modes = modes
        self._book = book
        self._providers = providers
        self._refunds = refunds
        self._resolve = resolve
        self._recorder = recorder
        self._registry = registry
        self._clock = clock
        self._checkpoint = checkpoint

    def execute(self, *, since: datetime, actor: str) -> RecoveryReport:
        """Enter SAFE mode, settle, compare and find again; SAFE mode stays.

        Raises LedgerUnavailable; run it again then.
        """
        self._modes.change(
            OperatingMode.SAFE,
            actor=actor,
            reason="The books are compared with the providers (payorch recover).",
            at=self._clock.now(),
        )
        self._checkpoint("safe_mode_entered")
        report = RecoveryReport()
        self._settle_open(report)
        # What went back already is known before a comparison asks for giving it back.
        self._find_refunds(since, report)
        self._compare(since, report)
        for _ in range(PASSES):
            blocked = self._find_forgotten(since, report)
            self._settle_open(report)
            if not blocked:
                break
            report.unclear.update(blocked)
        self._find_refunds(since, report)
        report.still_open = len(self._book.open_transactions(limit=MAX_OPEN))
        report.orphans_left = self._book.orphans_left()
        return report

    def finish(
        self, *, since: datetime, actor: str, force_because: str | None = None
    ) -> RecoveryReport:
        """One more run, and out of SAFE mode when it leaves nothing open or unexplained.

        `force_because` leaves it in any case, journalled. Raises ReasonRequired for an empty one.
        """
        reason = "Nothing is open or unexplained."
        if force_because is not None:
            reason = checked_reason(force_because)
        report = self.execute(since=since, actor=actor)
        if report.is_clean or force_because is not None:
            self._modes.change(
                OperatingMode.NORMAL, actor=actor, reason=reason, at=self._clock.now()
            )
            report.has_left_safe_mode = True
        return report

    def _settle_open(self, report: RecoveryReport) -> None:
        for transaction_id in self._book.open_transactions(limit=MAX_OPEN):
            if self._settled(transaction_id):
                report.settled += 1
            self._checkpoint("open_one_checked")

    def _settled(self, transaction_id: TransactionId) -> bool:
        give_up_at = self._clock.monotonic() + WAIT_FOR_HOLDER_S
        while True:
            resolution = self._resolve.execute(transaction_id)
            if resolution is not Resolution.HELD or self._clock.monotonic() >= give_up_at:
                return resolution in {Resolution.SETTLED, Resolution.GONE}
            self._clock.sleep(PAUSE_S)

    def _compare(self, since: datetime, report: RecoveryReport) -> None:
        """The closed ones, too: the provider may have gone on after the backup."""
        for touched in self._touched(since):
            transaction = touched.transaction
            if transaction.is_open:
                continue
            comparison = self._providers.compare(transaction)
            report.compared += 1
            match comparison.verdict:
                case Verdict.UNCLEAR:
                    report.unclear[transaction.id] = comparison.why
                case Verdict.VOIDED_THERE:
                    report.refunds_recreated += self._refunds.take_up_void(transaction)
                case Verdict.CONTRADICTS if comparison.answer is not None:
                    self._recorder.record_late(transaction.id, SOURCE, comparison.answer)
                    report.contradicted += 1
                case _:
                    pass
            self._checkpoint("one_compared")

    def _find_refunds(self, since: datetime, report: RecoveryReport) -> None:
        """Once more at the end, when the payments that they give back are in the books again."""
        for name in report.unclear_refunds:
            report.unclear.pop(name, None)
        found = self._refunds.execute(since)
        report.refunds_listed = found.listed
        report.refunds_recreated += found.recreated
        report.refunds_settled += found.settled
        report.unclear.update(found.unclear)
        report.unclear_refunds = tuple(found.unclear)

    def _touched(self, since: datetime) -> Iterator[Touched]:
        after = None
        while page := self._book.touched(since, after=after, limit=PAGE):
            yield from page
            after = page[-1].place

    def _find_forgotten(self, since: datetime, report: RecoveryReport) -> dict[str, str]:
        """Payments that only the provider knows. Returns those whose order is not free yet."""
        report.not_listed = []
        report.listed = report.foreign = 0
        blocked: dict[str, str] = {}
        for method in self._registry.configuration().methods:
            pages = self._providers.pages(method, since)
            if pages is None:
                report.not_listed.append(method.code)
                continue
            for page in pages:
                if page is None:
                    report.not_listed.append(method.code)
                    break
                report.listed += len(page)
                unknown = self._book.unknown_references([p.our_reference for p in page])
                for payment in page:
                    is_unknown = payment.our_reference in unknown
                    if payment.order_id is None:
                        report.foreign += is_unknown
                    elif is_unknown and may_hold_money(payment.outcome):
                        self._take_up(payment, method, report, blocked)
        for reference in report.unclear.keys() - blocked.keys():
            if report.unclear[reference] == Recreated.BUSY:
                del report.unclear[reference]
        return blocked

    def _take_up(
        self,
        payment: ListedPayment,
        method: PaymentMethodVO,
        report: RecoveryReport,
        blocked: dict[str, str],
    ) -> None:
        became = self._book.recreate(payment, method.code, at=self._clock.now())
        self._checkpoint("one_taken_up")
        match became:
            case Recreated.RECREATED:
                report.recreated += 1
            case Recreated.BUSY:
                blocked[payment.our_reference] = became
            case Recreated.CLOSED | Recreated.NO_ORDER:
                self._without_order(payment, method, became, report)
            case Recreated.KNOWN:
                pass

    def _without_order(
        self,
        payment: ListedPayment,
        method: PaymentMethodVO,
        became: Recreated,
        report: RecoveryReport,
    ) -> None:
        """Money of nobody we know is shown to staff; what is not money yet is stopped."""
        if not isinstance(payment.outcome, Approved):
            outcome = self._providers.cancel(method, payment)
            if isinstance(outcome, (NotSent, Declined)):
                return
            if not isinstance(outcome, Approved):
                report.unclear[payment.our_reference] = "open there, and of no order here"
                return
        note = f"Found by listing; {became.value}: {payment.order_id}."
        if self._book.keep_orphan(payment, method.code, note=note, at=self._clock.now()):
            report.orphans += 1
