"""The page of one order: result, receipt, and the way back from a provider's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from flask import Blueprint, jsonify, redirect, render_template, request, url_for

from payorch.domain.errors import PayorchError
from payorch.presentation.checkout.order_lookup import order_view
from payorch.presentation.checkout.page import form_context
from payorch.presentation.checkout.read_form import order_form
from payorch.presentation.checkout.result_page import PageState, result_page
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from payorch.domain.payment_order import OrderId

orders = Blueprint("orders", __name__, url_prefix="/orders")

ASKED = "asked"
ANOTHER_WAY = "another-way"
"""In the address of the page: another way was asked for, and the open payment was in its way."""

_log = structlog.get_logger("payorch.checkout")


@orders.get("/<token>")
def order_page(token: str) -> ResponseReturnValue:
    view = order_view(token)
    page = result_page(view, services().clock.now())
    context: dict[str, object] = {
        "page": page,
        "view": view,
        "order": view.order,
        "token": token,
        "asked_for_another_way": request.args.get(ASKED) == ANOTHER_WAY,
    }
    if page.state is PageState.PAYABLE:
        context |= form_context(order_form(view.order), view.order)
    return render_template(f"orders/{page.state}.html", **context)


@orders.get("/<token>/status.json")
def order_status(token: str) -> ResponseReturnValue:
    page = result_page(order_view(token), services().clock.now())
    return jsonify(fingerprint=page.fingerprint)


@orders.get("/<token>/return")
def return_from_provider(token: str) -> ResponseReturnValue:
    """Where a provider's page sends the customer. Its query says nothing: the provider is asked.

    When the question cannot be asked now, the order's page says that it is being confirmed.
    """
    _look_up(order_view(token).order.id)
    return redirect(url_for("orders.order_page", token=token), 303)


@orders.post("/<token>/another-way")
def choose_another_way(token: str) -> ResponseReturnValue:
    """The customer gives the provider's page up: the payment there is cancelled first.

    Only a proved cancel brings the form back; pressed twice, the second press finds it done.
    """
    page = result_page(order_view(token), services().clock.now())
    if page.may_leave:
        _look_up(page.view.order.id, may_cancel=True)
        page = result_page(order_view(token), services().clock.now())
    query: dict[str, Any] = {ASKED: ANOTHER_WAY} if page.may_change else {}
    return redirect(url_for("orders.order_page", token=token, **query), 303)


def _look_up(order_id: OrderId, *, may_cancel: bool = False) -> None:
    """Ask the provider now. Whatever cannot be found out is shown as being confirmed."""
    try:
        services().resolve.check_order_now(order_id, may_cancel=may_cancel)
    except PayorchError as error:
        _log.warning("check_failed", order_id=order_id, code=error.code)
