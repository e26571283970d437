from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from payorch.application.metrics_rollup import MetricsRollup
from payorch.config import Settings
from payorch.domain.decline_policy import DeclineSettings
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.decline_policies.decline_policy_file import load_shipped_policy
from payorch.infrastructure.demo_characters import CHARACTERS
from payorch.infrastructure.demo_history import OUTAGE_PROVIDER, DemoPast, PastOrder
from payorch.infrastructure.demo_history_writer import DemoHistoryWriter
from payorch.infrastructure.demo_providers import DEMO_METHODS, DEMO_POLICY, EARLIER_DEMO_POLICY
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.security.order_tokens import DerivedOrderTokens
from payorch.infrastructure.system_clock import SystemClock
from payorch.wiring import wire

END = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
START = END - timedelta(days=7)
POLICY = RoutingPolicy(1, DEMO_POLICY)
TOKENS = DerivedOrderTokens("k" * 40)


def played(*, orders: int = 3000, seed: int = 1, end: datetime = END) -> list[PastOrder]:
    past = DemoPast(
        methods=DEMO_METHODS,
        policy_at=lambda _at: POLICY,
        declines=load_shipped_policy(),
        seed=seed,
    )
    return list(past.play(start=end - timedelta(days=7), end=end, orders=orders))


@pytest.fixture(scope="module")
def history() -> list[PastOrder]:
    return played()


def _numbers(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def _write(database: Database, orders: list[PastOrder]) -> int:
    return DemoHistoryWriter(
        database,
        TOKENS,
        lambda code: code,
        personal_data=wire(Settings(), database.engine).personal_data,
        seed=1,
    ).write(orders)


def _steps(order: PastOrder) -> Iterator[tuple[object, object]]:
    return zip(order.attempts, order.attempts[1:], strict=False)


def test_every_provider_of_the_demo_has_a_past(history: list[PastOrder]) -> None:
    tried = {attempt.provider.provider_code for order in history for attempt in order.attempts}

    assert tried == {method.code for method in DEMO_METHODS}


def test_the_same_seed_plays_the_same_history() -> None:
    assert played(orders=50) == played(orders=50)
    assert played(orders=50) != played(orders=50, seed=2)


def test_everything_lies_in_its_time(history: list[PastOrder]) -> None:
    assert all(START <= order.created_at <= END for order in history)
    assert history == sorted(history, key=lambda order: order.created_at)


def test_nothing_is_left_open(history: list[PastOrder]) -> None:
    ended = {TransactionStatus.APPROVED, TransactionStatus.DECLINED, TransactionStatus.NOT_SENT}

    assert {attempt.status for order in history for attempt in order.attempts} == ended


def test_only_what_the_decline_policy_allows_falls_back(history: list[PastOrder]) -> None:
    policy = load_shipped_policy()
    falls_back = [step for order in history for step in _steps(order)]

    assert falls_back
    for before, _after in falls_back:
        assert before.status is not TransactionStatus.APPROVED
        if before.signal is not None:
            on = before.started_at.date()
            assert policy.classify(before.signal, DeclineSettings(), on).may_try_next


def test_attempts_follow_each_other(history: list[PastOrder]) -> None:
    for order in history:
        for before, after in _steps(order):
            assert after.started_at >= before.started_at + timedelta(milliseconds=before.latency_ms)


def test_providers_differ_as_their_characters_do(history: list[PastOrder]) -> None:
    first = [order.attempts[0] for order in history]
    for code in ("alpha", "beta"):
        mine = [a for a in first if a.provider.provider_code == code and a.verdict is not None]
        approved = [
            a
            for a in first
            if a.provider.provider_code == code and a.status is TransactionStatus.APPROVED
        ]
        rate = len(approved) / (len(approved) + len(mine))
        assert abs(rate - CHARACTERS[code].approval_rate) < 0.05


def test_one_provider_had_an_outage(history: list[PastOrder]) -> None:
    failed_by_hour: dict[datetime, int] = {}
    for order in history:
        for attempt in order.attempts:
            is_failure = attempt.status is TransactionStatus.NOT_SENT
            if is_failure and attempt.provider.provider_code == OUTAGE_PROVIDER:
                hour = attempt.started_at.replace(minute=0, second=0, microsecond=0)
                failed_by_hour[hour] = failed_by_hour.get(hour, 0) + 1

    assert max(failed_by_hour.values()) >= 8


def test_every_demo_provider_has_a_character_and_a_place_in_both_policies() -> None:
    codes = {method.code for method in DEMO_METHODS}

    assert codes == set(CHARACTERS)
    assert codes == {entry.provider_code for entry in DEMO_POLICY}
    assert codes == {entry.provider_code for entry in EARLIER_DEMO_POLICY}


def test_written_orders_are_consistent(database: Database, history: list[PastOrder]) -> None:
    attempts = _write(database, history[:600])

    assert _numbers(database, "SELECT count(*) FROM orders") == [(600,)]
    assert _numbers(database, "SELECT count(*) FROM submissions WHERE result IS NOT NULL") == [
        (600,)
    ]
    assert _numbers(database, "SELECT count(*) FROM transactions") == [(attempts,)]
    paid = sum(order.is_paid for order in history[:600])
    assert _numbers(
        database,
        "SELECT count(*) FROM orders o JOIN transactions t ON t.id = o.paid_transaction_id "
        "AND t.order_id = o.id AND t.status = 'approved' WHERE o.status = 'paid'",
    ) == [(paid,)]
    assert _numbers(database, "SELECT count(*) FROM orders WHERE status = 'failed'") == [
        (600 - paid,)
    ]


def test_written_history_opens_by_its_link(database: Database, history: list[PastOrder]) -> None:
    _write(database, history[:5])

    for public_id, token_hash in _numbers(database, "SELECT public_id, token_hash FROM orders"):
        assert TOKENS.hash_of(TOKENS.token_for(public_id)) == token_hash


def test_history_is_written_into_an_empty_database_only(
    database: Database, history: list[PastOrder]
) -> None:
    assert _write(database, history[:5]) > 0

    assert _write(database, history[5:10]) == 0
    assert _numbers(database, "SELECT count(*) FROM orders") == [(5,)]


def test_live_orders_come_after_history(database: Database, history: list[PastOrder]) -> None:
    _write(database, history[:5])
    copied = (
        "amount_minor, currency, description, country, customer_fields, order_metadata, version, "
        "created_at, updated_at, expires_at"
    )

    with database.tx() as connection:
        connection.execute(
            text(
                f"INSERT INTO orders (public_id, token_hash, status, {copied}) "
                f"SELECT 'po_live', 'live', 'pending', {copied} FROM orders WHERE id = 1"
            )
        )

    assert _numbers(database, "SELECT id FROM orders WHERE public_id = 'po_live'") == [(6,)]


def test_the_rollup_counts_history(database: Database, history: list[PastOrder]) -> None:
    attempts = _write(database, history[:400])
    rollup = MetricsRollup(SqlAlchemyProviderMetricsRepository(database), SystemClock())

    rollup.rebuild()

    assert rollup.verify().differing == ()
    total = "SELECT sum(approved + declined_issuer + declined_customer_data + not_sent)"
    assert [int(n) for (n,) in _numbers(database, f"{total} FROM provider_minutes")] == [attempts]
