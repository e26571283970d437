"""The threads that post events to merchants: at least once, again later while they refuse."""

import secrets
from collections.abc import Callable
from functools import partial

import urllib3

from payorch.sandbox_provider.profile_book import ProfileBook
from payorch.sandbox_provider.profiles import Profile
from payorch.sandbox_provider.webhook_queue import (
    LANES,
    DeliveryKind,
    DeliveryState,
    DueDelivery,
    WebhookQueue,
)
from payorch.sandbox_provider.webhook_signature import signature


class WebhookSender:
    def __init__(
        self, queue: WebhookQueue, profiles: ProfileBook, now: Callable[[], float]
    ) -> None:
        self._queue, self._profiles, self._now = queue, profiles, now
        self._http = urllib3.PoolManager(retries=False, maxsize=LANES)

    def start(self) -> None:
        for lane, alarm in enumerate(self._queue.alarms):
            alarm.start(
                next_due_at=partial(self._queue.next_due_at, lane),
                run=partial(self.send_next, lane),
            )

    def send_next(self, lane: int) -> None:
        """Tries the delivery that has waited longest, without holding the ledger meanwhile."""
        delivery = self._queue.next_due(lane)
        if delivery is None:
            return
        profile = self._profiles.find(delivery.account)
        if profile is None or not profile.webhook_url:
            self._queue.finish(delivery, DeliveryState.GIVEN_UP, result="no webhook_url")
            return
        result = self._post(profile, delivery)
        if result.startswith("2"):
            self._queue.finish(delivery, DeliveryState.DELIVERED, result=result)
            return
        waits = profile.webhook_retry_after_s
        if delivery.kind == DeliveryKind.FORGED or delivery.attempts >= len(waits):
            self._queue.finish(delivery, DeliveryState.GIVEN_UP, result=result)
            return
        self._queue.finish(
            delivery, DeliveryState.WAITING, result=result, next_in_s=waits[delivery.attempts]
        )

    def _post(self, profile: Profile, delivery: DueDelivery) -> str:
        """The status of the answer, or the name of the error. A redirect is not followed."""
        body = delivery.body.encode()
        try:
            response = self._http.request(
                "POST",
                profile.webhook_url,
                body=body,
                headers=self._headers(profile, delivery, body),
                timeout=urllib3.Timeout(total=profile.webhook_timeout_s),
                redirect=False,
                # What the merchant says besides the status is of no interest and may be long.
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return type(error).__name__
        response.close()
        return str(response.status)

    def _headers(self, profile: Profile, delivery: DueDelivery, body: bytes) -> dict[str, str]:
        timestamp = int(self._now())
        if delivery.kind == DeliveryKind.STALE and delivery.attempts == 0:
            timestamp -= int(profile.webhook_stale_s)
        used = [profile.webhook_secret]
        if profile.webhook_secret_next:
            used.append(profile.webhook_secret_next)
        if delivery.kind == DeliveryKind.FORGED:
            used = [secrets.token_hex(16)]
        return {
            "Content-Type": "application/json",
            "User-Agent": "practice-provider",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(
                signature(secret, message_id=delivery.event_id, timestamp=timestamp, body=body)
                for secret in used
            ),
        }
