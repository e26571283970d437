from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.latency_histogram import LatencyHistogram, merge_histograms
from payorch.infrastructure.persistence.latency_blobs import merged, packed, percentiles_of

SHARES = (0.0, 0.07, 0.5, 0.95, 0.99, 1.0)

histograms = st.builds(
    LatencyHistogram, st.dictionaries(st.integers(-1, 900), st.integers(1, 10**6), max_size=20)
)


@given(st.lists(histograms, max_size=6))
def test_blobs_add_up_as_their_histograms_do(parts):
    assert merged([packed(part.bins) for part in parts]) == merge_histograms(parts)


@given(st.dictionaries(st.integers(0, 9), st.lists(histograms, max_size=4), max_size=5))
def test_percentiles_of_many_places_are_those_of_their_histograms(places):
    blobs = {place: [packed(part.bins) for part in parts] for place, parts in places.items()}
    added_up = {place: merge_histograms(parts) for place, parts in places.items()}

    assert percentiles_of(blobs, SHARES) == {
        place: (histogram.n, histogram.percentiles(SHARES))
        for place, histogram in added_up.items()
        if histogram.n
    }


@given(histograms)
def test_the_same_histogram_is_the_same_bytes(histogram):
    shuffled = dict(reversed(histogram.bins.items()))

    assert packed(shuffled) == packed(histogram.bins)
