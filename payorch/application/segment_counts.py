"""Counts of attempts by country, by card brand and by amount band, each by the hour.

One dimension at a time: a table of all combinations would grow with the traffic. Latencies,
predecessors and reasons of declines are not kept here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from payorch.application.attempt_counts import (
    AttemptCounts,
    AttemptFact,
    AttemptKind,
    add_to_tally,
    kind_of,
)
from payorch.application.metrics_window import floor_to_hour
from payorch.domain.segment import NO_BRAND, Segment, SegmentDimension, amount_band


class SegmentKey(NamedTuple):
    """Attempts that started in the hour from `at`."""

    at: datetime
    dimension: SegmentDimension
    value: str
    provider_code: str
    kind: AttemptKind
    currency: str


class SegmentTotal(NamedTuple):
    """First attempts at one provider in a whole window."""

    segment: Segment
    provider_code: str
    counts: AttemptCounts


class SegmentTally:
    """Counts the attempts that pass by, so that they are read once for all counts."""

    def __init__(self) -> None:
        self._tallies: dict[SegmentKey, Counter[str]] = defaultdict(Counter)

    def noting(self, facts: Iterable[AttemptFact]) -> Iterator[AttemptFact]:
        for fact in facts:
            self._note(fact)
            yield fact

    def counts(self) -> dict[SegmentKey, AttemptCounts]:
        return {key: AttemptCounts(**tally) for key, tally in self._tallies.items()}

    def _note(self, fact: AttemptFact) -> None:
        hour, kind = floor_to_hour(fact.minute), kind_of(fact)
        for segment in segments_of(fact):
            key = SegmentKey(
                hour, segment.dimension, segment.value, fact.provider_code, kind, fact.currency
            )
            add_to_tally(self._tallies[key], fact)


def count_segments(facts: Iterable[AttemptFact]) -> Mapping[SegmentKey, AttemptCounts]:
    tally = SegmentTally()
    for _ in tally.noting(facts):
        pass
    return tally.counts()


def segments_of(fact: AttemptFact) -> tuple[Segment, ...]:
    """The one segment of each dimension that the attempt is in."""
    return (
        Segment(SegmentDimension.COUNTRY, fact.country),
        Segment(SegmentDimension.CARD_BRAND, fact.card_brand or NO_BRAND),
        Segment(SegmentDimension.AMOUNT, amount_band(fact.amount_minor, fact.currency)),
    )
