"""Every answer of the practice provider, and every broken one, to its outcome."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.money import Money
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Outcome,
    Pending,
    RequiresAction,
    Unknown,
    UnknownReason,
)
from payorch.infrastructure.gateways.connector import HttpAnswer
from payorch.infrastructure.gateways.sandbox import transform

PAYMENT = {
    "id": "alpha_pay_1",
    "reference": "pa_1",
    "amount": 1999,
    "currency": "EUR",
    "status": "approved",
    "decline": None,
    "redirect_url": None,
}


def an_answer(http_status=201, **fields) -> HttpAnswer:
    return HttpAnswer(http_status, "application/json", json.dumps(PAYMENT | fields).encode())


def an_error(status: int, code: str) -> HttpAnswer:
    body = {"error": {"type": "any", "code": code, "message": "no"}}
    return HttpAnswer(status, "application/json", json.dumps(body).encode())


def said_twice(first: str, last: str) -> HttpAnswer:
    decline = '"decline": {"scheme": "visa", "code": "91"}'
    text = json.dumps(PAYMENT | {"status": first})
    body = f'{text[:-1]}, "status": "{last}", {decline}}}'.replace('"decline": null, ', "")
    return HttpAnswer(201, "application/json", body.encode())


def a_refusal_with(http_status: int, code: str, more: dict) -> HttpAnswer:
    """An error that says "nothing was executed", and what was executed all the same."""
    body = {"error": {"type": "any", "code": code, "message": "no"}, **more}
    return HttpAnswer(http_status, "application/json", json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_x"),
        (401, "bad_api_key"),
        (404, "not_found"),
        (409, "reference_cancelled"),
        (422, "invalid_x"),
        (429, "rate_limited"),
        (503, "not_processed"),
    ],
)
@pytest.mark.parametrize(
    "more",
    [
        {"payment": PAYMENT},
        PAYMENT,
        {"data": [PAYMENT]},
        {"details": {"existing": {"id": "1", "captured_amount": 1999}}},
    ],
    ids=["beside it", "within it", "in a list", "deep in it"],
)
def test_a_refusal_that_names_a_payment_is_not_believed(status, code, more):
    outcome = read_charge(a_refusal_with(status, code, more))

    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("captured", [1999, 1, "1999", 19.99, True, [1999]])
@pytest.mark.parametrize(
    "fields",
    [
        {"status": "declined", "decline": {"scheme": "visa", "code": "91"}},
        {"status": "cancelled"},
        {"status": "pending"},
        {"status": "requires_action", "redirect_url": "https://bank.example/1"},
        {"status": "voided", "refunded_amount": 0},
    ],
    ids=lambda fields: fields["status"],
)
def test_what_captured_money_did_not_end_without_a_charge(fields, captured):
    answer = an_answer(200, captured_amount=captured, **fields)

    for outcome in (
        transform.lookup_outcome(answer, "pa_1"),
        transform.cancel_outcome(answer, "pa_1"),
        read_charge(answer),
    ):
        assert isinstance(outcome, Unknown)


def test_an_approval_that_captured_nothing_is_none():
    assert isinstance(read_charge(an_answer(captured_amount=0)), Unknown)


@pytest.mark.parametrize("payment_id", [".", ".."])
def test_an_id_that_would_lead_elsewhere_in_a_path_is_none(payment_id):
    outcome = read_charge(an_answer(id=payment_id))

    assert outcome == Unknown(UnknownReason.UNREADABLE_ANSWER, "no id")


def test_a_void_that_gave_everything_back_is_one():
    answer = an_answer(200, status="voided", captured_amount=1999, refunded_amount=1999)

    outcome = transform.lookup_outcome(answer, "pa_1")

    assert outcome == NotSent(NotSentReason.VOIDED_AT_PROVIDER)


def read_charge(answer: HttpAnswer) -> Outcome:
    return transform.charge_outcome(answer, "pa_1", Money(1999, "EUR"))


def a_decline(http_status=402, **fields) -> HttpAnswer:
    decline = fields.pop("decline", {"scheme": "visa", "code": "91"})
    return an_answer(http_status, **{"status": "declined", "decline": decline} | fields)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (an_answer(), Approved("alpha_pay_1", "pa_1", 1999, "EUR")),
        (
            an_answer(402, status="declined", decline={"scheme": "visa", "code": "05"}),
            Declined(DeclineSignal("visa", "05", None, has_card_number=True), "alpha_pay_1"),
        ),
        (
            an_answer(status="requires_action", redirect_url="https://bank.example/1"),
            RequiresAction("alpha_pay_1", "https://bank.example/1"),
        ),
        (an_answer(status="pending"), Pending("alpha_pay_1")),
        (an_error(400, "x"), NotSent(NotSentReason.INVALID_REQUEST, "x")),
        (an_error(422, "x"), NotSent(NotSentReason.INVALID_REQUEST, "x")),
        (an_error(401, "bad_api_key"), NotSent(NotSentReason.BAD_CREDENTIALS, "bad_api_key")),
        (an_error(403, "x"), NotSent(NotSentReason.BAD_CREDENTIALS, "x")),
        (an_error(429, "x"), NotSent(NotSentReason.RATE_LIMITED, "x")),
        (an_error(503, "not_processed"), NotSent(NotSentReason.NOT_PROCESSED)),
        (an_error(409, "reference_cancelled"), NotSent(NotSentReason.REFERENCE_CANCELLED)),
    ],
)
def test_a_documented_answer_means_what_is_documented(answer, outcome):
    assert read_charge(answer) == outcome


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (an_error(503, "overloaded"), UnknownReason.SERVER_ERROR),
        (an_error(500, "x"), UnknownReason.SERVER_ERROR),
        (an_error(409, "idempotency_in_flight"), UnknownReason.IN_FLIGHT),
        (an_error(409, "idempotency_mismatch"), UnknownReason.IN_FLIGHT),
        (an_error(418, "teapot"), UnknownReason.UNREADABLE_ANSWER),
        (HttpAnswer(429, "text/html", b"slow down"), UnknownReason.UNREADABLE_ANSWER),
        (HttpAnswer(502, "text/html", b"<html>"), UnknownReason.SERVER_ERROR),
        (HttpAnswer(201, "application/json", b'{"id": "al'), UnknownReason.UNREADABLE_ANSWER),
        (HttpAnswer(201, "application/json", b"[]"), UnknownReason.UNREADABLE_ANSWER),
        (HttpAnswer(201, "application/json", b"\xff\xfe"), UnknownReason.UNREADABLE_ANSWER),
        (HttpAnswer(201, "text/html", b"{}"), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(id=None), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(amount=19.99), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(amount=True), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(currency=None), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(reference=None), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(status="settled"), UnknownReason.UNSEEN_STATUS),
        (an_answer(status=None), UnknownReason.UNSEEN_STATUS),
        (an_answer(402, status="declined", decline=None), UnknownReason.UNREADABLE_ANSWER),
        (a_decline(reference="pa_2"), UnknownReason.REFERENCE_MISMATCH),
        (a_decline(reference=None), UnknownReason.UNREADABLE_ANSWER),
        (a_decline(amount=5), UnknownReason.AMOUNT_MISMATCH),
        (a_decline(currency="USD"), UnknownReason.AMOUNT_MISMATCH),
        (an_answer(200, status="cancelled", reference="pa_2"), UnknownReason.REFERENCE_MISMATCH),
        (an_answer(status="pending", reference="pa_2"), UnknownReason.REFERENCE_MISMATCH),
        (an_answer(402), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(402, status="pending"), UnknownReason.UNREADABLE_ANSWER),
        (said_twice("approved", "declined"), UnknownReason.UNREADABLE_ANSWER),
        (said_twice("declined", "approved"), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(id="x" * 121), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(id="pay\x00"), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(id="pay\ud800"), UnknownReason.UNREADABLE_ANSWER),
        (an_answer(status="requires_action"), UnknownReason.UNREADABLE_ANSWER),
        (
            an_answer(status="requires_action", redirect_url="https://bank.example/\r\nA: b"),
            UnknownReason.UNREADABLE_ANSWER,
        ),
        (
            an_answer(status="requires_action", redirect_url="javascript:alert(1)"),
            UnknownReason.UNREADABLE_ANSWER,
        ),
    ],
)
def test_anything_else_is_unknown_and_never_a_failure(answer, reason):
    outcome = read_charge(answer)

    assert isinstance(outcome, Unknown)
    assert outcome.reason is reason


@given(
    st.integers(200, 599),
    st.sampled_from(["application/json", "text/html", ""]),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["id", "status", "error", "code", "data", "payment", "decline"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ).map(lambda data: json.dumps(data).encode()),
    ),
)
def test_no_answer_breaks_a_reader_and_nothing_odd_is_an_approval(status, content_type, body):
    answer = HttpAnswer(status, content_type, body)

    for outcome in (
        read_charge(answer),
        transform.lookup_outcome(answer, "pa_1"),
        transform.find_outcome(answer, "pa_1"),
        transform.cancel_outcome(answer, "pa_1"),
    ):
        assert not isinstance(outcome, Approved)


def test_a_payment_of_another_reference_is_not_ours():
    other = an_answer(200, reference="pa_2")

    assert transform.lookup_outcome(other, "pa_1") == Unknown(UnknownReason.REFERENCE_MISMATCH)


def test_nothing_found_is_no_proof():
    nothing = HttpAnswer(200, "application/json", b'{"data": []}')

    assert transform.find_outcome(nothing, "pa_1") == Unknown(UnknownReason.NOT_FOUND)


def test_of_several_payments_the_approved_one_tells_the_truth():
    declined = PAYMENT | {"status": "declined", "decline": {"scheme": "visa", "code": "05"}}
    body = json.dumps({"data": [declined, PAYMENT]}).encode()

    outcome = transform.find_outcome(HttpAnswer(200, "application/json", body), "pa_1")

    assert outcome == Approved("alpha_pay_1", "pa_1", 1999, "EUR")


@pytest.mark.parametrize(
    ("others", "kind"),
    [
        ([{"status": "pending"}], Pending),
        ([{"status": "captured"}], Unknown),
        ([{"status": "cancelled"}], Declined),
        ([{"status": "approved", "reference": "pa_12"}], Declined),
    ],
)
def test_a_decline_speaks_for_a_reference_only_when_nothing_else_of_it_is_open(others, kind):
    declined = PAYMENT | {"status": "declined", "decline": {"scheme": "visa", "code": "05"}}
    payments = [declined, *(PAYMENT | {"id": "alpha_pay_2"} | other for other in others)]

    for order in (payments, payments[::-1]):
        body = json.dumps({"data": order}).encode()
        outcome = transform.find_outcome(HttpAnswer(200, "application/json", body), "pa_1")
        assert isinstance(outcome, kind)


def test_what_a_provider_says_about_a_decline_fits_the_ledger():
    answer = a_decline(
        decline={"scheme": "v\x00" * 40, "code": "\ud800" * 99, "advice_code": "\n" * 90}
    )

    outcome = read_charge(answer)

    assert isinstance(outcome, Declined)
    told = (outcome.signal.scheme, outcome.signal.code, outcome.signal.advice_code)
    assert told == ("v?" * 10, "?" * 60, "?" * 20)
