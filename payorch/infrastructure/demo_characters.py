"""How each provider of the demo behaved in the days before it was started.

Close to the practice provider's profiles, so that live traffic goes on where history ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

_P95 = 1.645
"""Standard normal quantile of 95 %: p95 = p50 * exp(sigma * 1.645) for a lognormal latency."""

CUT_AFTER_MS = 6000
"""Where a call without an answer was cut; latencies above it do not exist."""


@dataclass(frozen=True, slots=True)
class Character:
    """`declines` are weights by scheme code. `rescue_rate` is the approval rate of attempts that
    another provider had declined: such cards are worse than average everywhere.
    """

    approval_rate: float
    rescue_rate: float
    p50_ms: float
    p95_ms: float
    declines: Mapping[str, int]
    technical_rate: float = 0.004

    def latency_ms(self, random: Random, load: float) -> int:
        """Drawn from a lognormal; `load` (about 1) stretches it in busy hours."""
        sigma = math.log(self.p95_ms / self.p50_ms) / _P95
        drawn = random.lognormvariate(math.log(self.p50_ms * load), sigma)
        return min(max(int(drawn), 5), CUT_AFTER_MS)

    def decline_code(self, random: Random) -> str:
        return random.choices(tuple(self.declines), weights=tuple(self.declines.values()))[0]


_ALPHA = Character(
    approval_rate=0.88,
    rescue_rate=0.35,
    p50_ms=180,
    p95_ms=420,
    declines={"05": 40, "51": 25, "91": 14, "54": 6, "N7": 6, "61": 4, "59": 3, "41": 2},
)
_BETA = Character(
    approval_rate=0.94,
    rescue_rate=0.58,
    p50_ms=320,
    p95_ms=900,
    declines={"51": 40, "05": 30, "54": 10, "62": 8, "N7": 7, "57": 5},
)
_GAMMA = Character(
    approval_rate=0.81,
    rescue_rate=0.41,
    p50_ms=90,
    p95_ms=260,
    declines={"05": 55, "51": 20, "59": 10, "14": 5, "03": 5, "19": 5},
    technical_rate=0.009,
)
_DELTA = Character(
    approval_rate=0.95,
    rescue_rate=0.6,
    p50_ms=140,
    p95_ms=380,
    declines={"05": 60, "51": 40},
    technical_rate=0.002,
)

CHARACTERS: Mapping[str, Character] = {
    "alpha": _ALPHA,
    "beta": _BETA,
    "gamma": _GAMMA,
    "beta_latam": _BETA,
    "delta": _DELTA,
    "delta_bank": _DELTA,
}
