import sqlite3
from pathlib import Path

from tests.sandbox_process import sandbox_process

from .practice_merchant import PracticeMerchant

# The tables as the first version made them, with a payment and a refund of that time.
FIRST_VERSION = """
CREATE TABLE payments (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
    reference TEXT NOT NULL, idempotency_key TEXT, fingerprint TEXT NOT NULL,
    method TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    captured_amount INTEGER NOT NULL CHECK (captured_amount BETWEEN 0 AND amount),
    refunded_amount INTEGER NOT NULL CHECK (refunded_amount BETWEEN 0 AND captured_amount),
    status TEXT NOT NULL, ends_as TEXT NOT NULL, decline_scheme TEXT, decline_code TEXT,
    decline_advice TEXT, settle_at REAL, challenge_token TEXT, return_url TEXT,
    description TEXT NOT NULL, card_brand TEXT, card_bin TEXT, card_last4 TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (account, idempotency_key));
CREATE INDEX payments_by_reference ON payments (account, reference);
CREATE TABLE refunds (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payments (id), reference TEXT NOT NULL,
    idempotency_key TEXT, amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL,
    status TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (account, idempotency_key));
CREATE INDEX refunds_by_reference ON refunds (account, reference);
CREATE TABLE tombstones (account TEXT NOT NULL, reference TEXT NOT NULL,
    created_at TEXT NOT NULL, PRIMARY KEY (account, reference)) WITHOUT ROWID;
CREATE TABLE strikes (account TEXT NOT NULL, reference TEXT NOT NULL,
    PRIMARY KEY (account, reference)) WITHOUT ROWID;
CREATE TABLE arrivals (number INTEGER PRIMARY KEY, due_at REAL NOT NULL, payment TEXT NOT NULL);
INSERT INTO payments VALUES (1, 'alpha_pay_1', 'alpha', 'order-1', 'order-1', 'f', 'card', 1999,
    'EUR', 1999, 500, 'approved', 'approved', 'visa', NULL, NULL, NULL, NULL, NULL, 'Two books',
    'visa', '424242', '4242', '2025-01-01T00:00:00.000000+00:00',
    '2025-01-01T00:00:00.000000+00:00');
INSERT INTO refunds VALUES (1, 'alpha_ref_1', 'alpha', 'alpha_pay_1', 'r1', 'r1', 500, 'EUR',
    'succeeded', '2025-01-02T00:00:00.000000+00:00');
INSERT INTO arrivals VALUES (1, 0.5, '{"id": "alpha_pay_2", "account": "alpha",
    "reference": "order-2", "idempotency_key": "order-2", "fingerprint": "f", "method": "card",
    "amount": 700, "currency": "EUR", "captured_amount": 700, "refunded_amount": 0,
    "status": "approved", "ends_as": "approved", "decline_scheme": "visa", "decline_code": null,
    "decline_advice": null, "settle_at": null, "challenge_token": null, "return_url": null,
    "description": "", "card_brand": "visa", "card_bin": "424242", "card_last4": "4242",
    "created_at": "2025-01-01T00:00:00.000000+00:00",
    "updated_at": "2025-01-01T00:00:00.000000+00:00"}');
"""


def test_a_file_of_the_first_version_goes_on_working(tmp_path: Path):
    with sqlite3.connect(tmp_path / "practice-provider.sqlite3") as connection:
        connection.executescript(FIRST_VERSION)
    connection.close()

    for given_back in (500, 900):
        with sandbox_process(tmp_path) as sandbox:
            alpha = PracticeMerchant(sandbox, "alpha")
            status, payment = alpha.get("/payments/alpha_pay_1")
            assert (status, payment["refunded_amount"]) == (200, given_back)
            status, refund = alpha.get("/refunds/alpha_ref_1")
            assert (status, refund["status"], refund["failure_code"]) == (200, "succeeded", None)
            assert refund["updated_at"] == refund["created_at"]
            sandbox.land_late_arrivals()
            assert alpha.charged("order-2") == [700]
            assert alpha.pay(reference="order-3")[0] == 201
            path, body = "/payments/alpha_pay_1/refunds", {"amount": 400, "reference": "r2"}
            assert alpha.post(path, body, key="r2")[1]["status"] == "succeeded"
