"""The circuit that all processes share: which changes it allows, and when it changes by itself."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.circuit import CircuitSettings, CircuitState, Evidence
from payorch.domain.shared_circuit import Hold, HoldKind, OpenedBecause, SharedCircuit

SETTINGS = CircuitSettings(open_s=10, max_open_s=30)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FAILED = Evidence(8, 6, {"server_error": 6})


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened(**fields) -> SharedCircuit:
    defaults = {
        "because": OpenedBecause.FAILURES,
        "evidence": FAILED,
        "for_s": 10.0,
        "seen_by": "web-1:1",
    }
    circuit = SharedCircuit("alpha").opened(NOW, **(defaults | fields))
    assert circuit is not None
    return circuit


def a_hold(kind: HoldKind, *, until: float = 60) -> Hold:
    return Hold(kind, NOW, later(until), "maintenance", "olga")


def probed(circuit: SharedCircuit, at: float) -> SharedCircuit:
    after = circuit.with_probe(later(at), lease_s=5)
    assert after is not None
    return after


def passed(circuit: SharedCircuit, at: float) -> SharedCircuit:
    after = circuit.after_passed_probe(later(at), token=circuit.probe_token, settings=SETTINGS)
    assert after is not None
    return after


def failed(circuit: SharedCircuit, at: float, **fields) -> SharedCircuit | None:
    defaults = {"token": circuit.probe_token, "failure": "dns_failed", "settings": SETTINGS}
    return circuit.after_failed_probe(later(at), **(defaults | {"seen_by": "web-2:2"} | fields))


def test_it_opens_once_and_is_half_open_after_its_time():
    circuit = opened()

    assert circuit.state_at(later(9)) is CircuitState.OPEN
    assert circuit.changes_at(later(9)) == later(10)
    assert circuit.state_at(later(10)) is CircuitState.HALF_OPEN
    assert circuit.changes_at(later(10)) is None
    assert (circuit.version, circuit.openings) == (1, 1)
    again = circuit.opened(
        later(11), because=OpenedBecause.FAILURES, evidence=FAILED, for_s=10, seen_by="web-2:2"
    )
    assert again is None


def test_one_probe_at_a_time_and_two_good_ones_close_it():
    circuit = probed(opened(), 10)

    assert circuit.with_probe(later(14), lease_s=5) is None
    circuit = passed(circuit, 11)
    assert circuit.state_at(later(11)) is CircuitState.HALF_OPEN
    circuit = passed(probed(circuit, 11), 12)

    assert circuit.state_at(later(12)) is CircuitState.CLOSED
    assert (circuit.closed_at, circuit.opening, circuit.version) == (later(12), None, 2)


def test_before_its_time_nobody_probes():
    assert opened().with_probe(later(9), lease_s=5) is None
    assert SharedCircuit("alpha").with_probe(NOW, lease_s=5) is None


def test_a_failed_probe_opens_it_for_longer_up_to_a_limit_and_keeps_why_it_opened():
    circuit, at = opened(), 10.0
    for expected_s in (20, 30, 30):
        circuit = probed(circuit, at)
        after = failed(circuit, at)
        assert after is not None
        circuit = after
        assert circuit.open_until == later(at + expected_s)
        at += expected_s

    assert (circuit.opening.at, circuit.opening.evidence) == (NOW, FAILED)
    assert circuit.openings == 1


def test_a_provider_may_ask_for_a_longer_wait_with_a_failed_probe():
    after = failed(probed(opened(), 10), 10, at_least_s=90)

    assert after is not None
    assert after.open_until == later(100)


def test_a_probe_whose_lease_went_to_another_one_no_longer_counts():
    first = probed(opened(), 10)
    second = probed(first, 15)

    late = second.after_passed_probe(later(16), token=first.probe_token, settings=SETTINGS)

    assert late is None
    assert failed(second, 16, token=first.probe_token) is None


def test_a_hold_covers_the_breaker_and_gives_back_what_was_underneath():
    for kind, state in (
        (HoldKind.OPEN, CircuitState.OPEN),
        (HoldKind.CLOSED, CircuitState.CLOSED),
    ):
        circuit = opened().held(a_hold(kind))

        assert circuit.state_at(later(5)) is state
        assert circuit.changes_at(later(5)) == later(60)
        assert circuit.released().state_at(later(5)) is CircuitState.OPEN
        assert circuit.version == 2


def test_a_closed_hold_on_a_closed_circuit_keeps_it_from_opening():
    circuit = SharedCircuit("alpha").held(a_hold(HoldKind.CLOSED))

    assert (
        circuit.opened(
            NOW, because=OpenedBecause.FAILURES, evidence=FAILED, for_s=10, seen_by="web-1:1"
        )
        is None
    )
    assert circuit.state_at(later(60)) is CircuitState.CLOSED


def test_after_a_hold_that_let_nothing_pass_the_provider_is_tested_first():
    circuit = SharedCircuit("alpha").held(a_hold(HoldKind.OPEN))

    assert circuit.state_at(later(60)) is CircuitState.HALF_OPEN
    reopened = failed(probed(circuit, 60), 61)
    assert reopened is not None
    assert reopened.state_at(later(62)) is CircuitState.OPEN
    assert (reopened.opening.evidence.reasons, reopened.openings) == ({"dns_failed": 1}, 1)
    closed = passed(probed(passed(probed(circuit, 60), 61), 61), 62)
    assert closed.state_at(later(62)) is CircuitState.CLOSED
    assert closed.hold is None


def test_a_probe_under_way_when_staff_hold_the_circuit_decides_nothing():
    circuit = probed(opened(), 10).held(a_hold(HoldKind.OPEN))

    assert failed(circuit, 11) is None


@given(
    st.lists(
        st.tuples(
            st.floats(0, 40),
            st.sampled_from(["open", "probe", "pass", "fail", "hold", "keep", "release"]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_it_ends_in_a_state_in_which_calls_or_probes_pass(history):
    circuit, at = SharedCircuit("alpha"), 0.0
    for wait_s, step in history:
        at += wait_s
        now, before = later(at), circuit
        match step:
            case "open":
                changed = circuit.opened(
                    now, because=OpenedBecause.FAILURES, evidence=FAILED, for_s=10, seen_by="a"
                )
            case "probe":
                changed = circuit.with_probe(now, lease_s=5)
            case "pass":
                changed = circuit.after_passed_probe(
                    now, token=circuit.probe_token, settings=SETTINGS
                )
            case "fail":
                changed = failed(circuit, at)
            case "release":
                changed = circuit.released()
            case kind:
                hold_kind = HoldKind.OPEN if kind == "hold" else HoldKind.CLOSED
                changed = circuit.held(Hold(hold_kind, now, now + timedelta(seconds=9), "x", "o"))
        circuit = changed or circuit
        assert circuit.version >= before.version
        assert (circuit.opening is None) == (circuit.open_until is None)

    end = later(at + 100)
    assert circuit.state_at(end) is not CircuitState.OPEN
    if circuit.state_at(end) is CircuitState.HALF_OPEN:
        assert circuit.with_probe(end, lease_s=5) is not None
