from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.latency_histogram import LatencyHistogram, merge_histograms
from payorch.infrastructure.persistence.latency_blobs import merged, packed

histograms = st.builds(
    LatencyHistogram, st.dictionaries(st.integers(-1, 900), st.integers(1, 10**6), max_size=20)
)


@given(st.lists(histograms, max_size=6))
def test_blobs_add_up_as_their_histograms_do(parts):
    assert merged([packed(part.bins) for part in parts]) == merge_histograms(parts)


@given(histograms)
def test_the_same_histogram_is_the_same_bytes(histogram):
    shuffled = dict(reversed(histogram.bins.items()))

    assert packed(shuffled) == packed(histogram.bins)
