"""Where in the model's one long vector each number stands."""

from dataclasses import dataclass

import numpy as np

from payorch.infrastructure.replay.attempts import Attempts
from payorch.infrastructure.replay.traffic import Floats, Ints

SHARES = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """Views into the vector: what is written here is written there."""

    provider: Floats
    segment: Floats
    block: Floats
    peculiar: Floats
    shares: Floats


@dataclass(frozen=True, slots=True)
class Layout:
    """log sigma first, then providers, segments, blocks, providers x segments, 3 x providers."""

    providers: int
    segments: int
    blocks: int

    @property
    def size(self) -> int:
        return self._shares_at + SHARES * self.providers

    @property
    def _segments_at(self) -> int:
        return 1 + self.providers

    @property
    def _blocks_at(self) -> int:
        return self._segments_at + self.segments

    @property
    def _peculiar_at(self) -> int:
        return self._blocks_at + self.blocks

    @property
    def _shares_at(self) -> int:
        return self._peculiar_at + self.providers * self.segments

    def split(self, vector: Floats) -> Parts:
        return Parts(
            vector[1 : self._segments_at],
            vector[self._segments_at : self._blocks_at],
            vector[self._blocks_at : self._peculiar_at],
            vector[self._peculiar_at : self._shares_at].reshape(self.providers, self.segments),
            vector[self._shares_at :].reshape(SHARES, self.providers),
        )

    def share_places(self, number: int) -> Ints:
        start = self._shares_at + number * self.providers
        return np.arange(start, start + self.providers)

    def features(self, attempts: Attempts) -> Ints:
        """The four places that make up each attempt's log-odds: rows x attempts x 4."""
        return np.stack(
            [
                1 + attempts.provider,
                self._segments_at + attempts.segment,
                self._blocks_at + attempts.block,
                self._peculiar_at + attempts.provider * self.segments + attempts.segment,
            ],
            axis=2,
        )

    def gathered(self, by_cell: Floats) -> Floats:
        """The gradient by place, from that by log-odds (providers x segments x blocks)."""
        gradient = np.zeros(self.size)
        parts = self.split(gradient)
        parts.provider[:] = by_cell.sum(axis=(1, 2))
        parts.segment[:] = by_cell.sum(axis=(0, 2))
        parts.block[:] = by_cell.sum(axis=(0, 1))
        parts.peculiar[:] = by_cell.sum(axis=2)
        return gradient
