"""Rules and alerts as people read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from payorch.application.alerts import QUIET_BEFORE_CLOSE, MetricAlert
from payorch.domain.alert_rule import AlertRule, Measure
from payorch.presentation.backoffice.routing.circuit_texts import duration

THRESHOLDS: Mapping[Measure, str] = {
    Measure.APPROVAL_DROP: "Percentage points below its own last 24 hours",
    Measure.TECHNICAL_FAILURES: "Percent of its attempts",
    Measure.SLOWDOWN: "Times its own p95 of the last 24 hours",
    Measure.CONVERSION_DROP: "Percentage points below the last 24 hours",
    Measure.UNKNOWN_AGE: "Minutes since the oldest one started",
    Measure.EVENTS_WAITING: "Events that wait at once",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """`lasted` ends now where it is still open."""

    alert: MetricAlert
    provider: str
    lasted: str


def alert_line(alert: MetricAlert, names: Mapping[str, str], now: datetime) -> AlertLine:
    end = alert.closed_at or now
    return AlertLine(
        alert=alert,
        provider=names.get(alert.provider_code, alert.provider_code) or "all providers",
        lasted=duration(max(0, round((end - alert.opened_at).total_seconds()))),
    )


def rule_sentence(rule: AlertRule) -> str:
    """What the rule watches, whole: "A provider's first-attempt approval falls ..."."""
    threshold, window = f"{rule.threshold:g}", f"the last {rule.window_min} min"
    sample = f"with at least {rule.min_sample:,}"
    match rule.measure:
        case Measure.APPROVAL_DROP:
            return (
                f"A provider's first-attempt approval in {window} is surely (95 %) more than "
                f"{threshold} points below its own 24 hours before, {sample} attempts in each."
            )
        case Measure.TECHNICAL_FAILURES:
            return (
                f"Surely (95 %) more than {threshold} % of a provider's attempts in {window} "
                f"failed for technical reasons, {sample} attempts."
            )
        case Measure.SLOWDOWN:
            return (
                f"The p95 of a provider's answers in {window} is over {threshold} times that of "
                f"its own 24 hours before, {sample} answers in each."
            )
        case Measure.CONVERSION_DROP:
            return (
                f"Order conversion in {window} is surely (95 %) more than {threshold} points "
                f"below the 24 hours before, {sample} orders in each."
            )
        case Measure.UNKNOWN_AGE:
            return f"The outcome of a payment is unknown for over {threshold} min."
        case Measure.EVENTS_WAITING:
            return (
                f"At least {threshold} events of providers wait to be followed up, the oldest "
                f"for over {rule.window_min} min."
            )


QUIET_TEXT = f"{QUIET_BEFORE_CLOSE.total_seconds() / 60:.0f} minutes"
