"""The sum above which a refund needs a second person, as a setting."""

import pytest

from payorch.config import InvalidSettings, Settings

VARIABLE = "PAYORCH_REFUND_SECOND_PERSON_ABOVE"


def limits(**environ):
    return dict(Settings.from_env(environ).second_person_limits)


def test_limits_are_by_currency_and_for_all_others():
    assert limits(**{VARIABLE: "EUR:50000, *:900"}) == {"EUR": 50_000, "*": 900}


def test_unset_there_is_a_limit_in_production_only():
    assert limits() == {}
    production = Settings(env="production")
    assert dict(production.second_person_limits) == {"*": 100_000}
    assert (
        dict(Settings(env="production", refund_second_person_above="").second_person_limits) == {}
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("50000", "'50000' is not like EUR:50000"),
        ("EUR:500.00", "is not like EUR:50000"),
        ("EUR:-1", "is not like EUR:50000"),
        ("eur:50000", "is not like EUR:50000"),
        ("EUR:1,EUR:2", "EUR is named twice."),
        ("EUT:50000", "EUT is no currency."),
    ],
)
def test_a_typing_error_keeps_payorch_from_starting(value, problem):
    with pytest.raises(InvalidSettings) as refused:
        limits(**{VARIABLE: value})

    (found,) = [it for it in refused.value.problems if VARIABLE in it]
    assert problem in found
