"""Answers of the practice provider about refunds and voids. What is not documented is Unknown."""

from collections.abc import Mapping
from typing import Any

from payorch.application.refund_gateway import RefundRequest
from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.domain.refund_outcome import (
    RefundNotSent,
    RefundOutcome,
    RefundPending,
    RefundRefused,
    RefundSucceeded,
    RefundUnknown,
)
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.sandbox.answer_fields import (
    MAX_CODE,
    code_of,
    error_of,
    id_of,
    json_object,
    storable,
    text_of,
)

_NOT_PROCESSED_NOW = {
    401: NotSentReason.BAD_CREDENTIALS,
    403: NotSentReason.BAD_CREDENTIALS,
    429: NotSentReason.RATE_LIMITED,
}
"""Documented as "nothing was executed", and worth another try later."""

_REFUSED = frozenset({400, 402, 404, 422})
"""Documented as "nothing was executed", and the same request will not do better."""

_REFUSED_CONFLICTS = frozenset({"not_refundable", "not_voidable"})
"""The other conflicts are about a key: another request of it is or was under way."""

_JUDGED = frozenset({"refund_refused", "refund_not_allowed"})
"""The answer to a key, whenever it is sent again; other refusals are about what is left to give."""

_WEIGHT_IN_SEARCH: Mapping[type[RefundOutcome], int] = {
    RefundSucceeded: 0,
    RefundUnknown: 1,
    RefundPending: 2,
    RefundRefused: 3,
}
"""Which of several refunds of one reference speaks for all: the lowest."""


def refund_outcome(answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
    """What the answer to a refund means."""
    data = json_object(answer)
    if data is None:
        return _unreadable(answer)
    if answer.status in {200, 201}:
        return _refund(data, request)
    return _refusal(answer, data)


def void_outcome(answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
    """What the answer to a void means. "Not voidable" counts only with what the payment is."""
    data = json_object(answer)
    if data is None:
        return _unreadable(answer)
    if answer.status == 200:
        voided = _voided(data)
        return _unreadable(answer) if voided is None else voided
    payment = data.get("payment")
    if answer.status == 409 and isinstance(payment, dict):
        # A void that got through before is no refusal.
        voided = _voided(payment)
        if voided is not None:
            return voided
        if payment.get("reference") != request.reference:
            return RefundUnknown(UnknownReason.REFERENCE_MISMATCH)
    return _refusal(answer, data)


def lookup_outcome(answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
    """What reading a refund by its id means. A missing one proves nothing."""
    if answer.status == 404:
        return RefundUnknown(UnknownReason.NOT_FOUND)
    data = json_object(answer)
    if answer.status != 200 or data is None:
        return _unreadable(answer)
    return _refund(data, request)


def find_outcome(answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
    """What a search by our reference means: found is proof, nothing found is not."""
    data = json_object(answer)
    found = None if data is None else data.get("data")
    if answer.status != 200 or not isinstance(found, list):
        return _unreadable(answer)
    if not all(isinstance(item, dict) for item in found):
        return _unreadable(answer)
    ours = [item for item in found if item.get("reference") == request.reference]
    if not ours:
        reason = UnknownReason.REFERENCE_MISMATCH if found else UnknownReason.NOT_FOUND
        return RefundUnknown(reason)
    outcomes = [_refund(item, request) for item in ours]
    return min(outcomes, key=lambda outcome: _WEIGHT_IN_SEARCH[type(outcome)])


def payment_outcome(answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
    """What reading the payment says about its void: that it happened, or nothing."""
    data = json_object(answer)
    if answer.status != 200 or data is None:
        return _unreadable(answer)
    voided = _voided(data)
    if voided is not None:
        return voided
    is_ours = data.get("reference") == request.reference
    return RefundUnknown(
        UnknownReason.NOT_FOUND if is_ours else UnknownReason.REFERENCE_MISMATCH, "not voided"
    )


def _refund(data: Mapping[str, Any], request: RefundRequest) -> RefundOutcome:
    """A success is handed on as it is: the single writer compares it and keeps what it said."""
    reference = id_of(data)
    if reference is None:
        return RefundUnknown(UnknownReason.UNREADABLE_ANSWER, "no id")
    if data.get("payment_id") != request.payment_reference:
        return RefundUnknown(UnknownReason.REFERENCE_MISMATCH, "another payment")
    if data.get("status") == "succeeded":
        return _succeeded(data, reference)
    if data.get("reference") != request.reference:
        return RefundUnknown(UnknownReason.REFERENCE_MISMATCH)
    money = request.money
    if (data.get("amount"), data.get("currency")) != (money.amount_minor, money.currency):
        return RefundUnknown(UnknownReason.AMOUNT_MISMATCH, "", reference)
    match data.get("status"):
        case "pending":
            return RefundPending(reference)
        case "failed":
            code = storable(text_of(data.get("failure_code")), MAX_CODE)
            return RefundRefused(code or "failed", reference)
        case _:
            return RefundUnknown(UnknownReason.UNSEEN_STATUS, "", reference)


def _voided(payment: Mapping[str, Any]) -> RefundOutcome | None:
    if payment.get("status") != "voided":
        return None
    reference = id_of(payment)
    if reference is None:
        return RefundUnknown(UnknownReason.UNREADABLE_ANSWER, "no id")
    return _succeeded(payment, reference)


def _succeeded(data: Mapping[str, Any], reference: str) -> RefundOutcome:
    amount, currency = data.get("amount"), text_of(data.get("currency"))
    our_reference = text_of(data.get("reference"))
    is_amount = isinstance(amount, int) and not isinstance(amount, bool)
    if not is_amount or currency is None or our_reference is None:
        return RefundUnknown(UnknownReason.UNREADABLE_ANSWER, "incomplete success", reference)
    return RefundSucceeded(reference, our_reference, int(str(amount)), currency)


def _refusal(answer: HttpAnswer, data: Mapping[str, Any]) -> RefundOutcome:
    error = error_of(data)
    if error is None:
        return _unreadable(answer)
    code = code_of(error)
    if answer.status in _NOT_PROCESSED_NOW:
        return RefundNotSent(_NOT_PROCESSED_NOW[answer.status], code)
    if answer.status == 503 and code == "not_processed":
        return RefundNotSent(NotSentReason.NOT_PROCESSED)
    if answer.status in _REFUSED or (answer.status == 409 and code in _REFUSED_CONFLICTS):
        return RefundRefused(code or f"http_{answer.status}", is_of_this_refund=code in _JUDGED)
    if answer.status == 409:
        return RefundUnknown(UnknownReason.IN_FLIGHT, code)
    return _unreadable(answer)


def _unreadable(answer: HttpAnswer) -> RefundUnknown:
    if answer.status >= 500:
        return RefundUnknown(UnknownReason.SERVER_ERROR, f"HTTP {answer.status}")
    return RefundUnknown(UnknownReason.UNREADABLE_ANSWER, f"HTTP {answer.status}")
