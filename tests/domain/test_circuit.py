from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.circuit import (
    FAILURES,
    NOT_CALLED,
    Circuit,
    CircuitSettings,
    CircuitState,
    Evidence,
    failure_of,
    was_called,
)
from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.outcome import (
    Declined,
    NotSent,
    NotSentReason,
    Pending,
    Unknown,
    UnknownReason,
)

SETTINGS = CircuitSettings(min_calls=4, failure_share=0.5, open_s=10, max_open_s=30)


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(SETTINGS)
    for _ in range(4):
        circuit.record("server_error", now=at)
    return circuit


def test_technical_failures_open_it_and_it_says_for_how_long():
    circuit = opened()

    assert circuit.look(1) is CircuitState.OPEN
    assert not circuit.try_acquire(1)
    assert circuit.opens_again_in_s(1) == 9
    assert circuit.evidence(1).share == 1.0


def test_too_few_calls_leave_it_closed():
    circuit = Circuit(SETTINGS)
    for _ in range(3):
        circuit.record("server_error", now=0)

    assert circuit.look(0) is CircuitState.CLOSED
    assert circuit.opens_again_in_s(0) == 0


def test_a_small_share_of_failures_leaves_it_closed():
    circuit = Circuit(SETTINGS)
    for place in range(20):
        circuit.record("server_error" if place % 4 == 3 else None, now=0)

    assert circuit.look(0) is CircuitState.CLOSED


def test_old_failures_are_forgotten():
    circuit = Circuit(SETTINGS)
    for _ in range(3):
        circuit.record("server_error", now=0)
    circuit.record("server_error", now=31)

    assert circuit.look(31) is CircuitState.CLOSED


def test_half_open_lets_one_probe_pass_at_a_time_and_closes_after_two_good_ones():
    circuit = opened()

    assert circuit.try_acquire(10)
    assert not circuit.try_acquire(10)
    circuit.record(None, now=10)
    assert circuit.look(10) is CircuitState.HALF_OPEN
    assert circuit.try_acquire(11)
    circuit.record(None, now=11)

    assert circuit.look(11) is CircuitState.CLOSED
    assert circuit.evidence(11).share == 0.0


def test_a_failed_probe_opens_it_for_longer_up_to_a_limit():
    circuit = opened()
    now = 10.0
    for expected_s in (20, 30, 30):
        assert circuit.try_acquire(now)
        circuit.record("server_error", now=now)
        assert circuit.opens_again_in_s(now) == expected_s
        now += expected_s


def test_a_probe_that_never_came_back_does_not_lock_the_provider_out():
    circuit = opened()
    assert circuit.try_acquire(10)

    assert circuit.try_acquire(20)


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=60))
def test_it_always_lets_a_call_pass_in_the_end(history):
    circuit = Circuit(SETTINGS)
    now = 0.0
    for wait_s, failed in history:
        now += wait_s
        if circuit.try_acquire(now):
            circuit.record("server_error" if failed else None, now=now)

    assert circuit.try_acquire(now + SETTINGS.max_open_s + 1)


def test_the_evidence_counts_reasons_and_forgets_old_ones():
    circuit = Circuit(SETTINGS)
    for at, failure in ((0, "read_timeout"), (20, "server_error"), (20, None), (21, "dns_failed")):
        circuit.observe(failure, now=at)

    assert circuit.evidence(21) == Evidence(
        4, 3, {"read_timeout": 1, "server_error": 1, "dns_failed": 1}
    )
    assert circuit.evidence(31) == Evidence(3, 2, {"server_error": 1, "dns_failed": 1})
    assert circuit.evidence(60) == Evidence()


def test_a_provider_that_asks_us_to_wait_is_left_alone_for_that_long():
    circuit = Circuit(SETTINGS)

    circuit.cool_down(60, now=0)
    circuit.cool_down(5, now=1)

    assert circuit.opens_again_in_s(1) == 59
    assert circuit.look(60) is CircuitState.HALF_OPEN


def test_what_is_only_observed_opens_nothing():
    circuit = Circuit(SETTINGS)
    for _ in range(20):
        circuit.observe("server_error", now=0)

    assert circuit.look(0) is CircuitState.CLOSED


def test_only_what_speaks_against_the_provider_counts():
    declined = Declined(DeclineSignal(scheme="visa", code="51", advice_code=None))

    assert failure_of(declined) is None
    assert failure_of(Pending("alpha_1")) is None
    assert failure_of(NotSent(NotSentReason.CIRCUIT_OPEN)) is None
    # Somebody who sends odd data on purpose must not switch a provider off for everybody.
    assert failure_of(NotSent(NotSentReason.INVALID_REQUEST)) is None
    assert failure_of(Unknown(UnknownReason.READ_TIMEOUT)) == "read_timeout"
    assert was_called(NotSent(NotSentReason.INVALID_REQUEST))
    assert was_called(declined)
    assert not was_called(NotSent(NotSentReason.BULKHEAD_FULL))
    assert not FAILURES & NOT_CALLED
