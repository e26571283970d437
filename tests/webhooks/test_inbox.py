"""The inbox holds an event and its job together, or neither, and each event once."""

from collections import Counter

import pytest

from payorch.application.receive_provider_event import Received
from tests.concurrency.racing import race
from tests.fakes import Meanwhile, SimulatedCrash
from tests.shop import a_method
from tests.webhooks.events import event_rows, job_rows


def crash():
    raise SimulatedCrash


def test_an_event_and_its_job_are_written_together(shop):
    shop.receive(shop.event())

    (event,), (job,) = event_rows(shop.database), job_rows(shop.database)
    assert job.payload == {"event": event.id}
    assert (job.kind, job.destination) == ("process_event", "alpha")


def test_a_crash_between_the_two_leaves_neither(shop_with):
    dying = shop_with(a_method("alpha"), checkpoint=Meanwhile("event_stored", crash))
    event = dying.event()

    with pytest.raises(SimulatedCrash):
        dying.receive(event)
    assert (event_rows(dying.database), job_rows(dying.database)) == ([], [])

    assert dying.receive(event) == Received(is_new=True)
    assert len(event_rows(dying.database)) == len(job_rows(dying.database)) == 1


def test_sixteen_threads_with_one_event_make_one_row_and_one_job(shop):
    event = shop.event()

    results = race(*[lambda: shop.receive(event)] * 16)

    assert Counter(r.is_new for r in results) == {True: 1, False: 15}
    assert len(event_rows(shop.database)) == len(job_rows(shop.database)) == 1


def test_two_providers_may_use_one_event_id(shop):
    event = shop.event()
    other = shop.event(account="beta")
    object.__setattr__(other, "id", event.id)
    other.data["account"] = "beta"

    assert shop.receive(event) == Received(is_new=True)
    assert shop.receive(other, "beta") == Received(is_new=True)


def test_an_event_that_was_followed_up_is_not_taken_again(shop, sandbox):
    shop.pay()
    event = shop.event(of=sandbox.ledger()["payments"][0])
    shop.tell(event)
    before = event_rows(shop.database)

    assert shop.receive(event) == Received(is_new=False)
    assert shop.work() == []
    assert event_rows(shop.database) == before
