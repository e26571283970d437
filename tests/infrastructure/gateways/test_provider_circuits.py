"""What a process makes of its own calls and of what all agreed on: two boards, two processes."""

import pytest

from payorch.domain.circuit import CircuitSettings, CircuitState, Evidence
from payorch.domain.shared_circuit import Hold, HoldKind
from payorch.infrastructure.gateways.provider_circuits import Permit, ProviderCircuits
from tests.fake_circuits import FakeSharedCircuits
from tests.fakes import FakeClock

SETTINGS = CircuitSettings()
LEASE_S = 12.0


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shared(clock):
    return FakeSharedCircuits(clock, SETTINGS)


class Process:
    """One process's board, with the steps that the payment flow takes."""

    def __init__(self, clock, shared, name="web-1:1"):
        self.revision = 0
        self.board = ProviderCircuits(
            shared=shared,
            monotonic=clock.monotonic,
            process_name=lambda: name,
            settings=SETTINGS,
        )

    def learns(self):
        """What it does at an order after somebody raised the configuration's revision."""
        self.revision += 1
        self.board.follow(self.revision)

    def calls(self, failure=None, *, times=1, **fields):
        for _ in range(times):
            self.board.record("alpha", failure, **fields)
            self.board.tell()

    def admits(self, *, must_send=False):
        return self.board.admit("alpha", must_send=must_send, lease_s=LEASE_S)

    def probes(self, failure=None, **fields):
        permit = self.admits()
        assert permit.probe_token is not None
        self.calls(failure, permit=permit, **fields)

    @property
    def state(self):
        return self.board.view("alpha").state


@pytest.fixture
def one(clock, shared):
    return Process(clock, shared)


@pytest.fixture
def two(clock, shared):
    return Process(clock, shared, "web-2:2")


def test_a_healthy_provider_costs_the_database_nothing(one, shared):
    one.calls(times=100)
    one.calls("server_error")

    assert shared.asked == 0
    assert one.admits() == Permit(may_send=True)


def test_an_opening_is_in_force_elsewhere_when_the_other_process_learns_of_it(one, two):
    one.calls("read_timeout", times=8)

    assert one.state is CircuitState.OPEN
    assert two.state is CircuitState.CLOSED
    two.learns()

    view = two.board.view("alpha")
    assert view.state is CircuitState.OPEN
    assert (view.changes_in_s, view.seen_by, view.openings) == (15.0, "web-1:1", 1)
    assert view.evidence == Evidence(8, 8, {"read_timeout": 8})
    assert not two.admits().may_send
    assert two.board.is_open("alpha")
    assert two.board.recent_failure_share("alpha") == 1.0


def test_what_is_learned_once_is_not_asked_for_again(one, shared):
    one.learns()
    one.board.follow(one.revision)

    assert shared.asked == 1


def test_few_failures_here_and_many_elsewhere_open_it_together(one, shared):
    shared.attempts = Evidence(20, 15, {"server_error": 15})

    one.calls("server_error", times=2)

    assert one.state is CircuitState.OPEN
    assert shared.circuits["alpha"].opening.evidence == shared.attempts


def test_the_others_are_asked_at_most_once_a_second(one, shared, clock):
    shared.attempts = Evidence(100, 5, {"server_error": 5})

    one.calls("server_error", times=7)
    assert shared.asked == 1
    clock.advance(seconds=1)
    one.calls("server_error")

    assert shared.asked == 2


def test_a_host_that_lost_its_way_out_takes_the_provider_from_nobody_else(one, two, shared):
    shared.attempts = Evidence(100, 10, {"connect_timeout": 10})

    one.calls("connect_timeout", times=10)

    assert "alpha" not in shared.circuits
    assert one.board.view("alpha").is_own
    assert not one.admits().may_send
    two.learns()
    assert two.admits().may_send


def test_one_probe_at_a_time_over_all_processes(one, two, clock):
    one.calls("server_error", times=8)
    two.learns()
    clock.advance(seconds=15)

    assert one.state is two.state is CircuitState.HALF_OPEN
    assert one.admits().probe_token is not None
    assert not two.admits().may_send
    assert not one.admits().may_send
    assert one.board.is_open("alpha")
    assert two.board.is_open("alpha")


def test_who_found_the_probe_taken_asks_again_after_a_second(one, two, clock, shared):
    one.calls("server_error", times=8)
    two.learns()
    clock.advance(seconds=15)
    one.admits()
    two.admits()
    asked = shared.asked

    two.admits()
    assert shared.asked == asked
    clock.advance(seconds=1)
    two.admits()

    assert shared.asked == asked + 1


def test_two_good_probes_of_any_processes_close_it_for_all(one, two, clock):
    one.calls("server_error", times=8)
    two.learns()
    clock.advance(seconds=15)
    one.probes()
    assert one.state is CircuitState.HALF_OPEN

    two.probes()

    assert two.state is CircuitState.CLOSED
    one.learns()
    assert one.state is CircuitState.CLOSED
    assert one.board.recent_failure_share("alpha") == 0.0


def test_a_failed_probe_opens_it_again_for_longer(one, two, clock):
    one.calls("server_error", times=8)
    clock.advance(seconds=15)

    one.probes("server_error")

    two.learns()
    assert two.board.view("alpha").changes_in_s == 30.0


def test_the_probe_of_a_process_that_died_is_given_to_another_one(one, two, clock):
    one.calls("server_error", times=8)
    two.learns()
    clock.advance(seconds=15)
    one.admits()

    clock.advance(seconds=LEASE_S)

    assert two.admits().probe_token is not None


def test_the_last_provider_left_is_asked_also_while_open_and_then_it_is_the_probe(one, clock):
    one.calls("server_error", times=8)

    assert one.admits(must_send=True) == Permit(may_send=True)
    clock.advance(seconds=15)
    assert one.admits(must_send=True).probe_token is not None
    assert one.admits(must_send=True) == Permit(may_send=True)


def test_results_without_a_lease_decide_nothing_while_it_is_open_for_all(one):
    one.calls("server_error", times=8)

    one.calls(times=50)

    assert one.state is CircuitState.OPEN


def test_without_the_database_a_process_has_its_own_breaker(one, shared, clock):
    shared.is_away = True

    one.calls("server_error", times=8)

    assert one.board.view("alpha").is_own
    assert not one.admits().may_send
    clock.advance(seconds=15)
    assert one.admits().may_send
    assert not one.admits().may_send
    one.calls()
    assert one.admits().may_send
    one.calls()
    assert one.state is CircuitState.CLOSED


def test_when_the_database_goes_away_in_half_open_one_process_sends_one_probe(one, shared, clock):
    one.calls("server_error", times=8)
    clock.advance(seconds=15)
    shared.is_away = True

    assert one.admits() == Permit(may_send=True)
    assert not one.admits().may_send


def test_what_could_not_be_told_is_told_with_the_next_failure(one, two, shared, clock):
    shared.is_away = True
    one.calls("server_error", times=8)
    shared.is_away = False

    clock.advance(seconds=1)
    one.calls("server_error")

    two.learns()
    assert two.state is CircuitState.OPEN
    assert not one.board.view("alpha").is_own


def test_what_could_not_be_read_is_read_at_the_next_order(one, two, shared):
    one.calls("server_error", times=8)
    shared.is_away = True
    two.board.follow(7)
    shared.is_away = False

    two.board.follow(7)

    assert two.state is CircuitState.OPEN


def test_a_long_wait_that_the_provider_asks_for_holds_for_all(one, two):
    one.calls("rate_limited", retry_after_s=60)

    two.learns()
    assert two.board.view("alpha").changes_in_s == 60.0


def test_a_short_one_only_for_the_process_that_was_told(one, two, shared, clock):
    one.calls("rate_limited", retry_after_s=2)

    assert not one.admits().may_send
    assert shared.asked == 0
    two.learns()
    assert two.admits().may_send
    clock.advance(seconds=2)
    assert one.admits().may_send


def test_a_wait_of_years_is_not_believed(one, two):
    one.calls("rate_limited", retry_after_s=1e9)

    two.learns()
    assert two.board.view("alpha").changes_in_s == 600.0


def test_a_wait_named_with_a_success_means_nothing(one):
    one.calls(retry_after_s=60)

    assert one.admits().may_send


def test_a_provider_that_staff_hold_open_is_not_even_the_last_resort(one, two, shared, clock):
    now = clock.now()
    clock.advance(seconds=60)
    shared.hold("alpha", Hold(HoldKind.OPEN, now, clock.now(), "maintenance", "olga"))
    clock.elapsed_s = 0

    one.learns()

    assert one.board.is_held_open("alpha")
    assert not one.admits(must_send=True).may_send
    assert not two.board.is_held_open("alpha")
    clock.advance(seconds=60)
    assert not one.board.is_held_open("alpha")
    assert one.state is CircuitState.HALF_OPEN


def test_a_provider_that_staff_trust_does_not_open(one, shared, clock):
    now = clock.now()
    clock.advance(seconds=600)
    shared.hold("alpha", Hold(HoldKind.CLOSED, now, clock.now(), "known noise", "olga"))
    clock.elapsed_s = 0
    one.learns()

    one.calls("server_error", times=20)

    assert one.state is CircuitState.CLOSED
    assert one.admits().may_send
    assert one.board.view("alpha").hold.reason == "known noise"


def test_a_restored_database_has_forgotten_what_was_open(one, shared):
    one.calls("server_error", times=8)

    shared.circuits.clear()
    one.learns()

    assert one.state is CircuitState.CLOSED
