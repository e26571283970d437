"""What ops want to be told about the numbers, and when a number says so.

A rule speaks only where the data can: a drop counts when its whole 95 % interval lies beyond the
threshold, so a handful of unlucky payments wakes nobody.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from payorch.domain.errors import PayorchError


class InvalidAlertRule(PayorchError):
    """A threshold, window or sample that makes no sense for what the rule measures."""

    code = "invalid_alert_rule"


@unique
class Measure(StrEnum):
    """What a rule looks at; the unit of its threshold.

    The drops and the slowdown compare the window with the 24 hours before it: each provider is
    measured by itself, never by the others.
    """

    # Percentage points below the provider's own first-attempt approval.
    APPROVAL_DROP = "approval_drop"
    # Percent of the provider's attempts.
    TECHNICAL_FAILURES = "technical_failures"
    # Times the provider's own p95.
    SLOWDOWN = "slowdown"
    # Percentage points below the order conversion of all providers together.
    CONVERSION_DROP = "conversion_drop"
    # Minutes since the oldest attempt started whose outcome is still unknown.
    UNKNOWN_AGE = "unknown_age"
    # Provider events that wait for longer than the window.
    EVENTS_WAITING = "events_waiting"

    @property
    def is_per_provider(self) -> bool:
        return self in {Measure.APPROVAL_DROP, Measure.TECHNICAL_FAILURES, Measure.SLOWDOWN}


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the most that a rule of some measure may say."""

    threshold: tuple[float, float]
    has_sample: bool = True


LIMITS = {
    Measure.APPROVAL_DROP: Limits((1, 100)),
    Measure.TECHNICAL_FAILURES: Limits((1, 100)),
    Measure.SLOWDOWN: Limits((1.1, 100)),
    Measure.CONVERSION_DROP: Limits((1, 100)),
    Measure.UNKNOWN_AGE: Limits((1, 7 * 24 * 60), has_sample=False),
    Measure.EVENTS_WAITING: Limits((1, 1_000_000), has_sample=False),
}
MIN_WINDOW_MIN, MAX_WINDOW_MIN = 5, 24 * 60
LEAST_SAMPLE, MOST_SAMPLE = 20, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """`min_sample` attempts (or orders) must be in the window, else nothing is said.

    Raises InvalidAlertRule.
    """

    name: str
    measure: Measure
    threshold: float
    window_min: int
    min_sample: int
    is_enabled: bool = True

    def __post_init__(self) -> None:
        low, high = LIMITS[self.measure].threshold
        if not low <= self.threshold <= high:
            raise InvalidAlertRule(f"The threshold lies between {low:g} and {high:g}.")
        if not MIN_WINDOW_MIN <= self.window_min <= MAX_WINDOW_MIN:
            raise InvalidAlertRule(
                f"The window lies between {MIN_WINDOW_MIN} and {MAX_WINDOW_MIN} minutes."
            )
        if not LEAST_SAMPLE <= self.min_sample <= MOST_SAMPLE:
            raise InvalidAlertRule(
                f"The sample lies between {LEAST_SAMPLE} and {MOST_SAMPLE:,}: fewer say nothing."
            )


PRESETS = (
    AlertRule(
        name="Approval drop",
        measure=Measure.APPROVAL_DROP,
        threshold=5,
        window_min=30,
        min_sample=50,
    ),
    AlertRule(
        name="Technical failures",
        measure=Measure.TECHNICAL_FAILURES,
        threshold=10,
        window_min=15,
        min_sample=20,
    ),
    AlertRule(
        name="Slow answers", measure=Measure.SLOWDOWN, threshold=2, window_min=30, min_sample=100
    ),
    AlertRule(
        name="Conversion drop",
        measure=Measure.CONVERSION_DROP,
        threshold=5,
        window_min=60,
        min_sample=100,
    ),
    AlertRule(
        name="Outcomes unknown for long",
        measure=Measure.UNKNOWN_AGE,
        threshold=15,
        window_min=5,
        min_sample=20,
    ),
    AlertRule(
        name="Provider events wait",
        measure=Measure.EVENTS_WAITING,
        threshold=5,
        window_min=15,
        min_sample=20,
    ),
)
"""What is watched from the first day. Ops change the numbers or switch a rule off."""
