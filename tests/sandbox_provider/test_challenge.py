from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3

from .practice_merchant import PracticeMerchant

CHALLENGE = "4200000000000018"
BACK = "https://shop.example/orders/t?lang=es"


def press(redirect_url: str, decision: str) -> urllib3.BaseHTTPResponse:
    address, _, query = redirect_url.partition("?")
    form = urlencode({"token": parse_qs(query)["token"][0], "decision": decision})
    return urllib3.request(
        "POST",
        address,
        body=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        redirect=False,
        retries=False,
    )


@pytest.mark.parametrize(
    ("decision", "end", "charged"), [("approve", "approved", [1999]), ("decline", "declined", [])]
)
def test_the_customer_decides_and_is_sent_back(alpha: PracticeMerchant, decision, end, charged):
    status, payment = alpha.pay(CHALLENGE, return_url=BACK)
    assert (status, payment["status"], payment["captured_amount"]) == (201, "requires_action", 0)

    answer = press(payment["redirect_url"], decision)

    assert answer.status == 303
    back = urlsplit(answer.headers["Location"])
    assert back.netloc == "shop.example"
    assert parse_qs(back.query) == {"lang": ["es"], "payment": [payment["id"]], "status": [end]}
    _, settled = alpha.get(f"/payments/{payment['id']}")
    assert (settled["status"], settled["redirect_url"]) == (end, None)
    assert alpha.charged() == charged


def test_the_bank_may_decline_although_the_customer_approves(alpha: PracticeMerchant):
    _, payment = alpha.pay("4200000000000042")

    press(payment["redirect_url"], "approve")

    assert alpha.get(f"/payments/{payment['id']}")[1]["decline"]["code"] == "05"


def test_a_second_press_changes_nothing(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE)
    press(payment["redirect_url"], "approve")

    press(payment["redirect_url"], "decline")

    assert alpha.get(f"/payments/{payment['id']}")[1]["status"] == "approved"


def test_a_cancelled_payment_cannot_be_approved(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE)
    alpha.post(f"/payments/{payment['id']}/cancel")

    press(payment["redirect_url"], "approve")

    assert alpha.charged() == []


def test_the_page_needs_its_token(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE)
    address = payment["redirect_url"].partition("?")[0]

    assert urllib3.request("GET", address, retries=False).status == 404
    assert press(f"{address}?token=guess", "approve").status == 404


def test_the_page_shows_what_is_paid_and_lets_nothing_else_in(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE, return_url=BACK, description="<script>alert(1)</script>")

    page = urllib3.request("GET", payment["redirect_url"], retries=False)

    html, policy = page.data.decode(), page.headers["Content-Security-Policy"]
    assert "19.99 EUR" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://shop.example" in policy


@pytest.mark.parametrize("method", ["wallet", "bank_redirect"])
def test_wallets_and_banks_always_ask_the_customer(alpha: PracticeMerchant, method):
    delta = PracticeMerchant(alpha.sandbox, "delta")

    status, payment = delta.pay(None, method=method)

    assert (status, payment["status"]) == (201, "requires_action")
    press(payment["redirect_url"], "approve")
    assert delta.charged() == [1999]


def test_a_wallets_amount_may_decide_that_it_is_declined(alpha: PracticeMerchant):
    delta = PracticeMerchant(alpha.sandbox, "delta")
    _, payment = delta.pay(None, method="wallet", amount=70_051)

    press(payment["redirect_url"], "approve")

    _, settled = delta.get(f"/payments/{payment['id']}")
    assert settled["decline"]["code"] == "51"
