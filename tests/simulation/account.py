"""One provider account in memory: its ledger, which is the truth about the money, and its API.

It answers as docs/practice-provider.md says and keeps to its capabilities. Time, faults and chance
are not here: who calls decides how a new payment or refund ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from payorch.domain.payment_method import Capabilities

FINAL_REFUNDS = {"succeeded", "failed"}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a new payment turns out: a status, and the code of a decline."""

    status: str
    decline_code: str | None = None


@dataclass(slots=True)
class Payment:
    """A payment in a provider's own ledger. Amounts in minor units.

    `is_lie`: it was called declined, then captured. `is_wrong`: it is not of the amount asked for.
    `is_double`: the provider charged twice for one request.
    """

    id: str
    account: str
    reference: str
    body: bytes | None
    amount: int
    currency: str
    status: str
    ends_as: str = "approved"
    decline_code: str | None = None
    captured: int = 0
    refunded: int = 0
    is_lie: bool = False
    is_wrong: bool = False
    is_double: bool = False

    @property
    def net(self) -> int:
        return self.captured - self.refunded

    @property
    def is_open(self) -> bool:
        return self.status in {"requires_action", "pending", "processing"}

    def shown(self) -> dict[str, Any]:
        decline = None
        if self.decline_code is not None:
            decline = {"scheme": "visa", "code": self.decline_code, "advice_code": None}
        needs_action = self.status == "requires_action"
        return {
            "object": "payment",
            "id": self.id,
            "account": self.account,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.currency,
            "status": self.status,
            "decline": decline,
            "redirect_url": f"http://provider/{self.id}" if needs_action else None,
            "captured_amount": self.captured,
            "refunded_amount": self.refunded,
        }

    def settle(self) -> None:
        self.status = self.ends_as
        self.captured = self.amount if self.ends_as == "approved" else 0


@dataclass(slots=True)
class Refund:
    id: str
    account: str
    payment: Payment
    reference: str
    amount: int
    status: str

    def shown(self) -> dict[str, Any]:
        return {
            "object": "refund",
            "id": self.id,
            "account": self.account,
            "payment_id": self.payment.id,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.payment.currency,
            "status": self.status,
            "failure_code": "refund_refused" if self.status == "failed" else None,
        }

    def end(self, status: str) -> None:
        """A failed one gives the amount back to what can be refunded."""
        self.status = status
        if status == "failed":
            self.payment.refunded -= self.amount


class Account:
    """`new_id` makes an id, `refund_ends` says how a new refund turns out, `on_change` is told of
    each payment or refund whose status is new, and `arrange` puts a list into some order.
    """

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        new_id: Callable[[], str],
        refund_ends: Callable[[], str] = lambda: "succeeded",
        on_change: Callable[[Payment | Refund], None] = lambda _: None,
        arrange: Callable[[list[Any]], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.in_flight: set[str] = set()
        self.tombstones: set[str] = set()
        self._by_key: dict[str, Payment] = {}
        self._refund_by_key: dict[str, Refund] = {}
        self._new_id = new_id
        self._refund_ends = refund_ends
        self.on_change = on_change
        self._arrange = arrange

    @property
    def has_keys(self) -> bool:
        return self.capabilities.idempotency_window_s > 0

    def of_reference(self, reference: str) -> list[Payment]:
        return [payment for payment in self.payments.values() if payment.reference == reference]

    def charge(self, request: HttpRequest, ending: Callable[[], Ending]) -> HttpAnswer:
        """The payment of this key: a new one with `ending`, or the one that came first."""
        key = request.headers["Idempotency-Key"] if self.has_keys else None
        first = self._by_key.get(key) if key is not None else None
        if first is not None:
            is_same = first.body == request.body
            return _charged(first) if is_same else error(409, "idempotency_mismatch")
        body = json.loads(request.body or b"{}")
        if body["reference"] in self.tombstones:
            return error(409, "reference_cancelled")
        payment = self.book(body, request.body, ending())
        if key is not None:
            self._by_key[key] = payment
        return _charged(payment)

    def book(self, body: dict[str, Any], raw: bytes | None, ending: Ending) -> Payment:
        payment = Payment(
            id=f"{self.name}_pay_{self._new_id()}",
            account=self.name,
            reference=body["reference"],
            body=raw,
            amount=body["amount"],
            currency=body["currency"],
            status=ending.status,
            decline_code=ending.decline_code,
        )
        if ending.status == "approved":
            payment.settle()
        self.payments[payment.id] = payment
        self.on_change(payment)
        return payment

    def execute(self, request: HttpRequest) -> HttpAnswer:
        """Every call but the charge."""
        url = urlsplit(request.url)
        path = url.path.split("/")[3:]
        match request.method, path:
            case "GET", ["payments" | "refunds" as kind]:
                return self._find(kind, parse_qs(url.query))
            case "GET", ["payments", payment_id]:
                payment = self.payments.get(payment_id)
                return error(404, "not_found") if payment is None else json_answer(payment.shown())
            case "GET", ["refunds", refund_id] | ["payments", _, "refunds", refund_id]:
                refund = self.refunds.get(refund_id)
                return error(404, "not_found") if refund is None else json_answer(refund.shown())
            case "POST", ["payments", "cancel"]:
                return self._cancel_reference(json.loads(request.body or b"{}")["reference"])
            case "POST", ["payments", payment_id, action]:
                payment = self.payments.get(payment_id)
                if payment is None:
                    return error(404, "not_found")
                return self._act(payment, action, request)
        return error(404, "not_found")

    def _find(self, kind: str, query: dict[str, list[str]]) -> HttpAnswer:
        everything = [*(self.payments if kind == "payments" else self.refunds).values()]
        if "reference" in query:
            if not self.capabilities.find_by_reference:
                return error(404, "unsupported")
            everything = [one for one in everything if one.reference == query["reference"][0]]
            self._arrange(everything)
        return json_answer({"data": [one.shown() for one in everything], "has_more": False})

    def _act(self, payment: Payment, action: str, request: HttpRequest) -> HttpAnswer:
        match action:
            case "cancel" if self.capabilities.cancel_by_id:
                return self._cancel(payment)
            case "refunds" if self.capabilities.refund:
                return self._refund(payment, request)
            case "void" if self.capabilities.void:
                return self._void(payment)
        return error(404, "unsupported")

    def _cancel(self, payment: Payment) -> HttpAnswer:
        if payment.is_open:
            payment.status = "cancelled"
            self.on_change(payment)
        if payment.status == "cancelled":
            return json_answer(payment.shown())
        return error(409, "not_cancellable", payment=payment.shown())

    def _cancel_reference(self, reference: str) -> HttpAnswer:
        if not self.capabilities.cancel_by_reference:
            return error(404, "unsupported")
        for payment in self.of_reference(reference):
            answer = self._cancel(payment)
            if answer.status != 200:
                return answer
        self.tombstones.add(reference)
        return json_answer({"reference": reference, "status": "cancelled"})

    def _refund(self, payment: Payment, request: HttpRequest) -> HttpAnswer:
        key = request.headers.get("Idempotency-Key") if self.has_keys else None
        if key is not None and key in self._refund_by_key:
            return json_answer(self._refund_by_key[key].shown(), 201)
        body = json.loads(request.body or b"{}")
        if payment.status != "approved":
            return error(409, "not_refundable", payment=payment.shown())
        amount = body.get("amount") or payment.net
        if not 0 < amount <= payment.net:
            return error(422, "amount_too_large")
        status = self._refund_ends()
        refund = Refund(
            f"{self.name}_ref_{self._new_id()}",
            self.name,
            payment,
            body["reference"],
            amount,
            "pending",
        )
        payment.refunded += amount
        if status in FINAL_REFUNDS:
            refund.end(status)
        self.refunds[refund.id] = refund
        if key is not None:
            self._refund_by_key[key] = refund
        self.on_change(refund)
        return json_answer(refund.shown(), 201)

    def _void(self, payment: Payment) -> HttpAnswer:
        if payment.status == "approved" and payment.refunded == 0:
            payment.status, payment.refunded = "voided", payment.captured
            self.on_change(payment)
        if payment.status == "voided":
            return json_answer(payment.shown())
        return error(409, "not_voidable", payment=payment.shown())


def json_answer(body: dict[str, Any], status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(body).encode())


def error(status: int, code: str, **more: object) -> HttpAnswer:
    told = {"type": "error", "code": code, "message": "", "param": None}
    return json_answer({"error": told, **more}, status)


def _charged(payment: Payment) -> HttpAnswer:
    return json_answer(payment.shown(), 402 if payment.status == "declined" else 201)
