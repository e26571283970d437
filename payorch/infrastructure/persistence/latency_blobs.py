"""Latency histograms of many hours in the form that adds up fastest: pairs of bin and attempts.

A month has some hundred thousand bins. As JSON, taking them apart costs more than all the rest of
a dashboard.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from payorch.domain.latency_histogram import LatencyHistogram

_PAIRS = np.dtype("<i4")
"""Of the stored form: little-endian 32 bits, bin and attempts in turn, sorted by bin."""


def packed(bins: Mapping[int, int]) -> bytes:
    return np.array(sorted(bins.items()), dtype=_PAIRS).tobytes()


def merged(blobs: Sequence[bytes]) -> LatencyHistogram:
    """What all the blobs hold together."""
    pairs = np.frombuffer(b"".join(blobs), dtype=_PAIRS).reshape(-1, 2)
    if not len(pairs):
        return LatencyHistogram()
    lowest = int(pairs[:, 0].min())
    # As floats these sums are exact far beyond the number of attempts there can be.
    sums = np.bincount(pairs[:, 0] - lowest, weights=pairs[:, 1]).astype(np.int64)
    present = np.nonzero(sums)[0]
    return LatencyHistogram(
        dict(zip((present + lowest).tolist(), sums[present].tolist(), strict=True))
    )
