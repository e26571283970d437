"""What proves that no charge can come any more: a documented time, and two looks after it.

One look alone could meet a provider in the middle of its work.
"""

from datetime import datetime, timedelta

from payorch.application.open_attempts import Evidence, OpenAttempts
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.resolution_ladder import Climb, Step
from payorch.domain.outcome import NotSentReason, RequiresAction, Unknown, UnknownReason
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.transaction import Transaction

BETWEEN_LOOKS = timedelta(minutes=1)

ABSENT = "Absent"
"""Evidence that nothing was found after the provider's documented time in flight."""

NOT_COMPLETED = "NotCompleted"
"""Evidence that a payment still waited for its customer after her time for that was over."""

CHALLENGE_MARGIN_S = 300
"""For clocks that disagree, and because the challenge begins after the payment does."""


class ProofsOfTime:
    def __init__(
        self,
        open_attempts: OpenAttempts,
        registry: PaymentMethodRegistry,
        *,
        trusts_documented_absence: bool,
    ) -> None:
        self._open_attempts = open_attempts
        self._registry = registry
        self._trusts_documented_absence = trusts_documented_absence

    def proof_of(
        self, transaction: Transaction, climb: Climb, now: datetime
    ) -> NotSentReason | None:
        """Why the transaction has ended without a charge, when the second look says so too.

        The first one is kept as evidence.
        """
        if climb.answer is None:
            return None
        capabilities = self._registry.method(transaction.provider_code).capabilities
        age_s = (now - transaction.started_at).total_seconds()
        if self._is_absent(climb, capabilities, age_s):
            sight, proof = ABSENT, NotSentReason.PROVED_ABSENT
        elif _is_not_completed(transaction, climb, capabilities, age_s):
            sight, proof = NOT_COMPLETED, NotSentReason.CHALLENGE_EXPIRED
        else:
            return None
        first = self._open_attempts.first_evidence_at(transaction.id, sight)
        if first is None:
            evidence = Evidence(source=climb.step, outcome=sight, was_applied=False, at=now)
            self._open_attempts.add_evidence(transaction.id, evidence)
            return None
        return proof if now - first >= BETWEEN_LOOKS else None

    def _is_absent(self, climb: Climb, capabilities: Capabilities, age_s: float) -> bool:
        """Source: domain.md, section 4, step 4. Off unless the operator trusts such documents."""
        outcome = None if climb.answer is None else climb.answer.outcome
        if not self._trusts_documented_absence or not isinstance(outcome, Unknown):
            return False
        if outcome.reason is not UnknownReason.NOT_FOUND or climb.step is not Step.FIND:
            return False
        return 0 < capabilities.max_in_flight_s < age_s


def _is_not_completed(
    transaction: Transaction, climb: Climb, capabilities: Capabilities, age_s: float
) -> bool:
    """Whether the customer's time at the provider's page is over by its documents, and the payment
    still waits for her. One object says nothing of others where all of them can be searched.
    """
    if climb.answer is None or not isinstance(climb.answer.outcome, RequiresAction):
        return False
    if transaction.status is not TransactionStatus.REQUIRES_ACTION:
        return False
    shows_all = climb.step is Step.FIND or not capabilities.find_by_reference
    expires_s = capabilities.challenge_expires_s
    return shows_all and 0 < expires_s < age_s - CHALLENGE_MARGIN_S
