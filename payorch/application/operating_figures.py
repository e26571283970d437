"""What tells an operator that work piles up: counted when asked, exact over all processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from payorch.application.job_queue import JobCounters, QueueFigures


@dataclass(frozen=True, slots=True)
class OpenTransactions:
    """`by_status` names every open status. Ages are in seconds since the attempt started."""

    by_status: Mapping[str, int]
    oldest_unknown_s: float
    in_review: int


@dataclass(frozen=True, slots=True)
class OperatingFigures:
    queues: Sequence[QueueFigures]
    counters: JobCounters
    open_transactions: OpenTransactions


class OperatingFiguresReader(Protocol):
    def read(self) -> OperatingFigures:
        """Raises LedgerUnavailable."""
