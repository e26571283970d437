"""What of an order's payment can still be given back, and in which of the two ways.

Captured - refunded - still under way is the most that may go back (domain.md, invariant 11).
"""

from dataclasses import dataclass

from payorch.domain.errors import OrderNotRefundable, RefundTooLarge
from payorch.domain.money import Money
from payorch.domain.payment_method import Capabilities
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundKind
from payorch.domain.transaction import TransactionId


@dataclass(frozen=True, slots=True)
class RefundPlan:
    kind: RefundKind
    money: Money


@dataclass(frozen=True, slots=True)
class Refundable:
    """The approved payment of an order and what has become of its money so far, in minor units.

    `refunded_minor` has gone back; `open_minor` may still go back. What the double-payment guard
    gives back is in neither: it was never part of this payment.
    """

    order_id: OrderId
    transaction_id: TransactionId
    provider_code: str
    payment_reference: str
    paid: Money
    refunded_minor: int = 0
    open_minor: int = 0
    void_was_refused: bool = False

    @property
    def left_minor(self) -> int:
        return self.paid.amount_minor - self.refunded_minor - self.open_minor

    @property
    def is_untouched(self) -> bool:
        return self.left_minor == self.paid.amount_minor

    def may_void(self, capabilities: Capabilities) -> bool:
        """A void takes the whole payment back, so nothing may have gone back before."""
        return capabilities.void and self.is_untouched and not self.void_was_refused

    def plan(
        self, amount_minor: int | None, capabilities: Capabilities, *, prefers_void: bool
    ) -> RefundPlan:
        """How to give `amount_minor` back; None is all that is left.

        Raises RefundTooLarge, and OrderNotRefundable when nothing is left or the provider cannot.
        """
        if self.left_minor <= 0:
            raise OrderNotRefundable("Nothing is left of this payment that could be refunded.")
        wanted_minor = self.left_minor if amount_minor is None else amount_minor
        money = Money(wanted_minor, self.paid.currency)
        if wanted_minor > self.left_minor:
            left = Money(self.left_minor, self.paid.currency)
            raise RefundTooLarge(
                f"At most {left} can be refunded.", refundable_minor=self.left_minor
            )
        is_whole = money == self.paid
        if is_whole and self.may_void(capabilities) and (prefers_void or not capabilities.refund):
            return RefundPlan(RefundKind.VOID, money)
        if capabilities.refund:
            return RefundPlan(RefundKind.REFUND, money)
        raise OrderNotRefundable("This payment's provider takes no such refund.")
