"""What the order's page shows: one state, derived from the order and its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from payorch.application.payment_result import ResultKind
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.presentation.checkout.texts import (
    GIVEN_BACK,
    NOT_CHARGED,
    NOT_COMPLETED,
    NOT_PAID_YET,
    ResultText,
    decline_text,
)
from payorch.presentation.checkout.web_address import web_address

if TYPE_CHECKING:
    from datetime import datetime

    from payorch.application.order_views import OrderView


class PageState(StrEnum):
    PAID = "paid"
    CONFIRMING = "confirming"
    ACTION_REQUIRED = "action_required"
    PAYABLE = "payable"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ResultPage:
    """`text` is set when the order can be paid (again), `action_url` when the provider waits.

    `may_leave`: the customer may give the provider's page up and choose another way to pay.
    """

    state: PageState
    view: OrderView
    text: ResultText | None = None
    action_url: str | None = None
    may_leave: bool = False

    @property
    def may_change(self) -> bool:
        return self.state in {PageState.CONFIRMING, PageState.ACTION_REQUIRED}

    @property
    def fingerprint(self) -> str:
        """Changes whenever the page would look different; the page's script compares it."""
        last = self.view.last
        return f"{self.state}-{last.id}-{last.status}" if last else str(self.state)


def result_page(view: OrderView, now: datetime) -> ResultPage:
    match view.order.status:
        case PaymentStatus.PAID:
            return ResultPage(PageState.PAID, view)
        case PaymentStatus.EXPIRED:
            return ResultPage(PageState.EXPIRED, view)
        case PaymentStatus.CANCELLED:
            return ResultPage(PageState.CANCELLED, view)
        case PaymentStatus.PROCESSING:
            return _open_page(view, now)
        case PaymentStatus.PENDING | PaymentStatus.FAILED:
            if now >= view.order.expires_at:
                return ResultPage(PageState.EXPIRED, view)
            return ResultPage(PageState.PAYABLE, view, text=_text_of(view))


def _open_page(view: OrderView, now: datetime) -> ResultPage:
    last = view.last
    if last is None or last.status is not TransactionStatus.REQUIRES_ACTION:
        return ResultPage(PageState.CONFIRMING, view)
    # Past its time the order could not be paid another way.
    may_leave = now < view.order.expires_at
    provider_page = web_address(last.redirect_url)
    if provider_page is None:
        return ResultPage(PageState.CONFIRMING, view, may_leave=may_leave)
    return ResultPage(
        PageState.ACTION_REQUIRED, view, action_url=provider_page, may_leave=may_leave
    )


def _text_of(view: OrderView) -> ResultText:
    """Why the order is not paid, from the stored result of its last submission."""
    last = view.last
    if last is None:
        return NOT_PAID_YET
    if view.order.flag is not None:
        return GIVEN_BACK
    if last.status is TransactionStatus.ABANDONED:
        return NOT_COMPLETED
    result = view.last_result or {}
    if result.get("kind") == ResultKind.DECLINED or last.status is TransactionStatus.DECLINED:
        return decline_text(str(result.get("customer_text")))
    return NOT_CHARGED
