"""Create an order: checked, with an unguessable link, and free to be asked for twice.

It never charges anything; paying is process_payment_order's.
"""

from datetime import timedelta

from payorch.application.commands import CreatedOrder, CreateOrder
from payorch.application.payment_ledger import DuplicateKey, NewOrder, PaymentLedger
from payorch.application.ports import Clock, Ids, OrderTokens
from payorch.domain.errors import IdempotencyKeyReused, InvalidMoney, OrderNotFound
from payorch.domain.payment_order import PaymentOrder
from payorch.domain.payment_status import PaymentStatus


class CreatePaymentOrderUseCase:
    def __init__(
        self,
        *,
        ledger: PaymentLedger,
        clock: Clock,
        ids: Ids,
        tokens: OrderTokens,
        expires_after_min: int,
        max_amount_minor: int,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ids = ids
        self._tokens = tokens
        self._expires_after_min = expires_after_min
        self._max_amount_minor = max_amount_minor

    def execute(self, command: CreateOrder) -> CreatedOrder:
        """The new order, or the one that the same key made before.

        Raises InvalidMoney above the highest amount taken, and IdempotencyKeyReused when the key
        came with another request.
        """
        new = self.prepare(command)
        try:
            self._ledger.insert_order(new)
        except DuplicateKey:
            return self._replay(command)
        return CreatedOrder(new.order, self._tokens.token_for(new.order.id), is_replay=False)

    def prepare(self, command: CreateOrder) -> NewOrder:
        """The order that `command` asks for, not stored yet."""
        if command.money.amount_minor > self._max_amount_minor:
            raise InvalidMoney("This amount is higher than this shop takes.")
        now = self._clock.now()
        expires_after_min = command.expires_after_min or self._expires_after_min
        order = PaymentOrder(
            id=self._ids.order_id(),
            money=command.money,
            description=command.description,
            country=command.country,
            customer=command.customer,
            status=PaymentStatus.PENDING,
            version=1,
            created_at=now,
            expires_at=now + timedelta(minutes=expires_after_min),
            merchant_reference=command.merchant_reference,
            metadata=dict(command.metadata),
        )
        token_hash = self._tokens.hash_of(self._tokens.token_for(order.id))
        return NewOrder(order, token_hash, command.idempotency_key, command.request_hash)

    def _replay(self, command: CreateOrder) -> CreatedOrder:
        found = self._ledger.find_order_by_key(command.idempotency_key or "")
        if found is None:
            raise OrderNotFound("The order of this key is gone.")
        order_id, request_hash = found
        if request_hash != command.request_hash:
            raise IdempotencyKeyReused(
                "This idempotency key was used with another request.", order_id=order_id
            )
        payable = self._ledger.load_payable(order_id, submissions_since=self._clock.now())
        if payable is None:
            raise OrderNotFound("The order of this key is gone.")
        return CreatedOrder(payable.order, self._tokens.token_for(order_id), is_replay=True)
