"""A provider that made several charges of one reference: one is booked, all others go back."""

from dataclasses import replace

import pytest

from payorch.application.open_attempts import Evidence
from payorch.application.surplus_charges import GiveBack, SurplusCharge
from payorch.domain.money import Money
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import RefundKind
from payorch.domain.settlement import FLAG_SURPLUS_CHARGE
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.surplus_charges import SqlAlchemySurplusCharges
from payorch.infrastructure.system_clock import RandomIds
from tests.fakes import Meanwhile, SimulatedCrash
from tests.scripted_provider import (
    LOST,
    answer,
    listed,
    payment,
    refusal,
    scripted_shop,
    settle,
)
from tests.shop import FULL_CAPABILITIES, a_method

SEARCH = replace(FULL_CAPABILITIES, idempotency_window_s=0, cancel_by_reference=False)


class Doubling:
    """It charges what it is told to in one request, and lists it in the order it is told to."""

    def __init__(self, *listed_ids: str, amounts: dict[str, int] | None = None) -> None:
        self.listed_ids = list(listed_ids)
        self.amounts = amounts or {}
        self.given_back: set[str] = set()
        self._voided: set[str] = set()
        self._reference: str | None = None

    def __call__(self, call):
        match call.operation:
            case "charge":
                self._reference = call.reference
                raise LOST
            case "find":
                return listed(*map(self._shown, self.listed_ids))
            case "read":
                return answer(200, self._shown(call.payment_id))
            case "void":
                self.given_back.add(call.payment_id)
                self._voided.add(call.payment_id)
                return answer(200, self._shown(call.payment_id))
            case "refund":
                self.given_back.add(call.payment_id)
                refund = {"id": f"r_{call.payment_id}", "payment_id": call.payment_id}
                return answer(201, call.body | refund | {"currency": "EUR", "status": "succeeded"})
        return refusal(404, "not_found")

    def _shown(self, payment_id):
        status = "voided" if payment_id in self._voided else "approved"
        amount = self.amounts.get(payment_id, 1999)
        return payment(self._reference, payment_id, status, amount=amount)


class DiesOnce:
    """A checkpoint at which the process dies, as soon as it is told to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.is_armed = False

    def __call__(self, name: str) -> None:
        if self.is_armed and name == self._name:
            self.is_armed = False
            raise SimulatedCrash(name)


def booked_charge(database) -> str:
    with database.read() as connection:
        return connection.exec_driver_sql(
            "SELECT provider_reference FROM transactions WHERE status = 'approved'"
        ).scalar_one()


@pytest.mark.parametrize("void", [True, False], ids=["void", "refund"])
@pytest.mark.parametrize("dies_at", ["before_record", "after_record"])
def test_a_death_between_two_charges_never_gives_back_the_one_that_counts(database, dies_at, void):
    """The provider lists them in another order when it is asked again."""
    provider, dying = Doubling("A", "B"), DiesOnce(dies_at)
    method = a_method("alpha", capabilities=replace(SEARCH, void=void))
    shop = scripted_shop(database, provider, [method], checkpoint=dying, page_budget_s=0.0)
    result = shop.pay()
    shop.clock.advance(seconds=30)
    dying.is_armed = True
    with pytest.raises(SimulatedCrash):
        shop.wired.reconcile.execute()

    provider.listed_ids.reverse()
    settle(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert provider.given_back == {"A", "B"} - {booked_charge(database)}


def test_a_charge_that_is_listed_twice_is_one_charge(database):
    provider = Doubling("A", "A")
    shop = scripted_shop(database, provider, [a_method("alpha", capabilities=SEARCH)])

    result = shop.pay()
    settle(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert provider.given_back == set()
    assert shop.view(result.order_id).order.flag is None


def test_charges_that_turn_up_one_after_another_all_go_back(database):
    """Nobody tells of them: the standing comparison with the provider's books finds each."""
    provider = Doubling("A")
    shop = scripted_shop(database, provider, [a_method("alpha", capabilities=SEARCH)])
    result = shop.pay()
    settle(shop, days=0.1)

    for late in ("B", "C"):
        provider.listed_ids.append(late)
        settle(shop, days=0.5)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert provider.given_back == {"B", "C"}


def test_of_several_charges_the_one_of_the_right_amount_counts(database):
    provider = Doubling("wrong", "right", amounts={"wrong": 500})
    shop = scripted_shop(database, provider, [a_method("alpha", capabilities=SEARCH)])

    result = shop.pay()
    settle(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.PAID
    assert booked_charge(database) == "right"
    assert provider.given_back == {"wrong"}


def test_a_charge_that_is_being_given_back_never_counts_as_the_payment(database):
    """It may be told of again while its refund is on its way; the other one is the payment."""
    provider = Doubling("A", "B")
    method = a_method("alpha", capabilities=replace(SEARCH, void=False))
    shop = scripted_shop(database, provider, [method], page_budget_s=0.0)
    result = shop.pay()
    give_back(shop, result.order_id, "A")

    settle(shop)

    assert booked_charge(database) == "B"
    assert provider.given_back == {"A"}
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_an_order_whose_only_charge_is_being_given_back_is_not_paid(database):
    provider = Doubling("A")
    method = a_method("alpha", capabilities=replace(SEARCH, void=False))
    shop = scripted_shop(database, provider, [method], page_budget_s=0.0)
    result = shop.pay()
    give_back(shop, result.order_id, "A")

    settle(shop)

    assert shop.view(result.order_id).order.status is PaymentStatus.PROCESSING
    assert provider.given_back == {"A"}


def test_a_charge_that_goes_back_while_its_answer_is_on_the_way_is_held_as_unknown(database):
    orders = []
    shop = scripted_shop(
        database,
        lambda call: answer(201, payment(call.reference, "A")),
        [a_method("alpha", capabilities=SEARCH)],
        checkpoint=Meanwhile("after_call", lambda: give_back(shop, orders[0].id, "A")),
        page_budget_s=0.0,
    )
    orders.append(shop.order())

    shop.pay(orders[0].id)

    assert shop.statuses(orders[0].id) == [("alpha", "unknown")]
    assert shop.view(orders[0].id).order.status is PaymentStatus.PROCESSING


def give_back(shop, order_id, payment_id) -> None:
    transaction = shop.view(order_id).last
    charge = SurplusCharge(transaction.id, payment_id, Money(1999, "EUR"))
    at = shop.clock.now()
    evidence = Evidence("webhook", "Approved", was_applied=False, at=at)
    order = GiveBack(
        charge, RandomIds().refund_id(), RefundKind.REFUND, evidence, FLAG_SURPLUS_CHARGE
    )
    guard = SqlAlchemySurplusCharges(
        LedgerTransactions(shop.database, shop.clock, uses_database_clock=False)
    )
    assert guard.give_back(order)


def test_one_surplus_charge_is_one_letter_to_the_staff(database):
    provider = Doubling("A", "B")
    shop = scripted_shop(database, provider, [a_method("alpha", capabilities=SEARCH)])

    shop.pay()
    settle(shop)

    with database.read() as connection:
        kinds = connection.exec_driver_sql(
            "SELECT count(*) FROM jobs WHERE kind = 'alert_staff'"
        ).scalar_one()
    assert kinds == 1
