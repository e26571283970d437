"""One press of "Pay" while it runs: what was asked, what routing decided, where it stands."""

from dataclasses import dataclass, replace

from payorch.application.commands import PayOrder
from payorch.application.decline_limits import CardRetries, Traces
from payorch.application.judge_outcome import Attempt
from payorch.application.payment_ledger import (
    CandidateRecord,
    Intent,
    LeftOutRecord,
    NewSubmission,
    PayableOrder,
)
from payorch.application.payment_method_registry import RoutingDecision
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.application.ports import Clock, Ids
from payorch.application.provider_gateway import ChargeRequest
from payorch.application.record_outcome import Recorded
from payorch.application.written_order import WrittenOrder
from payorch.domain.decline_verdict import DeclineVerdict
from payorch.domain.outcome import Declined, Outcome
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.payment_order import PaymentOrder
from payorch.domain.retry_caps import PastDecline
from payorch.domain.routing_policy import Ranked
from payorch.domain.transaction import Transaction

LEASE_MARGIN_S = 5.0
"""A lease outlives its call by this much before the reconciler may take over."""


def new_submission(
    command: PayOrder, payable: PayableOrder, intents: "IntentBook"
) -> NewSubmission:
    """The submission as it is stored: its key, and why each provider is tried or left out."""
    decision = intents.decision
    return NewSubmission(
        idempotency_key=command.idempotency_key,
        request_hash=command.request_hash,
        number=payable.last_submission_number + 1,
        preferred_provider=command.preferred_provider,
        policy_version=decision.policy_version,
        routing_rule=decision.rule_name,
        candidates=tuple(
            CandidateRecord(c.provider_code, c.because.value, c.propensity)
            for c in decision.candidates
        ),
        left_out=tuple(
            LeftOutRecord(code, reason.value) for code, reason in decision.left_out.items()
        ),
        language=command.language,
        client_hash=intents.traces.client_hash,
        trial=decision.trial,
    )


@dataclass(frozen=True, slots=True)
class IntentBook:
    """Makes the intents of one submission: one per candidate, in their order."""

    command: PayOrder
    decision: RoutingDecision
    clock: Clock
    ids: Ids
    traces: Traces

    def intent(self, *, place: int, sequence: int, left_s: float | None = None) -> Intent:
        """The attempt at candidate number `place`; `left_s` is what the deadline leaves it."""
        candidate = self.decision.candidates[place]
        timeout_s = self.decision.methods[candidate.provider_code].timeout_s
        instrument = self.command.instrument
        return Intent(
            id=self.ids.transaction_id(),
            provider_code=candidate.provider_code,
            chosen_because=candidate.because.value,
            sequence=sequence,
            attempt_number=place + 1,
            started_at=self.clock.now(),
            lease_s=min(timeout_s, left_s or timeout_s) + LEASE_MARGIN_S,
            card=instrument.summary() if instrument is not None else None,
            card_fingerprint=self.traces.card_fingerprint,
        )


@dataclass(slots=True)
class RunningSubmission:
    """`place` is the candidate being tried, `deadline` in monotonic seconds."""

    order: PaymentOrder
    intents: IntentBook
    deadline: float
    attempt: Attempt
    written: WrittenOrder
    card_retries: CardRetries
    place: int = 0

    @property
    def command(self) -> PayOrder:
        return self.intents.command

    @property
    def candidate(self) -> Ranked:
        return self.intents.decision.candidates[self.place]

    @property
    def is_last_candidate(self) -> bool:
        return self.place + 1 == len(self.intents.decision.candidates)

    @property
    def method(self) -> PaymentMethodVO:
        return self.intents.decision.methods[self.candidate.provider_code]

    @property
    def is_card_barred(self) -> bool:
        """Whether the card's scheme does not want to see it again now."""
        return self.card_retries.barred_until(self.intents.clock.now()) is not None

    def count_decline(self, outcome: Outcome) -> None:
        """A decline of this submission counts against the scheme's caps like the earlier ones."""
        if isinstance(outcome, Declined):
            decline = PastDecline(self.intents.clock.now(), outcome.signal)
            self.card_retries = self.card_retries.after(decline)

    def left_s(self) -> float:
        return self.deadline - self.intents.clock.monotonic()

    def next_intent(self, *, min_left_s: float) -> Intent | None:
        """The next candidate's attempt; None when there is no candidate or no time left."""
        left_s = self.left_s()
        if self.place + 1 >= len(self.intents.decision.candidates) or left_s < min_left_s:
            return None
        sequence = self.attempt.transaction.sequence + 1
        return self.intents.intent(place=self.place + 1, sequence=sequence, left_s=left_s)

    def move_on(self, transaction: Transaction) -> None:
        """The next candidate's attempt was started."""
        self.place += 1
        self.attempt = replace(self.attempt, transaction=transaction, answered=False)

    def hold_unknown(self, transaction: Transaction) -> None:
        """The attempt was recorded as unknown and is still ours to look up."""
        self.attempt = replace(self.attempt, transaction=transaction, answered=True)

    def remember(self, verdict: DeclineVerdict) -> None:
        """A decline of this submission: what to tell the customer, and not to fall back twice."""
        self.attempt = replace(
            self.attempt,
            earlier_verdict=verdict,
            reasons_fallen_back_for=self.attempt.reasons_fallen_back_for | {verdict.reason},
        )

    def charge_request(self, return_url: str) -> ChargeRequest:
        return ChargeRequest(
            reference=self.attempt.transaction.id,
            order_id=self.order.id,
            money=self.order.money,
            description=self.order.description,
            country=self.order.country,
            customer=self.order.customer,
            return_url=return_url,
            instrument=self.command.instrument,
        )

    def note(self, recorded: Recorded) -> None:
        """What was written about the attempt that has just ended."""
        was_simple = recorded.recording if not self.attempt.answered else None
        self.written.note(was_simple, self.method.display_name)

    def result_of(self, recorded: Recorded) -> PaymentResult | None:
        """None when the next attempt was started."""
        if recorded.result is None:
            return None
        return replace(recorded.result, order=self.written.after(recorded.recording))

    def confirming(self) -> PaymentResult:
        return PaymentResult(
            order_id=self.order.id,
            kind=ResultKind.CONFIRMING,
            attempts=self.place + 1,
            provider_code=self.attempt.transaction.provider_code,
        )
