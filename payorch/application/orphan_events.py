"""Events that match nothing of ours: from another environment, or money without an order.

They are matched again for a day, because a restored backup or a slow commit may still bring what
they are about. Then the provider is asked once, and when it has taken money, staff are told.
"""

from datetime import timedelta

from payorch.application.jobs import ALERT_STAFF, PROCESS_EVENT, Job, NewJob, RetryLater
from payorch.application.ports import Clock
from payorch.application.provider_events import EventInbox, EventNews, EventState, StoredEvent
from payorch.application.provider_gateway import GatewayCatalog
from payorch.application.resolve_transaction import LOOKUP_TIMEOUT_S
from payorch.domain.outcome import Approved, Unknown, UnknownReason
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.transaction import TransactionId

MATCHED_FOR = timedelta(hours=24)
"""reliability.md, F34."""

_TRIES_KEPT_FOR_ASKING = 2


class OrphanEvents:
    def __init__(self, *, inbox: EventInbox, gateways: GatewayCatalog, clock: Clock) -> None:
        self._inbox = inbox
        self._gateways = gateways
        self._clock = clock

    def payment(self, stored: StoredEvent, method: PaymentMethodVO, job: Job) -> EventNews:
        """Raises RetryLater until a day has passed, and while the provider does not answer."""
        self._wait(stored, job)
        reference = stored.event.provider_reference
        if reference is None or not self._gateways.is_connected(method):
            return self._alerted(stored, "orphan_money", "It could not be confirmed.")
        # Read as what the event calls it: there is no reference of ours to compare with.
        claimed = TransactionId(stored.event.our_reference or "")
        gateway = self._gateways.gateway_for(method)
        outcome = gateway.read(reference, claimed, timeout_s=LOOKUP_TIMEOUT_S).outcome
        match outcome:
            case Approved():
                money = {"amount_minor": outcome.amount_minor, "currency": outcome.currency}
                return self._alerted(stored, "orphan_money", "Money without an order.", money)
            case Unknown(reason=UnknownReason.REFERENCE_MISMATCH):
                return self._alerted(stored, "orphan_money", "The provider names another payment.")
            case Unknown(reason=UnknownReason.UNSEEN_STATUS):
                return self._alerted(stored, "orphan_money", "Its status is not known here.")
            case Unknown(reason=reason) if reason is not UnknownReason.NOT_FOUND:
                raise RetryLater(f"The provider did not say: {reason}.")
            case _:
                return EventNews(EventState.NO_CHANGE, "Nothing of ours, and no money was taken.")

    def refund(self, stored: StoredEvent, job: Job) -> EventNews:
        """A refund that somebody made elsewhere, such as on the provider's own pages."""
        self._wait(stored, job)
        return self._alerted(stored, "orphan_refund", "A refund that was not asked for here.")

    def _wait(self, stored: StoredEvent, job: Job) -> None:
        """Mark it as an orphan, and look for its match again later."""
        is_time_up = self._clock.now() >= stored.received_at + MATCHED_FOR
        if is_time_up or job.attempts >= PROCESS_EVENT.max_attempts - _TRIES_KEPT_FOR_ASKING:
            return
        if stored.state is not EventState.ORPHAN:
            news = EventNews(EventState.ORPHAN, "Matches nothing of ours yet.")
            self._inbox.close(stored.key, news, at=self._clock.now())
        raise RetryLater("It matches nothing of ours yet.")

    def _alerted(
        self,
        stored: StoredEvent,
        alert: str,
        note: str,
        money: dict[str, object] | None = None,
    ) -> EventNews:
        payload: dict[str, object] = {
            "alert": alert,
            "event": stored.event.event_id,
            "provider": stored.provider_code,
            "provider_reference": stored.event.provider_reference,
            "our_reference": stored.event.our_reference,
            **(money or {}),
        }
        subject = stored.event.provider_reference or stored.event.event_id
        dedup_key = f"{alert}:{stored.provider_code}:{subject}"
        return EventNews(
            EventState.ALERTED, note, (NewJob(ALERT_STAFF, payload, dedup_key=dedup_key),)
        )
