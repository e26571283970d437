from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.circuit import Circuit, CircuitSettings, CircuitState

SETTINGS = CircuitSettings(min_calls=4, failure_share=0.5, open_s=10, max_open_s=30)


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(SETTINGS)
    for _ in range(4):
        circuit.record(is_technical_failure=True, now=at)
    return circuit


def test_technical_failures_open_it_and_it_says_for_how_long():
    circuit = opened()

    assert circuit.look(1) is CircuitState.OPEN
    assert not circuit.try_acquire(1)
    assert circuit.opens_again_in_s(1) == 9
    assert circuit.recent_failure_share() == 1.0


def test_too_few_calls_leave_it_closed():
    circuit = Circuit(SETTINGS)
    for _ in range(3):
        circuit.record(is_technical_failure=True, now=0)

    assert circuit.look(0) is CircuitState.CLOSED
    assert circuit.opens_again_in_s(0) == 0


def test_a_small_share_of_failures_leaves_it_closed():
    circuit = Circuit(SETTINGS)
    for place in range(20):
        circuit.record(is_technical_failure=place % 4 == 3, now=0)

    assert circuit.look(0) is CircuitState.CLOSED


def test_old_failures_are_forgotten():
    circuit = Circuit(SETTINGS)
    for _ in range(3):
        circuit.record(is_technical_failure=True, now=0)
    circuit.record(is_technical_failure=True, now=31)

    assert circuit.look(31) is CircuitState.CLOSED


def test_half_open_lets_one_probe_pass_at_a_time_and_closes_after_two_good_ones():
    circuit = opened()

    assert circuit.try_acquire(10)
    assert not circuit.try_acquire(10)
    circuit.record(is_technical_failure=False, now=10)
    assert circuit.look(10) is CircuitState.HALF_OPEN
    assert circuit.try_acquire(11)
    circuit.record(is_technical_failure=False, now=11)

    assert circuit.look(11) is CircuitState.CLOSED
    assert circuit.recent_failure_share() == 0.0


def test_a_failed_probe_opens_it_for_longer_up_to_a_limit():
    circuit = opened()
    now = 10.0
    for expected_s in (20, 30, 30):
        assert circuit.try_acquire(now)
        circuit.record(is_technical_failure=True, now=now)
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
            circuit.record(is_technical_failure=failed, now=now)

    assert circuit.try_acquire(now + SETTINGS.max_open_s + 1)
