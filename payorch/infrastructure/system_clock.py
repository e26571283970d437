"""The real clock, real chance, and this process's name."""

import os
import random
import secrets
import socket
import time
from datetime import UTC, datetime

from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundId
from payorch.domain.transaction import TransactionId

ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letters that look like digits."""

ID_LENGTH = 26
"""130 bits: as hard to guess as the token in the customer's links."""


def process_name() -> str:
    """Host and process id, such as "web-1:4711"; asked anew each time, as processes fork."""
    return f"{socket.gethostname()}:{os.getpid()}"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class RandomIds:
    def order_id(self) -> OrderId:
        return OrderId(f"po_{_random_text()}")

    def transaction_id(self) -> TransactionId:
        return TransactionId(f"pa_{_random_text()}")

    def refund_id(self) -> RefundId:
        return RefundId(f"re_{_random_text()}")

    def random(self) -> float:
        return random.random()  # noqa: S311 - splits traffic, keeps no secret


def _random_text() -> str:
    number = secrets.randbits(5 * ID_LENGTH)
    letters = []
    for _ in range(ID_LENGTH):
        number, place = divmod(number, 32)
        letters.append(ID_ALPHABET[place])
    return "".join(letters)
