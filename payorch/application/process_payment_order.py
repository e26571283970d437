"""Get an order paid: claim -> call -> record -> maybe the next provider.

The intent is committed before each call and no database connection is held during it. Another
provider is tried only after proof that the one before did not charge; an unknown outcome holds
the order. k attempts cost k+1 commits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from payorch.application.commands import PayOrder
from payorch.application.create_payment_order import CreatePaymentOrderUseCase
from payorch.application.decline_limits import DeclineGuard
from payorch.application.judge_outcome import Attempt, Judgement, OutcomeJudge
from payorch.application.payment_ledger import (
    ClaimLost,
    DuplicateKey,
    NewOrder,
    PayableOrder,
    PaymentLedger,
    StartedSubmission,
)
from payorch.application.payment_method_registry import (
    PaymentMethodRegistry,
    RoutingDecision,
    RoutingQuestion,
)
from payorch.application.payment_result import PaymentResult
from payorch.application.ports import Checkpoint, Clock, Ids
from payorch.application.provider_gateway import Answer, ChargeRequest, GatewayCatalog
from payorch.application.quick_resolution import QuickResolution
from payorch.application.record_outcome import OutcomeRecorder, Recorded
from payorch.application.replayed_submission import SubmissionReplay
from payorch.application.resolution_ladder import Step
from payorch.application.running_submission import (
    IntentBook,
    RunningSubmission,
    new_submission,
)
from payorch.application.written_order import WrittenOrder
from payorch.domain.errors import (
    LedgerUnavailable,
    NoProviderForOrder,
    OrderNotFound,
    PayorchError,
    TooManySubmissions,
)
from payorch.domain.outcome import NotSent, NotSentReason, Unknown
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import TransactionStatus

MIN_ATTEMPT_S = 1.0
"""With less than this left of the deadline no further provider is asked."""

MIN_TIMEOUT_S = 0.1
"""The first provider is always asked, however late the submission is."""


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    deadline_s: float
    max_submissions_per_hour: int


class ProcessPaymentOrderUseCase:
    def __init__(
        self,
        *,
        ledger: PaymentLedger,
        orders: CreatePaymentOrderUseCase,
        registry: PaymentMethodRegistry,
        gateways: GatewayCatalog,
        judge: OutcomeJudge,
        recorder: OutcomeRecorder,
        quick_resolution: QuickResolution,
        clock: Clock,
        ids: Ids,
        checkpoint: Checkpoint,
        return_url: Callable[[OrderId], str],
        on_bad_credentials: Callable[[str], None],
        tell_circuits: Callable[[], None],
        guard: DeclineGuard,
        limits: PaymentLimits,
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._registry = registry
        self._gateways = gateways
        self._judge = judge
        self._recorder = recorder
        self._quick_resolution = quick_resolution
        self._clock = clock
        self._ids = ids
        self._checkpoint = checkpoint
        self._return_url = return_url
        self._on_bad_credentials = on_bad_credentials
        self._tell_circuits = tell_circuits
        self._guard = guard
        self._limits = limits
        self._replay = SubmissionReplay(ledger)

    def execute(self, command: PayOrder) -> PaymentResult:
        """Pay, and say what came of it. A replay of the same key gets the stored answer.

        Raises OrderNotFound, OrderAlreadyPaid, OrderNotPayable, PaymentInProgress,
        IdempotencyKeyReused, NoProviderForOrder, TooManySubmissions, TooManyDeclines,
        CardNotAcceptedNow, PaymentsPaused and LedgerUnavailable; after each of them nothing was
        sent.
        """
        deadline = self._clock.monotonic() + self._limits.deadline_s
        payable, new_order = self._load(command)
        traces = self._guard.traces_of(command)
        try:
            self._require_payable(payable)
            customer = command.customer or payable.order.customer
            email = customer.email if customer else None
            allowed = self._guard.require_allowed(command, email, traces)
            decision = self._decide(command, payable, allowed.configuration_revision)
        except PayorchError as refusal:
            return self._replay.stored_or_raise(command, refusal)
        intents = IntentBook(command, decision, self._clock, self._ids, traces)
        started = self._start(command, payable, new_order, intents)
        if isinstance(started, PaymentResult):
            return started
        order = replace(
            payable.order,
            customer=command.customer or payable.order.customer,
            country=command.country or payable.order.country,
        )
        attempt = Attempt(order.id, started.order_key, started.submission_key, started.transaction)
        written = WrittenOrder(order, is_known=new_order is not None)
        return self._run(
            RunningSubmission(order, intents, deadline, attempt, written, allowed.card_retries)
        )

    def _load(self, command: PayOrder) -> tuple[PayableOrder, NewOrder | None]:
        if command.new_order is not None:
            new_order = self._orders.prepare(command.new_order)
            return PayableOrder(None, new_order.order, 0, 0, 0), new_order
        since = self._clock.now() - timedelta(hours=1)
        payable = None
        if command.order_id is not None:
            payable = self._ledger.load_payable(command.order_id, submissions_since=since)
        if payable is None:
            raise OrderNotFound("There is no such order.")
        return payable, None

    def _require_payable(self, payable: PayableOrder) -> None:
        payable.order.require_payable(self._clock.now())
        if payable.recent_submissions >= self._limits.max_submissions_per_hour:
            raise TooManySubmissions("This order was tried too often. Please come back later.")

    def _decide(
        self, command: PayOrder, payable: PayableOrder, configuration_revision: int
    ) -> RoutingDecision:
        customer = command.customer or payable.order.customer
        fields = customer.fields if customer is not None else {}
        instrument = command.instrument
        question = RoutingQuestion(
            money=payable.order.money,
            country=command.country or payable.order.country,
            filled_fields=frozenset(name for name, value in fields.items() if value),
            has_typed_card=instrument is not None,
            preferred_provider=command.preferred_provider,
            card_brand=instrument.brand if instrument else None,
            card_bin=instrument.routing_bin if instrument else None,
            order_id=payable.order.id,
        )
        decision = self._registry.decide(question, revision=configuration_revision)
        if not decision.candidates:
            reasons = {code: reason.value for code, reason in decision.left_out.items()}
            raise NoProviderForOrder("No payment method can take this order.", reasons=reasons)
        return decision

    def _start(
        self,
        command: PayOrder,
        payable: PayableOrder,
        new_order: NewOrder | None,
        intents: IntentBook,
    ) -> StartedSubmission | PaymentResult:
        """Commit 1, or the answer of whoever came first."""
        self._checkpoint("before_start")
        try:
            started = self._ledger.start(
                payable,
                new_order=new_order,
                customer=command.customer,
                country=command.country,
                submission=new_submission(command, payable, intents),
                intent=intents.intent(place=0, sequence=payable.last_sequence + 1),
            )
        except (DuplicateKey, ClaimLost):
            return self._replay.stored_or_in_progress(command, payable.order.id)
        self._checkpoint("after_start")
        return started

    def _run(self, submission: RunningSubmission) -> PaymentResult:
        while True:
            try:
                recorded = self._attempt(submission)
                if recorded is None:
                    return self._replay.stored_or_confirming(
                        submission.command, submission.order.id
                    )
            except LedgerUnavailable:
                # The answer is lost to the books for now, never to the customer as a failure.
                return submission.confirming()
            submission.note(recorded)
            if (result := submission.result_of(recorded)) is not None:
                return result
            submission.move_on(recorded.transaction)

    def _attempt(self, submission: RunningSubmission) -> Recorded | None:
        """One provider: call, record, and look again while the outcome is unknown."""
        request = submission.charge_request(self._return_url(submission.order.id))
        answer = self._charge(submission, request)
        judgement = self._judge.judge(submission.attempt, answer.outcome)
        recorded = self._record(submission, judgement, answer)
        # Only now: what other processes should know of the provider never delays the books.
        self._tell_circuits()
        if judgement.settlement.order_flag is not None:
            # The books hold only that it was wrong; what it said is for finance to see.
            self._recorder.keep_evidence(submission.attempt, "answer", answer, was_applied=False)
        if recorded is None or recorded.transaction.status is not TransactionStatus.UNKNOWN:
            return recorded
        submission.hold_unknown(recorded.transaction)
        return self._look_again(submission, request) or recorded

    def _charge(self, submission: RunningSubmission, request: ChargeRequest) -> Answer:
        method = submission.method
        self._checkpoint("before_call")
        answer = self._gateways.gateway_for(method).charge(
            request,
            timeout_s=min(method.timeout_s, max(submission.left_s(), MIN_TIMEOUT_S)),
            # With nobody left to ask, a suspected provider is better than a sure refusal.
            ignore_circuit=submission.is_last_candidate,
        )
        self._checkpoint("after_call")
        outcome = answer.outcome
        if isinstance(outcome, NotSent) and outcome.reason is NotSentReason.BAD_CREDENTIALS:
            self._on_bad_credentials(method.code)
        return answer

    def _look_again(self, submission: RunningSubmission, request: ChargeRequest) -> Recorded | None:
        """A settled outcome found within the page's budget, recorded; else None."""
        method = submission.method
        found = self._quick_resolution.resolve(
            self._gateways.gateway_for(method),
            method.capabilities,
            submission.attempt.transaction,
            request,
            deadline=submission.deadline,
        )
        if found is None:
            return None
        attempt = submission.attempt
        judgement = self._judge.judge(
            attempt, found.answer.outcome, was_looked_up=found.step is not Step.REPLAY
        )
        if isinstance(judgement.outcome, Unknown) or not judgement.is_legal:
            return None
        recorded = self._record(submission, judgement, found.answer)
        self._recorder.keep_evidence(
            attempt, found.step, found.answer, was_applied=recorded is not None
        )
        return recorded

    def _record(
        self, submission: RunningSubmission, judgement: Judgement, answer: Answer
    ) -> Recorded | None:
        next_intent = None
        submission.count_decline(judgement.outcome)
        if judgement.may_try_next and not submission.is_card_barred:
            next_intent = submission.next_intent(min_left_s=MIN_ATTEMPT_S)
        recorded = self._recorder.record(
            submission.attempt, judgement, latency_ms=answer.latency_ms, next_intent=next_intent
        )
        if judgement.verdict is not None:
            submission.remember(judgement.verdict)
        return recorded
