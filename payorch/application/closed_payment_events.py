"""Events about payments that the books have closed already: late, repeated, or contradicting.

They never change the closed transaction. Only what the provider itself confirms when it is asked
again goes on, to the place where surplus money is given back.
"""

from typing import Protocol

from payorch.application.jobs import ALERT_STAFF, SEND_REFUND, Job, NewJob, RetryLater
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint
from payorch.application.provider_events import (
    EventClaim,
    EventNews,
    EventState,
    NamedByEvents,
    ProviderEvent,
    StoredEvent,
)
from payorch.application.provider_gateway import Answer, GatewayCatalog
from payorch.application.resolve_transaction import LOOKUP_TIMEOUT_S
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.transaction import Transaction, TransactionId

ASKED_ABOUT_ANOTHER_REFERENCE = 10
"""So often, for some hours, a provider is asked again that tells of our charge in its event, and
shows the same object as another merchant reference's when it is read.
"""

_NOT_CHARGED = frozenset(
    {TransactionStatus.DECLINED, TransactionStatus.NOT_SENT, TransactionStatus.ABANDONED}
)

SAME_AS_THE_BOOKS = EventNews(EventState.NO_CHANGE, "The books say the same.")


class LateOutcomes(Protocol):
    def record_late(self, transaction_id: TransactionId, source: str, answer: Answer) -> None:
        """Keep what contradicts a closed transaction, and give surplus money back."""


class ClosedPaymentEvents:
    def __init__(
        self,
        *,
        named: NamedByEvents,
        registry: PaymentMethodRegistry,
        gateways: GatewayCatalog,
        late_outcomes: LateOutcomes,
        checkpoint: Checkpoint,
    ) -> None:
        self._named = named
        self._registry = registry
        self._gateways = gateways
        self._late_outcomes = late_outcomes
        self._checkpoint = checkpoint

    def follow_up(self, stored: StoredEvent, transaction: Transaction, job: Job) -> EventNews:
        """Raises RetryLater when the provider gives no clear answer."""
        if _says_the_same(stored.event, transaction):
            return SAME_AS_THE_BOOKS
        reference = stored.event.provider_reference
        answer = self._ask(reference, transaction)
        if answer is None:
            return EventNews(EventState.NO_CHANGE, "The payment is closed; nobody can be asked.")
        outcome = answer.outcome
        if isinstance(outcome, Unknown):
            return _unclear(outcome.reason, stored.event, transaction, job)
        if isinstance(outcome, NotSent) and outcome.reason is NotSentReason.VOIDED_AT_PROVIDER:
            return self._voided(stored, transaction)
        if not _contradicts(answer, reference, transaction):
            return SAME_AS_THE_BOOKS
        self._checkpoint("before_late_outcome")
        self._late_outcomes.record_late(transaction.id, "webhook", answer)
        return EventNews(EventState.APPLIED, "It contradicts the books: see the evidence.")

    def _voided(self, stored: StoredEvent, transaction: Transaction) -> EventNews:
        """Our own void's doing, or something that finance should know of."""
        void = self._named.void_of(transaction)
        if void is not None:
            return refund_to_look_up(stored, void)
        if transaction.status is not TransactionStatus.APPROVED:
            return SAME_AS_THE_BOOKS
        return _alerted("voided_elsewhere", "Voided, but not by this payorch.", transaction)

    def _ask(self, reference: str | None, transaction: Transaction) -> Answer | None:
        """The provider's word about the object that the event names. None: nobody to ask."""
        method = self._registry.method(transaction.provider_code)
        if not self._gateways.is_connected(method):
            return None
        gateway = self._gateways.gateway_for(method)
        if reference is not None:
            return gateway.read(reference, transaction.id, timeout_s=LOOKUP_TIMEOUT_S)
        if not method.capabilities.find_by_reference:
            return None
        return gateway.find(transaction.id, timeout_s=LOOKUP_TIMEOUT_S)


def _unclear(
    reason: UnknownReason, event: ProviderEvent, transaction: Transaction, job: Job
) -> EventNews:
    """What an answer that proves nothing leaves to do. Raises RetryLater."""
    match reason:
        case UnknownReason.UNSEEN_STATUS:
            note = "The provider shows a status that is not known here."
            return _alerted("status_not_known", note, transaction)
        case UnknownReason.NOT_FOUND:
            return EventNews(EventState.NO_CHANGE, "The provider does not know it.")
        case UnknownReason.REFERENCE_MISMATCH if event.claim is not EventClaim.CHARGED:
            return EventNews(EventState.NO_CHANGE, "The provider names another payment.")
        case UnknownReason.REFERENCE_MISMATCH if job.attempts >= ASKED_ABOUT_ANOTHER_REFERENCE:
            note = "The provider names another payment than its event."
            return _alerted("reference_mismatch", note, transaction)
        case _:
            raise RetryLater(f"The provider did not say: {reason}.")


def _alerted(alert: str, note: str, transaction: Transaction) -> EventNews:
    facts = {"transaction": transaction.id, "provider": transaction.provider_code}
    job = NewJob(ALERT_STAFF, {"alert": alert, **facts}, dedup_key=f"{alert}:{transaction.id}")
    return EventNews(EventState.ALERTED, note, (job,))


def _says_the_same(event: ProviderEvent, transaction: Transaction) -> bool:
    """Then there is nothing to ask: most events tell what the charge's own answer told."""
    match event.claim:
        case EventClaim.CHARGED:
            is_ours = event.provider_reference == transaction.provider_reference
            return transaction.status is TransactionStatus.APPROVED and is_ours
        case EventClaim.NOT_CHARGED:
            return transaction.status in _NOT_CHARGED
        case EventClaim.OPEN:
            return True
        case EventClaim.OTHER:
            return False


def refund_to_look_up(
    stored: StoredEvent, refund: str, *, named_reference: str | None = None
) -> EventNews:
    """The refund's own job asks the provider about it; it is the only writer of refunds."""
    job = NewJob(
        SEND_REFUND,
        {"refund": refund, "named": named_reference},
        dedup_key=f"event:{stored.key}",
        destination=stored.provider_code,
    )
    return EventNews(EventState.APPLIED, "The refund is being looked up.", (job,))


def _contradicts(answer: Answer, named_reference: str | None, transaction: Transaction) -> bool:
    """Whether a definitive answer about the named object says something else than the books."""
    is_charged = transaction.status in CHARGED_TRANSACTION_STATUSES
    match answer.outcome:
        case Approved(provider_reference=reference, surplus=surplus):
            return not is_charged or reference != transaction.provider_reference or bool(surplus)
        case Declined() | NotSent():
            is_ours = named_reference in {None, transaction.provider_reference}
            return transaction.status is TransactionStatus.APPROVED and is_ours
        case _:
            return False
