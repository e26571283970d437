"""What became of the declines of each code: how often it came, and what the next provider said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.attempt_stats import Tally
from payorch.domain.decline_ruling import CodeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEvidence:
    """The attempts that were declined with one code.

    `after_fallback` counts those after which the same submission went on to another provider:
    `approved` are the orders that it saved. Attempts that are still open are in neither.
    """

    key: CodeKey
    declined: int
    providers: tuple[str, ...]
    last_seen: datetime
    after_fallback: Tally


class DeclineEvidence(Protocol):
    def by_code(self, since: datetime) -> Sequence[CodeEvidence]:
        """Response codes and advice codes of attempts started at or after `since`, the most
        frequent first.
        """
