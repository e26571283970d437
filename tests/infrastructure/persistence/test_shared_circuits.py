"""Circuits in the database and the fake of them: one contract. Then what only databases do."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from payorch.application.circuit_board import IncidentEnd, IncidentKind
from payorch.domain.circuit import CircuitSettings, CircuitState, Evidence
from payorch.domain.errors import CircuitChangedMeanwhile
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.shared_circuit import Hold, HoldKind, OpenedBecause
from payorch.infrastructure.persistence.circuit_incidents import SqlAlchemyCircuitHistory
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.shared_circuits import SqlAlchemySharedCircuits
from payorch.infrastructure.persistence.tables import (
    ConfigurationRow,
    JournalRow,
    TransactionRow,
)
from payorch.infrastructure.system_clock import SystemClock
from tests.concurrency.racing import race
from tests.databases import open_database
from tests.fake_circuits import FakeSharedCircuits
from tests.fakes import FakeClock
from tests.metrics_history import MetricsHistory

SETTINGS = CircuitSettings(open_s=10)
FAILED = Evidence(12, 9, {"read_timeout": 7, "connection_refused": 2})


@pytest.fixture
def clock():
    return FakeClock()


def circuits_of(database, clock):
    transactions = LedgerTransactions(database, clock, uses_database_clock=False)
    return SqlAlchemySharedCircuits(transactions, clock, SETTINGS)


@pytest.fixture
def stored(database, clock):
    return circuits_of(database, clock)


@pytest.fixture
def history(database, clock):
    transactions = LedgerTransactions(database, clock, uses_database_clock=False)
    return SqlAlchemyCircuitHistory(transactions, clock)


@pytest.fixture(params=["fake", "sqlite_files", "postgresql"])
def shared(request, clock):
    if request.param == "fake":
        yield FakeSharedCircuits(clock, SETTINGS)
        return
    url = request.getfixturevalue(request.param).new_database_url()
    with open_database(url) as database:
        yield circuits_of(database, clock)


def open_it(shared, *, for_s=10.0, seen_by="web-1:1", because=OpenedBecause.FAILURES):
    reading = shared.open("alpha", because=because, evidence=FAILED, for_s=for_s, seen_by=seen_by)
    return reading.circuits["alpha"]


def now_of(shared):
    return shared.load().circuits["alpha"]


class TestContract:
    def test_an_opening_is_read_as_it_was_told(self, shared, clock):
        told = open_it(shared)

        reading = shared.load()

        assert reading.circuits == {"alpha": told}
        assert reading.read_at == clock.now()
        assert told.opening.evidence == FAILED
        assert told.opening.seen_by == "web-1:1"
        assert told.open_until == clock.now() + timedelta(seconds=10)

    def test_the_second_one_to_tell_changes_nothing(self, shared):
        first = open_it(shared)

        assert open_it(shared, seen_by="web-2:2") == first

    def test_a_circuit_that_never_changed_is_not_there(self, shared):
        assert shared.load().circuits == {}

    def test_the_probe_is_given_once_and_again_when_its_lease_is_over(self, shared, clock):
        open_it(shared)
        assert shared.take_probe("alpha", lease_s=5).token is None
        clock.advance(seconds=10)

        first = shared.take_probe("alpha", lease_s=5)
        second = shared.take_probe("alpha", lease_s=5)
        clock.advance(seconds=5)
        third = shared.take_probe("alpha", lease_s=5)

        assert (first.token, second.token, third.token) == (1, None, 2)
        assert first.reading.circuits["alpha"].probe_until is not None

    def test_two_passed_probes_close_it(self, shared, clock):
        open_it(shared)
        clock.advance(seconds=10)
        for expected in (CircuitState.HALF_OPEN, CircuitState.CLOSED):
            token = shared.take_probe("alpha", lease_s=5).token
            reading = shared.pass_probe("alpha", token=token)
            assert reading.circuits["alpha"].state_at(clock.now()) is expected

    def test_a_failed_probe_opens_it_again(self, shared, clock):
        open_it(shared)
        clock.advance(seconds=10)
        token = shared.take_probe("alpha", lease_s=5).token

        shared.fail_probe("alpha", token=token, failure="dns_failed", at_least_s=0, seen_by="b")

        assert now_of(shared).changes_at(clock.now()) == clock.now() + timedelta(seconds=20)

    def test_a_probe_that_lost_its_lease_decides_nothing(self, shared, clock):
        open_it(shared)
        clock.advance(seconds=10)
        lost = shared.take_probe("alpha", lease_s=5).token
        clock.advance(seconds=5)
        shared.take_probe("alpha", lease_s=5)

        before = now_of(shared)
        shared.fail_probe("alpha", token=lost, failure="dns_failed", at_least_s=0, seen_by="b")
        shared.pass_probe("alpha", token=lost)

        assert now_of(shared) == before


def revision(database):
    with database.read() as connection:
        return connection.scalar(select(ConfigurationRow.revision)) or 0


def test_what_others_have_to_learn_raises_the_revision_and_a_probe_does_not(
    stored, database, clock
):
    seen = [revision(database)]

    def note():
        seen.append(revision(database))

    open_it(stored)
    note()
    open_it(stored)
    clock.advance(seconds=10)
    first = stored.take_probe("alpha", lease_s=5).token
    stored.pass_probe("alpha", token=first)
    note()
    stored.pass_probe("alpha", token=stored.take_probe("alpha", lease_s=5).token)
    note()

    raised = [after > before for before, after in pairwise(seen)]
    assert raised == [True, False, True]


def test_of_eight_that_ask_at_once_one_gets_the_probe(stored, clock):
    open_it(stored)
    clock.advance(seconds=10)

    answers = race(*[lambda: stored.take_probe("alpha", lease_s=5)] * 8)

    assert sorted(answer.token or 0 for answer in answers) == [0] * 7 + [1]


def test_of_eight_that_open_it_at_once_one_does(stored, history, clock):
    race(*[lambda: open_it(stored)] * 8)

    assert now_of(stored).openings == 1
    since = clock.now() - timedelta(hours=1)
    assert len(history.circuit_incidents(since, since + timedelta(hours=2))) == 1


def test_on_postgresql_the_times_are_the_databases_own(postgresql, clock):
    """The process's clock is five hours wrong; nobody notices."""
    with open_database(postgresql.new_database_url()) as database:
        transactions = LedgerTransactions(database, clock)
        circuits = SqlAlchemySharedCircuits(transactions, clock, SETTINGS)

        reading = circuits.open(
            "alpha", because=OpenedBecause.FAILURES, evidence=FAILED, for_s=10, seen_by="a"
        )

        true_now = SystemClock().now()
        assert abs(reading.read_at - true_now) < timedelta(minutes=1)
        assert reading.read_at != clock.now()
        left = reading.circuits["alpha"].open_until - reading.read_at
        assert timedelta(seconds=9) < left <= timedelta(seconds=10)


def a_hold(clock, kind=HoldKind.OPEN, **until):
    ends_at = clock.now() + timedelta(**(until or {"hours": 1}))
    return Hold(kind, clock.now(), ends_at, "maintenance", "olga@example.org")


def test_a_hold_is_stored_journalled_and_told(stored, database, clock):
    hold = a_hold(clock)

    stored.hold("alpha", hold, seen_version=0)

    assert now_of(stored).hold == hold
    assert revision(database) > 0
    with database.read() as connection:
        entry = connection.execute(select(JournalRow.__table__)).mappings().one()
    assert (entry["actor"], entry["action"]) == ("olga@example.org", "hold_circuit_open")
    assert (entry["subject"], entry["reason"]) == ("circuit:alpha", "maintenance")
    assert entry["before"] == {"hold": None}
    assert entry["after"]["hold"]["kind"] == "open"


def test_of_two_people_who_hold_it_at_once_one_is_told_to_look_again(stored, clock):
    outcomes = race(*[lambda: stored.hold("alpha", a_hold(clock), seen_version=0)] * 2)

    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert any(isinstance(outcome, CircuitChangedMeanwhile) for outcome in outcomes)


def test_a_hold_is_released_once(stored, clock):
    stored.hold("alpha", a_hold(clock), seen_version=0)

    def release():
        return stored.release("alpha", actor="olga", reason="over", at=clock.now())

    assert release() is True
    assert release() is False
    assert now_of(stored).hold is None


def test_the_history_tells_openings_and_holds_with_their_ends(stored, history, clock):
    begun = clock.now()
    open_it(stored)
    clock.advance(seconds=10)
    failed = stored.take_probe("alpha", lease_s=5).token
    stored.fail_probe("alpha", token=failed, failure="dns_failed", at_least_s=0, seen_by="b")
    clock.advance(seconds=20)
    for _ in range(2):
        stored.pass_probe("alpha", token=stored.take_probe("alpha", lease_s=5).token)
    closed = clock.now()
    stored.hold("alpha", a_hold(clock, seconds=60), seen_version=now_of(stored).version)
    stored.hold(
        "alpha", a_hold(clock, HoldKind.CLOSED, seconds=90), seen_version=now_of(stored).version
    )
    clock.advance(seconds=100)

    opening, replaced, expired = history.circuit_incidents(begun, clock.now())

    assert (opening.kind, opening.evidence) == (IncidentKind.FAILURES, FAILED)
    assert (opening.began_at, opening.ended_at) == (begun, closed)
    assert (opening.failed_probes, opening.ended_because) == (1, IncidentEnd.PROBES)
    assert (replaced.kind, replaced.ended_because) == (
        IncidentKind.HELD_OPEN,
        IncidentEnd.REPLACED,
    )
    assert (expired.kind, expired.reason) == (IncidentKind.HELD_CLOSED, "maintenance")
    assert (expired.ended_at, expired.ended_because) == (
        closed + timedelta(seconds=90),
        IncidentEnd.EXPIRED,
    )


def test_an_incident_is_found_by_any_window_that_it_touches(stored, history, clock):
    begun = clock.now()
    stored.hold("alpha", a_hold(clock, seconds=60), seen_version=0)

    def is_found(since_s, until_s):
        window = (begun + timedelta(seconds=since_s), begun + timedelta(seconds=until_s))
        return bool(history.circuit_incidents(*window))

    assert not is_found(-60, 0)
    assert is_found(-60, 1)
    assert is_found(30, 60)
    assert not is_found(61, 90)
    assert history.circuit_incidents(begun, clock.now(), provider_code="beta") == ()


def test_an_open_circuit_is_an_incident_that_lasts(stored, history, clock):
    open_it(stored, because=OpenedBecause.RATE_LIMITED)
    clock.advance(days=2)

    (incident,) = history.circuit_incidents(clock.now(), clock.now() + timedelta(hours=1))

    assert (incident.kind, incident.ended_at) == (IncidentKind.RATE_LIMITED, None)


@pytest.fixture
def attempts(database):
    return MetricsHistory(database)


def store(history, at, *attempts):
    """Each attempt is (provider, technical reason, other columns)."""
    for provider, reason, fields in attempts:
        _, key = history.attempt(at=at, provider=provider, status=TransactionStatus.NOT_SENT)
        columns = {"technical_reason": reason, "answered_at": at, "changed_at": at} | fields
        with history.database.tx() as connection:
            connection.execute(
                update(TransactionRow).where(TransactionRow.id == key).values(columns)
            )


@pytest.mark.breaks_the_books
def test_the_evidence_is_what_the_attempts_of_all_processes_show(stored, attempts, clock):
    at = clock.now()
    store(
        attempts,
        at - timedelta(seconds=10),
        ("alpha", None, {}),
        ("alpha", "read_timeout", {}),
        ("alpha", "read_timeout", {}),
        # The ladder proved that it never charged: the call failed all the same.
        ("alpha", "proved_cancelled", {}),
        # A customer who did not finish on the provider's page.
        ("alpha", "proved_cancelled", {"redirect_url": "https://bank.example/"}),
        # The provider answered, and said that the data were wrong.
        ("alpha", "invalid_request", {}),
        ("alpha", "circuit_open", {}),
        ("alpha", "process_died", {}),
        ("beta", "server_error", {}),
        ("alpha", None, {"answered_at": None}),
    )
    store(attempts, at - timedelta(seconds=31), ("alpha", "server_error", {}))

    evidence = stored.evidence("alpha", window_s=30)

    assert evidence == Evidence(6, 3, {"read_timeout": 2, "proved_cancelled": 1})


@pytest.mark.breaks_the_books
def test_what_came_before_the_last_closing_no_longer_speaks_against_it(stored, attempts, clock):
    store(attempts, clock.now(), ("alpha", "server_error", {}))
    open_it(stored)
    clock.advance(seconds=10)
    for _ in range(2):
        stored.pass_probe("alpha", token=stored.take_probe("alpha", lease_s=5).token)
    clock.advance(seconds=1)
    store(attempts, clock.now(), ("alpha", "dns_failed", {}))

    assert stored.evidence("alpha", window_s=30) == Evidence(1, 1, {"dns_failed": 1})
