"""Requests to the practice provider that give money back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from payorch.application.refund_gateway import RefundPage, RefundRequest
from payorch.domain.refund_outcome import RefundOutcome, RefundUnknown
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.sandbox import lists
from payorch.infrastructure.gateways.sandbox.refund_transform import (
    find_outcome,
    lookup_outcome,
    payment_outcome,
    refund_outcome,
    void_outcome,
)


class SandboxRefunds:
    """One account of the practice provider. `account_url` ends in /v1."""

    def __init__(self, account_url: str, headers: Mapping[str, str]) -> None:
        self._account_url = account_url
        self._headers = dict(headers)

    def refund_request(self, request: RefundRequest) -> HttpRequest:
        """Byte-identical for the same request, with the amount always said."""
        body = {"reference": request.reference, "amount": request.money.amount_minor}
        url = f"{self._payment(request)}/refunds"
        return self._post(url, body, {"Idempotency-Key": request.reference})

    def void_request(self, request: RefundRequest) -> HttpRequest:
        return self._post(f"{self._payment(request)}/void", {}, {})

    def lookup_request(self, provider_reference: str, request: RefundRequest) -> HttpRequest:
        """Below the payment: the refund of another one is not found there."""
        refund = quote(provider_reference, safe="")
        return self._get(f"{self._payment(request)}/refunds/{refund}")

    def find_request(self, request: RefundRequest) -> HttpRequest:
        reference = quote(request.reference, safe="")
        return self._get(f"{self._account_url}/refunds?reference={reference}")

    def payment_request(self, request: RefundRequest) -> HttpRequest:
        return self._get(self._payment(request))

    def read_sent(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
        return refund_outcome(answer, request)

    def read_void(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
        return void_outcome(answer, request)

    def read_looked_up(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
        return lookup_outcome(answer, request)

    def read_found(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
        return find_outcome(answer, request)

    def read_payment(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome:
        return payment_outcome(answer, request)

    def list_request(self, since: datetime, after: str | None) -> HttpRequest:
        return self._get(f"{self._account_url}/refunds?{lists.page_query(since, after)}")

    def read_list(self, answer: HttpAnswer) -> RefundPage | RefundUnknown:
        return lists.refund_page(answer)

    def _payment(self, request: RefundRequest) -> str:
        return f"{self._account_url}/payments/{quote(request.payment_reference, safe='')}"

    def _get(self, url: str) -> HttpRequest:
        return HttpRequest("GET", url, self._headers)

    def _post(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> HttpRequest:
        content = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        return HttpRequest(
            "POST", url, {**self._headers, "Content-Type": "application/json", **headers}, content
        )
