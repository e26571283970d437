"""Who asks too often is told when to come back: at the checkout, order pages, API, exports."""

import pytest
from sqlalchemy import text

from tests.presentation.backoffice.office import Office
from tests.presentation.populated_office import BEARER, TOKEN

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def open_site(database_url):
    opened = []

    def open_one(**limits):
        opened.append(Office(database_url, api_token=TOKEN, **limits))
        return opened[-1]

    yield open_one
    for site in opened:
        site.close()


def press_pay(
    site, *, email="ana@example.com", number="4242 4242 4242 4242", code="123", **options
):
    """A form with all that it needs but a provider to take it."""
    form = {
        "amount": "12.50", "currency": "EUR", "description": "Invoice 7", "country": "DE",
        "provider": "", "name": "Ana Lopez", "email": email,
        "card_number": number, "card_expiry": "09/39", "card_cvc": code,
        "card_holder": "",
    }  # fmt: skip
    visitor = site.visitor()
    page = visitor.get("/checkout").text
    submit_key = page.split('name="submit_key"')[1].split('value="')[1].split('"')[0]
    return visitor.post(
        "/checkout", {**form, "submit_key": submit_key}, token_from="/checkout", **options
    )


def is_refused(answer):
    return answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_presses_of_pay_are_limited_for_each_address(open_site):
    site = open_site(max_checkouts_per_address=2)

    answers = [
        press_pay(site, email=f"a{number}@example.com", environ_overrides=ELSEWHERE)
        for number in range(3)
    ]

    assert [is_refused(answer) for answer in answers] == [False, False, True]
    assert "Please wait a while" in answers[-1].text
    assert not is_refused(press_pay(site, environ_overrides={"REMOTE_ADDR": "203.0.113.10"}))


def test_presses_of_pay_are_limited_for_each_email_from_wherever(open_site):
    site = open_site(max_checkouts_per_email=2)

    answers = [
        press_pay(site, email=email, environ_overrides={"REMOTE_ADDR": f"203.0.113.{number}"})
        for number, email in enumerate(["ana@example.com", "ANA@example.com", "ana@Example.com"])
    ]

    assert [is_refused(answer) for answer in answers] == [False, False, True]


def test_a_database_that_counts_nothing_keeps_nobody_from_paying(open_site):
    site = open_site(max_checkouts_per_address=1, max_checkouts_per_email=1)
    with site.database.tx() as connection:
        connection.execute(text("DROP TABLE login_counts"))

    assert not any(is_refused(press_pay(site, environ_overrides=ELSEWHERE)) for _ in range(3))


def test_guessing_links_to_orders_is_limited_and_then_tells_nothing(open_site):
    site = open_site(max_lookups_per_address=3)
    visitor = site.visitor()

    def look(token, path="/orders/{}"):
        return visitor.get(path.format(token), environ_overrides=ELSEWHERE)

    assert [look(f"guess{number}").status_code for number in range(4)] == [404, 404, 404, 429]
    assert is_refused(look("guess", "/orders/{}/status.json"))
    assert is_refused(look("guess", "/checkout/{}"))
    assert visitor.get("/orders/guess").status_code == 404


def test_calls_of_the_api_are_limited_for_each_key(open_site):
    site = open_site(max_api_calls_per_min=2)
    client = site.visitor().client

    answers = [client.get("/api/v1/payment-methods", headers=BEARER) for _ in range(3)]

    assert [is_refused(answer) for answer in answers] == [False, False, True]
    assert answers[-1].mimetype == "application/problem+json"
    assert answers[-1].json["code"] == "too_many_requests"


def test_exports_are_limited_for_each_person(open_site):
    site = open_site(max_exports_per_hour=2)
    olga, vera = site.logged_in("olga"), site.logged_in("vera")

    answers = [olga.get("/admin/dashboard/volume.csv") for _ in range(3)]

    assert [is_refused(answer) for answer in answers] == [False, False, True]
    assert vera.get("/admin/dashboard/volume.csv").status_code == 200
    assert olga.get("/admin/dashboard/").status_code == 200
