"""Takes a provider's event in: verify it over its raw bytes, store it once, enqueue its job.

It calls no provider and changes no payment, so that the provider has its answer at once.

Only refusals are limited, and only after the proof: whoever forges events from the address of a
provider, or of a proxy between, must not keep the provider's own events out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.provider_events import (
    EventInbox,
    EventTally,
    RefusalLimit,
    Rejected,
    WebhookVerifiers,
)
from payorch.domain.errors import PaymentMethodNotFound


@dataclass(frozen=True, slots=True)
class Received:
    is_new: bool


TOO_MANY_REFUSED = "too_many_refused"


class ReceiveProviderEventUseCase:
    def __init__(
        self,
        *,
        registry: PaymentMethodRegistry,
        verifiers: WebhookVerifiers,
        inbox: EventInbox,
        clock: Clock,
        tally: EventTally,
        refusals: RefusalLimit,
    ) -> None:
        self._registry = registry
        self._verifiers = verifiers
        self._inbox = inbox
        self._clock = clock
        self._refusals = refusals
        self.tally = tally

    def execute(
        self,
        provider_code: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        sender: str = "",
    ) -> Received | Rejected:
        """Take one event in, also of a disabled method: its open payments still end.

        `sender` is the address it came from; its refusals are limited.
        Raises PaymentMethodNotFound for a provider that sends no events here, and
        LedgerUnavailable: then the provider has to send it again.
        """
        method = self._registry.method(provider_code)
        verifier = self._verifiers.verifier_for(method)
        if verifier is None:
            raise PaymentMethodNotFound("This payment method takes no events.")
        event = verifier.verify(headers, body)
        if isinstance(event, Rejected):
            wait_s = self._refusals.wait_s(sender)
            self.tally.note(method.code, TOO_MANY_REFUSED if wait_s else event.reason.value)
            return replace(event, wait_s=wait_s)
        is_new = self._inbox.receive(method.code, event, at=self._clock.now())
        self.tally.note(method.code, "received" if is_new else "duplicate")
        return Received(is_new)
