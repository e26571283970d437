"""The checkout's fakes keep the promises of what they stand in for: one suite, run against both."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.security.order_tokens import DerivedOrderTokens
from tests.databases import open_database
from tests.presentation.checkout.fake_services import (
    ALPHA,
    BETA,
    DELTA,
    NOW,
    FakeOrders,
    FakeRegistry,
    FakeTokens,
    a_view,
)
from tests.shop import Shop

OFF = replace(DELTA, code="off", is_enabled=False)
METHODS = (ALPHA, BETA, DELTA, OFF)


@pytest.fixture(params=["fake", "sqlite", "postgresql"])
def real_database(request):
    """None where the fake is to be tested."""
    if request.param == "fake":
        yield None
        return
    server = request.getfixturevalue("sqlite_files" if request.param == "sqlite" else "postgresql")
    with open_database(server.new_database_url()) as opened:
        yield opened


@pytest.fixture
def registry(real_database):
    if real_database is None:
        return FakeRegistry(METHODS)
    shop = Shop(real_database, sandbox_url="http://127.0.0.1:9", methods=list(METHODS))
    return shop.services.registry


@pytest.mark.parametrize(
    ("minor", "currency", "country", "codes"),
    [
        (1250, "EUR", "DE", ["alpha", "delta"]),
        (1250, "EUR", "BR", ["alpha", "beta"]),
        (1250, "JPY", "JP", ["alpha"]),
        (1250, "BHD", "AR", ["beta"]),
        (1250, "BHD", "DE", []),
    ],
)
def test_options_are_the_enabled_methods_that_take_the_order(
    registry, minor, currency, country, codes
):
    money = Money(minor, currency)

    assert [method.code for method in registry.options(money, country)] == codes
    assert set(registry.left_out(money, country)) == {m.code for m in METHODS} - set(codes)


def test_each_reason_is_the_same(registry):
    assert registry.left_out(Money(1250, "EUR"), "BR") == {
        "delta": "country_not_served",
        "off": "disabled",
    }
    assert registry.left_out(Money(1250, "GBP"), "DE") == {
        "alpha": "currency_not_served",
        "beta": "country_not_served",
        "delta": "currency_not_served",
        "off": "disabled",
    }


def test_the_configuration_names_every_method_in_the_policys_order(registry):
    methods = registry.configuration().methods

    assert [(method.code, method.is_enabled) for method in methods] == [
        ("alpha", True),
        ("beta", True),
        ("delta", True),
        ("off", False),
    ]


@pytest.fixture(params=["fake", "real"])
def tokens(request):
    return FakeTokens() if request.param == "fake" else DerivedOrderTokens("k" * 40)


def test_an_order_has_one_token_and_no_other_order_has_it(tokens):
    first, second = OrderId("po_1"), OrderId("po_2")

    assert tokens.token_for(first) == tokens.token_for(first) != tokens.token_for(second)
    assert tokens.hash_of(tokens.token_for(first)) != tokens.token_for(first)
    assert tokens.hash_of(tokens.token_for(first)) != tokens.hash_of(tokens.token_for(second))


@pytest.fixture
def stored(real_database):
    """(reader, the order's id, its link's hash, when it was made), with one order in it."""
    if real_database is None:
        view = a_view()
        token_hash = FakeTokens().hash_of(FakeTokens().token_for(view.order.id))
        return FakeOrders(view), view.order.id, token_hash, NOW
    shop = Shop(real_database, sandbox_url="http://127.0.0.1:9")
    order = shop.order()
    tokens = shop.services.tokens
    return (
        shop.services.orders,
        order.id,
        tokens.hash_of(tokens.token_for(order.id)),
        (order.created_at),
    )


def test_an_order_is_found_by_its_link_and_by_its_id(stored):
    reader, order_id, token_hash, made_at = stored
    by_link = reader.by_token_hash(token_hash, created_after=made_at - timedelta(days=1))

    assert by_link.order.id == order_id
    assert reader.by_id(order_id) == by_link


def test_no_order_is_found_by_another_link_or_an_old_one(stored):
    reader, _, token_hash, made_at = stored

    assert reader.by_token_hash("other", created_after=made_at - timedelta(days=1)) is None
    assert reader.by_token_hash(token_hash, created_after=made_at + timedelta(seconds=1)) is None
    assert reader.by_id(OrderId("po_none")) is None
