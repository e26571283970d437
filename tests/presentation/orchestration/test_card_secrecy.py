"""A card goes to the provider and nowhere else: not to the log, the database or an error."""

import io
import logging

import pytest
from sqlalchemy import text

from payorch.factory import wired
from payorch.infrastructure.observability import structured_logging
from payorch.presentation.orchestration.request_schemas import CardIn, PaymentIn
from tests.presentation.orchestration.conftest import INSUFFICIENT_FUNDS, a_card, an_order

CANARY = "5105105105105100"
CODE = "8264"


@pytest.fixture
def log():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    structured_logging.configure("DEBUG", stream=stream)
    yield stream
    root.handlers[:] = before[1]
    root.setLevel(before[0])


@pytest.mark.parametrize("number", [CANARY, INSUFFICIENT_FUNDS, "4300000000000033"])
def test_a_payment_leaves_no_card_behind(api, app, log, number):
    answer = api.post("/payments", an_order(card=a_card(number, cvc=CODE, holder="Ana Cliente")))

    assert answer.status_code in {200, 201}
    assert number not in answer.text + log.getvalue()
    assert "Ana Cliente" not in log.getvalue()
    assert number not in everything_stored(app)
    assert f'"{CODE}"' not in everything_stored(app)


def test_a_crash_in_the_middle_of_a_payment_leaves_no_card_behind(api, app, log, monkeypatch):
    def crash(_command):
        raise RuntimeError(f"cannot pay with {CANARY}, cvc={CODE}")

    monkeypatch.setattr(type(wired(app).services.pay_order), "execute", lambda _, c: crash(c))

    answer = api.post("/payments", an_order(card=a_card(CANARY, cvc=CODE)))

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert answer.json["incident_id"] in log.getvalue()
    assert CANARY not in answer.text + log.getvalue()
    assert CODE not in answer.text + log.getvalue().replace(answer.json["incident_id"], "")


def test_models_do_not_print_their_card():
    payment = PaymentIn.model_validate(an_order(card=a_card(CANARY, cvc=CODE)))

    assert isinstance(payment.card, CardIn)
    for shown in (repr(payment), str(payment), repr(payment.card), str(payment.card)):
        assert CANARY not in shown
        assert CODE not in shown


def everything_stored(app) -> str:
    with wired(app).database.read() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        return "\n".join(
            str(list(connection.execute(text(f"SELECT * FROM {table}"))))
            for table in tables.scalars().all()
        )
