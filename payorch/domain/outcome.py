"""What a provider's answer means: a closed union, matched with `match` and `assert_never`.

The one question each member answers is "may money have moved?". When in doubt the answer is
Unknown: silence, a broken reply or a status nobody has seen before is never a failure.
"""

from dataclasses import dataclass
from enum import StrEnum

from payorch.domain.decline_verdict import DeclineSignal


class NotSentReason(StrEnum):
    """Proofs that the provider has not processed the request."""

    CONNECTION_REFUSED = "connection_refused"
    DNS_FAILED = "dns_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_FAILED = "tls_failed"
    INVALID_REQUEST = "invalid_request"
    NOT_BUILT = "not_built"
    CIRCUIT_OPEN = "circuit_open"
    BULKHEAD_FULL = "bulkhead_full"
    RATE_LIMITED = "rate_limited"
    NOT_PROCESSED = "not_processed"
    BAD_CREDENTIALS = "bad_credentials"
    REFERENCE_CANCELLED = "reference_cancelled"
    PROVED_CANCELLED = "proved_cancelled"
    PROVED_ABSENT = "proved_absent"
    CHALLENGE_EXPIRED = "challenge_expired"
    VOIDED_AT_PROVIDER = "voided_at_provider"
    CONCLUDED_BY_STAFF = "concluded_by_staff"


class UnknownReason(StrEnum):
    """Why we cannot tell whether the provider charged."""

    READ_TIMEOUT = "read_timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    UNREADABLE_ANSWER = "unreadable_answer"
    UNSEEN_STATUS = "unseen_status"
    AMOUNT_MISMATCH = "amount_mismatch"
    REFERENCE_MISMATCH = "reference_mismatch"
    IN_FLIGHT = "in_flight"
    NOT_FOUND = "not_found"
    UNEXPECTED_ERROR = "unexpected_error"
    NEEDS_LOOKUP = "needs_lookup"
    PROCESS_DIED = "process_died"


@dataclass(frozen=True, slots=True)
class Approved:
    """The provider has charged: its reference, and what it says it charged, for which of ours.

    `surplus` are further charges that it made for the same reference of ours.
    """

    provider_reference: str
    our_reference: str
    amount_minor: int
    currency: str
    surplus: tuple["Approved", ...] = ()


@dataclass(frozen=True, slots=True)
class Declined:
    signal: DeclineSignal
    provider_reference: str | None = None


@dataclass(frozen=True, slots=True)
class RequiresAction:
    """The customer has to go to `redirect_url` (3-D Secure, bank page); nothing is charged yet."""

    provider_reference: str
    redirect_url: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider has accepted the payment and settles it later."""

    provider_reference: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is proved that the provider did not and will not charge for this request."""

    reason: NotSentReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Money may have moved. Nothing else is charged until this is settled."""

    reason: UnknownReason
    detail: str = ""
    provider_reference: str | None = None


Outcome = Approved | Declined | RequiresAction | Pending | NotSent | Unknown
