"""Every rule of the books: silent about a healthy shop, and loud about one broken row."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text

from payorch.application.ledger_rules import RULES
from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.provider_events import EventState
from payorch.application.verify_ledger import TIMELESS_KINDS, Period, VerifyLedgerUseCase
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.refund import RefundKind, RefundStatus
from payorch.infrastructure.persistence.ledger_checks import (
    JOURNAL,
    ROLLUP,
    SLICED,
    WHOLE,
    SqlAlchemyLedgerChecks,
)
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.tables import (
    EvidenceRow,
    JobRow,
    RefundRow,
    TransactionRow,
    WebhookEventRow,
)
from payorch.infrastructure.persistence.tables.jobs import JobState
from payorch.infrastructure.system_clock import SystemClock
from tests.journalled import hand_at_the_journal, journal_entry, journal_refund
from tests.metrics_history import MetricsHistory
from tests.shop import Shop

pytestmark = pytest.mark.breaks_the_books


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def checks_of(database, **options) -> SqlAlchemyLedgerChecks:
    transactions = LedgerTransactions(database, SystemClock())
    rollup = SqlAlchemyProviderMetricsRepository(database)
    return SqlAlchemyLedgerChecks(transactions, rollup, **options)


def found(database, *, since=None, **options) -> set[tuple[str, str]]:
    """(kind, subject) of every violation now."""
    period = Period(since, datetime.now(UTC))
    checks = checks_of(database, **options)
    return {
        (rule.kind, violation.subject)
        for rule in RULES
        for violation in checks.violations(rule.kind, period, limit=50)
    }


def kinds(database, **options) -> set[str]:
    return {kind for kind, _ in found(database, **options)}


def run(database, *statements: str) -> None:
    """Write around all our code, and around the journal's triggers."""
    with hand_at_the_journal(database) as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount != 0, statement


def drop(database, index: str) -> None:
    with database.tx() as connection:
        connection.execute(text(f"DROP INDEX {index}"))


def test_each_rule_has_its_statements():
    assert {rule.kind for rule in RULES} == {*SLICED, *WHOLE, ROLLUP, JOURNAL}


def test_a_healthy_shop_breaks_no_rule(shop, database):
    shop.pay()
    shop.order()

    assert found(database) == set()


ONE_APPROVED = "uq_transactions_one_approved_per_order"
ONE_OPEN = "uq_transactions_one_open_per_order"
ONE_REFERENCE = "uq_transactions_provider_reference"
LONG_AGO = "'2026-01-01 00:00:00+00:00'"
_UNKNOWN = "UPDATE transactions SET status = 'unknown', {} WHERE sequence = 1"

BROKEN = {
    "paid_without_approval": ("UPDATE transactions SET status = 'declined' WHERE sequence = 2",),
    "several_approvals": ("UPDATE transactions SET status = 'approved'",),
    "approval_without_paid_order": (
        "UPDATE orders SET status = 'failed', paid_transaction_id = NULL",
    ),
    "other_money": ("UPDATE transactions SET amount_minor = 1 WHERE sequence = 1",),
    "no_answer_time": ("UPDATE transactions SET answered_at = NULL",),
    "submission_result": ("UPDATE submissions SET result = NULL",),
    "shared_provider_reference": (
        "UPDATE transactions SET provider_code = 'alpha', provider_reference = 'same'",
    ),
    "processing_without_open": (
        "UPDATE orders SET status = 'processing', paid_transaction_id = NULL",
    ),
    "open_without_processing": ("UPDATE transactions SET status = 'unknown' WHERE sequence = 1",),
    "several_open": ("UPDATE transactions SET status = 'unknown'",),
    "nobody_reconciles": (
        _UNKNOWN.format(f"lease_until = {LONG_AGO}, next_check_at = {LONG_AGO}"),
    ),
    "open_for_long": (_UNKNOWN.format(f"started_at = {LONG_AGO}"),),
    "in_review": (_UNKNOWN.format(f"review_since = {LONG_AGO}"),),
    "order_flagged": ("UPDATE orders SET flag = 'contradicting_outcome'",),
    "policy_without_journal": ("DELETE FROM journal",),
    "journal_broken": ("UPDATE journal SET reason = 'None of your business'",),
    "safe_mode": ("UPDATE configuration SET mode = 'safe'",),
}
UNGUARDED = {
    "several_approvals": ONE_APPROVED,
    "shared_provider_reference": ONE_REFERENCE,
    "several_open": ONE_OPEN,
}


@pytest.fixture
def paid_at_second(shop, sandbox):
    """The order of a payment that the first provider did not process and the second approved."""
    sandbox.start_outage("alpha", "not_processed_503")
    return shop.pay().order_id


@pytest.mark.parametrize("kind", BROKEN)
def test_one_broken_row_is_found(kind, database, paid_at_second):
    assert kinds(database) == set()
    if kind in UNGUARDED:
        drop(database, UNGUARDED[kind])
    run(database, *BROKEN[kind])

    assert kind in kinds(database)


def the_approved(database):
    statement = (
        select(TransactionRow.__table__)
        .where(TransactionRow.status == TransactionStatus.APPROVED)
        .limit(1)
    )
    with database.read() as connection:
        return connection.execute(statement).mappings().one()


def refund(database, number=1, *, is_journalled=True, **fields) -> str:
    """A refund of the approved payment, as if the use cases had made it."""
    paid = the_approved(database)
    now = datetime.now(UTC)
    values = {
        "public_id": f"re_{number}",
        "order_id": paid["order_id"],
        "transaction_id": paid["id"],
        "kind": RefundKind.REFUND,
        "is_guard": False,
        "provider_code": paid["provider_code"],
        "payment_reference": paid["provider_reference"],
        "amount_minor": paid["amount_minor"],
        "currency": paid["currency"],
        "status": RefundStatus.SUCCEEDED,
        "lease_until": now,
        "reason": "returned",
        "requested_by": "finn@example.org",
        "requested_at": now,
        "changed_at": now,
    } | fields
    with database.tx() as connection:
        connection.execute(insert(RefundRow).values(values))
        if is_journalled:
            journal_refund(connection, values["public_id"])
    return values["public_id"]


def test_a_refund_in_full_breaks_no_rule(database, paid_at_second):
    refund(database)

    assert found(database) == set()


def test_two_refunds_of_more_than_the_payment_are_found(database, paid_at_second):
    refund(database)
    refund(database, 2, amount_minor=1, status=RefundStatus.UNKNOWN)

    assert found(database) == {("refunded_too_much", the_approved(database)["public_id"])}


def test_failed_refunds_and_the_guards_do_not_count(database, paid_at_second):
    refund(database)
    refund(database, 2, status=RefundStatus.FAILED)
    refund(database, 3, is_guard=True, payment_reference="another")
    run(database, "UPDATE orders SET flag = 'surplus_charge'")

    assert kinds(database) == {"refund_failed", "order_flagged"}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("refund_of_nothing", {"payment_reference": "another"}),
        ("refund_of_nothing", {"currency": "USD"}),
        ("void_differs", {"kind": RefundKind.VOID}),
        ("large_refund_alone", {"asked_by_staff": True, "one_person_limit_minor": 1}),
        ("guard_without_flag", {"is_guard": True, "payment_reference": "another"}),
        ("approval_given_back", {"is_guard": True}),
        (
            "nobody_refunds",
            {
                "status": RefundStatus.STARTED,
                "lease_until": datetime(2026, 1, 1, tzinfo=UTC),
            },
        ),
        ("refund_failed", {"status": RefundStatus.FAILED}),
    ],
)
def test_a_broken_refund_is_found(kind, fields, database, paid_at_second):
    name = refund(database, **fields)

    assert (kind, name) in found(database)


def test_a_voided_payment_without_its_void_is_found(database, paid_at_second):
    run(database, "UPDATE transactions SET status = 'voided' WHERE sequence = 2")

    assert kinds(database) == {"void_differs"}


def test_a_voided_payment_with_its_void_breaks_no_rule(database, paid_at_second):
    refund(database, kind=RefundKind.VOID)
    run(database, "UPDATE transactions SET status = 'voided' WHERE sequence = 2")

    assert kinds(database) == set()


@pytest.fixture
def told_of_a_charge(database, paid_at_second):
    """Says that a provider told of a charge for the first, closed attempt."""

    def tell(reference: str, *, sequence: int = 1) -> None:
        with database.tx() as connection:
            key = connection.scalar(
                select(TransactionRow.id).where(TransactionRow.sequence == sequence)
            )
            connection.execute(
                insert(EvidenceRow).values(
                    transaction_id=key,
                    source="webhook",
                    outcome="Approved",
                    was_applied=False,
                    detail={"provider_reference": reference},
                    created_at=datetime.now(UTC),
                )
            )

    return tell


def test_a_charge_that_nobody_handled_is_found(database, told_of_a_charge):
    told_of_a_charge("pay_late")

    assert kinds(database) == {"unhandled_approval"}


def test_a_charge_that_is_given_back_is_handled(database, told_of_a_charge):
    told_of_a_charge("pay_late", sequence=2)
    run(database, "UPDATE orders SET flag = 'surplus_charge'")
    refund(database, is_guard=True, payment_reference="pay_late")

    assert kinds(database) == {"order_flagged"}


def test_the_same_approval_told_again_is_nothing(database, told_of_a_charge):
    told_of_a_charge(the_approved(database)["provider_reference"], sequence=2)

    assert kinds(database) == set()


@pytest.mark.parametrize(
    ("kind", "state", "fields"),
    [
        ("dead_job", "dead", {}),
        ("nobody_works", "ready", {"run_at": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("nobody_works", "running", {"lease_until": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
def test_a_job_that_nobody_does_is_found(kind, state, fields, database):
    now = datetime.now(UTC)
    values = {"run_at": now, "created_at": now, "state": JobState(state)} | fields
    with database.tx() as connection:
        connection.execute(
            insert(JobRow).values(queue="mail", kind="k", payload={}, max_attempts=3, **values)
        )

    assert kinds(database) == {kind}


def test_money_without_an_order_is_found(database):
    with database.tx() as connection:
        connection.execute(
            insert(WebhookEventRow).values(
                provider_code="alpha",
                event_id="evt_1",
                event_type="payment.approved",
                source="listing",
                subject="payment",
                body={},
                state=EventState.ALERTED,
                received_at=datetime.now(UTC),
            )
        )

    assert found(database) == {("orphan_money", "evt_1")}


def test_a_rollup_that_is_not_a_recount_is_found(shop, database):
    shop.pay()
    shop.wired.rollup.run_once()
    assert kinds(database) == set()
    run(
        database,
        # The minute must lie well before the watermark, or it is recounted anyway.
        "UPDATE provider_minutes SET approved = approved + 1",
        "UPDATE rollup_state SET watermark = '2030-01-01 00:00:00+00:00'",
    )

    assert kinds(database) == {"rollup_differs"}


NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def rollup_differs(database, *, now, since=None) -> list[str]:
    found_now = checks_of(database).violations(ROLLUP, Period(since, now), limit=50)
    return [violation.subject for violation in found_now]


@pytest.fixture
def rolled_up(database):
    """An attempt every 10 seconds for three hours until noon, all of it rolled up."""
    history = MetricsHistory(database)
    with history.together():
        for seconds in range(0, 3 * 3600, 10):
            history.attempt(at=NOON - timedelta(seconds=seconds))
    history.clock.sleep(3600)
    MetricsRollup(SqlAlchemyProviderMetricsRepository(database), history.clock).run_once()
    return history


@pytest.mark.parametrize("second", [0, 11, 59])
def test_a_right_rollup_is_right_at_any_second_of_a_minute(second, rolled_up, database):
    now = NOON - timedelta(minutes=1) + timedelta(seconds=second, microseconds=7)

    assert rollup_differs(database, now=now) == []
    assert rollup_differs(database, now=now, since=now - timedelta(minutes=30, seconds=5)) == []


def test_the_rollup_is_compared_within_the_period_and_two_hours_at_most(rolled_up, database):
    now = NOON + timedelta(seconds=11)
    run(database, "UPDATE provider_minutes SET approved = approved + 1")

    def first(since):
        checks = checks_of(database)
        return checks.violations(ROLLUP, Period(since, now), limit=1_000)[0].subject

    assert first(None) == "2026-11-20T10:00Z"
    assert first(now - timedelta(days=2)) == "2026-11-20T10:00Z"
    assert first(now - timedelta(minutes=30)) == "2026-11-20T11:30Z"


def test_slices_of_any_size_find_the_same(shop, database):
    for _ in range(5):
        shop.pay()
    run(database, "UPDATE transactions SET answered_at = NULL")
    whole = found(database)
    assert len(whole) == 5

    for size in (1, 2, 5, 6):
        assert found(database, slice_size=size) == whole


def test_rows_of_one_time_do_not_hold_up_the_slices(shop, database):
    for _ in range(3):
        shop.pay()
    run(
        database,
        "UPDATE transactions SET answered_at = NULL, changed_at = '2026-05-05 05:05:05+00:00'",
    )

    assert len(found(database, slice_size=1)) == 3


def test_what_changed_before_the_period_is_left_out(shop, database):
    shop.pay()
    run(database, f"UPDATE transactions SET answered_at = NULL, changed_at = {LONG_AGO}")

    assert kinds(database, since=datetime.now(UTC) - timedelta(days=2)) == set()
    assert kinds(database) == {"no_answer_time"}


def test_no_more_findings_of_a_kind_than_wanted(shop, database):
    for _ in range(4):
        shop.pay()
    run(database, "UPDATE transactions SET answered_at = NULL")
    use_case = VerifyLedgerUseCase(checks_of(database, slice_size=1), None, SystemClock())

    assert len(use_case.execute(since=None, limit=3).errors) == 3
    assert use_case.execute(since=None, kinds=TIMELESS_KINDS - {"no_answer_time"}).findings == ()


def test_a_cancelled_order_that_is_paid_all_the_same_is_found(database, paid_at_second):
    with database.tx() as connection:
        order_id = connection.exec_driver_sql("SELECT public_id FROM orders").scalar_one()
        journal_entry(connection, "order_cancelled", f"order:{order_id}")

    assert ("cancelled_and_alive", order_id) in found(database)
