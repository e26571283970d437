"""The seams of the application: time, chance, checkpoints and small services around it.

Everything that makes a run differ from another comes in here, so that tests and the simulator
can replay a payment exactly and stop it at any point.
"""

from datetime import datetime
from typing import Protocol

from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.domain.transaction import TransactionId


class Clock(Protocol):
    """Time. `now` is aware UTC and may jump; `monotonic` seconds never go back."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """Public ids that nobody can guess, and chance in [0, 1) for routing."""

    def order_id(self) -> OrderId: ...

    def transaction_id(self) -> TransactionId: ...

    def refund_id(self) -> RefundId: ...

    def random(self) -> float: ...


class Checkpoint(Protocol):
    """Called by name between the steps of a payment. Does nothing in production."""

    def __call__(self, name: str) -> None: ...


class OrderTokens(Protocol):
    """The unguessable token in a customer's links; only its hash is stored."""

    def token_for(self, order_id: OrderId) -> str: ...

    def hash_of(self, token: str) -> str: ...


def no_checkpoint(name: str) -> None:
    """The checkpoint of production."""
