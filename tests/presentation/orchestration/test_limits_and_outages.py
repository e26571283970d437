"""Too much, and nothing works: what a client hears, and that nothing was sent meanwhile."""

from pathlib import Path

import pytest

from payorch.factory import wired
from payorch.wiring import Seams
from tests.presentation.orchestration.conftest import (
    INSUFFICIENT_FUNDS,
    Api,
    a_card,
    an_app,
    an_order,
)


def test_an_order_that_is_tried_too_often_has_to_wait(sqlite_files, sandbox):
    url = sqlite_files.new_database_url()
    with an_app(url, sandbox_url=sandbox.base_url, max_submissions_per_hour=2) as app:
        api = Api(app.test_client())
        order = api.post("/orders", an_order()).json
        body = {"card": a_card(INSUFFICIENT_FUNDS)}

        answers = [api.post(f"/orders/{order['id']}/pay", body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json["code"] == "too_many_submissions"
    assert int(answers[2].headers["Retry-After"]) > 0
    assert len(sandbox.ledger()["payments"]) == 2


@pytest.fixture
def api_without_database(sqlite_files, sandbox):
    url = sqlite_files.new_database_url()
    with an_app(url, sandbox_url=sandbox.base_url) as app:
        take_away(app, url)
        yield Api(app.test_client())


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("post", "/orders", "ledger_unavailable"),
        ("post", "/payments", "ledger_unavailable"),
        ("post", "/orders/po_1/pay", "ledger_unavailable"),
        ("get", "/orders/po_1", "database_unavailable"),
        ("get", "/orders/po_1/payment-methods", "database_unavailable"),
    ],
)
def test_without_a_database_nothing_is_sent_and_the_client_may_come_back(
    api_without_database, sandbox, method, path, code
):
    body = {"card": a_card()} if path.endswith("/pay") else an_order()
    arguments = (path,) if method == "get" else (path, body)

    answer = getattr(api_without_database, method)(*arguments)

    assert (answer.status_code, answer.json["code"]) == (503, code)
    assert int(answer.headers["Retry-After"]) > 0
    assert sandbox.ledger()["payments"] == []


@pytest.mark.parametrize("is_new", [True, False], ids=["new order", "existing order"])
def test_a_database_lost_after_paying_never_makes_the_answer_say_that_nothing_was_sent(
    sqlite_files, sandbox, is_new
):
    url = sqlite_files.new_database_url()

    def lose_the_database(step: str) -> None:
        if step == "after_record":
            take_away(app, url)

    seams = Seams(checkpoint=lose_the_database)
    with an_app(url, sandbox_url=sandbox.base_url, seams=seams) as app:
        api = Api(app.test_client())
        if is_new:
            # What was written is known: nothing has to be read for the answer.
            answer = api.post("/payments", an_order(card=a_card()))
            assert (answer.status_code, answer.json["result"]) == (201, "paid")
            return
        order = api.post("/orders", an_order()).json["id"]
        answer = api.post(f"/orders/{order}/pay", {"card": a_card()})

    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert "order" in answer.json["detail"]
    assert len(sandbox.ledger()["payments"]) == 1


def take_away(app, url):
    wired(app).database.engine.dispose()
    file = Path(url.removeprefix("sqlite:///"))
    file.unlink()
    file.mkdir()
