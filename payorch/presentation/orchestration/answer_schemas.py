"""The shapes of answers, for the OpenAPI document and its tests.

Answers are not built from these models: writing a plain dict (answers.py) costs a tenth.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from payorch.application.payment_result import ResultKind
from payorch.domain.decline_terms import CustomerText, DeclineClass
from payorch.domain.payment_method import LeftOut, MethodKind
from payorch.domain.payment_status import PaymentStatus, TransactionStatus

_EXACT = ConfigDict(extra="forbid")


class DeclineOut(BaseModel):
    model_config = _EXACT

    reason: str | None
    decline_class: Annotated[DeclineClass | None, Field(alias="class")]


class CardOut(BaseModel):
    model_config = _EXACT

    brand: str
    last4: str


class TransactionOut(BaseModel):
    """One attempt at one provider."""

    model_config = _EXACT

    id: str
    provider: str
    status: TransactionStatus
    decline: DeclineOut | None
    technical_reason: str | None
    card: CardOut | None
    latency_ms: int | None
    attempt: int
    started_at: datetime


class OrderOut(BaseModel):
    """An order with all attempts to pay it."""

    model_config = _EXACT

    id: str
    status: PaymentStatus
    amount_minor: int
    currency: str
    amount: str
    description: str
    country: str
    merchant_reference: str | None
    metadata: dict[str, str]
    checkout_url: str
    status_url: str
    created_at: datetime
    expires_at: datetime
    flag: str | None
    refunded_minor: int
    refundable_minor: int
    transactions: list[TransactionOut]


class PaymentOut(BaseModel):
    """What a submission came to. A decline is a result, not an error."""

    model_config = _EXACT

    result: ResultKind
    customer_message_key: CustomerText | None
    redirect_url: str | None
    order: OrderOut


class MethodOut(BaseModel):
    model_config = _EXACT

    code: str
    name: str
    kind: MethodKind
    needs_card: bool
    required_fields: list[str]


class LeftOutOut(BaseModel):
    model_config = _EXACT

    code: str
    reason: LeftOut


class MethodsOut(BaseModel):
    """Methods that can take the order, in the order in which they would be tried."""

    model_config = _EXACT

    methods: list[MethodOut]
    left_out: list[LeftOutOut]


class FieldErrorOut(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class ProblemOut(BaseModel):
    """Problem details (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    incident_id: str
    errors: list[FieldErrorOut] = []
    order_id: str | None = None
    reasons: dict[str, LeftOut] = {}
    retry_after_s: int | None = None
    refundable_minor: int | None = None
