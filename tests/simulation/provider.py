"""Providers as the story meets them: accounts with chance, time and faults around them.

A charge takes time: it arrives, is in flight, and is made. What comes of it, and what goes wrong
on the way, is drawn; so is what an account tells of it later, and whether that is true.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from payorch.domain.payment_method import Capabilities
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from tests.simulation.account import (
    Account,
    Ending,
    Payment,
    Refund,
    error,
    json_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

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
    Ending("approved"): 0.53,
    Ending("declined", "05"): 0.15,
    Ending("declined", "51"): 0.06,
    Ending("declined", "43"): 0.03,
    Ending("declined", "94"): 0.03,
    Ending("requires_action"): 0.09,
    Ending("pending"): 0.08,
    # A status that payorch has never heard of, and that does not end by itself.
    Ending("processing"): 0.03,
}
REFUND_ENDINGS = {"succeeded": 0.7, "pending": 0.2, "failed": 0.1}

REFUSALS = {
    "500 before": error(500, "internal"),
    "429": error(429, "rate_limited"),
    "503": error(503, "not_processed"),
}
CHARGE_FAULTS = (
    *REFUSALS,
    "500 after",
    "truncated",
    "wrong amount",
    "wrong currency",
    "wrong reference",
    "slow",
    "slow",
    "captures another amount",
    "refused with a payment",
    "charges twice",
    "hides the charge",
)
OTHER_FAULTS = (*REFUSALS, "500 after", "truncated", "wrong reference")


class Providers:
    """All accounts behind one address, as the practice provider serves them."""

    def __init__(self, world: World, kinds: dict[str, str]) -> None:
        self._world = world
        self._chance = world.provider_chance
        self.accounts = {
            name: Account(
                name,
                KINDS[kind],
                new_id=lambda: f"{self._chance.getrandbits(48):012x}",
                refund_ends=self._draw_refund,
                on_change=self._changed,
                arrange=self._chance.shuffle,
            )
            for name, kind in kinds.items()
        }

    def payments(self) -> list[Payment]:
        return [p for account in self.accounts.values() for p in account.payments.values()]

    def payment_at(self, redirect_url: str) -> Payment | None:
        wanted = redirect_url.rsplit("/", 1)[-1]
        return next((p for p in self.payments() if p.id == wanted), None)

    def decide(self, payment: Payment, *, is_approved: bool) -> None:
        """What the customer does on the provider's page."""
        if payment.status == "requires_action":
            if not is_approved:
                payment.ends_as, payment.decline_code = "declined", "05"
            payment.settle()
            self._changed(payment)

    def receive(self, request: HttpRequest, reply: Callable[[HttpAnswer], None]) -> None:
        """A request has arrived. The answer may take a while, or never be heard."""
        path = urlsplit(request.url).path
        account = self.accounts[path.split("/")[1]]
        is_charge = request.method == "POST" and path.endswith("/v1/payments")
        fault = self._fault(CHARGE_FAULTS if is_charge else OTHER_FAULTS)
        if fault in REFUSALS:
            reply(REFUSALS[fault])
        elif is_charge:
            self._receive_charge(account, request, fault, reply)
        else:
            reply(_broken(account.execute(request), fault))

    def _receive_charge(
        self,
        account: Account,
        request: HttpRequest,
        fault: str | None,
        reply: Callable[[HttpAnswer], None],
    ) -> None:
        key = request.headers["Idempotency-Key"]
        if account.has_keys and key in account.in_flight:
            reply(error(409, "idempotency_in_flight"))
            return
        account.in_flight.add(key)
        takes_s = self._chance.uniform(0.02, 0.5)
        if fault == "slow":
            takes_s = self._chance.choice((3.0, 12.0, 40.0, 900.0))

        def complete() -> None:
            account.in_flight.discard(key)
            known = set(account.payments)
            answer = self._charge(account, request, fault)
            if fault == "captures another amount":
                answer = self._capture_another_amount(account, answer, known)
            reply(_broken(answer, fault))

        self._world.scheduler.at(self._world.scheduler.now_s + takes_s, complete)

    def _charge(self, account: Account, request: HttpRequest, fault: str | None) -> HttpAnswer:
        """One payment, or with some faults two of one reference; the answer shows the first."""
        known = set(account.payments)
        draw = self._draw_ending
        if fault == "hides the charge" and account.capabilities.find_by_reference:
            draw = functools.partial(Ending, "processing")
        answer = account.charge(request, draw)
        made = [payment for name, payment in account.payments.items() if name not in known]
        if not made or fault not in {"charges twice", "hides the charge"}:
            return answer
        (first,) = made
        if first.status == "processing" and account.capabilities.find_by_reference:
            account.book(json.loads(request.body or b"{}"), None, Ending("approved"))
        elif first.status == "approved":
            second = account.book(json.loads(request.body or b"{}"), None, Ending("approved"))
            second.is_double = True
        return answer

    def _capture_another_amount(
        self, account: Account, answer: HttpAnswer, known: set[str]
    ) -> HttpAnswer:
        """Only of a new payment: one that is known was shown at its right amount, and is booked."""
        payment = account.payments.get(json.loads(answer.body).get("id"))
        if payment is None or payment.id in known or payment.captured == 0:
            return answer
        payment.is_wrong = True
        payment.amount = payment.captured = payment.amount + 1
        return json_answer(payment.shown(), answer.status)

    def _draw_ending(self) -> Ending:
        return self._chance.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0]

    def _draw_refund(self) -> str:
        if self._world.weather.faults == 0.0:
            return "succeeded"
        return self._chance.choices(tuple(REFUND_ENDINGS), tuple(REFUND_ENDINGS.values()))[0]

    def _changed(self, changed: Payment | Refund) -> None:
        self._world.note("provider has", changed.reference, changed.id, changed.status)
        self._world.webhooks.tell(changed)
        if changed.status == "pending":
            ends = self._end_payment if isinstance(changed, Payment) else self._end_refund
            self._later((5.0, 60.0, 4000.0), lambda: ends(changed))
        elif changed.status == "declined" and self._chance.random() < self._world.weather.lies:
            self._later((0.5, 30.0, 4000.0), lambda: self._lie(changed))

    def _end_payment(self, payment: Payment) -> None:
        if payment.status == "pending":
            if self._chance.random() < 0.3:
                payment.ends_as, payment.decline_code = "declined", "05"
            payment.settle()
            self._changed(payment)

    def _end_refund(self, refund: Refund) -> None:
        if refund.status == "pending":
            refund.end("failed" if self._chance.random() < 0.2 else "succeeded")
            self._changed(refund)

    def _lie(self, payment: Payment) -> None:
        """It was declined, and is captured all the same."""
        payment.is_lie = True
        payment.decline_code, payment.ends_as = None, "approved"
        payment.settle()
        self._changed(payment)

    def _fault(self, faults: tuple[str, ...]) -> str | None:
        if self._chance.random() >= self._world.weather.faults:
            return None
        fault = self._chance.choice(faults)
        self._world.note("provider fault:", fault)
        return fault

    def _later(self, choice_s: tuple[float, ...], happens: Callable[[], None]) -> None:
        after_s = self._chance.choice(choice_s)
        self._world.scheduler.at(self._world.scheduler.now_s + after_s, happens)


def _broken(answer: HttpAnswer, fault: str | None) -> HttpAnswer:
    """What a fault makes of a true answer on its way back."""
    match fault:
        case "500 after":
            return REFUSALS["500 before"]
        case "truncated":
            return HttpAnswer(answer.status, answer.content_type, answer.body[:-9])
        case "refused with a payment":
            return error(429, "rate_limited", payment=json.loads(answer.body))
        case "wrong amount":
            return _changed_in(answer, "amount", lambda amount: amount + 1)
        case "wrong currency":
            return _changed_in(answer, "currency", lambda _: "USD")
        case "wrong reference":
            return _changed_in(answer, "reference", lambda reference: f"{reference}-other")
        case _:
            return answer


def _changed_in(answer: HttpAnswer, name: str, change: Callable[[Any], Any]) -> HttpAnswer:
    body = json.loads(answer.body)
    if name not in body:
        return answer
    body[name] = change(body[name])
    return json_answer(body, answer.status)
