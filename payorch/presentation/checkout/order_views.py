"""The page of one order: result, receipt, and the way back from a provider's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, jsonify, redirect, render_template, url_for

from payorch.domain.errors import PayorchError
from payorch.presentation.checkout.order_lookup import order_view
from payorch.presentation.checkout.page import form_context
from payorch.presentation.checkout.read_form import order_form
from payorch.presentation.checkout.result_page import PageState, result_page
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

orders = Blueprint("orders", __name__, url_prefix="/orders")

_log = structlog.get_logger("payorch.checkout")


@orders.get("/<token>")
def order_page(token: str) -> ResponseReturnValue:
    view = order_view(token)
    page = result_page(view, services().clock.now())
    context: dict[str, object] = {"page": page, "view": view, "order": view.order, "token": token}
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
    order = order_view(token).order
    try:
        services().resolve.check_order_now(order.id)
    except PayorchError as error:
        _log.warning("return_check_failed", order_id=order.id, code=error.code)
    return redirect(url_for("orders.order_page", token=token), 303)
