"""What somebody changed without a journal entry is found, and what is journalled is not."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, select

from payorch.application.rule_on_decline import RuleOnDecline
from payorch.domain.decline_ruling import CodeKey
from payorch.domain.decline_terms import CustomerText, DeclineClass, FailoverNow, RetryLater
from payorch.infrastructure.persistence.tables import (
    JournalRow,
    OrderRow,
    RefundReviewRow,
    ReviewRow,
    TransactionRow,
)
from tests.infrastructure.persistence.test_ledger_checks import found, refund
from tests.journalled import hand_at_the_journal, journal_entry
from tests.shop import Shop

pytestmark = pytest.mark.breaks_the_books

KIND = "change_without_journal"


@pytest.fixture
def shop(database, sandbox):
    shop = Shop(database, sandbox_url=sandbox.base_url)
    shop.pay()
    return shop


def the_payment(database):
    """(key, public id, order's public id) of the shop's only payment."""
    with database.read() as connection:
        return connection.execute(
            select(TransactionRow.id, TransactionRow.public_id, OrderRow.public_id).join(
                OrderRow, OrderRow.id == TransactionRow.order_id
            )
        ).one()


def a_decision(connection, row, **fields):
    """A review that a second person has rejected; gives its number."""
    now = datetime.now(UTC)
    values = {
        "evidence": "On the statement.",
        "proposed_by": "finn@example.org",
        "proposed_at": now,
        "decided_by": "fay@example.org",
        "decided_at": now,
        "is_approved": False,
    }
    return connection.execute(insert(row).values(values | fields).returning(row.id)).scalar_one()


def test_a_refund_that_nobody_journalled_is_found(database, shop):
    refund(database, is_journalled=False)

    assert found(database) == {(KIND, "re_1")}


@pytest.mark.parametrize("is_journalled", [True, False])
def test_a_decision_about_a_payment_needs_its_entry(database, shop, is_journalled):
    key, payment, _ = the_payment(database)
    with database.tx() as connection:
        number = a_decision(connection, ReviewRow, transaction_id=key, conclusion="charged")
        if is_journalled:
            subject = f"transaction:{payment}"
            journal_entry(connection, "review_rejected", subject, before={"review": number})

    assert found(database) == (set() if is_journalled else {(KIND, payment)})


@pytest.mark.parametrize("is_journalled", [True, False])
def test_a_decision_about_a_refund_needs_its_entry(database, shop, is_journalled):
    refund(database)
    _, _, order = the_payment(database)
    with database.tx() as connection:
        number = a_decision(connection, RefundReviewRow, refund_id=1, conclusion="given_back")
        if is_journalled:
            action = "refund_review_rejected"
            journal_entry(connection, action, f"order:{order}", before={"review": number})

    assert found(database) == (set() if is_journalled else {(KIND, "re_1")})


def test_a_ruling_on_a_decline_code_needs_its_entry(database, shop):
    shop.services.rule_on_decline.execute(
        RuleOnDecline(
            key=CodeKey.of("visa", "9995"),
            meaning="Try another",
            decline_class=DeclineClass.ISSUER_DECLINE,
            failover=FailoverNow.YES,
            retry_later=RetryLater.YES,
            wait_h=None,
            customer_text=CustomerText.DECLINED_BY_BANK,
            seen_number=0,
            actor="olga@example.org",
            reason="page 12 of Alpha's manual",
        )
    )
    assert found(database) == set()
    with hand_at_the_journal(database) as connection:
        connection.execute(delete(JournalRow).where(JournalRow.action == "rule_on_decline"))

    assert (KIND, "9995") in found(database)
