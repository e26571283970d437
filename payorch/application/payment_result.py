"""What a submission came to, as the customer's page and the API show it.

It is stored when the submission is over, so that a replay of the same key gets the same answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from payorch.application.order_views import OrderView
from payorch.domain.decline_terms import CustomerText
from payorch.domain.payment_order import OrderId, PaymentOrder


class ResultKind(StrEnum):
    PAID = "paid"
    DECLINED = "declined"
    NOT_CHARGED = "not_charged"
    NOT_PAID = "not_paid"
    ACTION_REQUIRED = "action_required"
    CONFIRMING = "confirming"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """`customer_text` says what a declined customer can do; `redirect_url` where to send one.

    NOT_CHARGED: no provider could be reached or took the payment; nothing was charged.
    NOT_PAID: not paid, but the order is flagged: see `told`.
    CONFIRMING: unknown or settling later; never shown as paid or failed.
    `is_replay`: the answer of an earlier submission with the same key; nothing was done now.
    `order` is what the books hold after the last commit, where that is known without reading it.
    """

    order_id: OrderId
    kind: ResultKind
    attempts: int
    provider_code: str | None = None
    customer_text: CustomerText | None = None
    redirect_url: str | None = None
    is_replay: bool = False
    order: OrderView | None = field(default=None, compare=False, repr=False)

    def told(self, order: PaymentOrder) -> ResultKind:
        """The kind as it may be told now. It is never "not charged" for an order with a flag:

        a provider may have charged what the books do not have as paid; it is being given back, or
        finance looks at it.
        """
        if order.flag is not None and self.kind in _SAYS_NO_CHARGE:
            return ResultKind.NOT_PAID
        return self.kind

    def to_json(self) -> dict[str, object]:
        return {
            "order_id": self.order_id,
            "kind": self.kind.value,
            "attempts": self.attempts,
            "provider_code": self.provider_code,
            "customer_text": self.customer_text.value if self.customer_text else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        text = data["customer_text"]
        provider = data["provider_code"]
        return cls(
            order_id=OrderId(str(data["order_id"])),
            kind=ResultKind(str(data["kind"])),
            attempts=int(str(data["attempts"])),
            provider_code=None if provider is None else str(provider),
            customer_text=None if text is None else CustomerText(str(text)),
        )


_SAYS_NO_CHARGE = frozenset({ResultKind.DECLINED, ResultKind.NOT_CHARGED})
