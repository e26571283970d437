"""Latency histograms of many hours in the form that adds up fastest: pairs of bin and attempts.

A month has some hundred thousand bins. As JSON, taking them apart costs more than all the rest of
a dashboard.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from payorch.application.metrics_rollup import LatencyPercentiles
from payorch.domain.latency_histogram import LatencyHistogram, exact_share, middle_of

Place = TypeVar("Place", bound=Hashable)
Numbers: TypeAlias = NDArray[np.int64]

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


def percentiles_of(
    blobs: Mapping[Place, Sequence[bytes]], shares: Sequence[float]
) -> dict[Place, LatencyPercentiles]:
    """Of what the blobs of each place hold together; places without attempts are left out.

    The same values as by LatencyHistogram.percentiles, for all places in one go: a chart of a
    month has six hundred of them.
    """
    joined = {place: b"".join(parts) for place, parts in blobs.items()}
    joined = {place: blob for place, blob in joined.items() if blob}
    if not joined:
        return {}
    pairs = np.frombuffer(b"".join(joined.values()), dtype=_PAIRS).reshape(-1, 2).astype(np.int64)
    rows = np.repeat(
        np.arange(len(joined)), [len(blob) // (2 * _PAIRS.itemsize) for blob in joined.values()]
    )
    lowest = int(pairs[:, 0].min())
    width = int(pairs[:, 0].max()) - lowest + 1
    cells = rows * width + pairs[:, 0] - lowest
    counts = np.bincount(cells, weights=pairs[:, 1], minlength=len(joined) * width)
    reached = counts.astype(np.int64).reshape(len(joined), width).cumsum(axis=1)
    n = reached[:, -1]
    bins = [_bins_at(reached, n, share) + lowest for share in shares]
    return {
        place: LatencyPercentiles(attempts, tuple(middle_of(number) for number in numbers))
        for place, attempts, *numbers in zip(
            joined, n.tolist(), *(column.tolist() for column in bins), strict=True
        )
    }


def _bins_at(reached: Numbers, n: Numbers, share: float) -> Numbers:
    """The first column in which each row has reached the nearest rank of `share`."""
    exact = exact_share(share)
    ranks = np.maximum(1, -(-exact.numerator * n // exact.denominator))
    columns: Numbers = (reached < ranks[:, np.newaxis]).sum(axis=1)
    return columns
