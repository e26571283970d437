from typing import Any

from tests.sandbox_process import SandboxProcess

APPROVED = "4242424242424242"


def a_payment(number: str | None = APPROVED, **fields: object) -> dict[str, Any]:
    card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123", "holder": "Ana"}
    return {
        "reference": "order-1",
        "amount": 1999,
        "currency": "EUR",
        "method": "card",
        "card": None if number is None else card,
        "description": "Two books",
        "country": "ES",
        "customer": {"name": "Ana", "email": "ana@example.com"},
        "return_url": None,
        **fields,
    }


class PracticeMerchant:
    """A merchant of one account who sends a payment's reference as its idempotency key."""

    def __init__(self, sandbox: SandboxProcess, account: str) -> None:
        self.sandbox, self.account = sandbox, account

    def pay(
        self, number: str | None = APPROVED, *, key: str = "", timeout_s: float = 10, **fields: Any
    ) -> tuple[int, Any]:
        body = a_payment(number, **fields)
        return self.sandbox.call(
            self.account,
            "POST",
            "/payments",
            body=body,
            key=key or body["reference"],
            timeout_s=timeout_s,
        )

    def post(self, path: str, body: object = None, *, key: str | None = None) -> tuple[int, Any]:
        return self.sandbox.call(self.account, "POST", path, body=body, key=key)

    def get(self, path: str) -> tuple[int, Any]:
        return self.sandbox.call(self.account, "GET", path)

    def charged(self, reference: str = "order-1") -> list[int]:
        """What the ledger says was really charged under a reference."""
        return [
            payment["captured_amount"]
            for payment in self.sandbox.payments_of(reference)
            if payment["account"] == self.account and payment["captured_amount"]
        ]
