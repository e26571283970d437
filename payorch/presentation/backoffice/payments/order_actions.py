"""What staff may do at one order now: legal by its state, and permitted by their role."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, url_for

from payorch.domain.payment_status import (
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
)
from payorch.domain.transitions import may_order_become
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.transactions import TransactionRow
from payorch.presentation.backoffice.notices.order_letters import LetterPart
from payorch.presentation.backoffice.payments.order_refunds import OrderRefunds
from payorch.presentation.backoffice.payments.payment_columns import ORDERS_ENDPOINT
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import staff_may

ERASE = Permission.ERASE_CUSTOMERS
OVER = (PaymentStatus.PAID, PaymentStatus.EXPIRED, PaymentStatus.CANCELLED)
"""Orders whose customer may be forgotten, unless something of them is open."""

REVIEWS_ENDPOINT = "backoffice_reviews"


@dataclass(frozen=True, slots=True)
class Action:
    """A way to a page that asks for the reason; nothing happens before that."""

    label: str
    address: str
    is_first: bool = False


def open_transaction(order: OrderRow) -> TransactionRow | None:
    """The one attempt that is not settled; `order`'s transactions are loaded."""
    return next((t for t in order.transactions if t.status in OPEN_TRANSACTION_STATUSES), None)


def may_be_cancelled(order: OrderRow) -> bool:
    is_legal = may_order_become(order.status, PaymentStatus.CANCELLED)
    return is_legal and open_transaction(order) is None


def may_deal_with_flag(order: OrderRow) -> bool:
    return bool(order.flag) and order.flag_dealt_at is None and staff_may(Permission.SETTLE_FLAGS)


def may_reopen_flag(order: OrderRow) -> bool:
    return order.flag_dealt_at is not None and staff_may(Permission.SETTLE_FLAGS)


def order_actions(
    order: OrderRow, refunds: OrderRefunds, letters: Sequence[LetterPart]
) -> list[Action]:
    return [
        *_payment_actions(order),
        *_money_actions(order, refunds, letters),
        *(
            [Action("Add a note", _address("note_page", order))]
            if staff_may(Permission.WRITE_NOTES)
            else []
        ),
        *(
            [Action("Erase the customer", _address("erase_page", order))]
            if order.status in OVER and order.erased_at is None and staff_may(ERASE)
            else []
        ),
    ]


def _payment_actions(order: OrderRow) -> list[Action]:
    """Of an order that is not settled, or not paid."""
    actions = []
    waiting = open_transaction(order)
    if waiting is not None and waiting.review_since and may_review():
        actions.append(Action("Review", review_address(waiting.public_id), is_first=True))
    if waiting is not None and staff_may(Permission.CHECK_PAYMENTS):
        actions.append(Action("Check now", _address("check_page", order), is_first=not actions))
    if may_be_cancelled(order) and staff_may(Permission.CANCEL_ORDERS):
        actions.append(Action("Cancel the order", _address("cancel_page", order)))
    return actions


def _money_actions(
    order: OrderRow, refunds: OrderRefunds, letters: Sequence[LetterPart]
) -> list[Action]:
    """Of a paid order."""
    actions = []
    if refunds.left and staff_may(Permission.REFUND_PAYMENTS):
        address = url_for("backoffice_refunds.refund_page", order_id=order.public_id)
        actions.append(Action("Refund or void", address))
    receipt = next((letter for letter in letters if letter.is_receipt), None)
    if receipt is not None and staff_may(Permission.RESEND_LETTERS):
        actions.append(Action("Resend receipt", f"{receipt.address}#resend"))
    return actions


def may_review() -> bool:
    return f"{REVIEWS_ENDPOINT}.index_view" in current_app.view_functions and (
        staff_may(Permission.PROPOSE_REVIEWS) or staff_may(Permission.DECIDE_REVIEWS)
    )


def review_address(transaction_id: str) -> str:
    return url_for(f"{REVIEWS_ENDPOINT}.review_page", public_id=transaction_id)


def _address(page: str, order: OrderRow) -> str:
    return url_for(f"{ORDERS_ENDPOINT}.{page}", public_id=order.public_id)
