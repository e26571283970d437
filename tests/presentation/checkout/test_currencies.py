from dataclasses import replace

import pytest

from payorch.domain.money import currency_exponent
from payorch.presentation.checkout.currencies import MOST_USED, currency_choices
from tests.presentation.checkout.fake_services import ALPHA, BETA, DELTA


@pytest.fixture
def choices(app):
    def choose(*methods, asked=None):
        with app.test_request_context():
            return currency_choices(methods, asked)

    return choose


def test_the_default_currency_is_first_and_the_others_are_in_alphabetical_order(choices):
    assert choices(ALPHA) == ["EUR", "JPY", "USD"]


def test_a_method_that_takes_every_currency_adds_those_that_people_use_most(choices):
    offered = choices(DELTA, BETA)

    assert offered[0] == "EUR"
    assert offered[1:] == sorted(MOST_USED - {"EUR"})
    assert "JPY" in offered


def test_a_method_that_is_switched_off_adds_nothing(choices):
    off = [replace(method, is_enabled=False) for method in (ALPHA, BETA)]

    assert choices(DELTA, *off) == ["EUR"]


@pytest.mark.parametrize(("asked", "is_offered"), [("BHD", True), ("XYZ", False), (None, False)])
def test_a_payment_link_may_name_any_currency_that_exists(choices, asked, is_offered):
    assert (asked in choices(DELTA, asked=asked)) is is_offered


@pytest.mark.parametrize("code", sorted(MOST_USED))
def test_amounts_of_each_can_be_written(code):
    assert currency_exponent(code) in {0, 2}
