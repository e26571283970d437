"""Three providers that do what they are told: for tests that say in advance what will happen."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.infrastructure.gateways.http_transport import AnswerLost, RequestNotSent
from tests.simulation.account import Account, Ending, Payment, Refund, error
from tests.simulation.provider import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from payorch.application.ports import Clock
    from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest

NAMES = ("alpha", "beta", "gamma")


class Mood(StrEnum):
    """What a provider does with the next charge. A silent one answers nothing until it is well."""

    APPROVES = "approves"
    DECLINES_SOFTLY = "declines, and another may be asked"
    DECLINES = "declines for good"
    PENDING = "decides later"
    WANTS_ACTION = "sends the customer to a page"
    REFUSED = "cannot be reached"
    NOT_PROCESSED = "says that it did nothing"
    LOSES_REQUEST = "loses the first request"
    LOSES_ANSWER = "charges, and loses the answer"
    SILENT = "is silent, and the request stays on its way"
    CHARGES_SILENTLY = "charges, and is silent"


class RefundMood(StrEnum):
    """What a provider does with the next request to give money back."""

    GIVES_BACK = "gives it back"
    GIVES_BACK_LATER = "settles it later"
    REFUSES = "refuses"
    UNREACHABLE = "cannot be reached"
    LOSES_REQUEST = "loses the first request"
    LOSES_ANSWER = "gives it back, and loses the answer"


@dataclass(frozen=True, slots=True)
class Letter:
    """An event as its provider wrote it down when something changed: `about` is the object."""

    id: str
    account: str
    kind: str
    about: dict[str, Any]

    @property
    def body(self) -> bytes:
        event = {"id": self.id, "type": self.kind, "created": "2026-11-22T12:00:00.000000+00:00"}
        return json.dumps({**event, "account": self.account, "data": self.about}).encode()


SILENT = {Mood.SILENT, Mood.CHARGES_SILENTLY}

_ENDINGS = {
    Mood.DECLINES_SOFTLY: Ending("declined", "91"),
    Mood.DECLINES: Ending("declined", "51"),
    Mood.PENDING: Ending("pending"),
    Mood.WANTS_ACTION: Ending("requires_action"),
}
_LOST = AnswerLost(UnknownReason.READ_TIMEOUT)


class ScriptedProviders:
    """payorch's transport. `moods` by account; all have keys and tombstones.

    `letters` are the events they have written, in the order of what happened. `meanwhile` happens
    once, after the next charge or refund was worked on and before its answer is heard.
    """

    def __init__(self, clock: Clock) -> None:
        self._numbers = itertools.count(1)
        self.accounts = {
            name: Account(
                name,
                KINDS["keys and tombstones"],
                new_id=lambda: f"{next(self._numbers):06}",
                refund_ends=self._refund_ends,
                on_change=self._write_letter,
            )
            for name in NAMES
        }
        self.letters: list[Letter] = []
        self.meanwhile: Callable[[], None] | None = None
        self.moods = dict.fromkeys(NAMES, Mood.APPROVES)
        self.refund_mood = RefundMood.GIVES_BACK
        self._clock = clock
        self._on_the_way: list[tuple[Account, HttpRequest]] = []
        self._lost: set[str] = set()

    def exchange(self, request: HttpRequest, *, timeout_s: float) -> HttpAnswer:
        _, _, _, name, _, *path = request.url.split("/")
        account, mood = self.accounts[name], self.moods[name]
        if request.method == "POST" and path == ["payments"]:
            return self._with_what_happens_meanwhile(
                lambda: self._charge(account, mood, request, timeout_s)
            )
        if request.method == "POST" and path[-1] in {"refunds", "void"}:
            return self._with_what_happens_meanwhile(
                lambda: self._give_back(account, request, timeout_s)
            )
        if mood in SILENT:
            return self._answer_nothing(timeout_s)
        return account.execute(request)

    @property
    def has_requests_on_the_way(self) -> bool:
        return bool(self._on_the_way)

    def heal(self) -> None:
        self.moods = dict.fromkeys(NAMES, Mood.APPROVES)
        self.refund_mood = RefundMood.GIVES_BACK

    def settle(self, payment: Payment, *, is_approved: bool) -> None:
        """What was open, as on the provider's page, is decided."""
        payment.ends_as = "approved" if is_approved else "declined"
        payment.decline_code = None if is_approved else "51"
        payment.settle()
        self._write_letter(payment)

    def end_refund(self, refund: Refund, *, is_given_back: bool) -> None:
        refund.end("succeeded" if is_given_back else "failed")
        self._write_letter(refund)

    def land(self) -> None:
        """What was on its way arrives now, however long ago it was sent."""
        for account, request in self._on_the_way:
            account.charge(request, lambda: Ending("approved"))
        self._on_the_way.clear()

    def of_reference(self, reference: str) -> list[Payment]:
        return [p for account in self.accounts.values() for p in account.of_reference(reference)]

    def _charge(
        self, account: Account, mood: Mood, request: HttpRequest, timeout_s: float
    ) -> HttpAnswer:
        ending = _ENDINGS.get(mood, Ending("approved"))
        reference = json.loads(request.body or b"{}")["reference"]
        is_first = reference not in self._lost
        self._lost.add(reference)
        match mood:
            case Mood.REFUSED:
                raise RequestNotSent(NotSentReason.CONNECTION_REFUSED)
            case Mood.NOT_PROCESSED:
                return error(503, "not_processed")
            case Mood.SILENT:
                self._on_the_way.append((account, request))
                return self._answer_nothing(timeout_s)
            case Mood.CHARGES_SILENTLY:
                account.charge(request, lambda: ending)
                return self._answer_nothing(timeout_s)
            case Mood.LOSES_REQUEST if is_first:
                return self._answer_nothing(timeout_s)
            case Mood.LOSES_ANSWER if is_first:
                account.charge(request, lambda: ending)
                return self._answer_nothing(timeout_s)
        return account.charge(request, lambda: ending)

    def _give_back(self, account: Account, request: HttpRequest, timeout_s: float) -> HttpAnswer:
        """A request whose like was lost before gets through: the network is not at it twice."""
        is_void = request.url.endswith("/void")
        reference = request.url if is_void else json.loads(request.body or b"{}")["reference"]
        is_first = reference not in self._lost
        match self.refund_mood:
            case RefundMood.UNREACHABLE:
                raise RequestNotSent(NotSentReason.CONNECTION_REFUSED)
            case RefundMood.LOSES_REQUEST if is_first:
                self._lost.add(reference)
                return self._answer_nothing(timeout_s)
            case RefundMood.LOSES_ANSWER if is_first:
                self._lost.add(reference)
                account.execute(request)
                return self._answer_nothing(timeout_s)
            case RefundMood.REFUSES if is_void:
                payment = account.payments[request.url.split("/")[-2]]
                if payment.status != "voided":
                    return error(409, "not_voidable", payment=payment.shown())
        return account.execute(request)

    def _refund_ends(self) -> str:
        match self.refund_mood:
            case RefundMood.GIVES_BACK_LATER:
                return "pending"
            case RefundMood.REFUSES:
                return "failed"
        return "succeeded"

    def _write_letter(self, changed: Payment | Refund) -> None:
        kind = "payment" if isinstance(changed, Payment) else "refund"
        self.letters.append(
            Letter(
                id=f"evt_{next(self._numbers):06}",
                account=changed.account,
                kind=f"{kind}.{changed.status}",
                about=changed.shown(),
            )
        )

    def _with_what_happens_meanwhile(self, answer: Callable[[], HttpAnswer]) -> HttpAnswer:
        happens, self.meanwhile = self.meanwhile, None
        try:
            return answer()
        finally:
            if happens is not None:
                happens()

    def _answer_nothing(self, timeout_s: float) -> HttpAnswer:
        self._clock.sleep(timeout_s)
        raise _LOST
