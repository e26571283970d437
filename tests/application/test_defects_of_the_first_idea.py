"""The ten defects that the first version of this idea had, each with the test that catches it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import BigInteger, Float, Numeric

from payorch.application.payment_result import ResultKind
from payorch.domain.errors import InvalidMoney, PaymentInProgress
from payorch.domain.money import Money
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.routing_policy import PolicyEntry
from payorch.infrastructure.persistence.database import Base
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from tests.fakes import CrashAt, FakeClock, SimulatedCrash, fake_time
from tests.shop import Shop, a_card, a_customer, a_method, a_payment, an_order

DECLINED_BY_ALL = "4000000000000515"
DECLINED_BY_FIRST_ACCOUNT = "4300000000000017"
CHARGED_WITHOUT_ANSWER = "4100000000000027"
NEVER_ANSWERED = "4100000000000175"


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def test_1_the_provider_that_the_customer_chose_is_tried_first(shop):
    result = shop.pay(new_order=an_order(), preferred_provider="gamma")

    assert shop.statuses(result.order_id) == [("gamma", "approved")]


def test_2_providers_are_tried_in_the_order_of_the_policy(shop, database):
    SqlAlchemyRoutingPolicyRepository(database).publish(
        tuple(PolicyEntry(code, tier) for code, tier in (("beta", 1), ("gamma", 2), ("alpha", 3))),
        based_on_version=1,
        exploration_share=0.0,
        actor="olga@example.com",
        reason="beta first",
        at=datetime(2026, 1, 2, tzinfo=UTC),
    )

    result = shop.pay(new_order=an_order(), instrument=a_card("4000000000000911"))

    assert [provider for provider, _ in shop.statuses(result.order_id)] == [
        "beta",
        "gamma",
        "alpha",
    ]


def test_3_a_timeout_does_not_try_the_next_provider(database, sandbox):
    lookups_only = replace(a_method().capabilities, cancel_by_reference=False)
    methods = [a_method("alpha", timeout_s=0.3, capabilities=lookups_only), a_method("beta")]
    shop = Shop(
        database, sandbox_url=sandbox.base_url, methods=methods, seams=fake_time(FakeClock())
    )

    result = shop.pay(new_order=an_order(), instrument=a_card(NEVER_ANSWERED))

    assert result.kind is ResultKind.CONFIRMING
    assert shop.statuses(result.order_id) == [("alpha", "unknown")]
    assert shop.view(result.order_id).order.status is PaymentStatus.PROCESSING


def test_4_an_order_that_all_providers_declined_can_be_paid_again(shop):
    order = shop.order()
    declined = shop.pay(order.id, instrument=a_card(DECLINED_BY_ALL))

    paid = shop.pay(order.id)

    assert declined.kind is ResultKind.DECLINED
    assert paid.kind is ResultKind.PAID
    assert shop.view(order.id).order.status is PaymentStatus.PAID


def test_5_a_client_that_posts_again_with_its_key_gets_the_stored_answer(shop, sandbox):
    payment = a_payment(new_order=an_order())
    first = shop.services.pay_order.execute(payment)

    second = shop.services.pay_order.execute(payment)

    assert second == replace(first, is_replay=True)
    assert len(sandbox.ledger()["payments"]) == 1


def test_6_the_customers_data_is_kept_and_reaches_the_provider(shop):
    order = shop.order(customer=None)
    customer = a_customer(name="Bo Li", email="bo@example.com", fields={"tax_id": "A1"})

    shop.pay(order.id, customer=customer)

    assert shop.view(order.id).order.customer == customer


def test_7_amounts_are_whole_minor_units_with_a_currency():
    with pytest.raises(InvalidMoney):
        Money(19.99, "EUR")  # type: ignore[arg-type]
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if not column.name.endswith("_s"):  # a duration in seconds
                assert not isinstance(column.type, (Float, Numeric)), column
            if column.name == "amount_minor":
                assert isinstance(column.type, BigInteger)
                assert "currency" in table.columns


def test_8_two_payments_at_once_charge_once(shop, sandbox):
    order = shop.order()

    def pay(_: int) -> ResultKind | str:
        try:
            return shop.pay(order.id).kind
        except PaymentInProgress:
            return "in progress"
        except Exception as error:  # noqa: BLE001 - the name of any other refusal is the finding
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(pay, range(8)))

    assert answers.count(ResultKind.PAID) == 1
    assert set(answers) <= {ResultKind.PAID, "in progress", "OrderAlreadyPaid"}
    assert len(sandbox.ledger()["payments"]) == 1


def test_9_an_attempt_survives_the_death_of_its_process(database, sandbox):
    clock = FakeClock()
    dying = Shop(
        database, sandbox_url=sandbox.base_url, seams=fake_time(clock, checkpoint=CrashAt(4))
    )
    order = dying.order()
    with pytest.raises(SimulatedCrash, match="after_call"):
        dying.pay(order.id)

    survivor = Shop(database, sandbox_url=sandbox.base_url, seams=fake_time(clock), methods=[])
    assert survivor.statuses(order.id) == [("alpha", "started")]
    clock.advance(minutes=1)
    survivor.wired.reconcile.execute()

    assert survivor.statuses(order.id) == [("alpha", "approved")]
    assert survivor.view(order.id).order.status is PaymentStatus.PAID


def test_10_a_provider_that_is_added_later_takes_the_next_order_in_every_process(
    shop, database, sandbox
):
    other_process = Shop(database, sandbox_url=sandbox.base_url, methods=[])
    assert other_process.pay().provider_code == "alpha"
    at = datetime(2026, 1, 2, tzinfo=UTC)

    SqlAlchemyPaymentMethodRepository(database).add(a_method("delta", account="gamma"), at=at)
    SqlAlchemyRoutingPolicyRepository(database).publish(
        tuple(
            PolicyEntry(code, tier)
            for tier, code in enumerate(["delta", "alpha", "beta", "gamma"], start=1)
        ),
        based_on_version=1,
        exploration_share=0.0,
        actor="olga@example.com",
        reason="delta is new",
        at=at,
    )

    assert shop.pay().provider_code == "delta"
    assert other_process.pay().provider_code == "delta"
