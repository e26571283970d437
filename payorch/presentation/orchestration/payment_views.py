"""Paying: an order that exists, or order and payment in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.application.commands import PayOrder
from payorch.application.payment_result import ResultKind
from payorch.domain.errors import OrderNotFound, PaymentMethodNotFound
from payorch.presentation.orchestration.answer_schemas import PaymentOut
from payorch.presentation.orchestration.answers import (
    LOOK_AGAIN_AFTER_S,
    UNFINISHED,
    answer,
    order_address,
)
from payorch.presentation.orchestration.blueprint import blueprint
from payorch.presentation.orchestration.idempotency import request_hash, required_key
from payorch.presentation.orchestration.order_views import known_order_id, view_json
from payorch.presentation.orchestration.request_reader import InvalidRequest
from payorch.presentation.orchestration.request_schemas import PayIn, PaymentIn
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask import Response


@blueprint.post("/orders/<order_id>/pay")
@blueprint.input(PayIn, arg_name="body")
@blueprint.output(PaymentOut, status_code=200, description="Paid, or declined: see result")
@blueprint.doc(operation_id="payOrder")
def pay_order(order_id: str, body: PayIn) -> Response:
    """Pay an order.

    A decline is no error: 200 with `result` "declined". 202 means that the result is not known
    yet, or that the customer has to go to `redirect_url`; then read the order again.
    """
    key = required_key()
    _require_known_provider(body.provider)
    command = PayOrder(
        idempotency_key=f"api-pay:{key}",
        request_hash=request_hash(f"pay {order_id}", body),
        order_id=known_order_id(order_id),
        customer=body.customer.to_customer() if body.customer else None,
        country=body.country,
        preferred_provider=body.provider,
        language=body.language,
        client_address=str(body.client_ip) if body.client_ip else None,
        instrument=body.card.to_instrument() if body.card else None,
    )
    return _pay(command, paid_status=200)


@blueprint.post("/payments")
@blueprint.input(PaymentIn, arg_name="body")
@blueprint.output(PaymentOut, status_code=201, description="Order created and paid")
@blueprint.doc(operation_id="createPayment")
def create_payment(body: PaymentIn) -> Response:
    """Create an order and pay it, in one request.

    201 when it was paid; otherwise 200 or 202 as for paying an order that exists.
    """
    key = f"api-pay:{required_key()}"
    _require_known_provider(body.provider)
    fingerprint = request_hash("payment", body)
    command = PayOrder(
        idempotency_key=key,
        request_hash=fingerprint,
        new_order=body.to_command(idempotency_key=key, request_hash=fingerprint),
        preferred_provider=body.provider,
        language=body.language,
        client_address=str(body.client_ip) if body.client_ip else None,
        instrument=body.card.to_instrument() if body.card else None,
    )
    return _pay(command, paid_status=201)


def _pay(command: PayOrder, *, paid_status: int) -> Response:
    result = services().pay_order.execute(command)
    view = result.order or services().orders.by_id(result.order_id)
    if view is None:
        raise OrderNotFound("There is no such order.")
    headers = {}
    status = paid_status if result.kind is ResultKind.PAID else 200
    if result.kind in UNFINISHED:
        status = 202
        headers["Retry-After"] = str(LOOK_AGAIN_AFTER_S)
    if status != 200:
        headers["Location"] = order_address(result.order_id)
    return answer(
        status,
        {
            "result": result.told(view.order),
            "customer_message_key": result.customer_text,
            "redirect_url": result.redirect_url,
            "order": view_json(view),
        },
        headers=headers,
        is_replay=result.is_replay,
    )


def _require_known_provider(code: str | None) -> None:
    """Raises InvalidRequest for a misspelled provider, instead of quietly taking another one."""
    registry = services().registry
    # The configuration in memory is enough to know a code; only an unknown one is looked up.
    if code is None or any(code == method.code for method in registry.at_revision(0).methods):
        return
    try:
        registry.method(code)
    except PaymentMethodNotFound as error:
        raise InvalidRequest(
            [{"loc": ["provider"], "msg": "There is no such payment method.", "type": error.code}]
        ) from None
