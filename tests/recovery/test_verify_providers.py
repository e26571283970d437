"""Our books held against the providers' own: silent when they agree, and nothing is changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payorch.wiring import Seams
from tests.fakes import SkippingClock
from tests.recovery.backups import back_up, restored
from tests.shop import FULL_CAPABILITIES, Shop, a_card, a_method

pytestmark = pytest.mark.breaks_the_books

CHALLENGE = "4200000000000018"
DECLINED = "4000000000000416"


def verify(shop, *, limit=50):
    since = datetime.now(UTC) - timedelta(hours=1)
    return shop.wired.verify_providers.execute(since=since, limit=limit)


def kinds(shop, **options) -> list[str]:
    return [finding.rule.kind for finding in verify(shop, **options).findings]


def run(database, *statements: str) -> None:
    with database.tx() as connection:
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount != 0


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def test_books_that_agree_give_no_finding_and_are_read_from_lists(shop):
    for card in ("4242424242424242", DECLINED, CHALLENGE):
        shop.pay(instrument=a_card(card))

    comparison = verify(shop)

    assert comparison.findings == []
    assert comparison.listed == 3
    assert comparison.asked == 0


def test_nothing_is_changed_here_or_there(shop, sandbox, database):
    shop.pay()
    shop.pay(instrument=a_card(CHALLENGE))
    run(database, "UPDATE transactions SET status = 'declined' WHERE status = 'approved'")
    before = sandbox.ledger()

    assert kinds(shop) == ["provider_contradicts"]
    assert kinds(shop) == ["provider_contradicts"]

    assert sandbox.ledger()["payments"] == before["payments"]
    with database.read() as connection:
        for table in ("transaction_evidence", "webhook_events"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert rows == 0, table


@pytest.mark.parametrize("booked", ["declined", "not_sent", "abandoned"])
def test_a_charge_that_is_booked_as_none_is_an_error(booked, shop, database):
    shop.pay()
    run(database, f"UPDATE transactions SET status = '{booked}'")

    [found] = verify(shop).findings

    assert (found.rule.kind, found.rule.severity) == ("provider_contradicts", "error")
    assert found.violation.facts == {"provider": "alpha", "here": booked, "why": "charged there"}


def test_an_approval_that_the_provider_declined_is_an_error(shop, database):
    shop.pay(instrument=a_card(DECLINED))
    run(database, "UPDATE transactions SET status = 'approved'")

    assert kinds(shop) == ["provider_contradicts"]


def test_another_charge_than_the_booked_one_is_an_error(shop, database):
    shop.pay()
    run(database, "UPDATE transactions SET provider_reference = 'pay_other'")

    assert kinds(shop) == ["provider_contradicts"]


def test_what_the_books_could_not_apply_is_not_said_again(shop, database):
    shop.pay()
    run(
        database,
        "UPDATE orders SET status = 'failed', paid_transaction_id = NULL",
        "UPDATE transactions SET status = 'declined'",
    )
    since = datetime.now(UTC) - timedelta(hours=1)
    shop.wired.recover.execute(since=since, actor="olga")

    assert kinds(shop) == []


def test_a_lookup_that_proved_nothing_hides_no_late_charge(shop, database):
    shop.pay()
    run(
        database,
        "UPDATE transactions SET status = 'declined'",
        "INSERT INTO transaction_evidence"
        " (transaction_id, source, outcome, was_applied, detail, created_at)"
        " SELECT id, 'find', 'Unknown', false, '{}', started_at FROM transactions",
    )

    assert kinds(shop) == ["provider_contradicts"]


def test_a_charge_that_the_books_have_forgotten_is_an_error(
    database, database_url, sandbox, tmp_path
):
    shop = Shop(database, sandbox_url=sandbox.base_url)
    backup = back_up(database_url, tmp_path)
    shop.pay()
    shop.pay(instrument=a_card(CHALLENGE))

    with restored(backup, database_url, tmp_path) as old:
        shop = Shop(old, sandbox_url=sandbox.base_url, methods=[])

        assert sorted(kinds(shop)) == ["charge_not_in_books", "payment_not_in_books"]
        since = datetime.now(UTC) - timedelta(hours=1)
        shop.wired.recover.execute(since=since, actor="olga")
        # Staff have been told of it: the rule about orphan money says so as long as it waits.
        assert kinds(shop) == []


def test_a_provider_without_a_list_is_asked_for_each_and_named(database, sandbox):
    silent = replace(FULL_CAPABILITIES, list_payments=False)
    shop = Shop(
        database, sandbox_url=sandbox.base_url, methods=[a_method("alpha", capabilities=silent)]
    )
    shop.pay()
    run(database, "UPDATE transactions SET status = 'declined'")

    comparison = verify(shop)

    assert (comparison.listed, comparison.asked) == (0, 1)
    assert [f.rule.kind for f in comparison.findings] == [
        "provider_not_listed",
        "provider_contradicts",
    ]


def test_a_provider_that_does_not_answer_proves_nothing(shop, database):
    shop.pay()
    seams = Seams(clock=SkippingClock())
    shop = Shop(database, sandbox_url="http://127.0.0.1:9", methods=[], seams=seams)

    comparison = verify(shop)

    found = [(f.rule.kind, f.rule.severity.value) for f in comparison.findings]
    assert sorted(set(found)) == [
        ("provider_not_listed", "warning"),
        ("provider_unclear", "warning"),
    ]


def test_no_more_findings_of_a_kind_than_wanted(shop, database):
    for _ in range(3):
        shop.pay()
    run(database, "UPDATE transactions SET status = 'declined'")

    assert kinds(shop, limit=2) == ["provider_contradicts"] * 2
