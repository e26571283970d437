"""What staff do at alerts: they acknowledge one with a note, and change what is watched."""

from dataclasses import dataclass

from payorch.application.alerts import AlertBook, RuleChangedMeanwhile
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.alert_rule import AlertRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAlertRule:
    """`version`: of the rule that was on the page."""

    rule_id: int
    rule: AlertRule
    version: int
    actor: str
    reason: str


class WorkOnAlertsUseCase:
    def __init__(self, book: AlertBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def acknowledge(self, alert_id: int, *, actor: str, note: str) -> bool:
        """False when somebody did before. Raises ReasonRequired and AlertNotFound."""
        text = checked_reason(note)
        return self._book.acknowledge(alert_id, actor=actor, note=text, at=self._clock.now())

    def change_rule(self, command: ChangeAlertRule) -> None:
        """Raises ReasonRequired and RuleChangedMeanwhile."""
        reason = checked_reason(command.reason)
        is_changed = self._book.change_rule(
            command.rule_id,
            command.rule,
            version=command.version,
            actor=command.actor,
            reason=reason,
            at=self._clock.now(),
        )
        if not is_changed:
            raise RuleChangedMeanwhile(
                "Somebody else changed this rule meanwhile. Look at it as it is now."
            )
