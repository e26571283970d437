"""What every gateway adapter has to do, proved against a provider that speaks real HTTP.

A new provider's adapter joins by adding itself to `gateways`.
"""

from contextlib import ExitStack

import pytest

from payorch.application.provider_gateway import ChargeRequest
from payorch.domain.circuit import CircuitSettings
from payorch.domain.money import Money
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.gateways.adapter import PaymentGatewayAdapter
from payorch.infrastructure.gateways.bulkhead import Bulkhead
from payorch.infrastructure.gateways.http_transport import PooledTransport
from payorch.infrastructure.gateways.provider_circuits import ProviderCircuits
from payorch.infrastructure.gateways.sandbox import SandboxConnector
from payorch.infrastructure.system_clock import RandomIds, SystemClock
from tests.fake_circuits import FakeSharedCircuits
from tests.fakes import FakeClock
from tests.sandbox_process import free_port
from tests.shop import a_card, a_customer

CANARY = "4242424242424242"
PLACES = 4


class Gateway:
    """An adapter with what a test wants to see of it."""

    def __init__(self, base_url: str, *, places: int = PLACES, clock=None) -> None:
        clock = clock or SystemClock()
        self.logged: list[object] = []
        self.circuits = ProviderCircuits(
            shared=FakeSharedCircuits(clock),
            monotonic=clock.monotonic,
            process_name=lambda: "tests:1",
            settings=CircuitSettings(),
        )
        self.bulkhead = Bulkhead(places)
        self.adapter = PaymentGatewayAdapter(
            provider_code="alpha",
            connector=SandboxConnector(
                base_url=base_url, account="alpha", api_key="practice_key_alpha", method="card"
            ),
            transport=PooledTransport(),
            circuits=self.circuits,
            bulkhead=self.bulkhead,
            clock=clock,
            log_failure=lambda provider, facts: self.logged.append((provider, facts)),
        )


@pytest.fixture
def gateway(sandbox):
    return Gateway(sandbox.base_url)


def a_request(card: str = CANARY, amount_minor: int = 1999) -> ChargeRequest:
    return ChargeRequest(
        reference=RandomIds().transaction_id(),
        money=Money(amount_minor, "EUR"),
        description="Two books",
        country="DE",
        customer=a_customer(),
        return_url="http://localhost:4321/orders/x/return",
        instrument=a_card(card),
    )


def charge(gateway, request, timeout_s=3.0):
    return gateway.adapter.charge(request, timeout_s=timeout_s).outcome


def test_a_charge_is_approved_with_our_amount_and_reference(gateway):
    request = a_request()

    outcome = charge(gateway, request)

    assert isinstance(outcome, Approved)
    assert (outcome.our_reference, outcome.amount_minor) == (request.reference, 1999)


def test_a_replay_of_the_same_request_is_the_same_payment(gateway, sandbox):
    request = a_request()
    first = charge(gateway, request)

    again = gateway.adapter.replay(request, timeout_s=3).outcome

    assert again == first
    assert len(sandbox.payments_of(request.reference)) == 1


def test_a_decline_is_a_value(gateway):
    outcome = charge(gateway, a_request("4000000000000515"))

    assert isinstance(outcome, Declined)
    assert (outcome.signal.scheme, outcome.signal.code) == ("visa", "51")


def test_a_charge_can_be_found_by_its_id_and_by_our_reference(gateway):
    request = a_request()
    approved = charge(gateway, request)
    assert isinstance(approved, Approved)

    by_id = gateway.adapter.read(approved.provider_reference, request.reference, timeout_s=3)
    by_reference = gateway.adapter.find(request.reference, timeout_s=3)

    assert by_id.outcome == by_reference.outcome == approved


def test_what_the_provider_never_saw_is_not_found_which_proves_nothing(gateway):
    outcome = gateway.adapter.find(TransactionId("pa_never_sent"), timeout_s=3).outcome

    assert outcome == Unknown(UnknownReason.NOT_FOUND)


def test_a_cancel_by_reference_proves_that_a_late_arrival_is_refused(gateway, sandbox):
    request = a_request()

    cancelled = gateway.adapter.cancel_by_reference(request.reference, timeout_s=3).outcome
    late = charge(gateway, request)

    assert cancelled == NotSent(NotSentReason.PROVED_CANCELLED)
    assert late == NotSent(NotSentReason.REFERENCE_CANCELLED)
    assert not [p for p in sandbox.payments_of(request.reference) if p["status"] == "approved"]


def test_a_cancel_that_comes_too_late_tells_that_it_was_charged(gateway):
    request = a_request()
    approved = charge(gateway, request)

    assert gateway.adapter.cancel_by_reference(request.reference, timeout_s=3).outcome == approved


def test_a_payment_that_waits_for_the_customer_can_be_cancelled(gateway):
    request = a_request("4200000000000018")
    waiting = charge(gateway, request)
    assert isinstance(waiting, RequiresAction)

    outcome = gateway.adapter.cancel(
        waiting.provider_reference, request.reference, timeout_s=3
    ).outcome

    assert outcome == NotSent(NotSentReason.PROVED_CANCELLED)


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("4100000000000027", UnknownReason.READ_TIMEOUT),
        ("4100000000000043", UnknownReason.SERVER_ERROR),
        ("4100000000000050", UnknownReason.CONNECTION_LOST),
        ("4100000000000100", UnknownReason.CONNECTION_LOST),
        ("4100000000000142", UnknownReason.READ_TIMEOUT),
    ],
)
def test_whatever_happens_after_sending_is_unknown(gateway, card, reason):
    outcome = charge(gateway, a_request(card), timeout_s=0.4)

    assert isinstance(outcome, Unknown)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ("4100000000000118", NotSentReason.RATE_LIMITED),
        ("4100000000000126", NotSentReason.NOT_PROCESSED),
        ("4100000000000134", NotSentReason.BAD_CREDENTIALS),
    ],
)
def test_a_documented_refusal_is_proof_of_no_charge(gateway, card, reason):
    outcome = charge(gateway, a_request(card))

    assert isinstance(outcome, NotSent)
    assert outcome.reason is reason


def test_nobody_listening_is_proof_of_no_charge():
    gateway = Gateway(f"http://127.0.0.1:{free_port()}")

    assert charge(gateway, a_request()) == NotSent(NotSentReason.CONNECTION_REFUSED)


def test_a_lookup_that_could_not_be_sent_says_nothing_about_the_charge():
    gateway = Gateway(f"http://127.0.0.1:{free_port()}")

    outcome = gateway.adapter.find(TransactionId("pa_1"), timeout_s=1).outcome

    assert isinstance(outcome, Unknown)


def test_a_replay_that_could_not_be_sent_says_nothing_about_the_first_request():
    gateway = Gateway(f"http://127.0.0.1:{free_port()}")

    outcome = gateway.adapter.replay(a_request(), timeout_s=1).outcome

    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("fault", ["rate_limit_429", "not_processed_503", "unauthorized_401"])
def test_a_replay_that_was_refused_says_nothing_about_the_first_request(gateway, sandbox, fault):
    request = a_request()
    charge(gateway, request)
    sandbox.start_outage("alpha", fault, lasts_s=60)

    outcome = gateway.adapter.replay(request, timeout_s=3).outcome

    assert isinstance(outcome, Unknown)


def test_a_replay_of_a_cancelled_reference_is_proof_of_no_charge(gateway):
    request = a_request()
    gateway.adapter.cancel_by_reference(request.reference, timeout_s=3)

    outcome = gateway.adapter.replay(request, timeout_s=3).outcome

    assert outcome == NotSent(NotSentReason.REFERENCE_CANCELLED)


def test_a_full_bulkhead_and_an_open_circuit_refuse_without_sending(gateway, sandbox):
    request = a_request()
    with ExitStack() as full:
        for _ in range(PLACES):
            full.enter_context(gateway.bulkhead.place())
        assert charge(gateway, request) == NotSent(NotSentReason.BULKHEAD_FULL)
    for _ in range(8):
        gateway.circuits.record("alpha", "server_error")

    assert charge(gateway, request) == NotSent(NotSentReason.CIRCUIT_OPEN)
    assert sandbox.payments_of(request.reference) == []


def test_declines_never_open_the_circuit(gateway):
    for _ in range(12):
        charge(gateway, a_request("4000000000000051"))

    assert not gateway.circuits.is_open("alpha")


def test_technical_failures_open_it(gateway):
    for _ in range(8):
        charge(gateway, a_request("4100000000000043"))

    assert gateway.circuits.is_open("alpha")


def test_a_provider_that_says_when_to_come_back_is_left_alone_until_then(sandbox):
    clock = FakeClock()
    gateway = Gateway(sandbox.base_url, clock=clock)
    sandbox.start_outage("alpha", "rate_limit_429")
    assert charge(gateway, a_request()) == NotSent(NotSentReason.RATE_LIMITED, "rate_limited")
    sandbox.end_outages()

    assert charge(gateway, a_request()) == NotSent(NotSentReason.CIRCUIT_OPEN)
    clock.advance(seconds=1)
    assert isinstance(charge(gateway, a_request()), Approved)


def test_customers_who_send_invalid_data_open_nothing(gateway):
    for _ in range(12):
        outcome = charge(gateway, a_request("42"))

    assert isinstance(outcome, NotSent)
    assert outcome.reason is NotSentReason.INVALID_REQUEST
    assert not gateway.circuits.is_open("alpha")


def test_neither_log_nor_evidence_holds_the_card(gateway):
    answers = [
        gateway.adapter.charge(a_request(card), timeout_s=0.4)
        for card in ("4100000000000043", "4100000000000050", "4000000000000515")
    ]

    told = repr((answers, gateway.logged))
    assert "4100000000000" not in told
    assert "4000000000000515" not in told
    assert "'123'" not in told
