"""A ruling on a decline code, from staff to the next order, on both databases."""

import pytest
from sqlalchemy import select

from payorch.application.payment_result import ResultKind
from payorch.application.rule_on_decline import RuledMeanwhile, RuleOnDecline, WithdrawRuling
from payorch.domain.decline_row import InvalidDeclinePolicy
from payorch.domain.decline_ruling import CodeKey
from payorch.domain.decline_terms import CustomerText, DeclineClass, FailoverNow, RetryLater
from payorch.domain.errors import ReasonRequired
from payorch.infrastructure.persistence.tables import JournalRow, TransactionRow
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop, a_card, a_method

UNCLASSIFIED = "4000000000009995"


@pytest.fixture
def shop(database, sandbox):
    return Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha"), a_method("beta")],
        seams=fake_time(FakeClock()),
    )


def a_ruling(key, **fields):
    defaults = {
        "key": key,
        "meaning": "Try another",
        "decline_class": DeclineClass.ISSUER_DECLINE,
        "failover": FailoverNow.YES,
        "retry_later": RetryLater.YES,
        "wait_h": None,
        "customer_text": CustomerText.DECLINED_BY_BANK,
        "seen_number": 0,
        "actor": "olga@example.org",
        "reason": "page 12 of Alpha's manual",
    }
    return RuleOnDecline(**(defaults | fields))


def a_withdrawal(key, seen_number=1):
    return WithdrawRuling(
        key=key, seen_number=seen_number, actor="olga@example.org", reason="a misreading"
    )


def pay(shop):
    return shop.pay(shop.order().id, instrument=a_card(UNCLASSIFIED))


def unclassified_key(shop, database):
    pay(shop)
    with database.read() as connection:
        scheme, code = connection.execute(
            select(TransactionRow.decline_scheme, TransactionRow.decline_code).where(
                TransactionRow.decline_class == "unclassified"
            )
        ).one()
    return CodeKey.of(scheme, code)


def journal(database):
    with database.read() as connection:
        return connection.execute(
            select(JournalRow.action, JournalRow.subject, JournalRow.before, JournalRow.after)
            .where(JournalRow.subject.like("decline_code:%"))
            .order_by(JournalRow.id)
        ).all()


def test_the_next_order_goes_by_the_ruling_and_by_the_table_again_when_it_is_taken_back(
    shop, database
):
    key, rule = unclassified_key(shop, database), shop.services.rule_on_decline
    assert pay(shop).attempts == 1

    rule.execute(a_ruling(key))
    ruled = pay(shop)
    rule.withdraw(a_withdrawal(key))
    withdrawn = pay(shop)

    assert (ruled.kind, ruled.attempts) == (ResultKind.DECLINED, 2)
    assert ruled.customer_text == CustomerText.DECLINED_BY_BANK
    assert withdrawn.attempts == 1


def test_another_process_goes_by_it_too(shop, database, sandbox):
    other = Shop(database, sandbox_url=sandbox.base_url, methods=[], seams=fake_time(FakeClock()))
    key = unclassified_key(other, database)

    shop.services.rule_on_decline.execute(a_ruling(key))

    assert pay(other).attempts == 2


def test_a_transaction_keeps_what_its_code_meant_at_its_time(shop, database):
    key = unclassified_key(shop, database)
    shop.services.rule_on_decline.execute(a_ruling(key))
    pay(shop)

    with database.read() as connection:
        reasons = connection.scalars(
            select(TransactionRow.decline_reason).order_by(TransactionRow.id)
        ).all()

    assert list(reasons) == ["unclassified", "try_another", "try_another"]


def test_rulings_and_withdrawals_are_kept_and_journalled(shop, database):
    key, rule = CodeKey.of("visa", "ZZ/1"), shop.services.rule_on_decline

    rule.execute(a_ruling(key))
    rule.execute(a_ruling(key, failover=FailoverNow.NO, seen_number=1))
    rule.withdraw(a_withdrawal(key, seen_number=2))

    newest, second, first = shop.services.decline_rulings.history(key)
    assert (newest.number, newest.row) == (3, None)
    assert second.row is not None
    assert second.row.failover is FailoverNow.NO
    assert first.reason == "page 12 of Alpha's manual"
    actions = [(entry.action, entry.subject) for entry in journal(database)]
    assert actions == [
        ("rule_on_decline", "decline_code:response/visa/zz/1"),
        ("rule_on_decline", "decline_code:response/visa/zz/1"),
        ("withdraw_decline_ruling", "decline_code:response/visa/zz/1"),
    ]
    assert journal(database)[-1].before["next_provider"] == "no"


@pytest.mark.parametrize("seen", [0, 2])
def test_who_looked_at_another_ruling_is_told_so_and_nothing_changes(shop, database, seen):
    key, rule = CodeKey.of("visa", "zz"), shop.services.rule_on_decline
    rule.execute(a_ruling(key))

    with pytest.raises(RuledMeanwhile):
        rule.execute(a_ruling(key, failover=FailoverNow.NO, seen_number=seen))

    (only,) = shop.services.decline_rulings.history(key)
    assert only.row is not None
    assert only.row.failover is FailoverNow.YES
    assert len(journal(database)) == 1


def test_nothing_is_taken_back_twice(shop):
    key, rule = CodeKey.of("visa", "zz"), shop.services.rule_on_decline
    with pytest.raises(RuledMeanwhile):
        rule.withdraw(a_withdrawal(key, seen_number=0))
    rule.execute(a_ruling(key))
    rule.withdraw(a_withdrawal(key))

    with pytest.raises(RuledMeanwhile):
        rule.withdraw(a_withdrawal(key, seen_number=2))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"reason": " "}, ReasonRequired),
        ({"meaning": "<b>"}, InvalidDeclinePolicy),
        ({"meaning": ""}, InvalidDeclinePolicy),
        ({"retry_later": RetryLater.AFTER_WAIT}, InvalidDeclinePolicy),
        ({"retry_later": RetryLater.AFTER_WAIT, "wait_h": 0}, InvalidDeclinePolicy),
        ({"retry_later": RetryLater.AFTER_WAIT, "wait_h": 10_000}, InvalidDeclinePolicy),
        (
            {
                "decline_class": DeclineClass.FRAUD_OR_STOLEN,
                "customer_text": CustomerText.CONTACT_BANK,
            },
            InvalidDeclinePolicy,
        ),
        ({"key": CodeKey.of("visa", "43")}, InvalidDeclinePolicy),
    ],
)
def test_what_cannot_be_ruled_changes_nothing(shop, database, fields, error):
    with pytest.raises(error):
        shop.services.rule_on_decline.execute(
            a_ruling(**({"key": CodeKey.of("visa", "zz")} | fields))
        )

    assert journal(database) == []


def test_evidence_says_how_often_a_code_came_and_what_the_next_provider_said(shop, database):
    key = unclassified_key(shop, database)
    shop.services.rule_on_decline.execute(a_ruling(key))
    pay(shop)
    fake_start = shop.services.clock.now().replace(year=2020)

    (evidence,) = shop.services.decline_evidence.by_code(fake_start)

    assert evidence.key == key
    # One before the ruling; with it, one at each of the two providers.
    assert evidence.declined == 3
    assert (evidence.after_fallback.approved, evidence.after_fallback.finished) == (0, 1)
    assert evidence.providers == ("alpha", "beta")
