"""Every number of the dashboard against SQL that is written by hand, on the transactions alone."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.metrics_window import MetricsWindow
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.provider_figures import MetricsQuery
from payorch.domain.attempt_stats import NotEnoughData, RateEstimate
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from tests.databases import open_database
from tests.metrics_history import NOON, MetricsHistory

WINDOW = MetricsWindow.until(NOON, timedelta(hours=6))
FINISHED = "status IN ('approved', 'declined', 'not_sent', 'abandoned', 'voided')"
OUTCOMES = [
    *[(Status.APPROVED, None)] * 11,
    (Status.VOIDED, None),
    *[(Status.DECLINED, "issuer_decline")] * 4,
    *[(Status.DECLINED, "customer_data")] * 2,
    *[(Status.NOT_SENT, None)] * 2,
    (Status.UNKNOWN, None),
    (Status.ABANDONED, None),
    (Status.STARTED, None),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request):
    """One database for all tests of this module: they only read."""
    server = request.getfixturevalue("sqlite_files" if request.param == "sqlite" else "postgresql")
    with open_database(server.new_database_url()) as opened:
        yield opened


@pytest.fixture(scope="module")
def history(database):
    """Twelve hours of attempts at three providers; the last orders are not rolled up."""
    history = MetricsHistory(database)
    chance = random.Random(7)
    with history.together():
        for _ in range(380):
            an_order(history, chance)
    MetricsRollup(SqlAlchemyProviderMetricsRepository(database), history.clock).run_once()
    history.clock.sleep(30)
    with history.together():
        for _ in range(20):
            an_order(history, chance)
    return history


def an_order(history, chance):
    """One first attempt, and a fallback at gamma where the flow would make one."""
    at = NOON - timedelta(seconds=chance.randrange(12 * 3600))
    status, decline_class = chance.choice(OUTCOMES)
    facts = {
        "currency": chance.choice(["EUR", "JPY"]),
        "amount_minor": chance.randrange(100, 9_000),
        "changed_at": history.clock.moment,
    }
    order_id, _ = history.attempt(
        at=at,
        provider=chance.choice(["alpha", "beta"]),
        status=status,
        decline_class=decline_class,
        latency_ms=None if status is Status.STARTED else chance.randrange(20, 900),
        **facts,
    )
    if status in {Status.NOT_SENT, Status.DECLINED}:
        status, decline_class = chance.choice(OUTCOMES)
        history.attempt(
            at=at + timedelta(seconds=1),
            provider="gamma",
            number=2,
            order_id=order_id,
            status=status,
            decline_class=decline_class,
            latency_ms=chance.randrange(20, 900),
            **facts,
        )


@pytest.fixture
def service(database, history):
    return PaymentMetricsService(
        SqlAlchemyProviderMetricsRepository(database), history.clock, min_sample=30
    )


@pytest.fixture
def sql(database):
    """Runs a SELECT; `:start` and `:end` are WINDOW's unless given."""

    def run(statement, window=WINDOW, **parameters):
        bounds = {"start": window.start, "end": window.end}
        if database.is_sqlite:
            bounds = {name: f"{at:%Y-%m-%d %H:%M:%S}.000000" for name, at in bounds.items()}
        with database.read() as connection:
            return connection.execute(text(statement), bounds | parameters).fetchall()

    return run


def counted(rate):
    """(approved, n) of a rate, whether it may be shown or not."""
    if isinstance(rate, NotEnoughData):
        return None, rate.n
    return round(rate.rate * rate.n), rate.n


CHARGED = {"approved", "voided"}
WITHIN = "started_at >= :start AND started_at < :end"
TALLY = "sum(CASE WHEN status IN ('approved', 'voided') THEN 1 ELSE 0 END), count(*)"


def test_first_attempt_approval_is_approved_over_finished_first_attempts(service, sql):
    tiles = service.dashboard(MetricsQuery(window=WINDOW)).tiles

    now = sql(
        f"SELECT {TALLY} FROM transactions WHERE {WITHIN} AND attempt_number = 1 AND {FINISHED}"
    )
    before = sql(
        f"SELECT {TALLY} FROM transactions WHERE {WITHIN} AND attempt_number = 1 AND {FINISHED}",
        WINDOW.previous,
    )
    assert counted(tiles.first_approval.now) == tuple(now[0])
    assert counted(tiles.first_approval.before) == tuple(before[0])


def test_conversion_counts_each_submitted_order_once(service, sql):
    tiles = service.dashboard(MetricsQuery(window=WINDOW)).tiles

    [(submitted, paid)] = sql(
        "SELECT count(*), sum(CASE WHEN o.status = 'paid' THEN 1 ELSE 0 END) FROM orders o "
        "WHERE EXISTS (SELECT 1 FROM transactions t WHERE t.order_id = o.id "
        f"AND t.attempt_number = 1 AND {WITHIN})"
    )
    assert counted(tiles.order_conversion.now) == (paid, submitted)


def test_recovered_orders_were_paid_by_a_fallback_attempt(service, sql):
    recovered = service.dashboard(MetricsQuery(window=WINDOW)).tiles.recovered

    rows = sql(
        "SELECT o.currency, count(*), sum(o.amount_minor) FROM orders o "
        "JOIN transactions t ON t.id = o.paid_transaction_id "
        f"WHERE t.attempt_number > 1 AND {WITHIN} GROUP BY o.currency"
    )
    assert recovered.orders == sum(row[1] for row in rows)
    assert recovered.revenue_minor == {row[0]: int(row[2]) for row in rows}


def test_technical_failures_are_not_sent_and_unknown_over_all_attempts(service, sql):
    tiles = service.dashboard(MetricsQuery(window=WINDOW)).tiles

    [(failed, attempts)] = sql(
        "SELECT sum(CASE WHEN status IN ('not_sent', 'unknown') THEN 1 ELSE 0 END), count(*) "
        f"FROM transactions WHERE {WITHIN}"
    )
    assert counted(tiles.technical_failure.now) == (failed, attempts)


def test_latency_is_the_nearest_rank_within_one_percent(service, sql):
    latency = service.dashboard(MetricsQuery(window=WINDOW)).tiles.latency

    values = sorted(
        row[0]
        for row in sql(
            f"SELECT latency_ms FROM transactions WHERE {WITHIN} AND latency_ms IS NOT NULL"
        )
    )
    assert latency.n == len(values)
    for share, shown in ((0.5, latency.p50_ms), (0.95, latency.p95_ms), (0.99, latency.p99_ms)):
        exact = values[-(-int(share * 100) * len(values) // 100) - 1]
        assert shown == pytest.approx(exact, rel=0.0101)


def test_the_backlog_is_what_is_unknown_now(service, sql, history):
    unknown = service.dashboard(MetricsQuery(window=WINDOW)).tiles.unknown

    rows = sql("SELECT started_at FROM transactions WHERE status = 'unknown'")
    assert unknown.attempts == len(rows)
    assert unknown.oldest_age > timedelta(hours=6)


@pytest.mark.parametrize("currency", [None, "JPY"])
@pytest.mark.parametrize("providers", [frozenset(), frozenset({"beta", "gamma"})])
def test_each_providers_totals_and_buckets_are_sql(service, sql, currency, providers):
    query = MetricsQuery(window=WINDOW, currency=currency, providers=providers)

    figures = service.dashboard(query).providers

    filters = "AND currency = :currency" if currency else ""
    rows = sql(
        "SELECT provider_code, started_at, attempt_number, status, decline_class, currency, "
        f"amount_minor FROM transactions WHERE {WITHIN} {filters}",
        **({"currency": currency} if currency else {}),
    )
    expected = {row[0] for row in rows if not providers or row[0] in providers}
    assert {one.provider_code for one in figures} == expected
    for one in figures:
        own = [row for row in rows if row[0] == one.provider_code]
        finals = [
            r for r in own if r[3] in {"approved", "voided", "declined", "not_sent", "abandoned"}
        ]
        first = [row for row in finals if row[2] == 1]
        assert one.counts.attempts == len(own)
        assert one.first_approval.n == len(first)
        assert one.fallback_approval.n == len(finals) - len(first)
        assert one.counts.declined_customer_data == sum(r[4] == "customer_data" for r in own)
        assert sum(one.approved_minor.values()) == sum(r[6] for r in own if r[3] in CHARGED)
        if isinstance(one.first_approval, RateEstimate):
            approved = sum(row[3] in CHARGED for row in first)
            assert one.first_approval.rate == approved / len(first)
        assert sum(point.counts.attempts for point in one.points) == len(own)
        assert sum(point.first_approval.n for point in one.points) == len(first)


def test_a_bucket_holds_what_started_in_it(service, sql):
    [alpha] = service.dashboard(
        MetricsQuery(window=WINDOW, providers=frozenset({"alpha"}))
    ).providers

    for point in alpha.points:
        [(approved, finished)] = sql(
            f"SELECT {TALLY} FROM transactions "
            f"WHERE {WITHIN} AND provider_code = 'alpha' AND attempt_number = 1 AND {FINISHED}",
            MetricsWindow(point.at, point.until),
        )
        assert (point.first_approval.approved, point.first_approval.n) == (approved or 0, finished)


def test_a_summary_of_the_last_day_for_each_provider(service, sql, history):
    summaries = service.provider_summaries(history.clock.now())

    day = MetricsWindow.until(history.clock.now(), timedelta(hours=24))
    rows = sql(
        "SELECT provider_code, attempt_number, status, amount_minor FROM transactions "
        f"WHERE {WITHIN}",
        day,
    )
    first = [row for row in rows if row[1] == 1]
    assert set(summaries) == {"alpha", "beta", "gamma"}
    for code, summary in summaries.items():
        own = [row for row in rows if row[0] == code]
        recovered = [row for row in own if row[1] > 1 and row[2] in CHARGED]
        assert summary.attempts == len(own)
        assert summary.recovered.orders == len(recovered)
        assert sum(summary.recovered.revenue_minor.values()) == sum(r[3] for r in recovered)
        assert summary.share_of_traffic == sum(r[0] == code for r in first) / len(first)
        assert len(summary.sparkline) in {24, 25}
    assert isinstance(summaries["gamma"].approval, NotEnoughData)


def test_without_comparison_nothing_before_is_shown(service):
    tiles = service.dashboard(MetricsQuery(window=WINDOW, compare=False)).tiles

    assert tiles.first_approval.before is None
    assert tiles.first_approval.delta is None
    assert tiles.recovered_before is None
    assert tiles.latency_before is None
