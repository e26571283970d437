"""Checkout pages: parse the form, call the use case, send the customer to the order's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from payorch.application.request_limits import Limited
from payorch.presentation.checkout.order_lookup import order_view
from payorch.presentation.checkout.page import checkout_page, options_part
from payorch.presentation.checkout.read_form import open_form, order_form
from payorch.presentation.checkout.result_page import PageState, result_page
from payorch.presentation.checkout.submission import send_form
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from payorch.domain.payment_order import PaymentOrder
    from payorch.presentation.checkout.forms import CheckoutForm

checkout = Blueprint("checkout", __name__)


@checkout.get("/")
def start() -> ResponseReturnValue:
    return redirect(url_for("checkout.open_checkout"))


@checkout.get("/checkout")
def open_checkout() -> ResponseReturnValue:
    return checkout_page(open_form(), None)


@checkout.post("/checkout")
def send_open_checkout() -> ResponseReturnValue:
    return _answer(open_form(), None)


@checkout.get("/checkout/options")
def open_options() -> ResponseReturnValue:
    """The part of the form that depends on amount, currency and country, for the page's script."""
    return options_part(open_form())


@checkout.get("/checkout/<token>")
def order_checkout(token: str) -> ResponseReturnValue:
    view = order_view(token)
    if result_page(view, services().clock.now()).state is not PageState.PAYABLE:
        return redirect(url_for("orders.order_page", token=token))
    return checkout_page(order_form(view.order), view.order)


@checkout.post("/checkout/<token>")
def send_order_checkout(token: str) -> ResponseReturnValue:
    view = order_view(token)
    if result_page(view, services().clock.now()).state is not PageState.PAYABLE:
        return redirect(url_for("orders.order_page", token=token), 303)
    return _answer(order_form(view.order), view.order)


@checkout.get("/checkout/<token>/options")
def order_options(token: str) -> ResponseReturnValue:
    return options_part(order_form(order_view(token).order))


def _answer(form: CheckoutForm, order: PaymentOrder | None) -> ResponseReturnValue:
    """Pay, or show the form again: with its errors, or because only the options or the language
    were to change.
    """
    if "update" in request.form or "lang" in request.form:
        return checkout_page(form, order)
    if not form.validate():
        return checkout_page(form, order, status=400 if "csrf_token" in form.errors else 422)
    _refuse_floods(form)
    return send_form(form, order)


def _refuse_floods(form: CheckoutForm) -> None:
    """Raises TooManyRequests. Whoever tries out cards changes cards, and often the address."""
    limits = services().limit_requests
    limits.count(Limited.CHECKOUT_ADDRESS, request.remote_addr or "")
    limits.count(Limited.CHECKOUT_EMAIL, (form.email.data or "").casefold())
