"""From the refund form to what is confirmed, and from there to the use case's command."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.refund_payment import RefundOptions, RefundPayment
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import InvalidMoney, OrderNotRefundable, ReasonRequired
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import OPEN_REFUND_STATUSES, Refund, RefundKind, RefundStatus
from payorch.presentation.backoffice.payments.payment_texts import worded
from payorch.presentation.backoffice.payments.refund_texts import HOW_IT_GOES_BACK
from payorch.presentation.money_format import format_money

IN_FULL, IN_PART = "full", "part"

_KEY = re.compile(r"[A-Za-z0-9_-]{10,60}")


class InvalidRefundForm(Exception):
    """What was typed cannot be done; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class RefundChoices:
    """What finance may choose from. `how_in_full` says in plain words how all of it goes back."""

    paid: str
    refunded: str | None
    under_way: str | None
    left: Money
    left_text: str
    in_full: RefundKind | None
    how_in_full: str
    may_choose_part: bool
    void_was_refused: bool

    @classmethod
    def of(cls, options: RefundOptions) -> "RefundChoices":
        """Raises OrderNotRefundable when nothing is left."""
        refundable = options.refundable
        currency = refundable.paid.currency
        if refundable.left_minor <= 0:
            raise OrderNotRefundable("Nothing is left of this payment.")
        in_full = None
        if options.may_void:
            in_full = RefundKind.VOID
        elif options.may_refund:
            in_full = RefundKind.REFUND
        return cls(
            paid=format_money(refundable.paid.amount_minor, currency),
            refunded=_amount(refundable.refunded_minor, currency),
            under_way=_amount(refundable.open_minor, currency),
            left=Money(refundable.left_minor, currency),
            left_text=format_money(refundable.left_minor, currency),
            in_full=in_full,
            how_in_full="" if in_full is None else HOW_IT_GOES_BACK[in_full],
            may_choose_part=options.may_refund,
            void_was_refused=refundable.void_was_refused,
        )


@dataclass(frozen=True, slots=True)
class ConfirmPlan:
    """What the confirmation page says and sends. `key` makes a second press harmless."""

    kind: RefundKind
    money: Money
    amount: str
    is_all: bool
    reason: str
    key: str


def typed_plan(form: Mapping[str, str], choices: RefundChoices) -> ConfirmPlan:
    """Raises InvalidRefundForm."""
    try:
        reason = checked_reason(form.get("reason", ""))
    except ReasonRequired as error:
        raise InvalidRefundForm(error.message) from None
    money, kind = _typed_amount(form, choices)
    return ConfirmPlan(
        kind=kind,
        money=money,
        amount=format_money(money.amount_minor, money.currency),
        is_all=money == choices.left,
        reason=reason,
        key=secrets.token_urlsafe(18),
    )


def _typed_amount(form: Mapping[str, str], choices: RefundChoices) -> tuple[Money, RefundKind]:
    how_much = form.get("how_much")
    if how_much == IN_FULL and choices.in_full is not None:
        return choices.left, choices.in_full
    if how_much != IN_PART or not choices.may_choose_part:
        raise InvalidRefundForm("Choose how much to give back.")
    try:
        money = Money.from_decimal_text(form.get("amount", ""), choices.left.currency)
    except InvalidMoney as error:
        raise InvalidRefundForm(f"Amount: {error.message}") from None
    if money.amount_minor > choices.left.amount_minor:
        raise InvalidRefundForm(f"At most {choices.left_text} can be given back.")
    return money, RefundKind.REFUND


def confirmed_command(form: Mapping[str, str], order_id: OrderId, *, actor: str) -> RefundPayment:
    """What the confirmation page sent. Raises InvalidRefundForm for anything else."""
    key, amount, kind = form.get("key", ""), form.get("amount_minor", ""), form.get("kind", "")
    is_amount = amount.isascii() and amount.isdecimal() and len(amount) <= 15 and int(amount) > 0
    if not _KEY.fullmatch(key) or not is_amount or kind not in set(RefundKind):
        raise InvalidRefundForm("This form is incomplete. Start again.")
    reason = form.get("reason", "")
    sent = json.dumps([order_id, amount, kind, reason.strip()])
    return RefundPayment(
        order_id=order_id,
        amount_minor=int(amount),
        reason=reason,
        actor=actor,
        idempotency_key=f"staff-refund:{key}",
        request_hash=hashlib.sha256(sent.encode()).hexdigest(),
        prefers_void=kind == RefundKind.VOID,
        is_by_staff=True,
    )


def outcome_message(refund: Refund) -> tuple[str, str]:
    """What to tell after asking, and how it looks."""
    amount = format_money(refund.money.amount_minor, refund.money.currency)
    match refund.status:
        case RefundStatus.SUCCEEDED:
            return f"{amount} was given back.", "success"
        case RefundStatus.FAILED:
            why = worded(refund.failure_code)
            return f"The provider refused ({why}). Nothing was given back.", "error"
        case status if status in OPEN_REFUND_STATUSES:
            return (
                (
                    f"{amount} is on its way back; the provider has not confirmed it yet. "
                    "payorch asks by itself: there is no need to do it again."
                ),
                "warning",
            )
    raise ValueError(f"A refund cannot be {refund.status}.")


def _amount(amount_minor: int, currency: str) -> str | None:
    return format_money(amount_minor, currency) if amount_minor else None
