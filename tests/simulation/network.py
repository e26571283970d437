"""The way to the providers: payorch's transport seam, with everything that networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.domain.outcome import NotSentReason, UnknownReason
from payorch.infrastructure.gateways.http_transport import AnswerLost, RequestNotSent
from tests.simulation.scheduler import Signal

if TYPE_CHECKING:
    from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
    from tests.simulation.lives import Life

FAULTS = ("refused", "request lost", "request late", "request late", "answer lost", "reset")


class _Flight(Signal):
    """A request on its way, and the answer when it has come back."""

    answer: HttpAnswer | None = None


class SimulatedTransport:
    """Of one process. A request that has left lives on when the process dies."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def exchange(self, request: HttpRequest, *, timeout_s: float) -> HttpAnswer:
        world, life = self._life.world, self._life
        life.pass_point("send")
        chance = world.network_chance
        fault = None
        if chance.random() < world.weather.faults / 2:
            fault = chance.choice(FAULTS)
        world.note(request.method, request.url.split("//", 1)[1], "fault:", fault)
        if fault == "refused":
            raise RequestNotSent(NotSentReason.CONNECTION_REFUSED)
        self._count_charge(request)
        flight = self._send(request, fault, timeout_s)
        is_answered = world.scheduler.wait(flight, timeout_s)
        life.pass_point("answered")
        if not is_answered:
            world.note("no answer in time")
            raise AnswerLost(UnknownReason.READ_TIMEOUT)
        if flight.answer is None:
            raise AnswerLost(UnknownReason.CONNECTION_LOST)
        world.note("answer", flight.answer.status, flight.answer.body)
        return flight.answer

    def _count_charge(self, request: HttpRequest) -> None:
        task = self._life.world.scheduler.current
        if task is not None and request.method == "POST" and request.url.endswith("/v1/payments"):
            task.charges_sent += 1

    def _send(self, request: HttpRequest, fault: str | None, timeout_s: float) -> _Flight:
        world = self._life.world
        scheduler, chance = world.scheduler, world.network_chance
        flight = _Flight()
        way_s = chance.uniform(0.01, 0.2)
        if fault == "request late":
            way_s = timeout_s + chance.choice((0.5, 5.0, 60.0, 900.0, 20_000.0))

        def come_back(answer: HttpAnswer | None) -> None:
            flight.answer = answer
            scheduler.at(scheduler.now_s + back_s, lambda: scheduler.set(flight))

        def arrive() -> None:
            if fault == "answer lost":
                world.providers.receive(request, lambda _: None)
            elif fault == "reset":
                world.providers.receive(request, lambda _: come_back(None))
            else:
                world.providers.receive(request, come_back)

        back_s = chance.uniform(0.01, 0.2)
        if fault != "request lost":
            scheduler.at(scheduler.now_s + way_s, arrive)
        return flight
