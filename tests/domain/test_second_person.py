"""Above which sum a second person has to agree."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.money import Money
from payorch.domain.second_person import AskedFor, SecondPersonLimits, beyond_one_person
from payorch.domain.second_person_errors import RefundNeedsSecondPerson

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = SecondPersonLimits({"EUR": 500, "*": 900})


def test_a_currency_has_its_own_limit_and_others_the_one_for_all():
    assert LIMITS.of("EUR", at=NOW).above_minor == 500
    assert LIMITS.of("SEK", at=NOW).above_minor == 900
    assert SecondPersonLimits({"EUR": 500}).of("SEK", at=NOW) is None
    assert SecondPersonLimits().of("EUR", at=NOW) is None


def test_what_counts_is_asked_for_within_a_day():
    assert LIMITS.of("EUR", at=NOW).since == NOW - timedelta(hours=24)


@pytest.mark.parametrize(("amount", "counted"), [(500, 0), (1, 499)])
def test_one_person_may_give_back_up_to_the_limit(amount, counted):
    LIMITS.of("EUR", at=NOW).require(Money(amount, "EUR"), counted)


@pytest.mark.parametrize(("amount", "counted"), [(501, 0), (1, 500), (500, 1)])
def test_above_it_a_second_person_is_needed(amount, counted):
    with pytest.raises(RefundNeedsSecondPerson, match=r"Above 5\.00 EUR") as refused:
        LIMITS.of("EUR", at=NOW).require(Money(amount, "EUR"), counted)

    assert (refused.value.limit_minor, refused.value.counted_minor) == (500, counted)


def a_part(name, amount, *, hours=0, limit=500, has_two=False):
    at = NOW + timedelta(hours=hours)
    return AskedFor(name, amount, at, limit, has_two=has_two)


def beyond(*parts):
    return [(one.refund_id, asked) for one, asked in beyond_one_person(parts)]


def test_parts_of_a_day_are_one_sum():
    assert beyond(a_part("a", 300), a_part("b", 200, hours=24)) == []
    assert beyond(a_part("a", 300), a_part("b", 201, hours=24)) == [("b", 501)]
    assert beyond(a_part("a", 300), a_part("b", 300, hours=25)) == []


def test_what_two_agreed_on_counts_for_others_and_is_not_beyond():
    agreed = a_part("a", 900, has_two=True)

    assert beyond(agreed) == []
    assert beyond(agreed, a_part("b", 1)) == [("b", 901)]
    assert beyond(a_part("b", 1), agreed) == []


def test_the_limit_is_that_of_each_part():
    assert beyond(a_part("a", 300, limit=None), a_part("b", 201)) == [("b", 501)]
    assert beyond(a_part("a", 300), a_part("b", 300, limit=None)) == []


def test_the_order_of_the_lock_counts_and_not_the_clocks():
    assert beyond(a_part("a", 300, hours=1), a_part("b", 300)) == [("b", 600)]
