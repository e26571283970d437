"""How much goes wrong in one story, drawn from its seed. In the end the sky clears."""

from dataclasses import dataclass
from random import Random
from typing import Self


@dataclass(slots=True)
class Weather:
    """Shares between 0 and 1: of calls that meet a fault, of seams at which a process dies or
    stalls, of transactions that the database does not take or whose commit's reply gets lost.
    """

    faults: float
    crashes: float
    stalls: float
    database_faults: float
    lies: float

    @classmethod
    def of(cls, chance: Random) -> Self:
        return cls(
            faults=chance.choice((0.1, 0.4, 0.4, 0.9)),
            crashes=chance.choice((0.0, 0.01, 0.03, 0.15)),
            stalls=chance.choice((0.0, 0.01, 0.05)),
            database_faults=chance.choice((0.0, 0.0, 0.03)),
            lies=chance.choice((0.0, 0.0, 0.0, 0.1)),
        )

    @classmethod
    def without_crashes(cls, chance: Random) -> Self:
        """For stories in which one crash is put at a chosen place."""
        weather = cls.of(chance)
        weather.crashes = 0.0
        return weather

    def clear(self) -> None:
        self.faults = self.crashes = self.stalls = self.database_faults = self.lies = 0.0
