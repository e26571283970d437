"""Providers in memory: the practice provider's API (docs/practice-provider.md), without HTTP.

Each account has a ledger of its own, which is the truth about the money, and capabilities, which
are what it keeps to: keys, tombstones, search. A charge takes time: it arrives, is in flight, and
is made. What comes of it, and what goes wrong on the way, is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from payorch.domain.payment_method import Capabilities
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from tests.simulation.world import World

KINDS = {
    "keys and tombstones": Capabilities(
        idempotency_window_s=86_400,
        find_by_reference=True,
        cancel_by_reference=True,
        cancel_by_id=True,
        void=True,
        refund=True,
    ),
    "keys": Capabilities(
        idempotency_window_s=86_400, find_by_reference=True, cancel_by_id=True, refund=True
    ),
    "tombstones": Capabilities(
        find_by_reference=True, cancel_by_reference=True, cancel_by_id=True, void=True, refund=True
    ),
    "search": Capabilities(find_by_reference=True, refund=True),
    "nothing": Capabilities(),
}
"""What providers offer, from everything to nothing at all."""

ENDINGS = {
    "approved": 0.56,
    "declined 05": 0.15,
    "declined 51": 0.06,
    "declined 43": 0.03,
    "declined 94": 0.03,
    "requires_action": 0.09,
    "pending": 0.08,
}

CHARGE_FAULTS = (
    "500 before",
    "500 after",
    "truncated",
    "wrong amount",
    "wrong currency",
    "wrong reference",
    "429",
    "503",
    "slow",
    "slow",
    "captures another amount",
)
LOOKUP_FAULTS = ("500 before", "500 after", "truncated", "429", "503", "wrong reference")

Reply = Callable[[HttpAnswer], None]


@dataclass(slots=True)
class Payment:
    """A payment in a provider's own ledger.

    `is_lie`: it was called declined, then captured. `is_wrong`: it is not of the amount asked for.
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

    @property
    def net(self) -> int:
        return self.captured - self.refunded

    @property
    def is_open(self) -> bool:
        return self.status in {"requires_action", "pending"}

    def shown(self) -> dict[str, Any]:
        decline = None
        if self.decline_code is not None:
            decline = {"scheme": "visa", "code": self.decline_code, "advice_code": None}
        return {
            "id": self.id,
            "reference": self.reference,
            "amount": self.amount,
            "currency": self.currency,
            "status": self.status,
            "decline": decline,
            "redirect_url": f"http://provider/{self.id}"
            if self.status == "requires_action"
            else None,
            "captured_amount": self.captured,
            "refunded_amount": self.refunded,
        }

    def settle(self) -> None:
        self.status = self.ends_as
        self.captured = self.amount if self.ends_as == "approved" else 0


class Account:
    """One provider account: what it has, and what it keeps to."""

    def __init__(self, name: str, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.payments: dict[str, Payment] = {}
        self.by_key: dict[str, Payment] = {}
        self.in_flight: set[str] = set()
        self.tombstones: set[str] = set()

    def of_reference(self, reference: str) -> list[Payment]:
        return [payment for payment in self.payments.values() if payment.reference == reference]


class Providers:
    """All accounts behind one address, as the practice provider serves them."""

    def __init__(self, world: World, kinds: dict[str, str]) -> None:
        self._world = world
        self._chance = world.provider_chance
        self.accounts = {name: Account(name, KINDS[kind]) for name, kind in kinds.items()}

    def payments(self) -> list[Payment]:
        return [p for account in self.accounts.values() for p in account.payments.values()]

    def payment_at(self, redirect_url: str) -> Payment | None:
        wanted = redirect_url.rsplit("/", 1)[-1]
        return next((p for p in self.payments() if p.id == wanted), None)

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """A request has arrived. The answer may take a while, or never be heard."""
        url = urlsplit(request.url)
        _, account_name, _, *path = url.path.split("/")
        account = self.accounts[account_name]
        if request.method == "POST" and path == ["payments"]:
            self._receive_charge(account, request, reply)
            return
        fault = self._fault(LOOKUP_FAULTS)
        if fault in {"500 before", "429", "503"}:
            reply(_REFUSALS[fault])
            return
        query = parse_qs(url.query)
        answer = self._execute(account, request, path, query)
        reply(self._broken(answer, fault))

    def _receive_charge(self, account: Account, request: HttpRequest, reply: Reply) -> None:
        fault = self._fault(CHARGE_FAULTS)
        if fault in {"500 before", "429", "503"}:
            reply(_REFUSALS[fault])
            return
        key = request.headers["Idempotency-Key"]
        has_keys = account.capabilities.idempotency_window_s > 0
        if has_keys and key in account.in_flight:
            reply(_error(409, "idempotency_in_flight"))
            return
        account.in_flight.add(key)
        takes_s = self._chance.uniform(0.02, 0.5)
        if fault == "slow":
            takes_s = self._chance.choice((3.0, 12.0, 40.0, 900.0))

        def complete() -> None:
            account.in_flight.discard(key)
            answer = self._charge(account, request, key if has_keys else None, fault)
            reply(self._broken(answer, fault))

        self._world.scheduler.at(self._world.scheduler.now_s + takes_s, complete)

    def _charge(
        self, account: Account, request: HttpRequest, key: str | None, fault: str | None
    ) -> HttpAnswer:
        body = json.loads(request.body or b"{}")
        first = account.by_key.get(key) if key is not None else None
        if first is not None:
            is_same = first.body == request.body
            return _shown(first) if is_same else _error(409, "idempotency_mismatch")
        if body["reference"] in account.tombstones:
            return _error(409, "reference_cancelled")
        payment = self._new_payment(account, body, request.body)
        if fault == "captures another amount":
            payment.is_wrong = True
            payment.amount += 1
            payment.captured += 1 if payment.captured else 0
        account.payments[payment.id] = payment
        if key is not None:
            account.by_key[key] = payment
        self._world.note("provider", account.name, "has", payment.reference, payment.status)
        return _shown(payment)

    def _new_payment(self, account: Account, body: dict[str, Any], raw: bytes | None) -> Payment:
        ending = self._chance.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0]
        status, _, code = ending.partition(" ")
        payment = Payment(
            id=f"{account.name}_{self._chance.getrandbits(48):012x}",
            account=account.name,
            reference=body["reference"],
            body=raw,
            amount=body["amount"],
            currency=body["currency"],
            status=status,
            decline_code=code or None,
        )
        if status == "approved":
            payment.settle()
        elif status == "pending":
            self._later(self._chance.choice((5.0, 60.0, 4000.0)), lambda: self._settle(payment))
        elif status == "declined" and self._chance.random() < self._world.weather.lies:
            payment.is_lie = True
            self._later(self._chance.choice((0.5, 30.0, 4000.0)), lambda: self._lie(payment))
        return payment

    def _settle(self, payment: Payment) -> None:
        if payment.status == "pending":
            if self._chance.random() < 0.3:
                payment.ends_as, payment.decline_code = "declined", "05"
            payment.settle()
            self._world.note("provider settles", payment.reference, payment.status)

    def _lie(self, payment: Payment) -> None:
        """It was declined, and is captured all the same."""
        payment.decline_code = None
        payment.settle()
        self._world.note("provider lied about", payment.reference)

    def decide(self, payment: Payment, *, is_approved: bool) -> None:
        """What the customer does on the provider's page."""
        if payment.status == "requires_action":
            if not is_approved:
                payment.ends_as, payment.decline_code = "declined", "05"
            payment.settle()

    def _execute(
        self, account: Account, request: HttpRequest, path: list[str], query: dict[str, list[str]]
    ) -> HttpAnswer:
        can = account.capabilities
        body = json.loads(request.body) if request.body else {}
        match request.method, path:
            case "GET", ["payments"]:
                if not can.find_by_reference:
                    return _error(404, "unsupported")
                found = account.of_reference(query["reference"][0])
                return _json(200, {"data": [payment.shown() for payment in found]})
            case "GET", ["payments", payment_id]:
                payment = account.payments.get(payment_id)
                return _error(404, "not_found") if payment is None else _json(200, payment.shown())
            case "POST", ["payments", "cancel"]:
                if not can.cancel_by_reference:
                    return _error(404, "unsupported")
                return self._cancel_reference(account, body["reference"])
            case "POST", ["payments", payment_id, "cancel"]:
                payment = account.payments.get(payment_id)
                if payment is None or not can.cancel_by_id:
                    return _error(404, "not_found")
                return _cancel(payment)
        return _error(404, "not_found")

    def _cancel_reference(self, account: Account, reference: str) -> HttpAnswer:
        for payment in account.of_reference(reference):
            answer = _cancel(payment)
            if answer.status != 200:
                return answer
        account.tombstones.add(reference)
        return _json(200, {"reference": reference, "status": "cancelled"})

    def _fault(self, faults: tuple[str, ...]) -> str | None:
        if self._chance.random() >= self._world.weather.faults:
            return None
        fault = self._chance.choice(faults)
        self._world.note("provider fault:", fault)
        return fault

    def _broken(self, answer: HttpAnswer, fault: str | None) -> HttpAnswer:
        """What a fault makes of a true answer on its way back."""
        match fault:
            case "500 after":
                return _REFUSALS["500 before"]
            case "truncated":
                return HttpAnswer(answer.status, answer.content_type, answer.body[:-9])
            case "wrong amount":
                return _changed(answer, "amount", lambda amount: amount + 1)
            case "wrong currency":
                return _changed(answer, "currency", lambda _: "USD")
            case "wrong reference":
                return _changed(answer, "reference", lambda reference: f"{reference}-other")
            case _:
                return answer

    def _later(self, seconds: float, happens: Callable[[], None]) -> None:
        self._world.scheduler.at(self._world.scheduler.now_s + seconds, happens)


def _cancel(payment: Payment) -> HttpAnswer:
    if payment.is_open:
        payment.status = "cancelled"
    if payment.status == "cancelled":
        return _json(200, payment.shown())
    error = {"type": "conflict", "code": "not_cancellable", "message": "", "param": None}
    return _json(409, {"error": error, "payment": payment.shown()})


def _shown(payment: Payment) -> HttpAnswer:
    return _json(402 if payment.status == "declined" else 201, payment.shown())


def _json(status: int, body: dict[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(body).encode())


def _error(status: int, code: str) -> HttpAnswer:
    return _json(status, {"error": {"type": "error", "code": code, "message": "", "param": None}})


def _changed(answer: HttpAnswer, name: str, change: Callable[[Any], Any]) -> HttpAnswer:
    body = json.loads(answer.body)
    if name not in body:
        return answer
    body[name] = change(body[name])
    return _json(answer.status, body)


_REFUSALS = {
    "500 before": _error(500, "internal"),
    "429": _error(429, "rate_limited"),
    "503": _error(503, "not_processed"),
}
