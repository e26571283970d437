"""Staff who give money of random paid orders back, each request twice and at once.

Run as `python -m tests.chaos.refunding_staff READY`, until killed; the file READY appears when
they begin. Every refusal is as good as a yes
here; what counts is that both ledgers agree at the end.
"""

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.refund_payment import RefundPayment
from payorch.cli.environment import read_settings
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import PayorchError
from payorch.wiring import Wired
from tests.chaos import honest_payorch

PAUSE_S = 0.1
_PAID = text("SELECT public_id, amount_minor FROM orders WHERE status = 'paid' ORDER BY id DESC")


def main(ready: Path) -> None:
    with wired_application(read_settings()) as wired, ThreadPoolExecutor(2) as hands:
        ready.touch()
        while True:
            # The database may be away: staff come back later.
            with suppress(PayorchError, SQLAlchemyError):
                _refund_some_order(wired, hands)
            time.sleep(PAUSE_S)


def _refund_some_order(wired: Wired, hands: ThreadPoolExecutor) -> None:
    with wired.database.read() as connection:
        paid = connection.execute(_PAID).fetchmany(50)
    if not paid:
        return
    order = random.choice(paid)
    # Some ask for more than there is left after another one.
    amount = random.choice([None, random.randint(1, order.amount_minor)])
    command = RefundPayment(
        order_id=order.public_id,
        amount_minor=amount,
        reason="chaos",
        actor="staff",
        idempotency_key=f"staff:{random.getrandbits(64)}",
        request_hash=str(amount),
    )
    for answer in [hands.submit(wired.services.refund_payment.execute, command) for _ in range(2)]:
        with suppress(PayorchError, SQLAlchemyError):
            answer.result()


if __name__ == "__main__":
    honest_payorch.connect()
    main(Path(sys.argv[1]))
