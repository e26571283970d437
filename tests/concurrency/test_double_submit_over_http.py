"""A hundred identical requests at once, against gunicorn with two workers, as a browser's double
click and a client's impatient retries would send them.
"""

from collections import Counter

import pytest

from tests.concurrency.racing import race
from tests.databases import open_database
from tests.shop import a_method, seed
from tests.web_process import a_payment_body, web_process


@pytest.fixture
def web(database_url, sandbox, tmp_path):
    with open_database(database_url) as database:
        seed(database, [a_method("alpha"), a_method("beta")])
    with web_process(tmp_path, database_url=database_url, sandbox_url=sandbox.base_url) as running:
        yield running


def test_a_hundred_identical_requests_make_one_order_and_one_charge(web, sandbox):
    body = a_payment_body()

    answers = race(*[lambda: web.post("/payments", body, key="impatient")] * 100)

    statuses = Counter(answer.status for answer in answers)
    assert statuses.keys() <= {201, 409}, statuses
    assert statuses[201] >= 1
    in_progress = [answer for answer in answers if answer.status == 409]
    assert {answer.body["code"] for answer in in_progress} <= {"payment_in_progress"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in in_progress)
    orders = {answer.body["order"]["id"] for answer in answers if answer.status == 201}
    assert len(orders) == 1
    [payment] = sandbox.ledger()["payments"]
    assert (payment["status"], payment["amount"]) == ("approved", 1999)

    again = web.post("/payments", body, key="impatient")

    assert again.status == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.body["order"]["id"] in orders
    assert len(sandbox.ledger()["payments"]) == 1


def test_one_key_for_many_bodies_pays_one_and_refuses_the_others(web, sandbox):
    bodies = [a_payment_body(amount_minor=1000 + number) for number in range(20)]

    answers = race(*[lambda body=body: web.post("/payments", body, key="mixed") for body in bodies])

    statuses = Counter(answer.status for answer in answers)
    assert statuses == {201: 1, 409: 19}
    assert {a.body["code"] for a in answers if a.status == 409} == {"idempotency_key_reused"}
    assert len(sandbox.ledger()["payments"]) == 1
