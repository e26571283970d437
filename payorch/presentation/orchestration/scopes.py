"""Which scope each operation of the API needs: the one table. What is not in it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.domain.api_key import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE_OF_ENDPOINT: Mapping[str, Scope] = {
    "orchestration.create_order": Scope.WRITE_ORDERS,
    "orchestration.read_order": Scope.READ_ORDERS,
    "orchestration.cancel_order": Scope.WRITE_ORDERS,
    "orchestration.methods_of_order": Scope.READ_METHODS,
    "orchestration.methods": Scope.READ_METHODS,
    "orchestration.pay_order": Scope.WRITE_PAYMENTS,
    "orchestration.create_payment": Scope.WRITE_PAYMENTS,
    "orchestration.create_refund": Scope.WRITE_REFUNDS,
    "orchestration.refunds_of_order": Scope.READ_REFUNDS,
    "orchestration.read_refund": Scope.READ_REFUNDS,
    "orchestration.retry_refund": Scope.WRITE_REFUNDS,
}

OPEN_ENDPOINTS = frozenset({"orchestration.openapi_json", "orchestration.docs"})
"""The documentation names no order and no customer."""
