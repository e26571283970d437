"""The one place where ports meet adapters: one module per subject, put together in composition."""

from payorch.wiring.base import Seams
from payorch.wiring.composition import Wired, wire

__all__ = ["Seams", "Wired", "wire"]
