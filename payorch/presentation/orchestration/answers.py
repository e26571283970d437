"""Builds the JSON of answers from what the use cases return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

from payorch.application.payment_result import ResultKind
from payorch.presentation.orchestration.blueprint import API_PREFIX
from payorch.presentation.orchestration.idempotency import REPLAYED_HEADER
from payorch.presentation.services import services, settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from payorch.application.order_views import TransactionView
    from payorch.domain.money import Money
    from payorch.domain.payment_order import OrderId, PaymentOrder

LOOK_AGAIN_AFTER_S = 2

UNFINISHED = frozenset({ResultKind.ACTION_REQUIRED, ResultKind.CONFIRMING})


def answer(
    status: int,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    is_replay: bool = False,
) -> Response:
    response = Response(
        orjson.dumps(body, option=orjson.OPT_UTC_Z),
        status=status,
        mimetype="application/json",
        headers=dict(headers or {}),
    )
    if is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def order_address(order_id: OrderId) -> str:
    return f"{API_PREFIX}/orders/{order_id}"


def order_json(order: PaymentOrder, transactions: Sequence[TransactionView]) -> dict[str, Any]:
    token = services().tokens.token_for(order.id)
    base_url = settings().base_url
    return {
        "id": order.id,
        "status": order.status,
        "amount_minor": order.money.amount_minor,
        "currency": order.money.currency,
        "amount": f"{order.money.to_decimal():f}",
        "description": order.description,
        "country": order.country,
        "merchant_reference": order.merchant_reference,
        "metadata": dict(order.metadata),
        "checkout_url": f"{base_url}/checkout/{token}",
        "status_url": f"{base_url}/orders/{token}",
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "flag": order.flag,
        "refunded_minor": 0,
        "refundable_minor": 0,
        "transactions": [_transaction_json(transaction) for transaction in transactions],
    }


def methods_json(money: Money, country: str) -> dict[str, Any]:
    registry = services().registry
    return {
        "methods": [
            {
                "code": method.code,
                "name": method.display_name,
                "kind": method.kind,
                "needs_card": method.takes_typed_card,
                "required_fields": list(method.required_fields),
            }
            for method in registry.options(money, country)
        ],
        "left_out": [
            {"code": code, "reason": reason}
            for code, reason in sorted(registry.left_out(money, country).items())
        ],
    }


def _transaction_json(transaction: TransactionView) -> dict[str, Any]:
    decline = None
    if transaction.decline_reason is not None:
        decline = {"reason": transaction.decline_reason, "class": transaction.decline_class}
    card = transaction.card
    return {
        "id": transaction.id,
        "provider": transaction.provider_code,
        "status": transaction.status,
        "decline": decline,
        "technical_reason": transaction.technical_reason,
        "card": None if card is None else {"brand": card.brand, "last4": card.last4},
        "latency_ms": transaction.latency_ms,
        "attempt": transaction.attempt_number,
        "started_at": transaction.started_at,
    }
