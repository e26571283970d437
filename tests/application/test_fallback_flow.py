"""Who was tried after whom, and what came of it."""

from datetime import UTC, datetime

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey
from payorch.application.fallback_flow import fallback_flow

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def cell(code, place, after="", currency="EUR"):
    kind = AttemptKind.FIRST if place == 1 else AttemptKind.FALLBACK
    return CellKey(NOON, code, kind, currency, place, after)


COUNTS = {
    cell("alpha", 1): AttemptCounts(approved=80, declined_issuer=15, not_sent=4, unknown=1),
    cell("beta", 1): AttemptCounts(approved=9, declined_issuer=1),
    cell("beta", 2, "alpha"): AttemptCounts(
        approved=10, declined_issuer=4, still_open=1, approved_amount_minor=5_000
    ),
    cell("alpha", 2, "beta"): AttemptCounts(declined_issuer=1),
    cell("beta", 2, "alpha", "USD"): AttemptCounts(approved=1, approved_amount_minor=700),
    cell("gamma", 3, "beta"): AttemptCounts(voided=1, declined_issuer=1, approved_amount_minor=90),
}


def test_a_provider_stands_at_each_place_for_itself():
    steps = {(step.place, step.provider_code): step for step in fallback_flow(COUNTS).steps}

    assert list(steps) == [(1, "alpha"), (1, "beta"), (2, "alpha"), (2, "beta"), (3, "gamma")]
    assert steps[1, "alpha"].went_on == {"beta": 16}
    assert steps[1, "beta"].went_on == {"alpha": 1}
    assert steps[2, "beta"].went_on == {"gamma": 2}
    assert steps[2, "beta"].attempts == 16


def test_what_goes_in_comes_out():
    for step in fallback_flow(COUNTS).steps:
        out = step.charged + step.ended + step.still_open + sum(step.went_on.values())
        assert out == step.attempts


def test_at_the_end_of_a_window_more_may_have_gone_on_than_came():
    counts = {
        cell("alpha", 1): AttemptCounts(declined_issuer=1),
        cell("beta", 2, "alpha"): AttemptCounts(approved=3),
    }

    assert fallback_flow(counts).steps[0].ended == 0


def test_pairs_name_what_was_recovered_in_each_currency():
    pairs = fallback_flow(COUNTS).pairs

    assert [(p.after, p.provider_code, p.recovered) for p in pairs] == [
        ("alpha", "beta", 11),
        ("beta", "gamma", 1),
        ("beta", "alpha", 0),
    ]
    assert pairs[0].revenue_minor == {"EUR": 5_000, "USD": 700}
    assert (pairs[0].approval.approved, pairs[0].approval.finished) == (11, 15)


def test_without_fallbacks_there_are_no_pairs():
    flow = fallback_flow({cell("alpha", 1): AttemptCounts(approved=3)})

    assert flow.pairs == ()
    assert flow.steps[0].went_on == {}
