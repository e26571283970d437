"""The parts of one running practice provider, put together once per process."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

from flask import current_app, g, has_request_context, request

from payorch.sandbox_provider.alarm import Alarm
from payorch.sandbox_provider.broken_answers import HoldingRoom
from payorch.sandbox_provider.in_flight import InFlight
from payorch.sandbox_provider.late_arrivals import LateArrivals
from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.outages import OutageSchedule
from payorch.sandbox_provider.payment_ledger import PaymentLedger
from payorch.sandbox_provider.profile_book import ProfileBook
from payorch.sandbox_provider.profiles import Profile
from payorch.sandbox_provider.refund_ledger import RefundLedger
from payorch.sandbox_provider.settings import SandboxSettings
from payorch.sandbox_provider.settlements import Settlements
from payorch.sandbox_provider.webhook_events import EventLog
from payorch.sandbox_provider.webhook_queue import WebhookQueue
from payorch.sandbox_provider.webhook_sender import WebhookSender


class Sandbox:
    def __init__(self, settings: SandboxSettings, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.now = now
        self.profiles = ProfileBook(
            settings.profiles_path, webhook_base_url=settings.webhook_base_url
        )
        self.ledger = Ledger(settings.ledger_path, sync=settings.sync)
        self.webhooks = WebhookQueue(self.ledger, now)
        self.events = EventLog(
            self.profiles, self.webhooks, seed=settings.seed, now=now, public_url=self.public_url
        )
        settling = Alarm("settlements", now)
        self.payments = PaymentLedger(self.ledger, self.events, settling, now)
        self.refunds = RefundLedger(self.ledger, self.events, settling, now)
        self.settlements = Settlements(self.payments, self.refunds, settling, now)
        self.late_arrivals = LateArrivals(self.ledger, self.payments, now)
        self.outages = OutageSchedule()
        self.in_flight = InFlight()
        self.holding_room = HoldingRoom(settings.max_held)
        self._counting = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        # Last, because they work at once if an earlier process left something to do.
        self.late_arrivals.start()
        self.settlements.start()
        WebhookSender(self.webhooks, self.profiles, now).start()

    def public_url(self) -> str:
        """Where customers' browsers reach this process, for addresses in payment objects."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        return (request.host_url if has_request_context() else self.settings.own_url).rstrip("/")

    def count(self, account: str, event: str) -> None:
        with self._counting:
            # A plain text even for a fault, because JSON wants plain keys.
            self._counts[account, str(event)] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Events by account: requests, and each fault that struck."""
        with self._counting:
            counts = dict(self._counts)
        by_account: dict[str, dict[str, int]] = {}
        for (account, event), number in sorted(counts.items()):
            by_account.setdefault(account, {})[event] = number
        return by_account

    def reset(self) -> None:
        """As if the process had been started anew with an empty ledger."""
        self.ledger.clear()
        self.outages.clear()
        self.profiles.reset()
        with self._counting:
            self._counts.clear()


def the_sandbox() -> Sandbox:
    return cast("Sandbox", current_app.extensions["sandbox"])


def the_profile() -> Profile:
    """The account of this request, whose key has been checked."""
    return cast("Profile", g.profile)
