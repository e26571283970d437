"""Alerts about the numbers: the rules, what they found, and the port to where both are kept.

Not to be mixed up with staff_alerts.py, which tells the staff: of these alerts, too, and always
of money that is not as it should be, whatever the rules say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from payorch.domain.alert_rule import AlertRule
from payorch.domain.errors import PayorchError

ALL_PROVIDERS = ""
"""Stands where an alert is about all providers together."""

QUIET_BEFORE_CLOSE = timedelta(minutes=10)
"""An alert closes when its rule found nothing for so long: numbers that hover open only one."""


class RuleChangedMeanwhile(PayorchError):
    """Somebody else changed the rule since the page was loaded."""

    code = "rule_changed_meanwhile"


class AlertNotFound(PayorchError):
    code = "alert_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """`version` rises with every change."""

    id: int
    version: int
    rule: AlertRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule's threshold is crossed. `facts` are for people, by what they are, in order.

    `provider_code` may be ALL_PROVIDERS. `since` is a hint when it began, from the numbers.
    """

    provider_code: str
    facts: Mapping[str, str]
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAlert:
    """One stretch in which a rule found something. `closed_at` is None while it lasts."""

    id: int
    rule_id: int
    rule_name: str
    provider_code: str
    facts: Mapping[str, str]
    since: datetime | None
    opened_at: datetime
    last_found_at: datetime
    closed_at: datetime | None
    acknowledged: Acknowledgement | None


class AlertBook(Protocol):
    """Each method is one transaction; all raise LedgerUnavailable."""

    def ensure_rules(self, presets: Sequence[AlertRule], *, at: datetime) -> None:
        """Those whose name is new are added; what staff changed stays as it is."""

    def rules(self) -> Sequence[StoredRule]:
        """In the order they were added."""

    def change_rule(
        self, rule_id: int, new: AlertRule, *, version: int, actor: str, reason: str, at: datetime
    ) -> bool:
        """Journalled. False when the rule's version is another one by now, or there is none."""

    def open_alerts(self) -> Sequence[MetricAlert]: ...

    def between(self, since: datetime, until: datetime) -> Sequence[MetricAlert]:
        """Those that were open at some time of [since, until), the newest 500, newest first."""

    def open(self, rule: StoredRule, finding: Finding, *, at: datetime) -> bool:
        """Opens it and enqueues what tells the staff. False when it is open already."""

    def found_again(self, alert_id: int, finding: Finding, *, at: datetime) -> None: ...

    def close(self, alert_id: int, *, at: datetime) -> None: ...

    def acknowledge(self, alert_id: int, *, actor: str, note: str, at: datetime) -> bool:
        """Journalled. False when it was acknowledged before. Raises AlertNotFound."""
