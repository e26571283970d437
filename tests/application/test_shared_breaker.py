"""Two application cores on one database, as two processes are, and a provider that fails."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from payorch.application.hold_circuit import HoldCircuit
from payorch.application.payment_result import ResultKind
from payorch.domain.circuit import CircuitState
from payorch.domain.errors import (
    CircuitChangedMeanwhile,
    InvalidHold,
    NoProviderForOrder,
    PaymentMethodNotFound,
    ReasonRequired,
)
from payorch.domain.payment_method import LeftOut
from payorch.domain.shared_circuit import MAX_HOLD, HoldKind
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow
from tests.concurrency.database_watch import watching
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop, a_method

FAILURES_TO_OPEN = 8


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def cores(database, sandbox, clock):
    """Two of them; Alpha is tried first, then Beta."""
    methods = [a_method("alpha"), a_method("beta")]
    first = Shop(database, sandbox_url=sandbox.base_url, methods=methods, seams=fake_time(clock))
    second = Shop(database, sandbox_url=sandbox.base_url, methods=[], seams=fake_time(clock))
    second.pay()
    return first, second


@pytest.fixture
def break_alpha(cores, sandbox):
    sandbox.start_outage("alpha", "not_processed_503")


def pay(shop):
    """The providers that were tried, first to last."""
    result = shop.pay()
    assert result.kind is ResultKind.PAID
    return [provider for provider, _ in shop.statuses(result.order_id)]


def state(shop):
    shop.services.registry.configuration()
    return shop.services.circuits.view("alpha").state


def open_alpha(shop):
    for _ in range(FAILURES_TO_OPEN):
        assert pay(shop) == ["alpha", "beta"]


def hold(shop, clock, kind=HoldKind.OPEN, **fields):
    shop.services.registry.configuration()
    defaults = {
        "provider_code": "alpha",
        "kind": kind,
        "until": clock.now() + timedelta(hours=1),
        "seen_version": shop.services.circuits.view("alpha").version,
        "actor": "olga@example.org",
        "reason": "maintenance",
    }
    return shop.services.hold_circuit.execute(HoldCircuit(**(defaults | fields)))


@pytest.mark.usefixtures("break_alpha")
def test_the_other_core_sends_nothing_from_its_next_order_on(cores):
    first, second = cores

    open_alpha(first)

    assert pay(second) == ["beta"]
    assert second.services.circuits.view("alpha").evidence.reasons == {"not_processed": 8}


@pytest.mark.usefixtures("break_alpha")
def test_failures_that_are_spread_over_cores_open_it_together(cores, clock):
    first, second = cores
    # What went well before no longer counts.
    clock.advance(minutes=1)

    for shop in (first, second) * 4:
        clock.advance(seconds=1)
        assert pay(shop) == ["alpha", "beta"]

    assert pay(first) == pay(second) == ["beta"]


@pytest.mark.usefixtures("break_alpha")
def test_the_customer_s_payment_is_in_the_books_before_anybody_is_told(cores, clock):
    first, _ = cores
    for _ in range(FAILURES_TO_OPEN - 1):
        pay(first)
    with watching(first.database.engine) as seen:
        pay(first)

    written = [entry for entry in seen.log if entry.startswith(("UPDATE", "COMMIT"))]
    told = next(at for at, entry in enumerate(written) if "provider_circuits" in entry)
    settled = next(at for at, entry in enumerate(written) if "transactions" in entry)
    assert settled < told
    assert written[settled:told].count("COMMIT") == 1


def test_one_core_probes_and_after_two_good_ones_both_send_again(cores, sandbox, clock):
    first, second = cores
    sandbox.start_outage("alpha", "not_processed_503")
    open_alpha(first)
    pay(second)
    sandbox.reset()
    clock.advance(seconds=15)

    assert pay(second) == ["alpha"]
    assert state(first) is CircuitState.HALF_OPEN
    assert pay(first) == ["alpha"]

    assert state(first) is state(second) is CircuitState.CLOSED
    (incident,) = first.services.circuit_history.circuit_incidents(
        clock.now() - timedelta(hours=1), clock.now() + timedelta(seconds=1)
    )
    assert (incident.provider_code, incident.ended_at) == ("alpha", clock.now())


@pytest.mark.usefixtures("break_alpha")
def test_a_failed_probe_keeps_it_open_for_longer_in_both(cores, clock):
    first, second = cores
    open_alpha(first)
    clock.advance(seconds=15)

    assert pay(second) == ["alpha", "beta"]
    assert pay(first) == pay(second) == ["beta"]
    clock.advance(seconds=29)
    assert state(first) is CircuitState.OPEN


@pytest.mark.usefixtures("break_alpha")
def test_a_provider_that_says_when_to_come_back_is_asked_then(cores, sandbox, clock):
    first, second = cores
    sandbox.reset()
    sandbox.start_outage("alpha", "rate_limit_429")

    assert pay(first) == ["alpha", "beta"]

    # A second is what the practice provider asks for: too short to tell anybody.
    assert first.services.circuits.view("alpha").is_own
    assert pay(first) == ["beta"]
    assert pay(second) == ["alpha", "beta"]


def test_a_held_provider_gets_nothing_in_any_core_and_the_reason_is_kept(cores, clock):
    first, second = cores

    hold(first, clock)

    assert pay(first) == pay(second) == ["beta"]
    result = second.pay()
    with second.database.read() as connection:
        left_out = connection.scalars(
            select(SubmissionRow.left_out)
            .join(OrderRow)
            .where(OrderRow.public_id == result.order_id)
        ).one()
    assert left_out == [{"provider": "alpha", "because": LeftOut.HELD_OPEN.value}]


def test_a_hold_ends_by_itself_and_the_provider_is_tested_before_it_gets_its_traffic(cores, clock):
    first, second = cores
    hold(first, clock)

    clock.advance(hours=1)

    assert state(second) is CircuitState.HALF_OPEN
    assert pay(second) == pay(first) == ["alpha"]
    assert state(second) is CircuitState.CLOSED


def test_undoing_a_hold_gives_back_what_was_there_before(cores, clock):
    first, second = cores
    hold(first, clock)

    released = second.services.hold_circuit.release("alpha", actor="olga", reason="a mistake")

    assert released
    assert pay(first) == pay(second) == ["alpha"]
    assert not second.services.hold_circuit.release("alpha", actor="olga", reason="again")


@pytest.mark.usefixtures("break_alpha")
def test_a_trusted_provider_is_tried_whatever_fails_until_the_hold_ends(cores, clock):
    first, second = cores
    hold(first, clock, HoldKind.CLOSED, until=clock.now() + timedelta(minutes=5))
    for _ in range(FAILURES_TO_OPEN):
        assert pay(first) == ["alpha", "beta"]
    assert pay(second) == ["alpha", "beta"]

    clock.advance(minutes=5)

    open_alpha(first)
    assert pay(second) == ["beta"]


def test_with_everything_held_nothing_is_sent_at_all(cores, clock):
    first, second = cores
    hold(first, clock)
    hold(first, clock, provider_code="beta", seen_version=0)

    with pytest.raises(NoProviderForOrder) as refused:
        second.pay()

    assert refused.value.reasons == {"alpha": "held_by_staff", "beta": "held_by_staff"}


@pytest.mark.parametrize("ends_in", [timedelta(0), -timedelta(minutes=1), MAX_HOLD * 1.01])
def test_a_hold_needs_an_end_that_is_near(cores, clock, ends_in):
    with pytest.raises(InvalidHold):
        hold(cores[0], clock, until=clock.now() + ends_in)


def test_a_hold_needs_a_reason_a_provider_and_the_circuit_that_was_looked_at(cores, clock):
    first, _ = cores

    with pytest.raises(ReasonRequired):
        hold(first, clock, reason="  ")
    with pytest.raises(PaymentMethodNotFound):
        hold(first, clock, provider_code="nobody")
    with pytest.raises(PaymentMethodNotFound):
        first.services.hold_circuit.release("nobody", actor="olga", reason="x")
    hold(first, clock)
    with pytest.raises(CircuitChangedMeanwhile):
        hold(first, clock, HoldKind.CLOSED, seen_version=0)
    assert pay(first) == ["beta"]


def test_a_healthy_payment_costs_the_circuits_no_statement(cores):
    first, _ = cores
    pay(first)

    with watching(first.database.engine) as seen:
        pay(first)

    assert not [statement for statement in seen.statements if "circuit" in statement]
