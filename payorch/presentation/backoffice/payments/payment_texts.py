"""How states and reasons of payments read in the back office, and the tone of their badges.

Each table holds every member of its enum; a test fails when one is added without a text.
"""

from collections.abc import Mapping
from typing import Literal

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.domain.payment_method import LeftOut
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.routing_policy import ChosenBecause
from payorch.domain.settlement import (
    FLAG_AMOUNT_MISMATCH,
    FLAG_CONTRADICTION,
    FLAG_LATE_APPROVAL,
    FLAG_REFERENCE_MISMATCH,
    FLAG_SURPLUS_CHARGE,
)

Tone = Literal["success", "danger", "warning", "unknown", "neutral"]

ORDER_STATUSES: Mapping[PaymentStatus, tuple[str, Tone]] = {
    PaymentStatus.PENDING: ("Not paid yet", "neutral"),
    PaymentStatus.PROCESSING: ("Confirming", "unknown"),
    PaymentStatus.PAID: ("Paid", "success"),
    PaymentStatus.FAILED: ("Failed", "danger"),
    PaymentStatus.EXPIRED: ("Expired", "neutral"),
    PaymentStatus.CANCELLED: ("Cancelled", "neutral"),
}

TRANSACTION_STATUSES: Mapping[TransactionStatus, tuple[str, Tone]] = {
    TransactionStatus.STARTED: ("Started", "unknown"),
    TransactionStatus.REQUIRES_ACTION: ("Customer has to act", "warning"),
    TransactionStatus.PENDING: ("Settles later", "warning"),
    TransactionStatus.UNKNOWN: ("Unknown", "unknown"),
    TransactionStatus.APPROVED: ("Approved", "success"),
    TransactionStatus.DECLINED: ("Declined", "danger"),
    TransactionStatus.NOT_SENT: ("Not sent", "danger"),
    TransactionStatus.ABANDONED: ("Abandoned", "neutral"),
    TransactionStatus.VOIDED: ("Voided", "warning"),
}

CHOSEN: Mapping[ChosenBecause, str] = {
    ChosenBecause.CUSTOMER_CHOICE: "the customer chose it",
    ChosenBecause.POLICY_ORDER: "the policy's order",
    ChosenBecause.WEIGHT: "its weight inside the tier",
    ChosenBecause.EXPLORATION: "picked at random for comparison",
    ChosenBecause.ADAPTIVE: "drawn by its adaptive share",
    ChosenBecause.BEST_OF_BAD: "every circuit was open; it had failed least",
}

LEFT_OUT: Mapping[LeftOut, str] = {
    LeftOut.DISABLED: "it is switched off",
    LeftOut.COUNTRY: "it does not serve the country",
    LeftOut.CURRENCY: "it does not serve the currency",
    LeftOut.AMOUNT_TOO_SMALL: "the amount is below its limit",
    LeftOut.AMOUNT_TOO_LARGE: "the amount is above its limit",
    LeftOut.KIND: "it takes another kind of payment",
    LeftOut.FIELD_MISSING: "a field it requires was missing",
    LeftOut.DIRECT_CARDS_OFF: "typed cards are switched off for it",
    LeftOut.CIRCUIT_OPEN: "its circuit was open after technical failures",
    LeftOut.HELD_OPEN: "staff let nothing pass to it then",
    LeftOut.NOT_IN_POLICY: "it is not in the routing policy",
    LeftOut.NOT_IN_RULE: "the routing rule does not name it",
    LeftOut.NOT_CONNECTED: "this payorch has no connection to it",
    LeftOut.ALREADY_TRIED: "it had been tried already",
    LeftOut.PROVIDER_LIMIT: "enough providers stood before it",
}

NOT_SENT: Mapping[NotSentReason, str] = {
    NotSentReason.CONNECTION_REFUSED: "connection refused",
    NotSentReason.DNS_FAILED: "its name could not be resolved",
    NotSentReason.CONNECT_TIMEOUT: "no connection in time",
    NotSentReason.TLS_FAILED: "no secure connection",
    NotSentReason.INVALID_REQUEST: "it refused the request as invalid",
    NotSentReason.NOT_BUILT: "the request could not be built",
    NotSentReason.CIRCUIT_OPEN: "its circuit was open",
    NotSentReason.BULKHEAD_FULL: "too many calls to it were running",
    NotSentReason.RATE_LIMITED: "it asked us to slow down",
    NotSentReason.NOT_PROCESSED: "it said that it did not process the request",
    NotSentReason.BAD_CREDENTIALS: "it refused our credentials",
    NotSentReason.REFERENCE_CANCELLED: "the reference was cancelled there",
    NotSentReason.PROVED_CANCELLED: "the payment was cancelled there",
    NotSentReason.PROVED_ABSENT: "it never had the payment, and its time on the way is over",
    NotSentReason.CHALLENGE_EXPIRED: "the customer did not confirm it while that was possible",
    NotSentReason.VOIDED_AT_PROVIDER: "the payment was voided there",
    NotSentReason.CONCLUDED_BY_STAFF: "two people of the staff concluded that it did not charge",
}

UNKNOWN: Mapping[UnknownReason, str] = {
    UnknownReason.READ_TIMEOUT: "no answer in time",
    UnknownReason.CONNECTION_LOST: "the connection broke after sending",
    UnknownReason.SERVER_ERROR: "a server error after sending",
    UnknownReason.UNREADABLE_ANSWER: "an answer that cannot be read",
    UnknownReason.UNSEEN_STATUS: "a status nobody has seen before",
    UnknownReason.AMOUNT_MISMATCH: "an approval of another amount",
    UnknownReason.REFERENCE_MISMATCH: "an answer about another payment",
    UnknownReason.NEEDS_LOOKUP: "a decline that speaks of another charge, to be looked up first",
    UnknownReason.IN_FLIGHT: "the provider is still working on it",
    UnknownReason.NOT_FOUND: "the provider does not know it (which proves nothing)",
    UnknownReason.UNEXPECTED_ERROR: "an unexpected error after sending",
    UnknownReason.PROCESS_DIED: "payorch stopped before the answer",
}

FLAGS: Mapping[str, str] = {
    FLAG_AMOUNT_MISMATCH: "Amount differs",
    FLAG_REFERENCE_MISMATCH: "Reference differs",
    FLAG_CONTRADICTION: "Contradicting answer",
    FLAG_LATE_APPROVAL: "Late approval",
    FLAG_SURPLUS_CHARGE: "Charged too much, given back",
}

_REASONS: Mapping[str, str] = {
    str(member): text for table in (CHOSEN, NOT_SENT, UNKNOWN) for member, text in table.items()
}
_LEFT_OUT: Mapping[str, str] = {str(member): text for member, text in LEFT_OUT.items()}


def flag_text(flag: str) -> str:
    return FLAGS.get(flag) or worded(flag)


def reason_text(code: str | None) -> str:
    """Why a provider was chosen or failed; a code of another release is shown as it is."""
    return _REASONS.get(code or "") or worded(code)


def left_out_text(code: str) -> str:
    """Why a provider was no candidate. "circuit_open" means more here than after a call."""
    return _LEFT_OUT.get(code) or worded(code)


def worded(code: str | None) -> str:
    """A code as words: "do_not_honor" is "do not honor"."""
    return (code or "").replace("_", " ")
