import http.client

import pytest
import urllib3

from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS
from tests.sandbox_process import SandboxProcess

from .listening_merchant import ListeningMerchant
from .practice_merchant import APPROVED, PracticeMerchant

NUMBER = {card.fault: card.number for card in reversed(MAGIC_CARDS) if card.fault is not None}
# Long enough for an answer from this machine, short for one that never comes.
PATIENCE_S = 1.0


# What no customer should bring about by a card number: an operator has to ask for it.
WITHOUT_A_CARD = {Fault.FLAPPING, Fault.CONTRADICTING_LATER, Fault.DOUBLE_CHARGE}


def test_every_other_fault_has_a_card():
    assert NUMBER.keys() == set(Fault) - WITHOUT_A_CARD


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TIMEOUT_AFTER_CHARGE, urllib3.exceptions.ReadTimeoutError),
        (Fault.CONNECTION_RESET_AFTER, ConnectionResetError),
        (Fault.TRUNCATED_JSON, http.client.IncompleteRead),
    ],
)
def test_a_charge_whose_answer_is_lost_stands_and_a_replay_shows_it(
    alpha: PracticeMerchant, fault, error
):
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        alpha.pay(NUMBER[fault], timeout_s=PATIENCE_S)

    causes = (caught.value, *caught.value.args, caught.value.__cause__)
    assert any(isinstance(cause, error) for cause in causes), repr(caught.value)
    assert alpha.charged() == [1999]
    status, payment = alpha.pay(NUMBER[fault])
    assert (status, payment["status"]) == (201, "approved")
    assert alpha.charged() == [1999]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TIMEOUT_BEFORE_CHARGE, urllib3.exceptions.ReadTimeoutError),
        (Fault.CONNECTION_RESET_BEFORE, ConnectionResetError),
    ],
)
def test_a_request_lost_before_the_charge_charges_when_it_is_replayed(
    alpha: PracticeMerchant, fault, error
):
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        alpha.pay(NUMBER[fault], timeout_s=PATIENCE_S)

    causes = (caught.value, *caught.value.args, caught.value.__cause__)
    assert any(isinstance(cause, error) for cause in causes), repr(caught.value)
    assert alpha.charged() == []
    assert alpha.pay(NUMBER[fault])[0] == 201
    assert alpha.charged() == [1999]


def test_a_card_can_stay_without_an_answer_for_ever(alpha: PracticeMerchant):
    number = next(card.number for card in MAGIC_CARDS if "to any try" in card.label)
    for _ in range(2):
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            alpha.pay(number, timeout_s=0.3)

    assert alpha.post("/payments/cancel", {"reference": "order-1"})[0] == 200
    assert alpha.charged() == []


@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        (Fault.RATE_LIMIT_429, 429, "rate_limited"),
        (Fault.NOT_PROCESSED_503, 503, "unavailable"),
        (Fault.UNAUTHORIZED_401, 401, "authentication"),
        (Fault.ERROR_500_BEFORE, 500, "api_error"),
    ],
)
def test_an_orderly_refusal_charges_nothing(alpha: PracticeMerchant, fault, status, error_type):
    got, answer = alpha.pay(NUMBER[fault])

    assert (got, answer["error"]["type"]) == (status, error_type)
    assert alpha.charged() == []


def test_a_500_after_the_charge_hides_a_charge(alpha: PracticeMerchant):
    assert alpha.pay(NUMBER[Fault.ERROR_500_AFTER_CHARGE])[0] == 500

    assert alpha.charged() == [1999]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (Fault.WRONG_AMOUNT, "amount"),
        (Fault.WRONG_CURRENCY, "currency"),
        (Fault.WRONG_REFERENCE, "reference"),
    ],
)
def test_a_wrong_answer_lies_in_one_field_and_a_lookup_tells_the_truth(
    alpha: PracticeMerchant, fault, field
):
    _, answer = alpha.pay(NUMBER[fault])
    _, truth = alpha.get(f"/payments/{answer['id']}")

    assert {name for name in truth if truth[name] != answer[name]} == {field}
    assert alpha.charged() == [1999]


def test_a_dripping_answer_outlasts_the_hold_time_and_breaks_off(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", hold_s=0.6)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        alpha.pay(NUMBER[Fault.SLOW_DRIP])

    assert alpha.charged() == [1999]


def test_a_slow_payment_is_charged_although_the_client_left(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", slow_ms=300)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        alpha.pay(NUMBER[Fault.LATENCY], timeout_s=0.1)

    while alpha.sandbox.admin("GET", "/stats")["in_flight"]:
        pass

    assert alpha.charged() == [1999]


class TestLateArrival:
    @pytest.fixture
    def late(self, alpha: PracticeMerchant) -> PracticeMerchant:
        """A payment that is on its way, but will not arrive before it is told to."""
        alpha.sandbox.patch_profile("alpha", late_arrival_after_s=3600)
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            alpha.pay(NUMBER[Fault.LATE_ARRIVAL], timeout_s=0.3)
        assert alpha.get("/payments?reference=order-1") == (200, {"data": []})
        return alpha

    def test_it_charges_when_it_lands(self, late: PracticeMerchant):
        assert late.sandbox.land_late_arrivals() == 1

        assert late.charged() == [1999]
        assert late.pay(NUMBER[Fault.LATE_ARRIVAL])[0] == 201
        assert late.charged() == [1999]

    def test_a_replay_and_it_are_one_charge(self, late: PracticeMerchant):
        assert late.pay(NUMBER[Fault.LATE_ARRIVAL])[0] == 201

        late.sandbox.land_late_arrivals()

        assert late.charged() == [1999]

    def test_a_cancelled_reference_refuses_it(self, late: PracticeMerchant):
        assert late.post("/payments/cancel", {"reference": "order-1"})[0] == 200

        assert late.sandbox.land_late_arrivals() == 1
        assert late.charged() == []

    def test_it_lands_by_itself_in_time(self, alpha: PracticeMerchant):
        alpha.sandbox.patch_profile("alpha", late_arrival_after_s=0.2)
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            alpha.pay(NUMBER[Fault.LATE_ARRIVAL], timeout_s=0.1)

        while alpha.sandbox.admin("GET", "/stats")["late_arrivals"]:
            pass

        assert alpha.charged() == [1999]


def test_hanging_requests_leave_threads_for_the_others(sandbox: SandboxProcess):
    alpha, beta = PracticeMerchant(sandbox, "alpha"), PracticeMerchant(sandbox, "beta")
    sandbox.start_outage("alpha", "timeout_before_charge")
    pool = urllib3.PoolManager(maxsize=100, retries=False)
    connections = []
    for _ in range(80):
        connection = pool.connection_from_url(sandbox.base_url)._new_conn()
        connection.request(
            "POST",
            "/alpha/v1/payments",
            body=b'{"reference":"r","amount":5,"currency":"EUR","method":"card","card":'
            b'{"number":"4242424242424242","exp_month":1,"exp_year":2040}}',
            headers={"Authorization": "Bearer practice_key_alpha"},
        )
        connections.append(connection)

    assert beta.pay()[0] == 201
    struck = 0
    while struck < len(connections):
        stats = sandbox.admin("GET", "/stats")
        struck = stats["events"].get("alpha", {}).get("timeout_before_charge", 0)
        assert stats["held"] <= 32
    for connection in connections:
        connection.close()
    while sandbox.admin("GET", "/stats")["held"]:
        pass
    sandbox.end_outages()
    assert alpha.pay()[0] == 201


def test_an_outage_strikes_its_account_until_it_is_ended(alpha: PracticeMerchant):
    beta = PracticeMerchant(alpha.sandbox, "beta")
    alpha.sandbox.start_outage("alpha", "not_processed_503")

    assert alpha.pay()[0] == alpha.pay()[0] == 503
    assert beta.pay()[0] == 201
    assert alpha.get("/payments?reference=order-1")[0] == 200
    alpha.sandbox.end_outages()
    assert alpha.pay()[0] == 201


def test_an_outage_of_everything_strikes_lookups_and_cancels_too(alpha: PracticeMerchant):
    alpha.sandbox.start_outage("alpha", "not_processed_503", scope="all")

    assert alpha.get("/payments?reference=order-1")[0] == 503
    assert alpha.post("/payments/cancel", {"reference": "order-1"})[0] == 503


def test_an_outage_that_starts_later_does_not_strike_yet(alpha: PracticeMerchant):
    alpha.sandbox.start_outage("alpha", "not_processed_503", starts_in_s=600)

    assert alpha.pay()[0] == 201


def test_a_share_of_payments_fails_and_always_the_same_ones(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", faults={"not_processed_503": 0.3})
    first = [alpha.pay(reference=f"r{number}")[0] for number in range(100)]
    alpha.sandbox.reset()
    alpha.sandbox.patch_profile("alpha", faults={"not_processed_503": 0.3})

    again = [alpha.pay(reference=f"r{number}")[0] for number in range(100)]

    assert again == first
    assert 15 <= first.count(503) <= 45


def test_a_flapping_account_answers_503_while_it_is_down(alpha: PracticeMerchant):
    alpha.sandbox.patch_profile("alpha", faults={"flapping": 1}, flapping_down_share=1)
    assert alpha.pay(APPROVED, reference="down")[0] == 503

    alpha.sandbox.patch_profile("alpha", flapping_down_share=0)
    assert alpha.pay(APPROVED, reference="up")[0] == 201


class TestLies:
    """An account that says one thing and does another."""

    def test_a_decline_may_turn_into_an_approval(self, alpha: PracticeMerchant):
        alpha.sandbox.patch_profile(
            "alpha", faults={"contradicting_later": 1}, contradicts_after_s=3600
        )
        status, declined = alpha.pay()
        assert (status, declined["status"], declined["decline"]["code"]) == (402, "declined", "05")
        assert alpha.pay() == (402, declined)
        assert alpha.post("/payments/cancel", {"reference": "order-1"})[0] == 409
        assert alpha.charged() == []

        assert alpha.sandbox.settle_now() == 1

        status, approved = alpha.pay()
        assert (status, approved["id"], approved["status"]) == (201, declined["id"], "approved")
        assert approved["decline"] is None
        assert alpha.charged() == [1999]

    def test_it_contradicts_itself_in_time_and_tells_so(
        self, told: PracticeMerchant, merchant: ListeningMerchant
    ):
        told.sandbox.start_outage("alpha", "contradicting_later")
        told.sandbox.patch_profile("alpha", contradicts_after_s=0.1)
        told.pay()

        heard = merchant.wait_for_number(2)

        assert [item.type for item in heard] == ["payment.declined", "payment.approved"]

    def test_a_decline_keeps_its_code_until_it_is_contradicted(self, alpha: PracticeMerchant):
        alpha.sandbox.start_outage("alpha", "contradicting_later")

        assert alpha.pay("4000000000000515")[1]["decline"]["code"] == "51"
        alpha.sandbox.settle_now()
        assert alpha.charged() == [1999]

    def test_what_waits_for_the_customer_is_not_contradicted(self, alpha: PracticeMerchant):
        alpha.sandbox.start_outage("alpha", "contradicting_later")

        assert alpha.pay("4200000000000018")[1]["status"] == "requires_action"
        assert alpha.sandbox.settle_now() == 0

    def test_one_key_may_be_charged_twice(
        self, told: PracticeMerchant, merchant: ListeningMerchant
    ):
        told.sandbox.patch_profile("alpha", faults={"double_charge": 1})

        first = told.pay()

        assert told.charged() == [1999, 1999]
        assert told.pay() == first
        assert told.charged() == [1999, 1999]
        _, found = told.get("/payments?reference=order-1")
        assert first[1] in found["data"]
        ids = {payment["id"] for payment in found["data"]}
        assert len(ids) == 2
        heard = merchant.wait_for_number(2)
        assert {item.body["data"]["id"] for item in heard} == ids
        assert {item.type for item in heard} == {"payment.approved"}

    def test_a_decline_is_not_doubled(self, alpha: PracticeMerchant):
        alpha.sandbox.start_outage("alpha", "double_charge")

        assert alpha.pay("4000000000000515")[0] == 402
        assert len(alpha.sandbox.payments_of("order-1")) == 1
