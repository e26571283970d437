"""Telling the merchant: an event for each change of a payment or a refund, written with it."""

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from payorch.sandbox_provider.draws import draw
from payorch.sandbox_provider.payment_record import PaymentRecord, iso
from payorch.sandbox_provider.profile_book import ProfileBook
from payorch.sandbox_provider.profiles import Profile
from payorch.sandbox_provider.refund_record import RefundRecord
from payorch.sandbox_provider.webhook_faults import WebhookFault
from payorch.sandbox_provider.webhook_queue import (
    DeliveryKind,
    DeliveryState,
    Event,
    PlannedDelivery,
    WebhookQueue,
)


class EventLog:
    """`public_url` gives the address of this provider that payment objects are to show."""

    def __init__(
        self,
        profiles: ProfileBook,
        queue: WebhookQueue,
        *,
        seed: int,
        now: Callable[[], float],
        public_url: Callable[[], str],
    ) -> None:
        self._profiles, self._queue = profiles, queue
        self._seed, self._now, self._public_url = seed, now, public_url

    def is_on(self, account: str) -> bool:
        """Whether the account's merchant wants to be told of anything."""
        profile = self._profiles.find(account)
        return profile is not None and profile.webhook_url != ""

    def record_payment(self, connection: sqlite3.Connection, payment: PaymentRecord) -> None:
        """The event that the payment is now what it is, in the caller's transaction."""
        profile = self._profiles.find(payment.account)
        if profile is None or not profile.webhook_url:
            return
        event_type = f"payment.{payment.status}"
        struck = self._struck(profile, f"{payment.reference}|{event_type}")
        if WebhookFault.FORGE in struck:
            self._forge(connection, payment)
        data = payment.to_object(public_url=self._public_url())
        event = self._event(event_type, payment.account, payment.id, data)
        self._queue.add(connection, event, planned_deliveries(profile, struck))

    def record_refund(self, connection: sqlite3.Connection, refund: RefundRecord) -> None:
        """The event that the refund is now what it is, in the caller's transaction."""
        profile = self._profiles.find(refund.account)
        if profile is None or not profile.webhook_url:
            return
        event_type = f"refund.{refund.status}"
        struck = self._struck(profile, f"{refund.reference}|{event_type}")
        event = self._event(
            event_type, refund.account, refund.payment_id, refund.to_object(), refund_id=refund.id
        )
        self._queue.add(connection, event, planned_deliveries(profile, struck))

    def send_now(
        self,
        connection: sqlite3.Connection,
        payment: PaymentRecord,
        *,
        event_type: str,
        changes: Mapping[str, object],
        delivery: DeliveryKind,
    ) -> str:
        """An event that an operator makes up about a payment; its id."""
        data = {**payment.to_object(public_url=self._public_url()), **changes}
        event = self._event(event_type, payment.account, payment.id, data, is_genuine=False)
        self._queue.add(connection, event, [PlannedDelivery(delivery)])
        return event.id

    def _struck(self, profile: Profile, name: str) -> set[WebhookFault]:
        return {
            fault
            for fault, share in profile.webhook_faults.items()
            if draw(f"{fault}|{name}", seed=self._seed, account=profile.account) < share
        }

    def _forge(self, connection: sqlite3.Connection, payment: PaymentRecord) -> None:
        claimed = replace(payment, status="approved", captured_amount=payment.amount)
        data = claimed.to_object(public_url=self._public_url())
        event = self._event("payment.approved", payment.account, payment.id, data, is_genuine=False)
        self._queue.add(connection, event, [PlannedDelivery(DeliveryKind.FORGED)])

    def _event(
        self,
        event_type: str,
        account: str,
        payment_id: str,
        data: Mapping[str, object],
        *,
        refund_id: str | None = None,
        is_genuine: bool = True,
    ) -> Event:
        event_id, created_at = f"evt_{secrets.token_hex(12)}", iso(self._now())
        body = {
            "id": event_id,
            "type": event_type,
            "created": created_at,
            "account": account,
            "data": data,
        }
        return Event(
            id=event_id,
            account=account,
            type=event_type,
            payment_id=payment_id,
            refund_id=refund_id,
            is_genuine=is_genuine,
            body=orjson.dumps(body).decode(),
            created_at=created_at,
        )


def planned_deliveries(profile: Profile, struck: set[WebhookFault]) -> list[PlannedDelivery]:
    """What is sent of an event that these faults strike. A dropped one is not sent at all."""
    if WebhookFault.DROP in struck:
        return [PlannedDelivery(state=DeliveryState.DROPPED)]
    delay_s = profile.webhook_delay_s if WebhookFault.DELAY in struck else 0.0
    kind = DeliveryKind.STALE if WebhookFault.STALE in struck else DeliveryKind.PLAIN
    if WebhookFault.REORDER in struck:
        held_s = delay_s + profile.webhook_reorder_s
        planned = [PlannedDelivery(kind, DeliveryState.HELD, held_s)]
    else:
        planned = [PlannedDelivery(kind, in_s=delay_s)]
    if WebhookFault.DUPLICATE in struck:
        planned.append(PlannedDelivery(DeliveryKind.DUPLICATE, in_s=delay_s))
    return planned
