"""The attempts of each row of traffic, as a table with one line per row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from payorch.domain.policy_replay import Step
from payorch.infrastructure.replay.traffic import Floats, Ints, Rows, Traffic, counted


def sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)))


def log_sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(-np.logaddexp(0.0, -log_odds))


@dataclass(frozen=True, slots=True)
class Attempts:
    """Rows x attempts; where a row has fewer, `step` is -1 and no flag is set.

    `providers` is how many there are; `keys` number (path, segment, block) and are sorted.
    """

    keys: Ints
    providers: int
    provider: Ints
    step: Ints
    segment: Ints
    block: Ints
    n: Floats

    @property
    def length(self) -> int:
        return int(self.provider.shape[1])

    @property
    def is_approved(self) -> NDArray[np.bool_]:
        return np.asarray(self.step == Step.APPROVED)

    @property
    def is_decided(self) -> NDArray[np.bool_]:
        return self._among([step for step in Step if step.is_decided])

    @property
    def is_technical(self) -> NDArray[np.bool_]:
        return self._among([Step.NOT_SENT, Step.LOST])

    @property
    def is_declined(self) -> NDArray[np.bool_]:
        return self._among([Step.FALLS_BACK, Step.REFUSED])

    def decided_counts(self) -> tuple[float, float]:
        """Approved and decided attempts."""
        weights = self.n[:, None]
        return float((weights * self.is_approved).sum()), float((weights * self.is_decided).sum())

    def share_counts(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """By provider: technical failures, unsent, declines that go on, declines, attempts."""
        flags = (
            self.is_technical,
            self.step == Step.NOT_SENT,
            self.step == Step.FALLS_BACK,
            self.is_declined,
            self.step >= 0,
        )
        counts = [
            counted(self.provider.ravel(), (self.n[:, None] * flag).ravel(), self.providers)
            for flag in flags
        ]
        return counts[0], counts[1], counts[2], counts[3], counts[4]

    def share_residuals(self, shares: Floats) -> Floats:
        """3 x rows x attempts: what happened less its share, 0 where it was not asked."""
        technical, unsent, going_on = shares[:, self.provider]
        return np.stack(
            [
                np.where(self.step >= 0, self.is_technical - technical, 0.0),
                np.where(self.is_technical, (self.step == Step.NOT_SENT) - unsent, 0.0),
                np.where(self.is_declined, (self.step == Step.FALLS_BACK) - going_on, 0.0),
            ]
        )

    def _among(self, steps: Sequence[Step]) -> NDArray[np.bool_]:
        return np.isin(self.step, [int(step) for step in steps])


def attempts_of(traffic: Traffic, rows: Rows, number_of: Mapping[str, int]) -> Attempts:
    """Orders with the same attempts at the same kind of order and time are one row."""
    length = max((len(path) for path in traffic.paths), default=0)
    provider = np.zeros((len(traffic.paths), length), dtype=np.int64)
    step = np.full((len(traffic.paths), length), -1, dtype=np.int64)
    for number, path in enumerate(traffic.paths):
        for place, (code, how) in enumerate(path):
            provider[number, place] = number_of[code]
            step[number, place] = how
    columns = (rows.path, traffic.segment_of[rows.shape], rows.block)
    sizes = (len(traffic.paths), len(traffic.segments), traffic.blocks)
    unique, inverse = np.unique(np.ravel_multi_index(columns, sizes), return_inverse=True)
    of_path, segment, block = np.unravel_index(unique, sizes)
    width = np.ones(length, dtype=np.int64)
    return Attempts(
        keys=unique,
        providers=len(number_of),
        provider=provider[of_path],
        step=step[of_path],
        segment=segment[:, None] * width,
        block=block[:, None] * width,
        n=counted(inverse, rows.n, len(unique)),
    )
