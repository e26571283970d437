"""Answers of the practice provider to outcomes. What is not documented is Unknown."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.money import Money
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Outcome,
    Pending,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.sandbox.answer_fields import (
    MAX_CODE,
    MAX_SHORT_TEXT,
    code_of,
    error_of,
    holds_money,
    id_of,
    json_object,
    names_a_payment,
    storable,
    text_of,
)

_NEVER_EXECUTED = {
    400: NotSentReason.INVALID_REQUEST,
    401: NotSentReason.BAD_CREDENTIALS,
    403: NotSentReason.BAD_CREDENTIALS,
    404: NotSentReason.INVALID_REQUEST,
    422: NotSentReason.INVALID_REQUEST,
    429: NotSentReason.RATE_LIMITED,
}
"""Statuses that the provider documents as "nothing was executed", with an error body."""

_WITHOUT_MONEY = ("declined", "requires_action", "pending", "cancelled", "voided")
"""Statuses that are only believed of a payment which holds nothing."""

_CONTRADICTS_ITSELF = "contradicts itself"

_WEIGHT_IN_SEARCH: Mapping[type[Outcome], int] = {
    Approved: 0,
    Unknown: 1,
    Pending: 2,
    RequiresAction: 3,
    Declined: 4,
    NotSent: 5,
}
"""Which of several payments of one reference speaks for all: the lowest."""


def charge_outcome(answer: HttpAnswer, our_reference: str, money: Money) -> Outcome:
    """What the answer to a charge means. Also a decline counts only when it speaks of our payment:
    somebody else's, delivered to us, says nothing about whether ours was charged.
    """
    data = json_object(answer)
    if data is None:
        return _unreadable(answer)
    if answer.status in {200, 201}:
        return _payment_of(data, our_reference, money)
    if answer.status == 402:
        outcome = _payment_of(data, our_reference, money)
        return outcome if isinstance(outcome, (Declined, Unknown)) else _unreadable(answer)
    error = error_of(data)
    if error is not None and names_a_payment(data):
        # "Nothing was executed", together with what was executed: only a look can tell.
        return Unknown(UnknownReason.UNREADABLE_ANSWER, f"HTTP {answer.status} with a payment")
    if error is not None and answer.status in _NEVER_EXECUTED:
        return NotSent(_NEVER_EXECUTED[answer.status], code_of(error))
    if error is not None and answer.status == 503 and error.get("code") == "not_processed":
        return NotSent(NotSentReason.NOT_PROCESSED)
    if error is not None and answer.status == 409:
        if error.get("code") == "reference_cancelled":
            return NotSent(NotSentReason.REFERENCE_CANCELLED)
        return Unknown(UnknownReason.IN_FLIGHT, code_of(error))
    return _unreadable(answer)


def lookup_outcome(answer: HttpAnswer, our_reference: str) -> Outcome:
    """What reading a payment by its id means. A missing one proves nothing."""
    data = json_object(answer)
    if answer.status == 404:
        return Unknown(UnknownReason.NOT_FOUND)
    if answer.status != 200 or data is None:
        return _unreadable(answer)
    return _our_payment(data, our_reference)


def find_outcome(answer: HttpAnswer, our_reference: str) -> Outcome:
    """What a search by our reference means: found is proof, nothing found is not."""
    data = json_object(answer)
    if answer.status != 200 or data is None:
        return _unreadable(answer)
    found = data.get("data")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        return _unreadable(answer)
    ours = [item for item in found if item.get("reference") == our_reference]
    if not ours:
        return Unknown(UnknownReason.REFERENCE_MISMATCH if found else UnknownReason.NOT_FOUND)
    # A provider without idempotency may hold several payments of one reference: an approved one
    # is the truth about the money; without one, nothing is settled before all of them are.
    outcomes = [_our_payment(item, our_reference) for item in ours]
    speaker = min(outcomes, key=lambda outcome: _WEIGHT_IN_SEARCH[type(outcome)])
    if isinstance(speaker, Approved):
        others = (o for o in outcomes if isinstance(o, Approved) and o is not speaker)
        return replace(speaker, surplus=tuple(others))
    return speaker


def cancel_outcome(answer: HttpAnswer, our_reference: str) -> Outcome:
    """What a cancel means: cancelled is proof; "too late" tells how the payment ended."""
    data = json_object(answer)
    if data is None:
        return _unreadable(answer)
    if answer.status == 200 and data.get("status") == "cancelled":
        if data.get("reference") != our_reference:
            return Unknown(UnknownReason.REFERENCE_MISMATCH)
        if holds_money(data) or "payment" in data:
            return Unknown(UnknownReason.UNREADABLE_ANSWER, _CONTRADICTS_ITSELF, id_of(data))
        return NotSent(NotSentReason.PROVED_CANCELLED)
    if answer.status == 409 and isinstance(data.get("payment"), dict):
        return _our_payment(data["payment"], our_reference)
    return _unreadable(answer)


def _payment_of(data: Mapping[str, Any], our_reference: str, money: Money) -> Outcome:
    """An approval is handed on as it is: the single writer compares it and keeps what it said."""
    if data.get("status") == "approved":
        return payment_outcome(data)
    outcome = _our_payment(data, our_reference)
    if isinstance(outcome, Unknown):
        return outcome
    if (data.get("amount"), data.get("currency")) != (money.amount_minor, money.currency):
        return Unknown(UnknownReason.AMOUNT_MISMATCH, provider_reference=id_of(data))
    return outcome


def _our_payment(data: Mapping[str, Any], our_reference: str) -> Outcome:
    named = text_of(data.get("reference"))
    if named is None:
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "no reference", id_of(data))
    if named != our_reference:
        return Unknown(UnknownReason.REFERENCE_MISMATCH)
    return payment_outcome(data)


def payment_outcome(data: Mapping[str, Any]) -> Outcome:
    """What a payment object says, whosever it is."""
    reference = id_of(data)
    if reference is None:
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "no id")
    if data.get("status") in _WITHOUT_MONEY and holds_money(data):
        return Unknown(UnknownReason.UNREADABLE_ANSWER, _CONTRADICTS_ITSELF, reference)
    match data.get("status"):
        case "approved":
            return _approved(data, reference)
        case "declined":
            return _declined(data, reference)
        case "requires_action":
            url = text_of(data.get("redirect_url"))
            if url is None or not url.isprintable() or not url.startswith(("https://", "http://")):
                return Unknown(UnknownReason.UNREADABLE_ANSWER, "no redirect_url", reference)
            return RequiresAction(reference, url)
        case "pending":
            return Pending(reference)
        case "cancelled":
            return NotSent(NotSentReason.PROVED_CANCELLED)
        case "voided":
            return NotSent(NotSentReason.VOIDED_AT_PROVIDER)
        case _:
            return Unknown(UnknownReason.UNSEEN_STATUS, "", reference)


def _approved(data: Mapping[str, Any], reference: str) -> Outcome:
    amount, currency = data.get("amount"), text_of(data.get("currency"))
    our_reference = text_of(data.get("reference"))
    is_amount = isinstance(amount, int) and not isinstance(amount, bool)
    if data.get("captured_amount") == 0:
        return Unknown(UnknownReason.UNREADABLE_ANSWER, _CONTRADICTS_ITSELF, reference)
    if not is_amount or currency is None or our_reference is None:
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "incomplete approval", reference)
    return Approved(reference, our_reference, int(str(amount)), currency)


def _declined(data: Mapping[str, Any], reference: str) -> Outcome:
    decline = data.get("decline")
    code = text_of(decline.get("code")) if isinstance(decline, dict) else None
    if code is None or not isinstance(decline, dict):
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "decline without code", reference)
    signal = DeclineSignal(
        scheme=storable(text_of(decline.get("scheme")), MAX_SHORT_TEXT),
        code=storable(code, MAX_CODE) or "",
        advice_code=storable(text_of(decline.get("advice_code")), MAX_SHORT_TEXT),
        has_card_number=True,
    )
    return Declined(signal, reference)


def _unreadable(answer: HttpAnswer) -> Unknown:
    if answer.status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR, f"HTTP {answer.status}")
    return Unknown(UnknownReason.UNREADABLE_ANSWER, f"HTTP {answer.status}")
