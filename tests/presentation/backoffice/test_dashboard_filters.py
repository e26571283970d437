"""The filter bar in the address: which providers are counted."""

from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import MultiDict

from payorch.domain.payment_method import MethodKind
from payorch.presentation.backoffice.dashboard.dashboard_filters import NO_PROVIDER, read_filters

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KINDS = {"alpha": MethodKind.CARD, "beta": MethodKind.CARD, "delta": MethodKind.WALLET}


def filters(*pairs):
    return read_filters(MultiDict(pairs), now=NOW, kinds=KINDS)


@pytest.mark.parametrize(
    ("pairs", "counted"),
    [
        ((), set()),
        ((("method", "card"),), {"alpha", "beta"}),
        ((("method", "card"), ("provider", "beta")), {"beta"}),
        ((("method", "wallet"), ("provider", "beta")), {NO_PROVIDER}),
        ((("method", "crypto"),), {NO_PROVIDER}),
        ((("method", "barter"), ("provider", "beta")), {"beta"}),
        ((("method", ""), ("provider", "")), set()),
    ],
)
def test_a_method_counts_the_providers_that_take_it(pairs, counted):
    assert filters(*pairs).query.providers == counted


def test_the_address_keeps_what_was_chosen_and_not_what_follows_from_it():
    chosen = filters(("window", "90d"), ("method", "card"), ("provider", "beta"))

    assert chosen.query_string == "window=90d&provider=beta&method=card"
    assert filters(("method", "wallet")).query_string == "window=1h&method=wallet"


def test_ninety_days_are_a_window():
    assert filters(("window", "90d")).query.window.length == timedelta(days=90)
