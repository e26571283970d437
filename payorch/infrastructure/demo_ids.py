"""Ids and chance that are the same for the same seed and the same order."""

from random import Random

from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.system_clock import ID_ALPHABET, ID_LENGTH


class RepeatableIds:
    """For one order at a time: call `begin` before each. Anybody can guess these ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._orders = self._attempts = self._chance = Random(seed)  # noqa: S311 - repeatable on purpose

    def begin(self, number: int) -> None:
        """From here on the ids are those of order `number`."""
        name = f"{self._seed}:{number}"
        self._orders = Random(f"order:{name}")  # noqa: S311 - repeatable on purpose
        self._attempts = Random(f"attempt:{name}")  # noqa: S311 - repeatable on purpose
        self._chance = Random(f"chance:{name}")  # noqa: S311 - repeatable on purpose

    def order_id(self) -> OrderId:
        return OrderId(f"po_{_text(self._orders)}")

    def transaction_id(self) -> TransactionId:
        return TransactionId(f"pa_{_text(self._attempts)}")

    def refund_id(self) -> RefundId:
        return RefundId(f"re_{_text(self._attempts)}")

    def random(self) -> float:
        return self._chance.random()


def _text(random: Random) -> str:
    return "".join(random.choices(ID_ALPHABET, k=ID_LENGTH))
