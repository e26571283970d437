import http.client
import time

import pytest
import urllib3

from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS
from payorch.sandbox_provider.magic_refunds import (
    MAGIC_REFUNDS,
    REFUND_FAULTS,
    RefundOutcome,
    magic_refunds_markdown,
)
from payorch.sandbox_provider.settings import DEFAULT_ADMIN_KEY

from .listening_merchant import PATIENCE_S, ListeningMerchant
from .practice_merchant import PracticeMerchant
from .test_magic_cards import ROOT

PAID = 300_000
AMOUNT = {magic.effect: magic.amount for magic in reversed(MAGIC_REFUNDS)}
# Long enough for an answer from this machine, short for one that never comes.
SHORT_S = 1.0


@pytest.fixture
def payment_id(alpha: PracticeMerchant) -> str:
    return alpha.pay(amount=PAID)[1]["id"]


def refund(alpha: PracticeMerchant, payment_id: str, amount: int | None, *, key: str = "r1"):
    return alpha.sandbox.call(
        alpha.account,
        "POST",
        f"/payments/{payment_id}/refunds",
        body={"amount": amount, "reference": key},
        key=key,
        timeout_s=SHORT_S if amount in {AMOUNT[Fault.TIMEOUT_AFTER_CHARGE], 81_001, 81_017} else 15,
    )


def given_back(alpha: PracticeMerchant, payment_id: str) -> int:
    return alpha.get(f"/payments/{payment_id}")[1]["refunded_amount"]


def test_amounts_stand_for_one_scenario_each_and_for_none_of_the_payments():
    amounts = [magic.amount for magic in MAGIC_REFUNDS]

    assert len(set(amounts)) == len(amounts)
    assert not set(amounts) & {card.amount for card in MAGIC_CARDS}
    assert {magic.effect for magic in MAGIC_REFUNDS} == (
        REFUND_FAULTS - {Fault.FLAPPING} | set(RefundOutcome)
    )


def test_the_documentation_shows_the_amounts_as_they_are():
    page = (ROOT / "docs" / "practice-provider.md").read_text()

    assert magic_refunds_markdown() in page


@pytest.mark.parametrize(
    ("outcome", "end", "code"),
    [
        (RefundOutcome.PENDING, "succeeded", None),
        (RefundOutcome.PENDING_THEN_FAILED, "failed", "account_closed"),
    ],
)
def test_a_pending_refund_reserves_its_amount_and_ends_by_itself(
    alpha: PracticeMerchant, payment_id, outcome, end, code
):
    alpha.sandbox.patch_profile("alpha", refund_settles_after_s=3600)
    status, pending = refund(alpha, payment_id, AMOUNT[outcome])
    assert (status, pending["status"], pending["failure_code"]) == (201, "pending", None)
    assert given_back(alpha, payment_id) == AMOUNT[outcome]
    assert refund(alpha, payment_id, PAID, key="r2")[0] == 422
    assert alpha.post(f"/payments/{payment_id}/void")[0] == 409

    assert alpha.sandbox.settle_now() == 1

    _, ended = alpha.get(f"/refunds/{pending['id']}")
    assert (ended["status"], ended["failure_code"]) == (end, code)
    assert ended["updated_at"] > pending["updated_at"]
    assert given_back(alpha, payment_id) == (AMOUNT[outcome] if end == "succeeded" else 0)
    assert refund(alpha, payment_id, AMOUNT[outcome])[1] == ended
    assert alpha.sandbox.settle_now() == 0


def test_a_pending_refund_settles_in_its_time_and_the_merchant_is_told(
    told: PracticeMerchant, merchant: ListeningMerchant
):
    told.sandbox.patch_profile("alpha", refund_settles_after_s=0.1)
    _, payment = told.pay(amount=PAID)
    refund(told, payment["id"], AMOUNT[RefundOutcome.PENDING])
    refund(told, payment["id"], AMOUNT[RefundOutcome.FAILED], key="r2")

    heard = merchant.wait_for(
        lambda heard: (
            sorted(item.type for item in heard)
            == ["payment.approved", "refund.failed", "refund.pending", "refund.succeeded"]
        )
    )

    (succeeded,) = [item for item in heard if item.type == "refund.succeeded"]
    assert succeeded.body["data"] == told.get("/refunds?reference=r1")[1]["data"][0]


def test_a_pending_refund_ends_although_nobody_asks(alpha: PracticeMerchant, payment_id):
    alpha.sandbox.patch_profile("alpha", refund_settles_after_s=0.1)
    refund(alpha, payment_id, AMOUNT[RefundOutcome.PENDING])

    until = time.monotonic() + PATIENCE_S
    while alpha.sandbox.ledger()["refunds"][0]["status"] != "succeeded":
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_refund_that_fails_at_once_gives_nothing_back(alpha: PracticeMerchant, payment_id):
    status, failed = refund(alpha, payment_id, AMOUNT[RefundOutcome.FAILED])

    assert (status, failed["status"], failed["failure_code"]) == (201, "failed", "card_expired")
    assert given_back(alpha, payment_id) == 0
    assert refund(alpha, payment_id, AMOUNT[RefundOutcome.FAILED]) == (201, failed)


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (RefundOutcome.REFUSED_402, 402, "refund_refused"),
        (RefundOutcome.REFUSED_422, 422, "refund_not_allowed"),
    ],
)
def test_a_refused_refund_leaves_no_trace_and_its_key_free(
    alpha: PracticeMerchant, payment_id, outcome, status, code
):
    for _ in range(2):
        got, answer = refund(alpha, payment_id, AMOUNT[outcome])
        assert (got, answer["error"]["code"]) == (status, code)

    assert alpha.sandbox.ledger()["refunds"] == []
    assert refund(alpha, payment_id, 5)[0] == 201


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.TIMEOUT_AFTER_CHARGE, urllib3.exceptions.ReadTimeoutError),
        (Fault.CONNECTION_RESET_AFTER, ConnectionResetError),
        (Fault.TRUNCATED_JSON, http.client.IncompleteRead),
        (Fault.TIMEOUT_BEFORE_CHARGE, urllib3.exceptions.ReadTimeoutError),
        (Fault.CONNECTION_RESET_BEFORE, ConnectionResetError),
    ],
)
def test_a_refund_whose_answer_is_lost_is_done_once_by_a_replay(
    alpha: PracticeMerchant, payment_id, fault, error
):
    amount = AMOUNT[fault]
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        refund(alpha, payment_id, amount)

    causes = (caught.value, *caught.value.args, caught.value.__cause__)
    assert any(isinstance(cause, error) for cause in causes), repr(caught.value)
    is_before = fault in {Fault.TIMEOUT_BEFORE_CHARGE, Fault.CONNECTION_RESET_BEFORE}
    assert given_back(alpha, payment_id) == (0 if is_before else amount)
    assert refund(alpha, payment_id, amount)[1]["status"] == "succeeded"
    assert given_back(alpha, payment_id) == amount


@pytest.mark.parametrize(
    ("fault", "is_given_back"),
    [(Fault.ERROR_500_BEFORE, False), (Fault.ERROR_500_AFTER_CHARGE, True)],
)
def test_a_500_says_nothing_about_the_refund(
    alpha: PracticeMerchant, payment_id, fault, is_given_back
):
    assert refund(alpha, payment_id, AMOUNT[fault])[0] == 500

    assert (given_back(alpha, payment_id) > 0) is is_given_back


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.RATE_LIMIT_429, 429),
        (Fault.NOT_PROCESSED_503, 503),
        (Fault.UNAUTHORIZED_401, 401),
    ],
)
def test_an_orderly_refusal_gives_nothing_back_however_often_it_is_tried(
    alpha: PracticeMerchant, payment_id, fault, status
):
    for _ in range(2):
        assert refund(alpha, payment_id, AMOUNT[fault])[0] == status

    assert given_back(alpha, payment_id) == 0


def test_only_the_first_account_refuses_its_key(alpha: PracticeMerchant):
    beta = PracticeMerchant(alpha.sandbox, "beta")
    _, payment = beta.pay(amount=PAID)

    assert refund(beta, payment["id"], AMOUNT[Fault.UNAUTHORIZED_401])[0] == 201


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (Fault.WRONG_AMOUNT, "amount"),
        (Fault.WRONG_CURRENCY, "currency"),
        (Fault.WRONG_REFERENCE, "reference"),
    ],
)
def test_a_wrong_answer_about_a_refund_lies_in_one_field(
    alpha: PracticeMerchant, payment_id, fault, field
):
    _, answer = refund(alpha, payment_id, AMOUNT[fault])
    _, truth = alpha.get(f"/refunds/{answer['id']}")

    assert {name for name in truth if truth[name] != answer[name]} == {field}


def test_a_refund_can_stay_without_an_answer_for_ever(alpha: PracticeMerchant, payment_id):
    for _ in range(2):
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            refund(alpha, payment_id, 81_017)

    assert given_back(alpha, payment_id) == 0


def test_a_refund_answered_byte_by_byte_breaks_off(alpha: PracticeMerchant, payment_id):
    alpha.sandbox.patch_profile("alpha", hold_s=0.6)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        refund(alpha, payment_id, AMOUNT[Fault.SLOW_DRIP])

    assert given_back(alpha, payment_id) == AMOUNT[Fault.SLOW_DRIP]


def test_a_second_refund_with_the_key_of_a_running_one_is_told_to_wait(
    alpha: PracticeMerchant, payment_id
):
    alpha.sandbox.patch_profile("alpha", slow_ms=2000)
    amount = AMOUNT[Fault.LATENCY]
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        alpha.sandbox.call(
            "alpha",
            "POST",
            f"/payments/{payment_id}/refunds",
            body={"amount": amount, "reference": "r1"},
            key="r1",
            timeout_s=0.3,
        )

    codes = []
    while (answer := refund(alpha, payment_id, amount))[0] == 409:
        codes.append(answer[1]["error"]["code"])
        time.sleep(0.02)

    assert answer[0] == 201
    assert set(codes) == {"idempotency_in_flight"}
    assert given_back(alpha, payment_id) == amount


def test_the_whole_rest_counts_as_the_amount_it_is(alpha: PracticeMerchant):
    _, payment = alpha.pay(amount=AMOUNT[RefundOutcome.PENDING_THEN_FAILED])
    status, pending = refund(alpha, payment["id"], None)
    assert (status, pending["status"]) == (201, "pending")

    assert refund(alpha, payment["id"], None) == (201, pending)


def test_a_refunds_key_is_forgotten_after_the_accounts_window(alpha: PracticeMerchant, payment_id):
    alpha.sandbox.patch_profile("alpha", idempotency_window_s=1e-6)

    first, second = (refund(alpha, payment_id, 100)[1] for _ in range(2))

    assert first["id"] != second["id"]
    assert given_back(alpha, payment_id) == 200


class TestVoids:
    """What happens to a void is decided by the amount that it gives back: the payment's."""

    def paid(self, alpha: PracticeMerchant, effect: Fault | RefundOutcome) -> str:
        return alpha.pay(amount=AMOUNT[effect])[1]["id"]

    def void(self, alpha: PracticeMerchant, payment_id: str):
        return alpha.sandbox.call(
            "alpha", "POST", f"/payments/{payment_id}/void", timeout_s=SHORT_S
        )

    @pytest.mark.parametrize(
        ("outcome", "status", "code"),
        [
            (RefundOutcome.REFUSED_402, 402, "void_refused"),
            (RefundOutcome.REFUSED_422, 422, "void_not_allowed"),
        ],
    )
    def test_a_void_can_be_refused(self, alpha: PracticeMerchant, outcome, status, code):
        payment_id = self.paid(alpha, outcome)

        got, answer = self.void(alpha, payment_id)

        assert (got, answer["error"]["code"]) == (status, code)
        assert given_back(alpha, payment_id) == 0

    @pytest.mark.parametrize(
        ("fault", "is_voided"),
        [(Fault.TIMEOUT_BEFORE_CHARGE, False), (Fault.TIMEOUT_AFTER_CHARGE, True)],
    )
    def test_the_answer_to_a_void_can_be_lost(self, alpha: PracticeMerchant, fault, is_voided):
        payment_id = self.paid(alpha, fault)

        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            self.void(alpha, payment_id)

        assert (given_back(alpha, payment_id) > 0) is is_voided
        status, voided = self.void(alpha, payment_id)
        assert (status, voided["status"]) == (200, "voided")

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (Fault.ERROR_500_AFTER_CHARGE, 500),
            (Fault.RATE_LIMIT_429, 429),
            (Fault.NOT_PROCESSED_503, 503),
        ],
    )
    def test_a_void_can_meet_an_error(self, alpha: PracticeMerchant, fault, status):
        payment_id = self.paid(alpha, fault)

        assert self.void(alpha, payment_id)[0] == status

        voided = fault is Fault.ERROR_500_AFTER_CHARGE
        assert (given_back(alpha, payment_id) > 0) is voided

    def test_the_answer_to_a_void_can_name_another_amount(self, alpha: PracticeMerchant):
        payment_id = self.paid(alpha, Fault.WRONG_AMOUNT)

        status, answer = self.void(alpha, payment_id)

        assert (status, answer["amount"]) == (200, AMOUNT[Fault.WRONG_AMOUNT] + 1)


class TestByChance:
    def test_a_share_of_refunds_fares_badly_and_always_the_same_ones(self, alpha: PracticeMerchant):
        def refused() -> list[bool]:
            alpha.sandbox.reset()
            alpha.sandbox.patch_profile("alpha", refund_faults={"refused_402": 0.4})
            _, payment = alpha.pay(amount=PAID)
            return [refund(alpha, payment["id"], 1, key=f"r{n}")[0] == 402 for n in range(60)]

        first = refused()

        assert refused() == first
        assert 10 <= sum(first) <= 40

    def test_it_strikes_voids_too(self, alpha: PracticeMerchant, payment_id):
        alpha.sandbox.patch_profile("alpha", refund_faults={"not_processed_503": 1})

        assert alpha.post(f"/payments/{payment_id}/void")[0] == 503
        assert alpha.post(f"/payments/{payment_id}/void")[0] == 200

    def test_an_account_that_flaps_refuses_refunds_while_it_is_down(
        self, alpha: PracticeMerchant, payment_id
    ):
        alpha.sandbox.patch_profile("alpha", refund_faults={"flapping": 1}, flapping_down_share=1)
        assert refund(alpha, payment_id, 5)[0] == 503
        alpha.sandbox.patch_profile("alpha", flapping_down_share=0)
        assert refund(alpha, payment_id, 5)[0] == 201

    @pytest.mark.parametrize(
        "faults", [{"late_arrival": 0.1}, {"meteor": 0.1}, {"failed": 0.6, "pending": 0.6}]
    )
    def test_what_cannot_strike_refunds_is_refused(self, alpha: PracticeMerchant, faults):
        status, answer = alpha.sandbox.send(
            "PATCH",
            "/admin/profiles/alpha",
            body={"refund_faults": faults},
            headers={"X-Sandbox-Admin": DEFAULT_ADMIN_KEY},
        )

        assert (status, answer["error"]["code"]) == (422, "invalid_profile")
