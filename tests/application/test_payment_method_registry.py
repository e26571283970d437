import pytest

from payorch.application.payment_method_registry import RoutingQuestion
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.money import Money
from payorch.domain.payment_method import LeftOut, MethodKind
from payorch.domain.routing_policy import ChosenBecause
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from tests.fakes import FakeClock
from tests.shop import Shop, a_method

EUR_20 = Money(2000, "EUR")


@pytest.fixture
def shop(database):
    methods = [
        a_method("alpha"),
        a_method("beta", countries=frozenset({"AR"})),
        a_method("wallet", kind=MethodKind.WALLET),
        a_method("hosted", connector="elsewhere"),
    ]
    return Shop(database, sandbox_url="http://127.0.0.1:9", methods=methods)


def question(**fields) -> RoutingQuestion:
    defaults = {
        "money": EUR_20,
        "country": "DE",
        "filled_fields": frozenset(),
        "has_typed_card": True,
        "preferred_provider": None,
    }
    return RoutingQuestion(**(defaults | fields))


def test_the_options_are_those_that_can_take_the_order_in_the_policys_order(shop):
    registry = shop.services.registry

    assert [method.code for method in registry.options(EUR_20, "DE")] == ["alpha", "wallet"]
    assert [method.code for method in registry.options(EUR_20, "AR")] == [
        "alpha",
        "beta",
        "wallet",
    ]


def test_each_other_one_has_its_reason(shop):
    assert shop.services.registry.left_out(EUR_20, "DE") == {
        "beta": LeftOut.COUNTRY,
        "hosted": LeftOut.NOT_CONNECTED,
    }


def test_a_method_that_the_policy_does_not_know_is_left_out(shop, database):
    at = FakeClock().now()
    SqlAlchemyPaymentMethodRepository(database).add(a_method("new"), at=at)

    assert shop.services.registry.left_out(EUR_20, "DE")["new"] is LeftOut.NOT_IN_POLICY


def test_an_unknown_method_is_said_to_be_unknown(shop):
    with pytest.raises(PaymentMethodNotFound):
        shop.services.registry.method("nobody")


def test_a_card_typed_for_a_real_provider_needs_direct_cards_switched_on(database):
    methods = [a_method("real", connector="stripe"), a_method("alpha")]
    shop = Shop(database, sandbox_url="http://127.0.0.1:9", methods=methods)
    registry = shop.services.registry

    assert registry.left_out(EUR_20, "DE")["real"] in {
        LeftOut.DIRECT_CARDS_OFF,
        LeftOut.NOT_CONNECTED,
    }


def test_a_chosen_wallet_does_not_fall_back_to_another_kind(shop):
    decision = shop.services.registry.decide(
        question(has_typed_card=False, preferred_provider="wallet"), revision=0
    )

    assert [candidate.provider_code for candidate in decision.candidates] == ["wallet"]
    assert decision.left_out["alpha"] is LeftOut.KIND


def test_when_every_circuit_is_open_the_best_of_them_is_still_tried(database):
    shop = Shop(
        database, sandbox_url="http://127.0.0.1:9", methods=[a_method("alpha"), a_method("beta")]
    )
    circuits = shop.services.circuits
    for code, failures in (("alpha", 10), ("beta", 9)):
        circuits.record(code, "server_error" if failures == 10 else None)
        for _ in range(9):
            circuits.record(code, "server_error")

    decision = shop.services.registry.decide(question(), revision=0)

    assert [(c.provider_code, c.because) for c in decision.candidates] == [
        ("beta", ChosenBecause.BEST_OF_BAD)
    ]
    assert decision.left_out["alpha"] is LeftOut.CIRCUIT_OPEN


def test_an_open_circuit_is_passed_over_while_another_provider_is_healthy(database):
    shop = Shop(
        database, sandbox_url="http://127.0.0.1:9", methods=[a_method("alpha"), a_method("beta")]
    )
    for _ in range(10):
        shop.services.circuits.record("alpha", "server_error")

    decision = shop.services.registry.decide(question(preferred_provider="alpha"), revision=0)

    assert [candidate.provider_code for candidate in decision.candidates] == ["beta"]
    assert decision.left_out["alpha"] is LeftOut.CIRCUIT_OPEN
