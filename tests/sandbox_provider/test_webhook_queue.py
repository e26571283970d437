from pathlib import Path

import pytest

from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.webhook_queue import (
    LANES,
    DeliveryState,
    DueDelivery,
    Event,
    PlannedDelivery,
    WebhookQueue,
)

NOW = 1_900_000_000.0


@pytest.fixture
def ledger(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.sqlite3", sync=False)
    yield ledger
    ledger.close()


@pytest.fixture
def queue(ledger: Ledger) -> WebhookQueue:
    return WebhookQueue(ledger, lambda: NOW)


def an_event(event_id: str) -> Event:
    return Event(
        id=event_id,
        account="alpha",
        type="payment.approved",
        payment_id="p1",
        refund_id=None,
        is_genuine=True,
        body='{"data": {}}',
        created_at="2030-01-01T00:00:00.000000+00:00",
    )


def add(ledger: Ledger, queue: WebhookQueue, event_id: str) -> None:
    with ledger.transaction() as connection:
        queue.add(connection, an_event(event_id), [PlannedDelivery()])


def due(queue: WebhookQueue) -> list[DueDelivery]:
    return [found for lane in range(LANES) if (found := queue.next_due(lane)) is not None]


def test_a_try_that_outlasts_an_emptied_ledger_does_not_finish_a_new_delivery(ledger, queue):
    add(ledger, queue, "evt_before")
    (before,) = due(queue)
    ledger.clear()
    add(ledger, queue, "evt_after")

    queue.finish(before, DeliveryState.DELIVERED, result="200")

    assert [delivery.event_id for delivery in due(queue)] == ["evt_after"]
    (after,) = due(queue)
    assert after.number == before.number
    queue.finish(after, DeliveryState.DELIVERED, result="200")
    assert due(queue) == []


def test_the_event_of_a_change_that_is_rolled_back_is_not_sent(ledger, queue):
    def change_that_fails() -> None:
        with ledger.transaction() as connection:
            queue.add(connection, an_event("evt_1"), [PlannedDelivery()])
            raise LookupError

    with pytest.raises(LookupError):
        change_that_fails()

    assert (due(queue), queue.all(), queue.waiting()) == ([], [], 0)


def test_a_later_try_is_not_due_before_its_time(ledger, queue):
    add(ledger, queue, "evt_1")
    (delivery,) = due(queue)

    queue.finish(delivery, DeliveryState.WAITING, result="503", next_in_s=30)

    assert due(queue) == []
    assert [queue.next_due_at(lane) for lane in range(LANES)].count(NOW + 30) == 1
    assert queue.waiting() == 1
