import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.attempt_stats import EmptySample
from payorch.domain.latency_histogram import (
    ALPHA,
    InvalidHistogram,
    LatencyHistogram,
    bin_of,
    merge_histograms,
    nearest_rank,
)

latencies = st.integers(0, 600_000)
samples = st.lists(latencies, min_size=1, max_size=200)
histograms = st.lists(latencies, max_size=50).map(LatencyHistogram.of)
# Shares as people write them: whole per mille.
shares = st.integers(0, 1000).map(lambda per_mille: per_mille / 1000)


@given(samples, shares)
def test_a_percentile_is_within_one_percent_of_the_exact_one(sample, share) -> None:
    rank = max(1, ceil(round(share * 1000) * len(sample) / 1000))
    exact = sorted(sample)[rank - 1]
    found = LatencyHistogram.of(sample).percentile(share)
    assert abs(found - exact) <= ALPHA * exact * (1 + 1e-9)


@given(st.integers(0, 10**9))
def test_every_latency_is_within_one_percent_of_its_bin(latency_ms: int) -> None:
    found = LatencyHistogram({bin_of(latency_ms): 1}).percentile(0.5)
    assert abs(found - latency_ms) <= ALPHA * latency_ms * (1 + 1e-9)


@given(histograms, histograms, histograms)
def test_histograms_merge_in_any_order(one, two, three) -> None:
    assert one.merged(two) == two.merged(one)
    assert one.merged(two).merged(three) == one.merged(two.merged(three))
    assert one.merged(LatencyHistogram()) == one
    assert merge_histograms([one, two, three]).n == one.n + two.n + three.n


@given(st.lists(samples, max_size=5))
def test_merging_parts_equals_counting_the_whole(parts) -> None:
    whole = LatencyHistogram.of(latency for part in parts for latency in part)
    assert merge_histograms(LatencyHistogram.of(part) for part in parts) == whole


@given(histograms)
def test_what_is_stored_is_read_back(histogram) -> None:
    assert LatencyHistogram.from_json(histogram.to_json()) == histogram


def test_the_stored_form_is_the_same_for_the_same_attempts() -> None:
    one, other = LatencyHistogram.of([900, 3, 0]), LatencyHistogram.of([0, 900, 3])
    assert one.to_json() == other.to_json()
    assert json.loads(one.to_json())["bins"]["-1"] == 1


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "[]",
        "{}",
        '{"alpha":0.02,"bins":{}}',
        '{"alpha":0.01,"bins":[]}',
        '{"alpha":0.01,"bins":{"x":1}}',
        '{"alpha":0.01,"bins":{"1":1.5}}',
        '{"alpha":0.01,"bins":{"1":true}}',
        '{"alpha":0.01,"bins":{"1":0}}',
        '{"alpha":0.01,"bins":{"-2":1}}',
    ],
)
def test_a_broken_stored_histogram_is_refused(stored: str) -> None:
    with pytest.raises(InvalidHistogram):
        LatencyHistogram.from_json(stored)


@pytest.mark.parametrize(
    ("n", "share", "rank"),
    [(1, 0.5, 1), (20, 0.95, 19), (100, 0.07, 7), (100, 0.99, 99), (3, 0.0, 1), (3, 1.0, 3)],
)
def test_the_nearest_rank_is_exact_for_decimal_shares(n, share, rank) -> None:
    assert nearest_rank(n, share) == rank


def test_no_attempts_have_no_percentile() -> None:
    with pytest.raises(EmptySample):
        LatencyHistogram().percentile(0.5)


@pytest.mark.parametrize("share", [-0.01, 1.01])
def test_a_share_outside_zero_and_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        LatencyHistogram.of([1]).percentile(share)


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 ms"):
        bin_of(-1)
