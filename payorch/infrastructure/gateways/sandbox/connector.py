"""Requests to the practice provider."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from payorch.application.provider_gateway import ChargeRequest, PaymentPage
from payorch.domain.outcome import Outcome, Unknown
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.sandbox import lists, transform
from payorch.infrastructure.gateways.sandbox.refunds import SandboxRefunds


class SandboxConnector:
    """One account of the practice provider. `method` is what the account's payments are."""

    def __init__(self, *, base_url: str, account: str, api_key: str, method: str) -> None:
        self._payments = f"{base_url}/{quote(account, safe='')}/v1/payments"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._method = method
        self.refunds = SandboxRefunds(f"{base_url}/{quote(account, safe='')}/v1", self._headers)

    def charge_request(self, request: ChargeRequest) -> HttpRequest:
        """Byte-identical for the same request: a replay must be the same to the provider."""
        body = {
            "reference": request.reference,
            "amount": request.money.amount_minor,
            "currency": request.money.currency,
            "method": self._method,
            "card": _card(request),
            "description": request.description,
            "country": request.country,
            "customer": _customer(request),
            "return_url": request.return_url,
            "metadata": {} if request.order_id is None else {"order": request.order_id},
        }
        return self._post(self._payments, body, {"Idempotency-Key": request.reference})

    def read_charge(self, answer: HttpAnswer, request: ChargeRequest) -> Outcome:
        return transform.charge_outcome(answer, request.reference, request.money)

    def read_request(self, provider_reference: str) -> HttpRequest:
        return HttpRequest("GET", self._payment(provider_reference), self._headers)

    def find_request(self, our_reference: str) -> HttpRequest:
        url = f"{self._payments}?reference={quote(our_reference, safe='')}"
        return HttpRequest("GET", url, self._headers)

    def cancel_request(self, provider_reference: str) -> HttpRequest:
        return self._post(f"{self._payment(provider_reference)}/cancel", {}, {})

    def cancel_by_reference_request(self, our_reference: str) -> HttpRequest:
        return self._post(f"{self._payments}/cancel", {"reference": our_reference}, {})

    def read_lookup(self, answer: HttpAnswer, our_reference: str) -> Outcome:
        return transform.lookup_outcome(answer, our_reference)

    def read_find(self, answer: HttpAnswer, our_reference: str) -> Outcome:
        return transform.find_outcome(answer, our_reference)

    def read_cancel(self, answer: HttpAnswer, our_reference: str) -> Outcome:
        return transform.cancel_outcome(answer, our_reference)

    def list_request(self, since: datetime, after: str | None) -> HttpRequest:
        url = f"{self._payments}?{lists.page_query(since, after)}"
        return HttpRequest("GET", url, self._headers)

    def read_list(self, answer: HttpAnswer) -> PaymentPage | Unknown:
        return lists.payment_page(answer)

    def _payment(self, provider_reference: str) -> str:
        return f"{self._payments}/{quote(provider_reference, safe='')}"

    def _post(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> HttpRequest:
        content = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        return HttpRequest(
            "POST", url, {**self._headers, "Content-Type": "application/json", **headers}, content
        )


def _card(request: ChargeRequest) -> dict[str, Any] | None:
    card = request.instrument
    if card is None:
        return None
    return {
        "number": card.number,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "cvc": card.cvc,
        "holder": card.holder,
    }


def _customer(request: ChargeRequest) -> dict[str, str] | None:
    customer = request.customer
    if customer is None:
        return None
    return {**customer.fields, "name": customer.name, "email": customer.email}
