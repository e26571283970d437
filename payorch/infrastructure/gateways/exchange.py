"""One exchange with a provider, in which whatever breaks becomes a word about what was sent.

It catches everything: what breaks while the request is built is NotSent, what breaks from sending
on is Unknown. That rule holds for charges, lookups and refunds alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from payorch.application.ports import Clock
from payorch.domain.outcome import NotSent, NotSentReason, Unknown, UnknownReason
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.http_transport import (
    AnswerLost,
    ProviderTransport,
    RequestNotSent,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchanged(Generic[T]):
    """What the connector read, or why there was nothing to read."""

    outcome: T | NotSent | Unknown
    latency_ms: int
    http_status: int | None
    retry_after_s: float | None = None


class ProviderExchange:
    def __init__(self, transport: ProviderTransport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    def run(
        self,
        build: Callable[[], HttpRequest],
        read: Callable[[HttpAnswer], T],
        timeout_s: float,
    ) -> Exchanged[T]:
        try:
            request = build()
        except Exception as error:  # noqa: BLE001 - nothing was sent yet, whatever broke
            return Exchanged(NotSent(NotSentReason.NOT_BUILT, type(error).__name__), 0, None)
        sent_at = self._clock.monotonic()
        http_status = retry_after_s = None
        outcome: T | NotSent | Unknown
        try:
            http_answer = self._transport.exchange(request, timeout_s=timeout_s)
            http_status, retry_after_s = http_answer.status, http_answer.retry_after_s
            outcome = read(http_answer)
        except RequestNotSent as proof:
            outcome = NotSent(proof.reason)
        except AnswerLost as loss:
            outcome = Unknown(loss.reason)
        except Exception as error:  # noqa: BLE001 - it may have been sent: unknown, never failed
            outcome = Unknown(UnknownReason.UNEXPECTED_ERROR, type(error).__name__)
        latency_ms = round((self._clock.monotonic() - sent_at) * 1000)
        return Exchanged(outcome, latency_ms, http_status, retry_after_s)
