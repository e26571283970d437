"""Alert rules and alerts as rows. An alert and the job that tells of it are one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from payorch.application.alerts import (
    Acknowledgement,
    AlertNotFound,
    Finding,
    MetricAlert,
    StoredRule,
)
from payorch.application.staff_alerts import alert_job
from payorch.domain.alert_rule import AlertRule, Measure
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import AlertRuleRow, MetricAlertRow

MOST_ALERTS = 500
_ALERTS = select(MetricAlertRow.__table__, AlertRuleRow.name.label("rule_name")).join(
    AlertRuleRow, AlertRuleRow.id == MetricAlertRow.rule_id
)
_OPEN = _ALERTS.where(MetricAlertRow.closed_at.is_(None)).order_by(MetricAlertRow.id)
_RULES = select(AlertRuleRow.__table__).order_by(AlertRuleRow.id)


class SqlAlchemyAlertBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def ensure_rules(self, presets: Sequence[AlertRule], *, at: datetime) -> None:
        with self._transactions.read() as connection:
            known = set(connection.scalars(select(AlertRuleRow.name)))
        missing = [_rule_values(rule, at) for rule in presets if rule.name not in known]
        if not missing:
            return
        with self._transactions.write() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            statement = dialect.insert(AlertRuleRow).values(version=1).on_conflict_do_nothing()
            connection.execute(statement, missing)

    def rules(self) -> Sequence[StoredRule]:
        with self._transactions.read() as connection:
            return [_rule(row) for row in connection.execute(_RULES).mappings()]

    def change_rule(
        self, rule_id: int, new: AlertRule, *, version: int, actor: str, reason: str, at: datetime
    ) -> bool:
        with self._transactions.write() as connection:
            before = (
                connection.execute(_RULES.where(AlertRuleRow.id == rule_id).with_for_update())
                .mappings()
                .one_or_none()
            )
            if before is None or before["version"] != version:
                return False
            values = _rule_values(new, at) | {"version": version + 1, "name": before["name"]}
            connection.execute(
                update(AlertRuleRow).where(AlertRuleRow.id == rule_id).values(values)
            )
            insert_entry(
                connection,
                actor=actor,
                action="change_alert_rule",
                subject=f"alert_rule:{before['name']}",
                reason=reason,
                before=_journalled(_rule(before).rule),
                after=_journalled(new),
                at=at,
            )
        return True

    def open_alerts(self) -> Sequence[MetricAlert]:
        with self._transactions.read() as connection:
            return [_alert(row) for row in connection.execute(_OPEN).mappings()]

    def between(self, since: datetime, until: datetime) -> Sequence[MetricAlert]:
        statement = (
            _ALERTS.where(
                MetricAlertRow.opened_at < until,
                or_(MetricAlertRow.closed_at.is_(None), MetricAlertRow.closed_at >= since),
            )
            .order_by(MetricAlertRow.opened_at.desc(), MetricAlertRow.id.desc())
            .limit(MOST_ALERTS)
        )
        with self._transactions.read() as connection:
            return [_alert(row) for row in connection.execute(statement).mappings()]

    def open(self, rule: StoredRule, finding: Finding, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            key = connection.scalar(
                dialect.insert(MetricAlertRow)
                .values(
                    rule_id=rule.id,
                    provider_code=finding.provider_code,
                    facts=dict(finding.facts),
                    since_at=finding.since,
                    opened_at=at,
                    last_found_at=at,
                )
                .on_conflict_do_nothing()
                .returning(MetricAlertRow.id)
            )
            if key is None:
                return False
            insert_jobs(
                connection, [alert_job("metric_alert", _told(key, rule, finding), at=at)], at=at
            )
        return True

    def found_again(self, alert_id: int, finding: Finding, *, at: datetime) -> None:
        self._update(alert_id, {"facts": dict(finding.facts), "last_found_at": at})

    def close(self, alert_id: int, *, at: datetime) -> None:
        self._update(alert_id, {"closed_at": at})

    def _update(self, alert_id: int, values: Mapping[str, Any]) -> None:
        statement = (
            update(MetricAlertRow)
            .where(MetricAlertRow.id == alert_id, MetricAlertRow.closed_at.is_(None))
            .values(values)
        )
        with self._transactions.write() as connection:
            connection.execute(statement)

    def acknowledge(self, alert_id: int, *, actor: str, note: str, at: datetime) -> bool:
        with self._transactions.write() as connection:
            row = (
                connection.execute(_ALERTS.where(MetricAlertRow.id == alert_id))
                .mappings()
                .one_or_none()
            )
            if row is None:
                raise AlertNotFound("There is no such alert.")
            changed = connection.execute(
                update(MetricAlertRow)
                .where(MetricAlertRow.id == alert_id, MetricAlertRow.acknowledged_at.is_(None))
                .values(acknowledged_at=at, acknowledged_by=actor, note=note)
            )
            if changed.rowcount == 0:
                return False
            insert_entry(
                connection,
                actor=actor,
                action="acknowledge_alert",
                subject=f"alert:{alert_id}",
                reason=note,
                before=None,
                after={"rule": row["rule_name"], "provider": row["provider_code"]},
                at=at,
            )
        return True


def _told(key: int, rule: StoredRule, finding: Finding) -> dict[str, str]:
    told = {"metric_alert": str(key), "rule": rule.rule.name}
    if finding.provider_code:
        told["provider"] = finding.provider_code
    if finding.since is not None:
        told["since about"] = f"{finding.since:%Y-%m-%d %H:%M} UTC"
    return {**told, **finding.facts}


def _rule_values(rule: AlertRule, at: datetime) -> dict[str, Any]:
    values = asdict(rule) | {"measure": rule.measure.value, "updated_at": at}
    return values | {"threshold_milli": round(values.pop("threshold") * 1000)}


def _journalled(rule: AlertRule) -> dict[str, Any]:
    return asdict(rule) | {"measure": rule.measure.value}


def _rule(row: RowMapping) -> StoredRule:
    return StoredRule(
        id=row["id"],
        version=row["version"],
        rule=AlertRule(
            name=row["name"],
            measure=Measure(row["measure"]),
            threshold=row["threshold_milli"] / 1000,
            window_min=row["window_min"],
            min_sample=row["min_sample"],
            is_enabled=row["is_enabled"],
        ),
    )


def _alert(row: RowMapping) -> MetricAlert:
    acknowledged = None
    if row["acknowledged_at"] is not None:
        acknowledged = Acknowledgement(
            by=row["acknowledged_by"], at=row["acknowledged_at"], note=row["note"]
        )
    return MetricAlert(
        id=row["id"],
        rule_id=row["rule_id"],
        rule_name=row["rule_name"],
        provider_code=row["provider_code"],
        facts=row["facts"],
        since=row["since_at"],
        opened_at=row["opened_at"],
        last_found_at=row["last_found_at"],
        closed_at=row["closed_at"],
        acknowledged=acknowledged,
    )
