"""Fees in the database, and costs against SQL on the transactions alone."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from payorch.application.change_provider_fees import ChangeProviderFee
from payorch.application.metrics_rollup import MetricsRollup
from payorch.application.metrics_window import MetricsWindow
from payorch.application.payment_metrics import PaymentMetricsService
from payorch.application.provider_costs import ProviderCost
from payorch.application.provider_figures import MetricsQuery
from payorch.domain.errors import InvalidFee, PaymentMethodNotFound, ReasonRequired
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.provider_fees import ProviderFee
from payorch.infrastructure.persistence.provider_fees import SqlAlchemyProviderFees
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from payorch.infrastructure.persistence.tables import JournalRow, TransactionRow
from tests.metrics_history import NOON, MetricsHistory
from tests.shop import Shop, a_method

WINDOW = MetricsWindow.until(NOON, timedelta(hours=2))
CHANGES_AT = NOON - timedelta(hours=1)


@pytest.fixture
def fees(database):
    return SqlAlchemyProviderFees(database)


def set_fee(fees, *, at=NOON - timedelta(days=1), currency="EUR", **fields):
    defaults = {"percent_ppm": 29_000, "fixed_minor": 30, "attempt_minor": 2}
    fee = ProviderFee("alpha", currency, at, **(defaults | fields))
    return fees.add(fee, actor="olga", reason="the new contract", at=NOON)


@pytest.fixture
def costs(database, fees):
    def ask(**fields):
        history_clock = MetricsHistory(database).clock
        repository = SqlAlchemyProviderMetricsRepository(database)
        service = PaymentMetricsService(repository, history_clock, min_sample=1, fees=fees.schedule)
        return service.costs(MetricsQuery(window=WINDOW, **fields))

    return ask


def test_a_fee_is_stored_once_and_journalled(fees, database):
    assert set_fee(fees)
    assert not set_fee(fees, percent_ppm=1)

    (fee,) = fees.schedule().fees
    assert (fee.percent_ppm, fee.valid_from) == (29_000, NOON - timedelta(days=1))
    with database.read() as connection:
        entry = connection.execute(select(JournalRow.__table__)).mappings().one()
    assert (entry["action"], entry["actor"]) == ("set_provider_fee", "olga")
    assert entry["after"]["percent_ppm"] == 29_000


@pytest.mark.breaks_the_books
def test_costs_are_those_of_the_transactions_each_with_the_fee_of_its_time(database, fees, costs):
    history = MetricsHistory(database)
    set_fee(fees)
    set_fee(fees, at=CHANGES_AT, percent_ppm=10_000, fixed_minor=0, attempt_minor=5)
    with history.together():
        for minute in range(1, 120):
            status = (Status.APPROVED, Status.DECLINED, Status.NOT_SENT, Status.UNKNOWN)[minute % 4]
            history.attempt(
                at=NOON - timedelta(minutes=minute),
                status=status,
                decline_class="issuer_decline" if status is Status.DECLINED else None,
                amount_minor=1000 * minute,
            )
    MetricsRollup(SqlAlchemyProviderMetricsRepository(database), history.clock).run_once()

    (cost,) = costs()

    schedule = fees.schedule()
    expected = 0
    with database.read() as connection:
        for row in connection.execute(select(TransactionRow.__table__)):
            fee = schedule.in_force("alpha", "EUR", row.started_at)
            if row.status in {Status.APPROVED, Status.DECLINED, Status.UNKNOWN}:
                expected += fee.attempt_minor
            if row.status is Status.APPROVED:
                expected += row.amount_minor * fee.percent_ppm // 1_000_000 + fee.fixed_minor
        approved, minor = connection.execute(
            select(func.count(), func.sum(TransactionRow.amount_minor)).where(
                TransactionRow.status == Status.APPROVED
            )
        ).one()
    # All amounts are whole tens of euros, so no percentage needs rounding.
    assert cost.cost_minor == expected
    assert (cost.approved, cost.approved_minor) == (approved, minor)
    assert cost.share == pytest.approx(expected / int(minor))


@pytest.mark.breaks_the_books
def test_without_a_fee_for_some_of_it_no_cost_is_told(database, fees, costs):
    history = MetricsHistory(database)
    history.attempt(at=NOON - timedelta(minutes=90))
    history.attempt(at=NOON - timedelta(minutes=5))
    history.attempt(at=NOON - timedelta(minutes=5), currency="JPY")
    history.attempt(at=NOON - timedelta(minutes=5), provider="beta", status=Status.NOT_SENT)
    set_fee(fees, at=CHANGES_AT)
    set_fee(fees, currency="JPY", percent_ppm=0, fixed_minor=7, attempt_minor=0)

    euros, yen = costs()

    assert (euros.currency, euros.approved, euros.cost_minor, euros.share) == ("EUR", 2, None, None)
    assert yen == ProviderCost(
        provider_code="alpha",
        currency="JPY",
        approved=1,
        approved_minor=1_000,
        billed_attempts=1,
        cost_minor=7,
    )
    assert costs(currency="JPY") == (yen,)
    assert costs(providers=frozenset({"beta"})) == ()


def test_staff_set_a_fee_with_a_reason_for_a_provider_that_exists(database):
    shop = Shop(database, sandbox_url="http://127.0.0.1:9", methods=[a_method("alpha")])
    change = shop.services.change_fees.execute

    def command(*, provider="alpha", reason="contract", seconds=0):
        fee = ProviderFee(provider, "EUR", NOON + timedelta(seconds=seconds), 29_000, 30, 0)
        return ChangeProviderFee(fee, "olga", reason)

    with pytest.raises(PaymentMethodNotFound):
        change(command(provider="nobody"))
    with pytest.raises(ReasonRequired):
        change(command(reason=" "))
    with pytest.raises(InvalidFee, match="full minute"):
        change(command(seconds=1))
    change(command())
    with pytest.raises(InvalidFee, match="already"):
        change(command())
    assert len(shop.services.fees.schedule().fees) == 1
