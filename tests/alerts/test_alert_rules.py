"""Rules are changed, never lost; acknowledging is done once. Both are journalled."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from payorch.application.alerts import AlertNotFound, RuleChangedMeanwhile
from payorch.application.work_on_alerts import ChangeAlertRule
from payorch.domain.alert_rule import PRESETS
from payorch.domain.errors import ReasonRequired
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.tables import JournalRow


def journal(database):
    with database.read() as connection:
        return connection.execute(
            select(JournalRow.action, JournalRow.actor, JournalRow.reason)
            .where(JournalRow.action.like("%alert%"))
            .order_by(JournalRow.id)
        ).all()


def a_change(stored, *, version=1, reason="too noisy", **fields):
    return ChangeAlertRule(
        rule_id=stored.id,
        rule=replace(stored.rule, **fields),
        version=version,
        actor="olga@example.org",
        reason=reason,
    )


def test_the_presets_come_once_and_keep_what_staff_changed(shop):
    shop.look()
    first = shop.book.rules()[0]
    shop.services.work_on_alerts.change_rule(a_change(first, threshold=12, is_enabled=False))

    shop.look()

    rules = shop.book.rules()
    assert [it.rule.name for it in rules] == [rule.name for rule in PRESETS]
    assert (rules[0].rule.threshold, rules[0].rule.is_enabled, rules[0].version) == (12, False, 2)


def test_who_looked_at_an_older_rule_is_told_so(shop, database):
    shop.look()
    stored = shop.book.rules()[0]
    change = shop.services.work_on_alerts.change_rule
    change(a_change(stored, threshold=12))

    with pytest.raises(RuleChangedMeanwhile):
        change(a_change(stored, threshold=3))

    assert shop.book.rules()[0].rule.threshold == 12
    assert journal(database) == [("change_alert_rule", "olga@example.org", "too noisy")]


def test_a_change_needs_a_reason(shop, database):
    shop.look()

    with pytest.raises(ReasonRequired):
        shop.services.work_on_alerts.change_rule(a_change(shop.book.rules()[0], reason=" "))

    assert journal(database) == []


@pytest.mark.breaks_the_books
def test_an_alert_is_acknowledged_once(shop, database):
    shop.attempts(approved=0, of=1, minutes_ago=16, status=Status.UNKNOWN)
    (alert,) = shop.look()
    acknowledge = shop.services.work_on_alerts.acknowledge

    assert acknowledge(alert.id, actor="olga@example.org", note="Alpha is looking into it")
    assert not acknowledge(alert.id, actor="finn@example.org", note="me too")

    (alert,) = shop.book.open_alerts()
    assert alert.acknowledged is not None
    assert (alert.acknowledged.by, alert.acknowledged.note) == (
        "olga@example.org",
        "Alpha is looking into it",
    )
    assert [entry.action for entry in journal(database)] == ["acknowledge_alert"]


def test_what_is_no_alert_cannot_be_acknowledged(shop):
    with pytest.raises(AlertNotFound):
        shop.services.work_on_alerts.acknowledge(7, actor="olga@example.org", note="what is it?")
