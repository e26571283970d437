"""What every gateway adapter has to do, proved against a provider that speaks real HTTP.

A new connector joins in providers_under_test.py; every test here then runs against it too.
"""

from contextlib import ExitStack
from dataclasses import replace

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
from payorch.infrastructure.system_clock import RandomIds, SystemClock
from tests.fake_circuits import FakeSharedCircuits
from tests.fakes import FakeClock
from tests.infrastructure.gateways.providers_under_test import (
    PracticeProvider,
    ProviderUnderTest,
    card_of,
)
from tests.sandbox_process import free_port
from tests.shop import a_card, a_customer

CODE = "under_test"
PLACES = 4


class Gateway:
    """An adapter with what a test wants to see of it."""

    def __init__(
        self, provider: ProviderUnderTest, *, base_url: str | None = None, clock=None
    ) -> None:
        clock = clock or SystemClock()
        self.provider = provider
        self.logged: list[object] = []
        self.circuits = ProviderCircuits(
            shared=FakeSharedCircuits(clock),
            monotonic=clock.monotonic,
            process_name=lambda: "tests:1",
            settings=CircuitSettings(),
        )
        self.bulkhead = Bulkhead(PLACES)
        self.adapter = PaymentGatewayAdapter(
            provider_code=CODE,
            connector=provider.connector(base_url or provider.base_url),
            transport=PooledTransport(),
            circuits=self.circuits,
            bulkhead=self.bulkhead,
            clock=clock,
            log_failure=lambda provider, facts: self.logged.append((provider, facts)),
        )

    def request(self, scenario: str = "approved", amount_minor: int = 1999) -> ChargeRequest:
        return ChargeRequest(
            reference=RandomIds().transaction_id(),
            money=Money(amount_minor, "EUR"),
            description="Two books",
            country="DE",
            customer=a_customer(),
            return_url="http://localhost:4321/orders/x/return",
            instrument=a_card(card_of(self.provider, scenario)),
        )


@pytest.fixture
def gateway(provider):
    return Gateway(provider)


@pytest.fixture
def unreachable(provider):
    """Its provider does not listen."""
    return Gateway(provider, base_url=f"http://127.0.0.1:{free_port()}")


def charge(gateway, request, timeout_s=3.0):
    return gateway.adapter.charge(request, timeout_s=timeout_s).outcome


def test_a_charge_is_approved_with_our_amount_and_reference(gateway):
    request = gateway.request()

    outcome = charge(gateway, request)

    assert isinstance(outcome, Approved)
    assert (outcome.our_reference, outcome.amount_minor) == (request.reference, 1999)


def test_a_replay_of_the_same_request_is_the_same_payment(gateway):
    request = gateway.request()
    first = charge(gateway, request)

    again = gateway.adapter.replay(request, timeout_s=3).outcome

    assert again == first
    assert gateway.provider.charges_of(request.reference) == ["approved"]


def test_a_decline_is_a_value(gateway):
    outcome = charge(gateway, gateway.request("declined"))

    assert isinstance(outcome, Declined)
    assert (outcome.signal.scheme, outcome.signal.code) == gateway.provider.DECLINE


def test_a_charge_can_be_found_by_its_id_and_by_our_reference(gateway):
    request = gateway.request()
    approved = charge(gateway, request)
    assert isinstance(approved, Approved)

    by_id = gateway.adapter.read(approved.provider_reference, request.reference, timeout_s=3)
    by_reference = gateway.adapter.find(request.reference, timeout_s=3)

    assert by_id.outcome == by_reference.outcome == approved


def test_what_the_provider_never_saw_is_not_found_which_proves_nothing(gateway):
    outcome = gateway.adapter.find(TransactionId("pa_never_sent"), timeout_s=3).outcome

    assert outcome == Unknown(UnknownReason.NOT_FOUND)


def test_a_cancel_by_reference_proves_that_a_late_arrival_is_refused(gateway):
    request = gateway.request()

    cancelled = gateway.adapter.cancel_by_reference(request.reference, timeout_s=3).outcome
    late = charge(gateway, request)

    assert cancelled == NotSent(NotSentReason.PROVED_CANCELLED)
    assert late == NotSent(NotSentReason.REFERENCE_CANCELLED)
    assert "approved" not in gateway.provider.charges_of(request.reference)


def test_a_cancel_that_comes_too_late_tells_that_it_was_charged(gateway):
    request = gateway.request()
    approved = charge(gateway, request)

    assert gateway.adapter.cancel_by_reference(request.reference, timeout_s=3).outcome == approved


def test_a_payment_that_waits_for_the_customer_can_be_cancelled(gateway):
    request = gateway.request("waits_for_customer")
    waiting = charge(gateway, request)
    assert isinstance(waiting, RequiresAction)

    outcome = gateway.adapter.cancel(
        waiting.provider_reference, request.reference, timeout_s=3
    ).outcome

    assert outcome == NotSent(NotSentReason.PROVED_CANCELLED)


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("charged_without_answer", UnknownReason.READ_TIMEOUT),
        ("charged_with_server_error", UnknownReason.SERVER_ERROR),
        ("charged_with_broken_answer", UnknownReason.CONNECTION_LOST),
        ("charged_then_reset", UnknownReason.CONNECTION_LOST),
        ("charged_with_dripping_answer", UnknownReason.READ_TIMEOUT),
    ],
)
def test_whatever_happens_after_sending_is_unknown(gateway, scenario, reason):
    outcome = charge(gateway, gateway.request(scenario), timeout_s=0.4)

    assert isinstance(outcome, Unknown)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("rate_limited", NotSentReason.RATE_LIMITED),
        ("not_processed", NotSentReason.NOT_PROCESSED),
        ("bad_credentials", NotSentReason.BAD_CREDENTIALS),
    ],
)
def test_a_documented_refusal_is_proof_of_no_charge(gateway, scenario, reason):
    outcome = charge(gateway, gateway.request(scenario))

    assert isinstance(outcome, NotSent)
    assert outcome.reason is reason


def test_nobody_listening_is_proof_of_no_charge(unreachable):
    assert charge(unreachable, unreachable.request()) == NotSent(NotSentReason.CONNECTION_REFUSED)


def test_a_lookup_that_could_not_be_sent_says_nothing_about_the_charge(unreachable):
    outcome = unreachable.adapter.find(TransactionId("pa_1"), timeout_s=1).outcome

    assert isinstance(outcome, Unknown)


def test_a_replay_that_could_not_be_sent_says_nothing_about_the_first_request(unreachable):
    outcome = unreachable.adapter.replay(unreachable.request(), timeout_s=1).outcome

    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("scenario", ["rate_limited", "not_processed", "bad_credentials"])
def test_a_replay_that_was_refused_says_nothing_about_the_first_request(gateway, scenario):
    request = gateway.request()
    charge(gateway, request)
    gateway.provider.start_refusing(scenario)

    outcome = gateway.adapter.replay(request, timeout_s=3).outcome

    assert isinstance(outcome, Unknown)


def test_a_replay_of_a_cancelled_reference_is_proof_of_no_charge(gateway):
    request = gateway.request()
    gateway.adapter.cancel_by_reference(request.reference, timeout_s=3)

    outcome = gateway.adapter.replay(request, timeout_s=3).outcome

    assert outcome == NotSent(NotSentReason.REFERENCE_CANCELLED)


def test_a_full_bulkhead_and_an_open_circuit_refuse_without_sending(gateway):
    request = gateway.request()
    with ExitStack() as full:
        for _ in range(PLACES):
            full.enter_context(gateway.bulkhead.place())
        assert charge(gateway, request) == NotSent(NotSentReason.BULKHEAD_FULL)
    for _ in range(8):
        gateway.circuits.record(CODE, "server_error")

    assert charge(gateway, request) == NotSent(NotSentReason.CIRCUIT_OPEN)
    assert gateway.provider.charges_of(request.reference) == []


def test_declines_never_open_the_circuit(gateway):
    for _ in range(12):
        charge(gateway, gateway.request("declined_by_chance"))

    assert not gateway.circuits.is_open(CODE)


def test_technical_failures_open_it(gateway):
    for _ in range(8):
        charge(gateway, gateway.request("charged_with_server_error"))

    assert gateway.circuits.is_open(CODE)


def test_a_provider_that_says_when_to_come_back_is_left_alone_until_then(sandbox):
    clock = FakeClock()
    gateway = Gateway(PracticeProvider(sandbox), clock=clock)
    gateway.provider.start_refusing("rate_limited")
    limited = NotSent(NotSentReason.RATE_LIMITED, "rate_limited")
    assert charge(gateway, gateway.request()) == limited
    sandbox.end_outages()

    assert charge(gateway, gateway.request()) == NotSent(NotSentReason.CIRCUIT_OPEN)
    clock.advance(seconds=1)
    assert isinstance(charge(gateway, gateway.request()), Approved)


def test_customers_who_send_invalid_data_open_nothing(gateway):
    for _ in range(12):
        outcome = charge(gateway, replace(gateway.request(), instrument=a_card("42")))

    assert isinstance(outcome, NotSent)
    assert outcome.reason is NotSentReason.INVALID_REQUEST
    assert not gateway.circuits.is_open(CODE)


def test_neither_log_nor_evidence_holds_the_card(gateway):
    scenarios = ("charged_with_server_error", "charged_with_broken_answer", "declined")

    answers = [gateway.adapter.charge(gateway.request(s), timeout_s=0.4) for s in scenarios]

    told = repr((answers, gateway.logged))
    for scenario in scenarios:
        assert card_of(gateway.provider, scenario)[:13] not in told
    assert "'123'" not in told
