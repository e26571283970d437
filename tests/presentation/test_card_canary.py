"""After all that can happen to a payment, no card number and no code is anywhere (S25).

Not only the cards that were used are looked for: whatever looks like a card number counts.
"""

import io
import logging
import re

import pytest

from payorch.factory import wired
from payorch.infrastructure.jobs import drain
from payorch.infrastructure.observability import structured_logging
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS
from tests.presentation.every_request import everything_stored
from tests.presentation.orchestration.conftest import (
    APPROVED,
    CHALLENGE,
    FIRST_ACCOUNT_NOT_PROCESSED,
    INSUFFICIENT_FUNDS,
    PENDING_THEN_APPROVED,
    a_card,
    an_order,
)
from tests.presentation.populated_office import BEARER, PopulatedOffice
from tests.presentation.test_request_limits_on_pages import press_pay

CODE = "8264"
TIMEOUT_AFTER_CHARGE = "4100000000000027"
NUMBERS = (
    APPROVED,
    CHALLENGE,
    FIRST_ACCOUNT_NOT_PROCESSED,
    INSUFFICIENT_FUNDS,
    PENDING_THEN_APPROVED,
    TIMEOUT_AFTER_CHARGE,
    "5105105105105100",
)

_LIKE_A_CARD = re.compile(r"(?<![0-9A-Za-z_.=])[2-6](?:[ -]?\d){12,18}(?![0-9A-Za-z_])")
_TYPED_CARD = re.compile(r'<input[^>]*name="card_(number|cvc)"[^>]*value="[^"]')
_CODE = re.compile(rf"(?<![0-9A-Za-z.]){CODE}(?![0-9A-Za-z])")


def has_luhn_digit(digits: str) -> bool:
    doubled = [int(it) * 2 for it in digits[-2::-2]]
    total = sum(int(it) for it in digits[-1::-2]) + sum(it // 10 + it % 10 for it in doubled)
    return total % 10 == 0


def cards_in(text: str) -> set[str]:
    found = {re.sub(r"\D", "", it) for it in _LIKE_A_CARD.findall(text)}
    return {it for it in found if has_luhn_digit(it)} | {it for it in NUMBERS if it in text}


@pytest.fixture
def log():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield stream
    root.handlers[:] = before[1]
    root.setLevel(before[0])


@pytest.fixture
def office(database_url, sandbox, tmp_path, log):
    opened = PopulatedOffice(
        database_url,
        sandbox.base_url,
        mail_backend="file",
        mail_folder=str(tmp_path / "mail"),
        log_level="DEBUG",
    )
    structured_logging.configure("DEBUG", stream=log)
    yield opened
    opened.close()


def test_the_scanner_finds_a_card_however_it_is_written():
    for text in (APPROVED, "4242 4242 4242 4242", "{'n': '4242-4242-4242-4242'}"):
        assert cards_in(f"before {text} after") == {APPROVED}
    assert (
        cards_in("4242424242424241 and 1764535490093 and po_4242424242424242aa") - {APPROVED}
        == set()
    )


def test_no_card_is_left_anywhere(office, log, tmp_path):
    client, seen = office.visitor().client, []

    def note(answer):
        seen.append(f"{answer.headers}\n{answer.text}")
        return answer

    for place, number in enumerate(NUMBERS):
        body = an_order(card=a_card(number, cvc=CODE, holder="Ana Cliente"))
        headers = BEARER | {"Idempotency-Key": f"canary-{place}"}
        paid = note(client.post("/api/v1/payments", json=body, headers=headers))
        assert paid.status_code in {200, 201, 202}, paid.text
        note(client.post("/api/v1/payments", json=body, headers=headers))
        note(client.post("/api/v1/payments", json=body | {"amount_minor": 7}, headers=headers))
        order = paid.json["order"]["id"] if "order" in paid.json else paid.json["id"]
        note(
            client.post(
                f"/api/v1/orders/{order}/refunds",
                json={"amount_minor": 100, "reason": "too small"},
                headers=BEARER | {"Idempotency-Key": f"refund-{place}"},
            )
        )
        note(client.get(f"/api/v1/orders/{order}", headers=BEARER))
        answer = note(press_pay(office, number=number))
        if answer.status_code == 303 and answer.location.startswith("/orders/"):
            for path in ("", "/return", "/status.json"):
                note(client.get(f"{answer.location}{path}"))
        note(press_pay(office, number=number, email="no address"))
        office.let_go()
    drain(wired(office.app).background, with_schedules=True)
    ada, finn = office.logged_in("ada"), office.logged_in("finn")
    for page in ("orders/", "transactions/", "refunds/", "emails/", "provider-events/"):
        note(finn.get(f"/admin/{page}"))
    note(ada.get("/admin/journal/"))
    note(ada.get("/admin/jobs/"))

    letters = "".join(
        path.read_bytes().decode(errors="replace") for path in (tmp_path / "mail").rglob("*.*")
    )
    stored = str(everything_stored(office.database))
    assert "4242" in stored
    assert letters
    # The checkout's list of practice cards is shown on purpose.
    practice = {card.number for card in MAGIC_CARDS}
    assert cards_in(stored) == set()
    assert cards_in(log.getvalue()) == set()
    assert cards_in(letters) == set()
    assert cards_in("".join(seen)) <= practice
    assert not [text for text in seen if _TYPED_CARD.search(text)]
    for text in (stored, log.getvalue(), letters, *seen):
        assert _CODE.search(text) is None
