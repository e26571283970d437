"""Staff are told once about each thing, and a payment never fails because of it."""

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from payorch.application.jobs import ALERT_STAFF, GiveUp, NewJob, RetryLater
from payorch.application.staff_alerts import MAX_DEDUP_KEY_LENGTH, alert_job
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.staff_alerts import SqlAlchemyStaffAlerts
from tests.concurrency.racing import race
from tests.shop import a_card

WRONG_AMOUNT = "4100000000000068"
BAD_KEY = "4100000000000134"


@pytest.fixture
def alerts(database, clock):
    return SqlAlchemyStaffAlerts(
        LedgerTransactions(database, clock, uses_database_clock=False), clock
    )


@pytest.fixture
def told(shop_with, server):
    """A shop that writes to two people."""
    return shop_with(
        mail_backend="smtp",
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_starttls=False,
        mail_from="shop@example.com",
        alert_emails=("olga@example.org", "finn@example.org"),
    )


def test_a_wrong_amount_is_told_to_each_address_once(told, server):
    told.pay(instrument=a_card(WRONG_AMOUNT))

    told.drain_mail()

    alerts = [mail for mail in server.mails if mail[2]["Subject"].startswith("payorch:")]
    assert [recipients for _, recipients, _ in alerts] == [
        ["olga@example.org"],
        ["finn@example.org"],
    ]
    message = alerts[0][2]
    assert message["Subject"] == "payorch: A provider approved another amount than was asked for"
    text = message.get_body(("plain",)).get_content()
    assert "Transaction: pa_" in text
    assert "http://localhost:4321/admin/orders/?search=pa_" in text
    assert "http://localhost:4321/admin/attention/" in text


def test_refused_credentials_are_told(told, server):
    told.pay(instrument=a_card(BAD_KEY))

    told.drain_mail()

    assert "refused our credentials" in server.mails[0][2]["Subject"]


def test_the_same_about_the_same_is_told_once_also_by_many_at_once(database, alerts, shop_with):
    shop = shop_with()

    race(*[lambda: alerts("late_approval", {"transaction": "pa_1"})] * 8)
    alerts("late_approval", {"transaction": "pa_2"})
    alerts("amount_mismatch", {"transaction": "pa_1"})

    assert len(shop.jobs(ALERT_STAFF)) == 3


def test_what_ails_a_provider_is_told_again_after_an_hour_only(alerts, shop_with, clock):
    shop = shop_with()
    for _ in range(3):
        alerts("bad_credentials", {"provider": "alpha"})
    clock.advance(minutes=61)
    alerts("bad_credentials", {"provider": "alpha"})
    alerts("bad_credentials", {"provider": "beta"})

    shop.drain_mail()

    assert len(shop.jobs(ALERT_STAFF)) == len(shop.notices()) == 3


def test_an_alert_is_not_told_again_after_its_job_was_purged(shop_with, alerts, clock):
    shop = shop_with()
    alerts("late_approval", {"transaction": "pa_1"})
    shop.drain_mail()
    shop.handle(ALERT_STAFF, {"alert": "late_approval", "transaction": "pa_1"}, number=99)

    assert len(shop.notices()) == 1


def test_without_addresses_an_alert_is_kept_for_the_back_office(shop_with, alerts):
    shop = shop_with()
    alerts("orphan_money", {"event": "evt_1", "provider": "alpha"})

    shop.drain_mail()

    (notice,) = shop.notices()
    assert (notice["kind"], notice["recipient"], notice["state"]) == ("alert", "", "kept")


def test_one_address_that_fails_does_not_keep_the_others_from_hearing(told, server):
    server.answers["RCPT"] = "450 busy"
    with pytest.raises(RetryLater):
        told.handle(ALERT_STAFF, {"alert": "review_entered", "transaction": "pa_1"})
    assert [n["error"] is not None for n in told.notices()] == [True, True]

    server.answers.clear()
    told.handle(ALERT_STAFF, {"alert": "review_entered", "transaction": "pa_1"})

    assert len(server.mails) == len(told.notices()) == 2


def test_an_alert_of_anybody_elses_job_needs_no_occasion(told, server):
    told.enqueue(NewJob(ALERT_STAFF, {"alert": "new_kind_of_trouble", "money": 12, "x": None}))

    told.drain_mail()

    assert server.mails[0][2]["Subject"] == "payorch: New kind of trouble"
    assert "Money: 12" in server.mails[0][2].get_body(("plain",)).get_content()


def test_a_job_without_an_alert_is_given_up(told):
    with pytest.raises(GiveUp):
        told.handle(ALERT_STAFF, {"transaction": "pa_1"})


def test_a_database_that_is_away_is_logged_and_nothing_else(alerts, monkeypatch):
    def away(_self):
        raise OperationalError("INSERT", {}, Exception("gone"))

    monkeypatch.setattr("payorch.infrastructure.persistence.database.Database.tx", away)

    with capture_logs() as lines:
        alerts("late_approval", {"transaction": "pa_1", "event": "evt_1"})

    assert [line["event"] for line in lines] == ["alert", "alert_not_enqueued"]
    assert (lines[0]["transaction"], lines[0]["event_id"]) == ("pa_1", "evt_1")


def test_keys_fit_their_column_and_stay_apart(clock):
    names = [{"transaction": "p" * 300 + str(number)} for number in (1, 2)]

    keys = [alert_job("late_approval", facts, at=clock.now()).dedup_key for facts in names]

    assert [len(key) for key in keys] == [MAX_DEDUP_KEY_LENGTH] * 2
    assert keys[0] != keys[1]
