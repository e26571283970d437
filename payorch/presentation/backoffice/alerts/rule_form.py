"""The form of an alert rule as it was typed, and the rule it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.alerts import StoredRule
from payorch.domain.alert_rule import LIMITS, AlertRule, InvalidAlertRule

MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class RuleForm:
    threshold: str
    window_min: str
    min_sample: str
    is_enabled: bool
    version: str
    reason: str = ""

    @classmethod
    def of(cls, stored: StoredRule) -> "RuleForm":
        rule = stored.rule
        return cls(
            threshold=f"{rule.threshold:g}",
            window_min=str(rule.window_min),
            min_sample=str(rule.min_sample),
            is_enabled=rule.is_enabled,
            version=str(stored.version),
        )

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> "RuleForm":
        return cls(
            threshold=form.get("threshold", ""),
            window_min=form.get("window_min", ""),
            min_sample=form.get("min_sample", ""),
            is_enabled=form.get("is_enabled") == "1",
            version=form.get("version", ""),
            reason=form.get("reason", ""),
        )

    def rule(self, stored: StoredRule) -> AlertRule:
        """Raises InvalidAlertRule."""
        has_sample = LIMITS[stored.rule.measure].has_sample
        return AlertRule(
            name=stored.rule.name,
            measure=stored.rule.measure,
            threshold=_number(self.threshold),
            window_min=_whole(self.window_min),
            min_sample=_whole(self.min_sample) if has_sample else stored.rule.min_sample,
            is_enabled=self.is_enabled,
        )

    def version_number(self) -> int:
        return _whole(self.version)


def _whole(text: str) -> int:
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > MAX_DIGITS:
        raise InvalidAlertRule("Give whole numbers.")
    return int(typed)


def _number(text: str) -> float:
    whole, _, part = text.strip().partition(".")
    if not (whole + part).isascii() or not (whole + part).isdecimal():
        raise InvalidAlertRule("Give the threshold as a plain number such as 2.5.")
    if len(whole + part) > MAX_DIGITS:
        raise InvalidAlertRule("Give the threshold as a plain number such as 2.5.")
    return float(f"{whole or '0'}.{part or '0'}")
