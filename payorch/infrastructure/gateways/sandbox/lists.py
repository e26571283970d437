"""Lists of the practice provider's payments and refunds: what it holds, whether known or not."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from payorch.application.provider_gateway import ListedPayment, PaymentPage
from payorch.application.refund_gateway import ListedRefund, RefundPage
from payorch.domain.outcome import Unknown, UnknownReason
from payorch.domain.refund_outcome import RefundUnknown
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.sandbox.answer_fields import id_of, json_object, text_of
from payorch.infrastructure.gateways.sandbox.transform import payment_outcome

PAGE_SIZE = 100
MAX_AMOUNT = 2**63 - 1

Item = TypeVar("Item")


def page_query(since: datetime, after: str | None) -> str:
    query = {"created_after": since.isoformat(), "limit": str(PAGE_SIZE)}
    if after is not None:
        query["after"] = after
    return urlencode(query)


def payment_page(answer: HttpAnswer) -> PaymentPage | Unknown:
    page = _page(answer, _payment)
    if isinstance(page, str):
        return Unknown(UnknownReason.UNREADABLE_ANSWER, page)
    return PaymentPage(*page)


def refund_page(answer: HttpAnswer) -> RefundPage | RefundUnknown:
    page = _page(answer, _refund)
    if isinstance(page, str):
        return RefundUnknown(UnknownReason.UNREADABLE_ANSWER, page)
    return RefundPage(*page)


def _page(
    answer: HttpAnswer, read_item: Callable[[Mapping[str, Any]], Item | None]
) -> tuple[tuple[Item, ...], bool] | str:
    """A page as a whole, or why not: what cannot be read must not be passed over."""
    data = json_object(answer)
    if answer.status != 200 or data is None:
        return f"HTTP {answer.status}"
    items, has_more = data.get("data"), data.get("has_more")
    if not isinstance(items, list) or not isinstance(has_more, bool):
        return "no list"
    found = [read_item(item) for item in items if isinstance(item, dict)]
    read = tuple(item for item in found if item is not None)
    if len(read) != len(items) or (has_more and not read):
        return "an item without its fields"
    return read, has_more


def _payment(item: Mapping[str, Any]) -> ListedPayment | None:
    provider_reference, our_reference = id_of(item), text_of(item.get("reference"))
    money, created_at = _money(item), _time(item.get("created_at"))
    if provider_reference is None or our_reference is None or created_at is None or money is None:
        return None
    metadata = item.get("metadata")
    return ListedPayment(
        provider_reference=provider_reference,
        our_reference=our_reference,
        order_id=text_of(metadata.get("order")) if isinstance(metadata, dict) else None,
        amount_minor=money[0],
        currency=money[1],
        outcome=payment_outcome(item),
        created_at=created_at,
    )


def _refund(item: Mapping[str, Any]) -> ListedRefund | None:
    provider_reference, our_reference = id_of(item), text_of(item.get("reference"))
    payment_reference = text_of(item.get("payment_id"))
    money, created_at = _money(item), _time(item.get("created_at"))
    if provider_reference is None or our_reference is None or payment_reference is None:
        return None
    if created_at is None or money is None:
        return None
    return ListedRefund(
        provider_reference=provider_reference,
        our_reference=our_reference,
        payment_reference=payment_reference,
        amount_minor=money[0],
        currency=money[1],
        has_failed=item.get("status") == "failed",
        created_at=created_at,
    )


def _money(item: Mapping[str, Any]) -> tuple[int, str] | None:
    amount, currency = item.get("amount"), text_of(item.get("currency"))
    if not isinstance(amount, int) or isinstance(amount, bool) or currency is None:
        return None
    return (amount, currency) if 0 <= amount <= MAX_AMOUNT else None


def _time(value: object) -> datetime | None:
    text = text_of(value)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
