"""Orders: create, read, and what could pay them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from payorch.domain.errors import OrderNotFound
from payorch.domain.payment_order import OrderId
from payorch.presentation.orchestration.answer_schemas import MethodsOut, OrderOut
from payorch.presentation.orchestration.answers import (
    answer,
    methods_json,
    order_address,
    order_json,
)
from payorch.presentation.orchestration.api_access import actor
from payorch.presentation.orchestration.blueprint import blueprint
from payorch.presentation.orchestration.idempotency import optional_key, request_hash
from payorch.presentation.orchestration.request_schemas import CancelIn, MethodsQuery, OrderIn
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask import Response

    from payorch.application.order_views import OrderView

# Anything else cannot be an id of ours, and PostgreSQL would refuse to look a NUL up.
_ORDER_ID = re.compile(r"po_[A-Za-z0-9_-]{1,37}")


@blueprint.post("/orders")
@blueprint.input(OrderIn, arg_name="body")
@blueprint.output(OrderOut, status_code=201, description="The order")
@blueprint.doc(operation_id="createOrder")
def create_order(body: OrderIn) -> Response:
    """Create an order.

    Nothing is charged. Send the customer to `checkout_url`, or pay it yourself. With an
    Idempotency-Key a repeated request gives the same order.
    """
    key = optional_key()
    command = body.to_command(
        idempotency_key=None if key is None else f"api:{key}",
        request_hash=None if key is None else request_hash("create", body),
    )
    created = services().create_order.execute(command)
    view = services().orders.by_id(created.order.id) if created.is_replay else None
    order = order_json(created.order, ()) if view is None else view_json(view)
    return answer(
        201,
        order,
        headers={"Location": order_address(created.order.id)},
        is_replay=created.is_replay,
    )


@blueprint.get("/orders/<order_id>")
@blueprint.output(OrderOut, description="The order")
@blueprint.doc(operation_id="readOrder")
def read_order(order_id: str) -> Response:
    """Read an order with its transactions."""
    return answer(200, view_json(find_order(order_id)))


@blueprint.post("/orders/<order_id>/cancel")
@blueprint.input(CancelIn, arg_name="body")
@blueprint.output(OrderOut, status_code=200, description="The cancelled order")
@blueprint.doc(operation_id="cancelOrder")
def cancel_order(order_id: str, body: CancelIn) -> Response:
    """Cancel an order that is not paid.

    It can then not be paid any more; cancelling it again changes nothing. An order with an open
    payment is refused (409): that payment has to end first. A paid one is refunded instead.
    """
    order = services().end_order.cancel(known_order_id(order_id), actor=actor(), reason=body.reason)
    return answer(200, view_json(find_order(order.id)))


@blueprint.get("/orders/<order_id>/payment-methods")
@blueprint.output(MethodsOut, description="Methods for this order")
@blueprint.doc(operation_id="listMethodsOfOrder")
def methods_of_order(order_id: str) -> Response:
    """List the payment methods that can take an order.

    In the order in which they would be tried, with the reason for each one left out.
    """
    order = find_order(order_id).order
    return answer(200, methods_json(order.money, order.country))


@blueprint.get("/payment-methods")
@blueprint.input(MethodsQuery, location="query", arg_name="query")
@blueprint.output(MethodsOut, description="Methods for such an order")
@blueprint.doc(operation_id="listMethods")
def methods(query: MethodsQuery) -> Response:
    """List the payment methods for an amount, a currency and a country."""
    return answer(200, methods_json(query.money(), query.country))


def find_order(order_id: str) -> OrderView:
    """The order as last committed. Raises OrderNotFound."""
    view = services().orders.by_id(known_order_id(order_id))
    if view is None:
        raise OrderNotFound("There is no such order.")
    return view


def known_order_id(order_id: str) -> OrderId:
    """`order_id` as an id. Raises OrderNotFound when it cannot be one."""
    if not _ORDER_ID.fullmatch(order_id):
        raise OrderNotFound("There is no such order.")
    return OrderId(order_id)


def view_json(view: OrderView) -> dict[str, object]:
    return {
        **order_json(view.order, view.transactions),
        "refunded_minor": view.refunded_minor,
        "refundable_minor": view.refundable_minor,
    }
