"""Events from providers: taking them in, and following them up."""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.closed_payment_events import ClosedPaymentEvents, LateOutcomes
from payorch.application.conclude_provider_event import ConcludeProviderEventUseCase
from payorch.application.jobs import PROCESS_EVENT, JobHandler
from payorch.application.orphan_events import OrphanEvents
from payorch.application.process_provider_event import ProcessProviderEvent
from payorch.application.receive_provider_event import ReceiveProviderEventUseCase
from payorch.application.resolve_transaction import ResolveTransactionUseCase
from payorch.config import Settings
from payorch.infrastructure.gateways.webhook_verifiers import (
    ConnectorWebhookVerifiers,
    VerifierFactory,
    sandbox_verifiers,
)
from payorch.infrastructure.observability.event_counts import EventCounts
from payorch.infrastructure.persistence.event_inbox import SqlAlchemyEventInbox
from payorch.infrastructure.persistence.named_by_events import SqlAlchemyNamedByEvents
from payorch.infrastructure.security.sender_limit import SenderLimit
from payorch.wiring.base import Base

MAX_REFUSED_EVENTS_PER_MIN = 30
"""Per address and process. A provider with a wrong secret stays below it for most shops, and loses
nothing above it: it sends its events again."""


@dataclass(frozen=True, slots=True)
class ProviderEvents:
    """`receive` is the web's half, `process` the handler of PROCESS_EVENT jobs, `conclude` the
    staff's word about an event that needed a person.
    """

    receive: ReceiveProviderEventUseCase
    process: ProcessProviderEvent
    conclude: ConcludeProviderEventUseCase
    counts: EventCounts

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        return {PROCESS_EVENT.name: self.process}


def provider_events(
    settings: Settings,
    base: Base,
    resolve: ResolveTransactionUseCase,
    late_outcomes: LateOutcomes,
) -> ProviderEvents:
    counts = EventCounts()
    inbox = SqlAlchemyEventInbox(base.transactions, base.checkpoint)
    named = SqlAlchemyNamedByEvents(base.transactions)
    return ProviderEvents(
        receive=ReceiveProviderEventUseCase(
            registry=base.registry,
            verifiers=ConnectorWebhookVerifiers(_verifiers(settings, base)),
            inbox=inbox,
            clock=base.clock,
            tally=counts,
            refusals=SenderLimit(MAX_REFUSED_EVENTS_PER_MIN),
        ),
        process=ProcessProviderEvent(
            inbox=inbox,
            named=named,
            closed_payments=ClosedPaymentEvents(
                named=named,
                registry=base.registry,
                gateways=base.gateways,
                late_outcomes=late_outcomes,
                checkpoint=base.checkpoint,
            ),
            orphans=OrphanEvents(inbox=inbox, gateways=base.gateways, clock=base.clock),
            registry=base.registry,
            resolve=resolve,
            clock=base.clock,
            checkpoint=base.checkpoint,
        ),
        conclude=ConcludeProviderEventUseCase(inbox, base.clock),
        counts=counts,
    )


def _verifiers(settings: Settings, base: Base) -> dict[str, VerifierFactory]:
    verifiers: dict[str, VerifierFactory] = {}
    if settings.sandbox_url is not None:
        verifiers["sandbox"] = sandbox_verifiers(
            settings.sandbox_webhook_secret,
            clock=base.clock,
            tolerance_s=settings.webhook_tolerance_s,
        )
    return verifiers
