"""Chance that does not depend on the order of calls: all of it follows from the payment's name."""

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

_NORMAL = NormalDist()
# The 95th percentile of the standard normal distribution.
_Z95 = _NORMAL.inv_cdf(0.95)

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Draws:
    """Independent numbers in (0, 1), one for each thing that chance decides about a payment."""

    approval: float
    decline: float
    challenge: float
    latency: float
    fault: float
    outage: float


def draws_for(*, seed: int, account: str, reference: str) -> Draws:
    """The same six numbers whenever the same payment is asked about under the same seed."""
    digest = hashlib.blake2b(f"{seed}|{account}|{reference}".encode(), digest_size=48).digest()
    # Half a step up, so that no draw is 0 and the normal quantile stays finite.
    return Draws(*((value + 0.5) / 2**64 for value in struct.unpack("<6Q", digest)))


def draw(name: str, *, seed: int, account: str) -> float:
    """One number in (0, 1) that belongs to `name`, whatever else is drawn."""
    digest = hashlib.blake2b(f"{seed}|{account}|{name}".encode(), digest_size=8).digest()
    return float((struct.unpack("<Q", digest)[0] + 0.5) / 2**64)


def latency_s(draw: float, *, p50_ms: float, p95_ms: float) -> float:
    """A lognormal latency with the given median and 95th percentile, in seconds."""
    if p50_ms <= 0:
        return 0.0
    sigma = max(0.0, math.log(max(p95_ms, p50_ms) / p50_ms) / _Z95)
    return p50_ms * math.exp(sigma * _NORMAL.inv_cdf(min(draw, 0.9999))) / 1000


def pick(draw: float, weights: Mapping[Name, float], *, total: float | None = None) -> Name | None:
    """The name whose share of `total` (default: the weights' sum) the draw falls into."""
    left = draw * (sum(weights.values()) if total is None else total)
    for name, weight in weights.items():
        if left < weight:
            return name
        left -= weight
    return None
