"""A status that nobody has seen before may mean money: people are told of it."""

from payorch.infrastructure.jobs import drain
from tests.scripted_provider import answer, declined, payment, refusal, scripted_shop
from tests.shop import a_method
from tests.webhooks.events import Event, event_rows, job_rows


class Captured:
    """Declines for good, and shows whatever is read of it as "captured"."""

    reference = "pa_of_another_shop"

    def __call__(self, call):
        match call.operation:
            case "charge":
                self.reference = call.reference
                return answer(402, declined(call.reference, "p1", "43"))
            case "read":
                return answer(200, payment(self.reference, call.payment_id, "captured"))
        return refusal(404, "not_found")


def tell(shop, reference: str) -> None:
    at = int(shop.clock.now().timestamp())
    event = Event(data=payment(reference, "p1", account="alpha"), at=at)
    shop.services.receive_event.execute("alpha", event.headers, event.body)


def alerts(shop) -> list[str]:
    return [job.payload["alert"] for job in job_rows(shop.database, "alert_staff")]


def test_a_closed_payment_that_shows_an_unseen_status_is_told_to_staff(database):
    shop = scripted_shop(database, Captured(), [a_method("alpha")])
    result = shop.pay()
    assert shop.statuses(result.order_id) == [("alpha", "declined")]

    tell(shop, shop.view(result.order_id).last.id)
    drain(shop.wired.background)

    assert [row.state.value for row in event_rows(database)] == ["alerted"]
    assert alerts(shop) == ["status_not_known"]


class NamesAnother(Captured):
    """Declines, and shows its payment under another merchant's reference when it is read."""

    def __call__(self, call):
        if call.operation == "read":
            return answer(200, payment("pa_of_another_shop", call.payment_id))
        return super().__call__(call)


def test_a_charge_that_a_read_shows_as_somebody_elses_is_asked_about_again_and_then_told(database):
    shop = scripted_shop(database, NamesAnother(), [a_method("alpha")])
    result = shop.pay()

    tell(shop, shop.view(result.order_id).last.id)
    drain(shop.wired.background)
    assert alerts(shop) == []
    for _ in range(12):
        shop.clock.advance(hours=1)
        drain(shop.wired.background)

    assert [row.state.value for row in event_rows(database)] == ["alerted"]
    assert alerts(shop) == ["reference_mismatch"]


def test_an_orphan_that_shows_an_unseen_status_is_told_to_staff(database):
    shop = scripted_shop(database, Captured(), [a_method("alpha")])

    tell(shop, "pa_of_another_shop")
    for _ in range(30):
        drain(shop.wired.background)
        shop.clock.advance(hours=1)

    assert [row.state.value for row in event_rows(database)] == ["alerted"]
    assert alerts(shop) == ["orphan_money"]
