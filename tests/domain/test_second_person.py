"""Above which sum a second person has to agree."""

from datetime import UTC, datetime, timedelta

import pytest

from payorch.domain.money import Money
from payorch.domain.second_person import SecondPersonLimits
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
