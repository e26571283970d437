"""What providers tell by themselves: signed events, late, twice, out of order, or forged.

Genuine events come at least once: a delivery that nobody took is tried again. Some are dropped
for good, and what nobody told nobody can be blamed for not knowing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from payorch.application.provider_events import Rejected
from payorch.sandbox_provider.webhook_signature import signature
from tests.simulation.account import Payment
from tests.simulation.lives import BEGAN_AT

if TYPE_CHECKING:
    from tests.simulation.account import Refund
    from tests.simulation.world import World

RETRY_S = 45.0
DELAYS_S = (0.05, 0.05, 2.0, 90.0, 4000.0)


class Webhooks:
    """`dropped` holds the ids of payments of which an event was lost for good."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.webhook_chance
        self.dropped: set[str] = set()

    def tell(self, changed: Payment | Refund) -> None:
        """An event about a payment or refund whose status is new."""
        kind = "payment" if isinstance(changed, Payment) else "refund"
        body = self._event(f"{kind}.{changed.status}", changed.account, changed.shown())
        fault = None
        if self._chance.random() < self._world.weather.faults:
            fault = self._chance.choice(("drop", "late", "twice", "forged", "stale"))
        if fault == "drop":
            payment = changed if isinstance(changed, Payment) else changed.payment
            self.dropped.add(payment.id)
            return
        delay_s = self._chance.choice(DELAYS_S) if fault == "late" else DELAYS_S[0]
        self._send(changed.account, body, delay_s)
        if fault == "twice":
            self._send(changed.account, body, self._chance.choice(DELAYS_S))
        elif fault == "stale":
            self._send(changed.account, body, DELAYS_S[0], age_s=4000)
        elif fault == "forged":
            self.forge(changed)

    def forge(self, about: Payment | Refund) -> None:
        """Somebody without the secret claims that it was approved."""
        payment = about if isinstance(about, Payment) else about.payment
        claimed = {**payment.shown(), "status": "approved", "captured_amount": payment.amount}
        body = self._event("payment.approved", payment.account, claimed)
        self._send(payment.account, body, DELAYS_S[0], secret="guessed")

    def _event(self, event_type: str, account: str, data: dict[str, object]) -> bytes:
        event_id = f"evt_{self._chance.getrandbits(48):012x}"
        event = {"id": event_id, "type": event_type, "created": BEGAN_AT.isoformat()}
        return json.dumps({**event, "account": account, "data": data}).encode()

    def _send(
        self,
        account: str,
        body: bytes,
        delay_s: float,
        *,
        secret: str | None = None,
        age_s: int = 0,
    ) -> None:
        scheduler = self._world.scheduler

        def arrive() -> None:
            life = self._world.some_web()
            timestamp = int(BEGAN_AT.timestamp() + scheduler.now_s) - age_s
            message_id = json.loads(body)["id"]
            signed = signature(
                secret or f"practice_whsec_{account}",
                message_id=message_id,
                timestamp=timestamp,
                body=body,
            )
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signed,
            }
            self._world.note("event", json.loads(body)["type"], "of", account, secret or "")
            if life is None:
                send_again()
                return

            def receive() -> None:
                try:
                    taken = life.services.receive_event.execute(account, headers, body)
                except BaseException:
                    send_again()
                    raise
                if isinstance(taken, Rejected) != (secret is not None or age_s > 0):
                    self._world.find(f"an event of {account} was taken for what it is not: {taken}")

            scheduler.spawn(f"{life.name} takes an event", receive, life)

        def send_again() -> None:
            if secret is None and age_s == 0:
                scheduler.at(scheduler.now_s + RETRY_S, arrive)

        scheduler.at(scheduler.now_s + delay_s, arrive)
