"""Giving money back: ask for it, look at it, try a failed one again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from payorch.application.refund_payment import RefundPayment
from payorch.domain.errors import RefundNotFound
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundId
from payorch.presentation.orchestration.answers import answer
from payorch.presentation.orchestration.api_access import actor
from payorch.presentation.orchestration.blueprint import API_PREFIX, blueprint
from payorch.presentation.orchestration.idempotency import request_hash, required_key
from payorch.presentation.orchestration.order_views import find_order, known_order_id
from payorch.presentation.orchestration.refund_schemas import (
    RefundIn,
    RefundOut,
    RefundRetryIn,
    RefundsOut,
)
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask import Response

    from payorch.application.refund_views import RefundView

_REFUND_ID = re.compile(r"re_[A-Za-z0-9_-]{1,37}")


@blueprint.post("/orders/<order_id>/refunds")
@blueprint.input(RefundIn, arg_name="body")
@blueprint.output(RefundOut, status_code=201, description="Succeeded, or failed: see status")
@blueprint.doc(operation_id="createRefund")
def create_refund(order_id: str, body: RefundIn) -> Response:
    """Refund a paid order, in full or in part, or void its payment.

    A refusal by the provider is no error: 201 with `status` "failed". 202 means that it is under
    way or that the provider has not said yet; then read the refund again.
    """
    key = required_key()
    command = RefundPayment(
        order_id=known_order_id(order_id),
        amount_minor=body.amount_minor,
        reason=body.reason,
        actor=actor(),
        prefers_void=body.prefer_void,
        idempotency_key=f"api-refund:{key}",
        request_hash=request_hash(f"refund {order_id}", body),
    )
    opened = services().refund_payment.execute(command)
    return _answer(find_refund(opened.refund.id), settled=201, is_replay=opened.is_replay)


@blueprint.get("/orders/<order_id>/refunds")
@blueprint.output(RefundsOut, description="The refunds of the order")
@blueprint.doc(operation_id="listRefundsOfOrder")
def refunds_of_order(order_id: str) -> Response:
    """List an order's refunds, with what can still be refunded."""
    view = find_order(order_id)
    refunds = services().refunds.of_order(view.order.id)
    return answer(
        200,
        {
            "refunds": [refund_json(refund) for refund in refunds],
            "currency": view.order.money.currency,
            "refunded_minor": view.refunded_minor,
            "refundable_minor": view.refundable_minor,
        },
    )


@blueprint.get("/refunds/<refund_id>")
@blueprint.output(RefundOut, description="The refund")
@blueprint.doc(operation_id="readRefund")
def read_refund(refund_id: str) -> Response:
    """Read a refund."""
    return answer(200, refund_json(find_refund(refund_id)))


@blueprint.post("/refunds/<refund_id>/retry")
@blueprint.input(RefundRetryIn, arg_name="body")
@blueprint.output(RefundOut, status_code=200, description="Succeeded, or failed again: see status")
@blueprint.doc(operation_id="retryRefund")
def retry_refund(refund_id: str, body: RefundRetryIn) -> Response:
    """Try a failed refund again.

    The provider gets the same key as before, so that it can never become two refunds.
    """
    refund = services().refund_payment.retry(
        find_refund(refund_id).id, actor=actor(), reason=body.reason
    )
    return _answer(find_refund(refund.id), settled=200)


def find_refund(refund_id: str) -> RefundView:
    """The refund as last committed. Raises RefundNotFound."""
    view = None
    if _REFUND_ID.fullmatch(refund_id):
        view = services().refunds.by_id(RefundId(refund_id))
    if view is None:
        raise RefundNotFound("There is no such refund.")
    return view


def refund_json(refund: RefundView) -> dict[str, Any]:
    return {
        "id": refund.id,
        "order_id": refund.order_id,
        "transaction_id": refund.transaction_id,
        "kind": refund.kind,
        "status": refund.status,
        "amount_minor": refund.money.amount_minor,
        "currency": refund.money.currency,
        "amount": f"{refund.money.to_decimal():f}",
        "provider": refund.provider_code,
        "provider_reference": refund.provider_reference,
        "failure_code": refund.failure_code,
        "reason": refund.reason,
        "requested_by": refund.requested_by,
        "requested_at": refund.requested_at,
        "changed_at": refund.changed_at,
        "guard": refund.is_guard,
    }


def _answer(refund: RefundView, *, settled: int, is_replay: bool = False) -> Response:
    status = 202 if refund.status in OPEN_REFUND_STATUSES else settled
    headers = {"Location": f"{API_PREFIX}/refunds/{refund.id}"}
    return answer(status, refund_json(refund), headers=headers, is_replay=is_replay)
