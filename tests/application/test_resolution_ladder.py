"""The resolution ladder goes on until something proves how it ended, and believes no one object."""

from dataclasses import replace

import pytest

from payorch.domain.payment_status import PaymentStatus
from tests.scripted_provider import (
    LOST,
    answer,
    declined,
    listed,
    payment,
    refusal,
    scripted_shop,
    settle,
)
from tests.shop import FULL_CAPABILITIES, a_method


class Alpha:
    """A provider of which each operation answers as told; beta approves whatever comes.

    `answers` by operation: a function of the call, or None for silence.
    """

    def __init__(self, **answers) -> None:
        self._answers = answers

    def __call__(self, call):
        if call.account == "beta":
            return answer(201, payment(call.reference, "beta_1"))
        says = self._answers.get(call.operation, lambda _: refusal(500, "internal"))
        if says is None:
            raise LOST
        return says(call)


class First:
    """Remembers our reference from the charge, for calls that do not name it."""

    reference: str | None = None

    def charge(self, **fields):
        def says(call):
            self.reference = call.reference
            return answer(201, payment(call.reference, "p1", **fields))

        return says

    def lost(self, call):
        self.reference = call.reference
        raise LOST

    def shown(self, **fields):
        return lambda _: answer(200, payment(self.reference, "p1", **fields))

    def listing(self, *fields):
        return lambda _: listed(*(payment(self.reference, **each) for each in fields))


def cancelled_by_reference(call):
    return answer(200, {"reference": call.reference, "status": "cancelled"})


def scripted(database, says, **capabilities):
    methods = [
        a_method("alpha", capabilities=replace(FULL_CAPABILITIES, **capabilities)),
        a_method("beta"),
    ]
    return scripted_shop(database, says, methods)


def broken(_call):
    return refusal(500, "internal")


@pytest.mark.parametrize(
    "shows",
    [
        {"status": "processing"},
        {"status": "requires_action", "redirect_url": "https://bank/" + "x" * 700},
    ],
    ids=["a status nobody knows", "an address that is too long"],
)
@pytest.mark.parametrize("way", ["cancel", "cancel_by_reference"])
def test_what_cannot_be_read_is_cancelled(database, shows, way):
    first = First()
    says = Alpha(
        charge=first.charge(**shows),
        read=first.shown(**shows),
        find=first.listing(),
        cancel=first.shown(status="cancelled") if way == "cancel" else broken,
        cancel_by_reference=cancelled_by_reference if way != "cancel" else broken,
    )
    shop = scripted(database, says)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "not_sent"), ("beta", "approved")]


def test_a_provider_whose_reads_are_broken_for_days_is_asked_to_cancel(database):
    first = First()
    says = Alpha(
        charge=first.charge(amount=1),
        read=broken,
        cancel=first.shown(status="cancelled"),
        find=first.listing(),
    )
    shop = scripted(database, says, cancel_by_reference=False)

    result = shop.pay()
    settle(shop, days=0.1)

    assert shop.statuses(result.order_id)[0] == ("alpha", "not_sent")


def test_a_search_goes_on_where_a_read_is_broken(database):
    first = First()
    says = Alpha(
        charge=first.charge(amount=1),
        read=broken,
        find=first.listing({"payment_id": "p1"}),
    )
    shop = scripted(database, says, cancel_by_reference=False, cancel_by_id=False)

    result = shop.pay()
    settle(shop, days=0.1)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_nothing_found_does_not_outweigh_a_payment_that_was_seen(database):
    """Else a documented time in flight would prove absent what the provider is working on."""
    first = First()
    says = Alpha(
        charge=first.charge(status="processing"),
        read=first.shown(status="processing"),
        find=first.listing(),
    )
    method = a_method(
        "alpha",
        capabilities=replace(
            FULL_CAPABILITIES, cancel_by_reference=False, cancel_by_id=False, max_in_flight_s=60
        ),
    )
    shop = scripted_shop(database, says, [method], trust_documented_absence=True)

    result = shop.pay()
    settle(shop, days=1)

    assert shop.statuses(result.order_id) == [("alpha", "unknown")]


def test_what_settles_later_is_never_given_up_unseen(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="pending"),
        read=first.shown(status="processing"),
        find=first.listing({"payment_id": "p1", "status": "processing"}),
        cancel=first.shown(status="cancelled"),
        cancel_by_reference=cancelled_by_reference,
    )
    shop = scripted(database, says)

    result = shop.pay()
    settle(shop, days=1)

    assert shop.statuses(result.order_id) == [("alpha", "pending")]
    assert not {"cancel", "cancel_by_reference"} & set(shop.provider.operations("alpha"))


def test_a_payment_of_somebody_else_is_not_cancelled(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="processing"),
        read=lambda _: answer(200, payment("pa_other", "p1", status="processing")),
        find=first.listing(),
        cancel=first.shown(status="cancelled"),
    )
    shop = scripted(database, says, cancel_by_reference=False, idempotency_window_s=0)

    shop.pay()
    settle(shop, days=1)

    assert "cancel" not in shop.provider.operations("alpha")


def test_an_answer_about_another_object_is_none_about_this_one(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="pending"),
        read=lambda _: answer(200, payment(first.reference, "p2")),
    )
    shop = scripted(database, says, find_by_reference=False)

    result = shop.pay()
    settle(shop, days=1)

    assert shop.statuses(result.order_id) == [("alpha", "pending")]


def test_one_cancelled_object_does_not_hide_the_charge_of_another(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="mystery"),
        read=first.shown(status="cancelled"),
        find=first.listing({"payment_id": "p1", "status": "cancelled"}, {"payment_id": "p2"}),
    )
    shop = scripted(database, says)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "approved")]


def test_a_replay_that_is_declined_as_another_object_does_not_hide_the_first(database):
    """A provider that does not keep to its keys: the first request was approved."""
    first = First()
    sent = []

    def charge(call):
        sent.append(call)
        if len(sent) == 1:
            return first.lost(call)
        return answer(402, declined(call.reference, "p2"))

    says = Alpha(
        charge=charge,
        find=lambda _: listed(payment(first.reference, "p1"), declined(first.reference, "p2")),
    )
    shop = scripted(database, says)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "approved")]


def test_one_cancelled_object_of_several_open_ones_is_no_proof(database):
    first = First()
    cancelled = set()

    def find(_call):
        return listed(
            *(
                payment(first.reference, name, "cancelled" if name in cancelled else "pending")
                for name in ("p1", "p2")
            )
        )

    def cancel(call):
        cancelled.add(call.payment_id)
        return answer(200, payment(first.reference, call.payment_id, "cancelled"))

    says = Alpha(charge=first.lost, find=find, cancel=cancel)
    shop = scripted(database, says, idempotency_window_s=0, cancel_by_reference=False)

    result = shop.pay()
    assert shop.provider.operations("beta") == [] or cancelled == {"p1", "p2"}
    settle(shop, days=0.1)

    assert cancelled == {"p1", "p2"}
    assert shop.statuses(result.order_id)[0] == ("alpha", "not_sent")


def test_where_a_search_is_silent_one_cancelled_object_is_no_proof(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="mystery"), read=first.shown(status="cancelled"), find=None
    )
    shop = scripted(database, says, cancel_by_reference=False)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "unknown")]


def test_a_cancelled_reference_stands_for_all_its_objects_where_a_search_is_silent(database):
    first = First()
    says = Alpha(
        charge=first.charge(status="mystery"),
        read=first.shown(status="cancelled"),
        find=None,
        cancel_by_reference=cancelled_by_reference,
    )
    shop = scripted(database, says)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "not_sent"), ("beta", "approved")]


def test_a_cancelled_reference_whose_charge_shows_up_was_none(database):
    first = First()
    says = Alpha(
        charge=first.lost,
        cancel_by_reference=cancelled_by_reference,
        find=first.listing({"payment_id": "p1"}),
    )
    shop = scripted(database, says, idempotency_window_s=0)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "approved")]


@pytest.mark.parametrize("status", [400, 422, 429])
def test_a_refusal_that_names_our_charge_does_not_lead_to_the_next_provider(database, status):
    first = First()

    def charge(call):
        first.reference = call.reference
        return refusal(status, "any", payment=payment(call.reference, "p1"))

    says = Alpha(charge=charge, find=first.listing({"payment_id": "p1"}))
    shop = scripted(database, says, idempotency_window_s=0)

    result = shop.pay()

    assert shop.statuses(result.order_id) == [("alpha", "approved")]
