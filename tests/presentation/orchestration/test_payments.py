import pytest
from sqlalchemy import update

from payorch.domain.settlement import FLAG_LATE_APPROVAL
from payorch.factory import wired
from payorch.infrastructure.persistence.tables import OrderRow
from payorch.presentation.orchestration.answer_schemas import PaymentOut
from tests.presentation.orchestration.conftest import (
    CHALLENGE,
    FIRST_ACCOUNT_NOT_PROCESSED,
    INSUFFICIENT_FUNDS,
    ON_BOTH_DATABASES,
    PENDING_THEN_APPROVED,
    a_card,
    an_order,
)

TIMEOUT_TO_ANY_TRY = "4100000000000175"

pytestmark = ON_BOTH_DATABASES


def test_an_order_is_paid(api):
    order = api.post("/orders", an_order()).json

    answer = api.post(f"/orders/{order['id']}/pay", {"card": a_card()})

    assert (answer.status_code, answer.json["result"]) == (200, "paid")
    assert answer.json["order"]["status"] == "paid"
    [transaction] = answer.json["order"]["transactions"]
    assert (transaction["provider"], transaction["status"]) == ("alpha", "approved")
    assert transaction["card"] == {"brand": "visa", "last4": "4242"}
    assert api.get(f"/orders/{order['id']}").json == answer.json["order"]
    PaymentOut.model_validate(answer.json)


def test_order_and_payment_in_one_request(api):
    answer = api.post("/payments", an_order(card=a_card()))

    assert (answer.status_code, answer.json["result"]) == (201, "paid")
    assert answer.headers["Location"] == f"/api/v1/orders/{answer.json['order']['id']}"
    PaymentOut.model_validate(answer.json)


def test_a_decline_is_a_result_and_says_what_the_customer_can_do(api):
    answer = api.post("/payments", an_order(card=a_card(INSUFFICIENT_FUNDS)))

    assert (answer.status_code, answer.json["result"]) == (200, "declined")
    assert answer.json["customer_message_key"] == "insufficient_funds"
    [transaction] = answer.json["order"]["transactions"]
    assert transaction["decline"] == {"reason": "insufficient_funds", "class": "issuer_decline"}
    PaymentOut.model_validate(answer.json)


def test_an_order_with_a_flag_is_never_told_as_not_charged(api, app):
    """What a provider may have charged all the same is given back, or finance looks at it."""
    body = an_order(card=a_card(INSUFFICIENT_FUNDS))
    declined = api.post("/payments", body, key="later-flagged")
    with wired(app).database.tx() as connection:
        connection.execute(
            update(OrderRow)
            .where(OrderRow.public_id == declined.json["order"]["id"])
            .values(flag=FLAG_LATE_APPROVAL)
        )

    replayed = api.post("/payments", body, key="later-flagged")

    assert (declined.json["result"], replayed.json["result"]) == ("declined", "not_paid")
    assert replayed.json["order"]["flag"] == FLAG_LATE_APPROVAL
    PaymentOut.model_validate(replayed.json)


def test_a_declined_order_can_be_paid_with_another_card(api):
    declined = api.post("/payments", an_order(card=a_card(INSUFFICIENT_FUNDS))).json

    answer = api.post(f"/orders/{declined['order']['id']}/pay", {"card": a_card()})

    assert answer.json["result"] == "paid"
    assert [t["status"] for t in answer.json["order"]["transactions"]] == ["declined", "approved"]


def test_the_next_provider_pays_when_the_first_did_not_process(api):
    answer = api.post("/payments", an_order(card=a_card(FIRST_ACCOUNT_NOT_PROCESSED)))

    assert answer.json["result"] == "paid"
    first, second = answer.json["order"]["transactions"]
    assert (first["status"], first["technical_reason"]) == ("not_sent", "not_processed")
    assert (second["status"], second["attempt"]) == ("approved", 2)


def test_the_chosen_provider_is_tried_first(api):
    answer = api.post("/payments", an_order(card=a_card(), provider="gamma"))

    assert [t["provider"] for t in answer.json["order"]["transactions"]] == ["gamma"]


def test_a_challenge_sends_the_customer_away_and_is_not_paid_yet(api):
    answer = api.post("/payments", an_order(card=a_card(CHALLENGE)))

    assert (answer.status_code, answer.json["result"]) == (202, "action_required")
    assert answer.json["redirect_url"].startswith("http://127.0.0.1:")
    assert answer.headers["Retry-After"] == "2"
    assert answer.json["order"]["status"] == "processing"


def test_a_wallet_needs_no_card(api):
    answer = api.post("/payments", an_order(provider="delta"))

    assert (answer.status_code, answer.json["result"]) == (202, "action_required")


def test_a_payment_that_settles_later_is_accepted_and_not_called_paid(api):
    answer = api.post("/payments", an_order(card=a_card(PENDING_THEN_APPROVED)))

    assert (answer.status_code, answer.json["result"]) == (202, "confirming")
    assert answer.json["order"]["status"] == "processing"
    assert answer.headers["Location"].endswith(answer.json["order"]["id"])


def test_an_order_is_not_paid_twice(api):
    order = api.post("/payments", an_order(card=a_card())).json["order"]

    answer = api.post(f"/orders/{order['id']}/pay", {"card": a_card()})

    assert (answer.status_code, answer.json["code"]) == (409, "order_already_paid")


def test_an_order_that_no_method_takes_says_why_for_each(api):
    answer = api.post("/payments", an_order(amount_minor=40_000_000, country="JP", currency="USD"))

    assert (answer.status_code, answer.json["code"]) == (422, "no_provider_for_order")
    assert answer.json["reasons"]["alpha"] == "country_not_served"
    assert answer.json["reasons"]["beta"] == "other_payment_kind"


@pytest.mark.parametrize("path", ["/payments", "/orders/{id}/pay"])
def test_a_misspelled_provider_is_refused_and_not_replaced(api, path):
    order = api.post("/orders", an_order()).json
    body = an_order(provider="alfa", card=a_card()) if path == "/payments" else {"provider": "alfa"}

    answer = api.post(path.format(id=order["id"]), body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["loc"] == ["provider"]


def test_paying_an_order_that_is_not_there_is_not_found(api):
    answer = api.post("/orders/po_nothing/pay", {"card": a_card()})

    assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")


def test_customer_and_country_of_the_payment_replace_those_of_the_order(api, sandbox):
    order = api.post("/orders", an_order(currency="BRL")).json
    customer = {
        "name": "João",
        "email": "joao@example.com",
        "fields": {"document_type": "CPF", "document_number": "1"},
    }

    answer = api.post(
        f"/orders/{order['id']}/pay",
        {"card": a_card(), "provider": "beta_latam", "country": "BR", "customer": customer},
    )

    assert answer.json["result"] == "paid"
    assert answer.json["order"]["country"] == "BR"
    assert answer.json["order"]["transactions"][0]["provider"] == "beta_latam"
