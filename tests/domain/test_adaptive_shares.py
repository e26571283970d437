"""Adaptive shares: the chance to be the best, and the guard rails around it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.adaptive_shares import (
    AdaptiveSettings,
    Evidence,
    chances_of_best,
    discounted,
    is_in_outage,
    next_shares,
)
from payorch.domain.attempt_stats import Tally
from payorch.domain.errors import InvalidRoutingPolicy

SETTINGS = AdaptiveSettings()
CODES = ("alpha", "beta", "gamma", "delta")


@st.composite
def evidence_of(draw, codes=CODES):
    found = {}
    for code in codes:
        finished = draw(st.floats(0, 50_000))
        found[code] = Evidence(finished * draw(st.floats(0, 1)), finished)
    return found


@st.composite
def shares_of(draw, codes=CODES):
    weights = [draw(st.integers(0, 1000)) for _ in codes]
    if not any(weights):
        weights[0] = 1
    return {code: weight / sum(weights) for code, weight in zip(codes, weights, strict=True)}


@given(evidence_of())
def test_chances_sum_to_one(evidence):
    chances = chances_of_best(evidence)

    assert sum(chances.values()) == pytest.approx(1)
    assert all(0 <= chance <= 1 for chance in chances.values())


@pytest.mark.parametrize(
    "evidence",
    [
        {"alpha": Evidence(900, 1000), "beta": Evidence(880, 1000)},
        {"alpha": Evidence(45, 50), "beta": Evidence(90_000, 100_000), "gamma": Evidence(0, 0)},
        {"alpha": Evidence(0, 30), "beta": Evidence(1, 30)},
        {"alpha": Evidence(50, 50), "beta": Evidence(49, 50), "gamma": Evidence(480, 500)},
    ],
)
def test_a_chance_is_what_sampling_the_posteriors_gives(evidence):
    dice = random.Random(7)
    wins = dict.fromkeys(evidence, 0)
    draws = 20_000
    for _ in range(draws):
        rates = {
            code: dice.betavariate(1 + e.approved, 1 + e.finished - e.approved)
            for code, e in evidence.items()
        }
        wins[max(rates, key=lambda code: rates[code])] += 1

    for code, chance in chances_of_best(evidence).items():
        # Five standard errors of the sampling.
        assert chance == pytest.approx(wins[code] / draws, abs=0.018)


def test_old_attempts_count_half_after_the_half_life():
    counts = [(0.0, Tally(approved=10, finished=10)), (24.0, Tally(approved=0, finished=10))]

    assert discounted(counts, half_life_h=24) == Evidence(10.0, 15.0)


@given(shares_of(), evidence_of(), st.floats(0, 100), st.sets(st.sampled_from(CODES)))
def test_shares_stay_shares_above_the_floor(current, evidence, hours, demoted):
    shares = next_shares(current, evidence, SETTINGS, hours=hours, demoted=demoted)

    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= SETTINGS.floor - 1e-9


@given(shares_of(), evidence_of(), st.floats(0, 2))
def test_no_share_moves_faster_than_the_leash(current, evidence, hours):
    start = next_shares(current, {}, SETTINGS, hours=0)

    shares = next_shares(start, evidence, SETTINGS, hours=hours)

    leash = SETTINGS.max_shift_per_h * hours
    assert all(abs(share - start[code]) <= leash + 1e-9 for code, share in shares.items())


@given(shares_of(), evidence_of(), st.floats(0, 1), st.floats(0, 1))
def test_two_short_steps_lead_no_further_than_one_long_one(current, evidence, first, second):
    """So that it does not matter how often it runs, or in how many processes."""
    start = next_shares(current, {}, SETTINGS, hours=0)
    between = next_shares(start, evidence, SETTINGS, hours=first)
    twice = next_shares(between, evidence, SETTINGS, hours=second)

    leash = SETTINGS.max_shift_per_h * (first + second)
    assert all(abs(share - start[code]) <= leash + 1e-9 for code, share in twice.items())


@given(shares_of(), evidence_of())
def test_a_provider_with_too_little_evidence_keeps_its_share(current, evidence):
    start = next_shares(current, {}, SETTINGS, hours=0)
    thin = {**evidence, "delta": Evidence(10, 20)}

    shares = next_shares(start, thin, SETTINGS, hours=50)

    assert shares["delta"] == pytest.approx(start["delta"])


def test_the_better_provider_gets_all_but_the_floor_in_the_end():
    evidence = {"alpha": Evidence(8_000, 10_000), "beta": Evidence(9_000, 10_000)}

    shares = next_shares({"alpha": 1.0, "beta": 0.0}, evidence, SETTINGS, hours=24)

    assert shares["beta"] == pytest.approx(1 - SETTINGS.floor)


def test_a_demoted_provider_is_at_the_floor_at_once_and_comes_back_on_the_leash():
    evidence = {"alpha": Evidence(9_000, 10_000), "beta": Evidence(8_000, 10_000)}

    out = next_shares({"alpha": 0.9, "beta": 0.1}, evidence, SETTINGS, hours=0, demoted={"alpha"})
    back = next_shares(out, evidence, SETTINGS, hours=1)

    assert out == pytest.approx({"alpha": SETTINGS.floor, "beta": 1 - SETTINGS.floor})
    assert back["alpha"] == pytest.approx(SETTINGS.floor + SETTINGS.max_shift_per_h)


def test_when_every_provider_is_in_an_outage_none_is_demoted():
    current = {"alpha": 0.6, "beta": 0.4}

    assert next_shares(current, {}, SETTINGS, hours=1, demoted=current) == pytest.approx(current)


USUAL = Evidence(9_000, 10_000)


@pytest.mark.parametrize(
    ("latest", "is_out"),
    [
        ([Tally(approved=1, finished=12)], True),
        ([Tally(approved=9, finished=12)], False),
        ([Tally(approved=0, finished=5), Tally(approved=0, finished=20)], True),
        ([Tally(approved=20, finished=20), Tally(approved=0, finished=40)], False),
        ([Tally(approved=140, finished=300)], True),
    ],
)
def test_an_outage_is_what_cannot_be_chance(latest, is_out):
    assert is_in_outage(latest, USUAL, was=not is_out) is is_out


@pytest.mark.parametrize("was", [True, False])
def test_silence_is_neither_an_outage_nor_a_recovery(was):
    assert is_in_outage([Tally(approved=0, finished=3)], USUAL, was=was) is was


def test_chance_alone_is_no_outage():
    """A month of five-minute looks at 60 attempts, at the usual rate."""
    dice = random.Random(11)
    looks = 8_640
    alarms = 0
    for _ in range(looks):
        approved = sum(dice.random() < USUAL.mean for _ in range(60))
        alarms += is_in_outage([Tally(approved=approved, finished=60)], USUAL, was=False)

    assert alarms == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"floor": 0.0},
        {"floor": 0.3},
        {"max_shift_per_h": 0.0},
        {"min_sample": 10},
        {"half_life_h": 0},
    ],
)
def test_guard_rails_cannot_be_taken_off(fields):
    with pytest.raises(InvalidRoutingPolicy):
        AdaptiveSettings(**fields)
