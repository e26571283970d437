import pytest

from payorch.domain.alert_rule import PRESETS, AlertRule, InvalidAlertRule, Measure


def a_rule(**fields):
    defaults = {
        "name": "Drop",
        "measure": Measure.APPROVAL_DROP,
        "threshold": 5,
        "window_min": 30,
        "min_sample": 50,
    }
    return AlertRule(**(defaults | fields))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"threshold": 0.5}, "threshold lies between 1 and 100"),
        ({"threshold": 101}, "threshold lies between 1 and 100"),
        ({"measure": Measure.SLOWDOWN, "threshold": 1}, "between 1.1 and 100"),
        ({"threshold": float("nan")}, "threshold"),
        ({"window_min": 4}, "between 5 and 1440 minutes"),
        ({"window_min": 1441}, "between 5 and 1440 minutes"),
        ({"min_sample": 19}, "fewer say nothing"),
    ],
)
def test_a_rule_that_makes_no_sense_cannot_be_made(fields, problem):
    with pytest.raises(InvalidAlertRule, match=problem):
        a_rule(**fields)


def test_every_measure_is_watched_from_the_first_day():
    assert {rule.measure for rule in PRESETS} == set(Measure)
    assert len({rule.name for rule in PRESETS}) == len(PRESETS)
