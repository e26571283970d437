"""The metrics' numbers, counted from the attempts themselves."""

from payorch.application.attempt_counts import count_attempts, merge_counts
from payorch.application.metrics_rollup import SHOWN_SHARES
from payorch.domain.latency_histogram import merge_histograms
from payorch.infrastructure.persistence.attempt_facts import attempt_facts, started_within


def assert_equal_to_recount(database, repository, window):
    counted = repository.counts(window, providers=frozenset(), currency=None)
    with database.tx() as connection:
        cells = count_attempts(attempt_facts(connection, started_within(window.start, window.end)))
    for key, counts in counted.counts.items():
        within = [
            cell.counts for place, cell in cells.items() if place._replace(at=window.start) == key
        ]
        assert merge_counts(within) == counts
    for key, counts in counted.series.items():
        within = [
            cell.counts
            for place, cell in cells.items()
            if (window.bucket_of(place.at), place.provider_code, place.kind) == key[:3]
        ]
        assert merge_counts(within) == counts
    assert merge_counts(counted.series.values()) == merge_counts(counted.counts.values())
    for (at, provider), latency in counted.series_latencies.items():
        histogram = merge_histograms(
            cell.latency
            for place, cell in cells.items()
            if (window.bucket_of(place.at), place.provider_code) == (at, provider)
        )
        assert latency == (histogram.n, histogram.percentiles(SHOWN_SHARES))
    assert sum(it.n for it in counted.series_latencies.values()) == sum(
        it.n for it in counted.latencies.values()
    )
    assert merge_counts(counted.counts.values()) == merge_counts(c.counts for c in cells.values())
    assert merge_histograms(counted.latencies.values()) == merge_histograms(
        cell.latency for cell in cells.values()
    )
