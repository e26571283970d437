import re
from html import unescape
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


def links_of(payment: dict) -> dict[str, str]:
    html = urllib3.request("GET", payment["redirect_url"], retries=False).data.decode()
    return {text: unescape(url) for url, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', html)}


def test_a_customer_may_leave_without_deciding_and_come_back(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE, return_url=BACK)

    left = parse_qs(urlsplit(links_of(payment)["Leave without deciding"]).query)

    assert left == {"lang": ["es"], "payment": [payment["id"]], "status": ["requires_action"]}
    assert alpha.get(f"/payments/{payment['id']}")[1]["status"] == "requires_action"
    press(payment["redirect_url"], "approve")
    assert alpha.charged() == [1999]


def test_a_faked_success_charges_nothing(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE, return_url=BACK)

    address = urlsplit(links_of(payment)["Come back with a faked success"])

    assert address.netloc == "shop.example"
    assert parse_qs(address.query)["status"] == ["success"]
    assert parse_qs(address.query)["payment"] == [payment["id"]]
    assert alpha.get(f"/payments/{payment['id']}")[1]["status"] == "requires_action"
    assert alpha.charged() == []


def test_a_tab_that_was_closed_can_be_opened_again(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE)
    pages = [urllib3.request("GET", payment["redirect_url"], retries=False) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]

    press(payment["redirect_url"], "approve")

    after = urllib3.request("GET", payment["redirect_url"], retries=False).data.decode()
    assert "This payment is approved" in after
    assert "<button" not in after


def test_a_page_without_a_way_back_has_no_links(alpha: PracticeMerchant):
    _, payment = alpha.pay(CHALLENGE)

    assert links_of(payment) == {}
    assert "approved" in press(payment["redirect_url"], "approve").data.decode()


@pytest.mark.parametrize("decision", ["", "success", "Approve"])
def test_what_is_neither_approve_nor_decline_decides_nothing(alpha: PracticeMerchant, decision):
    _, payment = alpha.pay(CHALLENGE)

    assert press(payment["redirect_url"], decision).status == 422

    assert alpha.get(f"/payments/{payment['id']}")[1]["status"] == "requires_action"
