"""The real application under impatient customers, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from payorch.config import Settings
from payorch.factory import create_app, wired
from payorch.infrastructure.demo_providers import publish_first_policy, seed_methods
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from tests.presentation.checkout.conftest import GOOD_FORM, hidden_fields

PRESSES = 6


@pytest.fixture
def app(database_url, sandbox):
    settings = Settings(database_url=database_url, sandbox_url=sandbox.base_url, log_level="DEBUG")
    app = create_app(settings)
    database, now = wired(app).database, datetime.now(UTC)
    seed_methods(SqlAlchemyPaymentMethodRepository(database), at=now)
    publish_first_policy(SqlAlchemyRoutingPolicyRepository(database), at=now)
    yield app
    database.engine.dispose()


def charged(sandbox):
    return [p for p in sandbox.ledger()["payments"] if p["status"] == "approved"]


def press_together(app, cookies, url, form):
    def press(_number):
        client = app.test_client()
        for name, value in cookies.items():
            client.set_cookie(name, value)
        return client.post(url, data=form)

    with ThreadPoolExecutor(PRESSES) as pool:
        return list(pool.map(press, range(PRESSES)))


def cookies_of(client):
    return {cookie.key: cookie.value for cookie in client._cookies.values()}


def test_form_sent_many_times_at_once_makes_one_order_and_one_charge(app, client, sandbox):
    form = {**GOOD_FORM, **hidden_fields(client.get("/checkout").text)}

    answers = press_together(app, cookies_of(client), "/checkout", form)

    taken = {answer.location for answer in answers if answer.status_code == 303}
    assert len(taken) == 1
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert len(charged(sandbox)) == 1
    assert "Thank you" in client.get(taken.pop()).text


def test_two_tabs_of_one_order_charge_once(app, client, sandbox):
    form = {**GOOD_FORM, **hidden_fields(client.get("/checkout").text)}
    declined = {**form, "card_number": "4000 0000 0000 0515"}
    order_url = client.post("/checkout", data=declined).location
    pay_url = order_url.replace("/orders/", "/checkout/")
    tabs = [{**GOOD_FORM, **hidden_fields(client.get(order_url).text)} for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        cookies = cookies_of(client)
        answers = list(pool.map(lambda tab: press_together(app, cookies, pay_url, tab)[0], tabs))

    assert {answer.location for answer in answers} == {order_url}
    assert len(charged(sandbox)) == 1


def test_same_form_with_other_data_pays_nothing_more(app, client, sandbox):
    form = {**GOOD_FORM, **hidden_fields(client.get("/checkout").text)}
    order_url = client.post("/checkout", data=form).location

    answer = client.post("/checkout", data={**form, "amount": "99"})

    assert answer.status_code == 409
    assert f'href="{order_url}"' in answer.text
    assert len(charged(sandbox)) == 1
