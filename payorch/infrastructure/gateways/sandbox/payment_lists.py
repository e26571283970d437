"""Lists of the practice provider's payments: what it holds, whether the books know it or not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payorch.application.provider_gateway import ListedPayment, PaymentPage
from payorch.domain.outcome import Unknown, UnknownReason
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.sandbox.answer_fields import id_of, json_object, text_of
from payorch.infrastructure.gateways.sandbox.transform import payment_outcome

PAGE_SIZE = 100
MAX_AMOUNT = 2**63 - 1


def read_page(answer: HttpAnswer) -> PaymentPage | Unknown:
    """A page as a whole or nothing: a payment that cannot be read must not be passed over."""
    data = json_object(answer)
    if answer.status != 200 or data is None:
        return Unknown(UnknownReason.UNREADABLE_ANSWER, f"HTTP {answer.status}")
    items, has_more = data.get("data"), data.get("has_more")
    if not isinstance(items, list) or not isinstance(has_more, bool):
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "no list")
    payments = [_listed(item) for item in items if isinstance(item, dict)]
    read = tuple(payment for payment in payments if payment is not None)
    if len(read) != len(items) or (has_more and not read):
        return Unknown(UnknownReason.UNREADABLE_ANSWER, "a payment without its fields")
    return PaymentPage(read, has_more)


def _listed(item: Mapping[str, Any]) -> ListedPayment | None:
    provider_reference, our_reference = id_of(item), text_of(item.get("reference"))
    amount, currency = item.get("amount"), text_of(item.get("currency"))
    created_at = _time(item.get("created_at"))
    if provider_reference is None or our_reference is None or created_at is None:
        return None
    if not isinstance(amount, int) or not 0 <= amount <= MAX_AMOUNT or currency is None:
        return None
    metadata = item.get("metadata")
    return ListedPayment(
        provider_reference=provider_reference,
        our_reference=our_reference,
        order_id=text_of(metadata.get("order")) if isinstance(metadata, dict) else None,
        amount_minor=amount,
        currency=currency,
        outcome=payment_outcome(item),
        created_at=created_at,
    )


def _time(value: object) -> datetime | None:
    text = text_of(value)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
