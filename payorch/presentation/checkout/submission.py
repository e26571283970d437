"""Sends a valid form to the use case and the customer to where the result is shown.

Whatever happened, the answer to a form that was taken is a redirect: a reload sends nothing
again. A form that was not taken is shown again with the reason, under the same submit key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from payorch.application.payment_result import ResultKind
from payorch.domain.errors import (
    CardNotAcceptedNow,
    IdempotencyKeyReused,
    InvalidMoney,
    LedgerUnavailable,
    NoProviderForOrder,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentInProgress,
    PaymentsPaused,
    PayorchError,
    TooManyDeclines,
    TooManySubmissions,
)
from payorch.domain.payment_order import OrderId
from payorch.presentation.checkout.page import checkout_page
from payorch.presentation.checkout.pay_command import pay_command
from payorch.presentation.checkout.web_address import web_address
from payorch.presentation.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_babel.speaklater import LazyString
    from werkzeug.wrappers import Response

    from payorch.application.payment_result import PaymentResult
    from payorch.domain.payment_order import PaymentOrder
    from payorch.presentation.checkout.forms import CheckoutForm


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a payment that was not taken is answered: the HTTP status, and what the form says."""

    status: int
    text: LazyString


REFUSALS: Mapping[type[PayorchError], Refusal] = {
    NoProviderForOrder: Refusal(
        422,
        _(
            "No provider can take this payment. Choose another "
            "way to pay, or check country and currency. You were not charged."
        ),
    ),
    InvalidMoney: Refusal(422, _("This amount cannot be paid here.")),
    TooManySubmissions: Refusal(
        429,
        _(
            "This order was tried too often. "
            "Please wait an hour and try again. You were not charged."
        ),
    ),
    TooManyDeclines: Refusal(
        429,
        _(
            "Too many payments were declined. Please wait a while before you try again. "
            "You were not charged."
        ),
    ),
    CardNotAcceptedNow: Refusal(
        422,
        _(
            "This card was declined before and cannot be used again now. "
            "Please use another card. You were not charged."
        ),
    ),
    PaymentsPaused: Refusal(503, _("Payments are paused for a short check. Nothing was charged.")),
    LedgerUnavailable: Refusal(
        503,
        _(
            "The payment could not be started just now. Please press Pay again: "
            "you will not be charged twice."
        ),
    ),
}


def send_form(form: CheckoutForm, order: PaymentOrder | None) -> Response:
    try:
        result = services().pay_order.execute(pay_command(form, order))
    except (OrderAlreadyPaid, OrderNotPayable, PaymentInProgress) as error:
        return _where_it_is_shown(form, order, _order_id(error, order))
    except IdempotencyKeyReused as error:
        return _already_sent(form, order, _order_id(error, order))
    except tuple(REFUSALS) as error:
        refusal = next(REFUSALS[kind] for kind in type(error).__mro__ if kind in REFUSALS)
        return _refused(form, order, refusal.status, str(refusal.text))
    return redirect(_next_url(result), 303)


def _next_url(result: PaymentResult) -> str:
    provider_page = web_address(result.redirect_url)
    if result.kind is ResultKind.ACTION_REQUIRED and provider_page is not None:
        return provider_page
    return _order_url(result.order_id)


def _where_it_is_shown(
    form: CheckoutForm, order: PaymentOrder | None, order_id: OrderId | None
) -> Response:
    """The order's page shows what became of it, or the first press of "Pay" is still at work."""
    if order_id is not None:
        return redirect(_order_url(order_id), 303)
    return _refused(
        form,
        order,
        409,
        gettext(
            "This payment is being sent already. Please wait a few "
            "seconds and press Pay again: you will not be charged twice."
        ),
    )


def _already_sent(
    form: CheckoutForm, order: PaymentOrder | None, order_id: OrderId | None
) -> Response:
    """The key was used with other data. It stays in the form: a new one could charge twice."""
    form.refuse(
        gettext(
            "This form was already sent with other data. Look at the result of that payment first."
        ),
        url=None if order_id is None else _order_url(order_id),
    )
    return checkout_page(form, order, status=409)


def _refused(form: CheckoutForm, order: PaymentOrder | None, status: int, message: str) -> Response:
    form.refuse(message)
    return checkout_page(form, order, status=status)


def _order_id(error: Exception, order: PaymentOrder | None) -> OrderId | None:
    order_id = getattr(error, "order_id", None)
    if order_id is None:
        return None if order is None else order.id
    return OrderId(order_id)


def _order_url(order_id: OrderId) -> str:
    return url_for("orders.order_page", token=services().tokens.token_for(order_id))
