"""What a provider tells of its own accord: verified events, and ports to their inbox.

Nothing that an event says is believed. It names a payment or a refund to look at; what became of
it, the provider is asked. An event without a proof of its origin is not even stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.jobs import NewJob
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.payment_order import OrderId
from payorch.domain.transaction import Transaction


class EventSubject(StrEnum):
    """What an event is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    OTHER = "other"


class EventClaim(StrEnum):
    """What an event says of its subject, in our words. It decides only whether to ask."""

    CHARGED = "charged"
    NOT_CHARGED = "not_charged"
    OPEN = "open"
    OTHER = "other"


class EventState(StrEnum):
    """RECEIVED waits for its job. ORPHAN has matched nothing of ours yet.

    ALERTED: it never did, and money moved or may have; staff were told.
    """

    RECEIVED = "received"
    APPLIED = "applied"
    NO_CHANGE = "no_change"
    ORPHAN = "orphan"
    ALERTED = "alerted"


UNFINISHED_EVENT_STATES = frozenset({EventState.RECEIVED, EventState.ORPHAN})


class Rejection(StrEnum):
    """Why an event was not taken. Told to ops, never to the sender."""

    MISSING_HEADERS = "missing_headers"
    UNREADABLE = "unreadable"
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    OTHER_ACCOUNT = "other_account"

    @property
    def is_malformed(self) -> bool:
        """Whether it was no event at all, rather than one without a good proof of origin."""
        return self in {Rejection.MISSING_HEADERS, Rejection.UNREADABLE}


@dataclass(frozen=True, slots=True)
class Rejected:
    """`wait_s`: seconds for which the sender should stay away; 0 as long as it is within limits."""

    reason: Rejection
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified event.

    `excerpt` is the part of the body that is worth keeping: short, scrubbed, never card data.
    """

    event_id: str
    event_type: str
    subject: EventSubject
    provider_reference: str | None
    our_reference: str | None
    claim: EventClaim
    excerpt: Mapping[str, str | int | None] = field(default_factory=dict)


class EventTally(Protocol):
    """Counts what came in, in this process."""

    def note(self, provider: str, result: str) -> None:
        """`result` is a short code: "received", "duplicate", or a Rejection's."""

    def snapshot(self) -> Mapping[tuple[str, str], int]:
        """Numbers by (provider, result)."""


class RefusalLimit(Protocol):
    """How many refused events one sender may send, in this process."""

    def wait_s(self, sender: str) -> int:
        """Count one more refusal of this address: 0 within the limit, else seconds to wait."""


class WebhookVerifier(Protocol):
    """Proves that an event comes from one account of a provider, over its raw bytes."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> ProviderEvent | Rejected:
        """`headers` are looked up in lower case."""


class WebhookVerifiers(Protocol):
    def verifier_for(self, method: PaymentMethodVO) -> WebhookVerifier | None:
        """None for a method whose provider sends no events that we could verify."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of the inbox. `key` is opaque to everybody but the inbox."""

    key: int
    provider_code: str
    event: ProviderEvent
    state: EventState
    received_at: datetime


@dataclass(frozen=True, slots=True)
class EventNews:
    """What became of an event, and the jobs that follow from it, in one transaction."""

    state: EventState
    note: str
    jobs: tuple[NewJob, ...] = ()


class EventInbox(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def receive(self, provider_code: str, event: ProviderEvent, *, at: datetime) -> bool:
        """Store the event and enqueue its job, in one transaction. False when it was known."""

    def find(self, key: int) -> StoredEvent | None: ...

    def close(self, key: int, news: EventNews, *, at: datetime) -> bool:
        """Write the news of an event that is not finished yet; False when it was already."""

    def conclude(self, key: int, *, actor: str, reason: str, at: datetime) -> bool:
        """Close an ALERTED event, journalled; False when it was not one."""


@dataclass(frozen=True, slots=True)
class NamedTransaction:
    """A transaction of ours that an event names, as it stands."""

    order_id: OrderId
    transaction: Transaction


class NamedByEvents(Protocol):
    """Finds what an event is about. Raises LedgerUnavailable."""

    def transaction(
        self, our_reference: str | None, provider_reference: str | None, providers: Sequence[str]
    ) -> NamedTransaction | None:
        """By our reference, else by the provider's, among the transactions of `providers`."""

    def refund(
        self, our_reference: str | None, provider_reference: str | None, providers: Sequence[str]
    ) -> str | None:
        """Our reference of the refund."""

    def void_of(self, transaction: Transaction) -> str | None:
        """Our reference of the transaction's void, if this payorch asked for one."""
