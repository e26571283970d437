"""Takes a provider's event in: verify it over its raw bytes, store it once, enqueue its job.

It calls no provider and changes no payment, so that the provider has its answer at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.provider_events import (
    EventInbox,
    EventTally,
    Rejected,
    WebhookVerifiers,
)
from payorch.domain.errors import PaymentMethodNotFound


@dataclass(frozen=True, slots=True)
class Received:
    is_new: bool


class ReceiveProviderEventUseCase:
    def __init__(
        self,
        *,
        registry: PaymentMethodRegistry,
        verifiers: WebhookVerifiers,
        inbox: EventInbox,
        clock: Clock,
        tally: EventTally,
    ) -> None:
        self._registry = registry
        self._verifiers = verifiers
        self._inbox = inbox
        self._clock = clock
        self.tally = tally

    def execute(
        self, provider_code: str, headers: Mapping[str, str], body: bytes
    ) -> Received | Rejected:
        """Take one event in, also of a disabled method: its open payments still end.

        Raises PaymentMethodNotFound for a provider that sends no events here, and
        LedgerUnavailable: then the provider has to send it again.
        """
        method = self._registry.method(provider_code)
        verifier = self._verifiers.verifier_for(method)
        if verifier is None:
            raise PaymentMethodNotFound("This payment method takes no events.")
        event = verifier.verify(headers, body)
        if isinstance(event, Rejected):
            self.tally.note(method.code, event.reason.value)
            return event
        is_new = self._inbox.receive(method.code, event, at=self._clock.now())
        self.tally.note(method.code, "received" if is_new else "duplicate")
        return Received(is_new)
