import re

import pytest

from payorch.domain.decline_policy import InvalidDeclinePolicy
from payorch.infrastructure.decline_policies.decline_policy_file import (
    SHIPPED_VERSION,
    load_decline_policy,
    load_shipped_policy,
)

GOOD = """
version = "test"
[sources]
bulletin = "A bulletin of 2021"
[[rows]]
scheme = "any"
codes = ["05", "06"]
reason = "do_not_honor"
class = "issuer_decline"
failover = "no"
later = "yes"
text = "declined_by_bank"
source = "bulletin"
effective_from = 2021-04-17
[[caps]]
scheme = "visa"
trigger = "any_decline"
scope = "card"
counts = "retries"
limit = 15
window_h = 720
source = "bulletin"
effective_from = 2021-04-17
"""


def load(tmp_path, text: str):
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_decline_policy(path)


def test_the_shipped_policy_loads_and_knows_its_version() -> None:
    policy = load_shipped_policy()
    assert policy.version == SHIPPED_VERSION
    assert len(policy.rows) > 100
    assert all(row.source for row in policy.rows)


def test_a_rule_for_several_codes_becomes_one_row_for_each(tmp_path) -> None:
    policy = load(tmp_path, GOOD)
    assert [row.code for row in policy.rows] == ["05", "06"]
    assert {row.source for row in policy.rows} == {"A bulletin of 2021"}
    assert policy.caps[0].limit == 15


@pytest.mark.parametrize(
    ("original", "changed", "message"),
    [
        (
            'reason = "do_not_honor"',
            'raeson = "x"',
            "rows[1] (any ['05', '06']): reason is missing",
        ),
        ('later = "yes"', 'later = "yes"\nlimt = 3', "['05', '06']): unknown field limt"),
        ('later = "yes"', 'later = "maybe"', "later is 'maybe', must be one of yes, after_wait"),
        ('class = "issuer_decline"', 'class = "soft"', "class is 'soft', must be one of"),
        ('failover = "no"', "failover = false", "failover must be of type str, not False"),
        (
            'later = "yes"',
            'later = "after_wait"\nwait_h = true',
            "wait_h must be of type int, not True",
        ),
        (
            'later = "yes"',
            'later = "after_wait"\nwait_h = "24"',
            "wait_h must be of type int, not '24'",
        ),
        ('failover = "no"', 'failover = "setting"', "any 05: a setting belongs to"),
        ('codes = ["05", "06"]', "codes = [5]", "codes must be a list of quoted codes"),
        ('codes = ["05", "06"]', "codes = []", "codes must be a list of quoted codes"),
        ('codes = ["05", "06"]', 'codes = ["05", "05"]', "any 05: two rows from 2021-04-17"),
        ("[[caps]]", '[[caps]]\nhue = "red"', "caps[1] (visa): unknown field hue"),
        ('counts = "retries"', 'counts = "tries"', "counts is 'tries'"),
        ('scheme = "visa"', 'scheme = " "', "scheme and source are required"),
        ("limit = 15", "limit = -1", "visa any_decline: cap must be 0 or more"),
        ('bulletin = "A', 'leaflet = "A', "source 'bulletin' is not listed under [sources]"),
        ('version = "test"', "", "policy: version is missing"),
        ('version = "test"', 'version = "test"\nname = "x"', "policy: unknown field name"),
        ('version = "test"', "version = ", "policy.toml: Invalid value"),
        (
            "effective_from = 2021-04-17",
            "effective_from = 2021-04-17T00:00:00Z",
            "must be of type date",
        ),
    ],
)
def test_one_mistake_refuses_the_file_and_names_the_place(
    tmp_path, original, changed, message
) -> None:
    assert original in GOOD
    with pytest.raises(InvalidDeclinePolicy, match=re.escape(message)):
        load(tmp_path, GOOD.replace(original, changed, 1))


@pytest.mark.parametrize("rows", ["rows = []", "rows = [1]"])
def test_a_policy_without_usable_rows_is_refused(tmp_path, rows) -> None:
    with pytest.raises(InvalidDeclinePolicy):
        load(tmp_path, f'version = "test"\n{rows}\n[sources]\n')


def test_a_version_that_was_never_shipped_is_refused() -> None:
    with pytest.raises(InvalidDeclinePolicy, match=r"1999-01-01\.toml"):
        load_shipped_policy("1999-01-01")
