"""Three providers that do what they are told: for tests that say in advance what will happen."""

from __future__ import annotations

import itertools
import json
from enum import StrEnum
from typing import TYPE_CHECKING

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.infrastructure.gateways.http_transport import AnswerLost, RequestNotSent
from tests.simulation.account import Account, Ending, Payment, error
from tests.simulation.provider import KINDS

if TYPE_CHECKING:
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


SILENT = {Mood.SILENT, Mood.CHARGES_SILENTLY}

_ENDINGS = {
    Mood.DECLINES_SOFTLY: Ending("declined", "91"),
    Mood.DECLINES: Ending("declined", "51"),
    Mood.PENDING: Ending("pending"),
    Mood.WANTS_ACTION: Ending("requires_action"),
}
_LOST = AnswerLost(UnknownReason.READ_TIMEOUT)


class ScriptedProviders:
    """payorch's transport. `moods` by account; all have keys and tombstones."""

    def __init__(self, clock: Clock) -> None:
        numbers = itertools.count(1)
        self.accounts = {
            name: Account(name, KINDS["keys and tombstones"], new_id=lambda: f"{next(numbers):06}")
            for name in NAMES
        }
        self.moods = dict.fromkeys(NAMES, Mood.APPROVES)
        self._clock = clock
        self._on_the_way: list[tuple[Account, HttpRequest]] = []
        self._lost: set[str] = set()

    def exchange(self, request: HttpRequest, *, timeout_s: float) -> HttpAnswer:
        _, _, _, name, _, *path = request.url.split("/")
        account, mood = self.accounts[name], self.moods[name]
        if request.method == "POST" and path == ["payments"]:
            return self._charge(account, mood, request, timeout_s)
        if mood in SILENT:
            return self._answer_nothing(timeout_s)
        return account.execute(request)

    def heal(self) -> None:
        self.moods = dict.fromkeys(NAMES, Mood.APPROVES)

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

    def _answer_nothing(self, timeout_s: float) -> HttpAnswer:
        self._clock.sleep(timeout_s)
        raise _LOST
