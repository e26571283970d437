"""Refunds over the API: what clients may send, and the shapes of answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from payorch.domain.refund import RefundKind, RefundStatus
from payorch.presentation.orchestration.request_schemas import AmountMinor
from payorch.presentation.orchestration.text_types import Line500

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
_EXACT = ConfigDict(extra="forbid")


class RefundIn(BaseModel):
    """What to give back. Without an amount, all that is left.

    `prefer_void`: cancel the whole payment at the provider instead, where it still can be; `kind`
    of the answer says which of the two it became.
    """

    model_config = _STRICT

    amount_minor: AmountMinor | None = None
    reason: Line500
    prefer_void: bool = False


class RefundRetryIn(BaseModel):
    """Why a failed refund is tried again."""

    model_config = _STRICT

    reason: Line500


class RefundOut(BaseModel):
    """Money that goes back. `guard`: payorch itself gives a surplus charge back."""

    model_config = _EXACT

    id: str
    order_id: str
    transaction_id: str
    kind: RefundKind
    status: RefundStatus
    amount_minor: int
    currency: str
    amount: str
    provider: str
    provider_reference: str | None
    failure_code: str | None
    reason: str
    requested_by: str
    requested_at: datetime
    changed_at: datetime
    guard: bool


class RefundsOut(BaseModel):
    """All refunds of an order, oldest first, and what has gone back and may still go back."""

    model_config = _EXACT

    refunds: list[RefundOut]
    currency: str
    refunded_minor: int
    refundable_minor: int
