"""The job that follows an event up: ask the provider about what it names, and let the one path
that settles payments act on the answer.

The event itself changes nothing. An open transaction is looked up now instead of at its next
check; what is closed already is closed_payment_events', what is not ours orphan_events'.
"""

from payorch.application.closed_payment_events import ClosedPaymentEvents, refund_to_look_up
from payorch.application.jobs import GiveUp, Job, RetryLater
from payorch.application.orphan_events import OrphanEvents
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Checkpoint, Clock
from payorch.application.provider_events import (
    UNFINISHED_EVENT_STATES,
    EventClaim,
    EventInbox,
    EventNews,
    EventState,
    EventSubject,
    NamedByEvents,
    NamedTransaction,
    ProviderEvent,
    StoredEvent,
)
from payorch.application.resolve_transaction import Resolution, ResolveTransactionUseCase
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.payment_method import PaymentMethodVO

HELD_STEP_S = 2.0
"""Whoever holds the lease is at work this very moment; each wait is longer by this much."""

LOOKS_AT_AN_OPEN_PAYMENT = 4
"""So often an event asks about a payment that it calls ended without a charge; then the
reconciler goes on.
"""


class ProcessProviderEvent:
    """Handler of PROCESS_EVENT; payload {"event": key}. Harmless when it runs again."""

    def __init__(
        self,
        *,
        inbox: EventInbox,
        named: NamedByEvents,
        closed_payments: ClosedPaymentEvents,
        orphans: OrphanEvents,
        registry: PaymentMethodRegistry,
        resolve: ResolveTransactionUseCase,
        clock: Clock,
        checkpoint: Checkpoint,
    ) -> None:
        self._inbox = inbox
        self._named = named
        self._closed_payments = closed_payments
        self._orphans = orphans
        self._registry = registry
        self._resolve = resolve
        self._clock = clock
        self._checkpoint = checkpoint

    def __call__(self, job: Job) -> None:
        """Raises RetryLater while something is in the way, GiveUp when nobody can be asked."""
        stored = self._inbox.find(int(str(job.payload["event"])))
        if stored is None:
            raise GiveUp("There is no such event.")
        if stored.state not in UNFINISHED_EVENT_STATES:
            return
        try:
            news = self._news(stored, job)
        except PaymentMethodNotFound as error:
            raise GiveUp(error.message) from None
        self._checkpoint("event_followed_up")
        self._inbox.close(stored.key, news, at=self._clock.now())

    def _news(self, stored: StoredEvent, job: Job) -> EventNews:
        method = self._registry.method(stored.provider_code)
        match stored.event.subject:
            case EventSubject.PAYMENT:
                return self._of_payment(stored, method, job)
            case EventSubject.REFUND:
                return self._of_refund(stored, method, job)
            case EventSubject.OTHER:
                return EventNews(EventState.NO_CHANGE, "Not about a payment or a refund.")

    def _of_payment(self, stored: StoredEvent, method: PaymentMethodVO, job: Job) -> EventNews:
        event = stored.event
        named = self._named.transaction(
            event.our_reference, event.provider_reference, self._of_account(method)
        )
        if named is None:
            return self._orphans.payment(stored, method, job)
        if named.transaction.is_open:
            return self._check_now(stored, named, job)
        return self._closed_payments.follow_up(stored, named.transaction, job)

    def _of_refund(self, stored: StoredEvent, method: PaymentMethodVO, job: Job) -> EventNews:
        event = stored.event
        refund = self._named.refund(
            event.our_reference, event.provider_reference, self._of_account(method)
        )
        if refund is None:
            return self._orphans.refund(stored, job)
        return refund_to_look_up(stored, refund, named_reference=event.provider_reference)

    def _check_now(self, stored: StoredEvent, named: NamedTransaction, job: Job) -> EventNews:
        """The single writer settles it, or whoever holds its lease is given the time to."""
        method = self._registry.method(named.transaction.provider_code)
        # A search sees all objects of our reference; one id shows only what the event is about.
        can_search = method.capabilities.find_by_reference
        resolution = self._resolve.check_order_now(
            named.order_id,
            named_reference=None if can_search else stored.event.provider_reference,
        )
        match resolution:
            case Resolution.SETTLED:
                self._require_settled_by(stored.event, method)
                return EventNews(EventState.APPLIED, "The provider was asked: settled.")
            case Resolution.HELD:
                delay_s = HELD_STEP_S * min(job.attempts, 10)
                raise RetryLater("Somebody is at work on the payment.", delay_s=delay_s)
            case Resolution.GONE:
                # Settled between two looks; the next one compares it with the provider's word.
                raise RetryLater("The payment was settled meanwhile.", delay_s=HELD_STEP_S)
            case Resolution.REVIEW:
                return EventNews(EventState.NO_CHANGE, "The provider was asked: for review.")
            case Resolution.STILL_OPEN:
                claim = stored.event.claim
                has_looks_left = job.attempts < LOOKS_AT_AN_OPEN_PAYMENT
                # A charge is not forgotten: another one may settle the payment later.
                if claim is EventClaim.CHARGED or (claim is not EventClaim.OPEN and has_looks_left):
                    raise RetryLater("The provider does not say yet what its event says.")
                return EventNews(EventState.NO_CHANGE, "The provider was asked: still open.")

    def _require_settled_by(self, event: ProviderEvent, method: PaymentMethodVO) -> None:
        """Of two charges of one reference, one has settled it; the event may tell of the other.

        Raises RetryLater then: the next look finds a closed payment, and asks about that charge.
        """
        if event.claim is not EventClaim.CHARGED or event.provider_reference is None:
            return
        named = self._named.transaction(
            event.our_reference, event.provider_reference, self._of_account(method)
        )
        if named is not None and named.transaction.provider_reference != event.provider_reference:
            raise RetryLater("Another charge settled the payment.", delay_s=HELD_STEP_S)

    def _of_account(self, method: PaymentMethodVO) -> tuple[str, ...]:
        """All methods of the account that signed: it sends the events of each to one address."""
        return tuple(
            other.code
            for other in self._registry.configuration().methods
            if (other.connector, other.account) == (method.connector, method.account)
        )
