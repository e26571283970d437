"""The wall around a connector: timeout, timing, bulkhead, breaker, and errors into outcomes.

Whatever breaks while the request is built is NotSent, whatever breaks from sending on is Unknown
(exchange.py). Nothing that it keeps can hold card data.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from payorch.application.ports import Clock
from payorch.application.provider_gateway import Answer, ChargeRequest, PaymentPage
from payorch.domain.outcome import (
    NotSent,
    NotSentReason,
    Outcome,
    Unknown,
    UnknownReason,
)
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.gateways.circuits import Bulkhead, ProcessCircuitBoard
from payorch.infrastructure.gateways.connector import Connector, HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.exchange import ProviderExchange
from payorch.infrastructure.gateways.http_transport import ProviderTransport

NOT_THE_PROVIDERS_FAULT = frozenset(
    {NotSentReason.CIRCUIT_OPEN, NotSentReason.BULKHEAD_FULL, NotSentReason.NOT_BUILT}
)

PROOFS_ABOUT_THE_CHARGE = frozenset(
    {
        NotSentReason.PROVED_CANCELLED,
        NotSentReason.REFERENCE_CANCELLED,
        NotSentReason.VOIDED_AT_PROVIDER,
    }
)
"""What holds for every request of one reference, whichever call learned it."""


def is_technical_failure(outcome: Outcome) -> bool:
    """What the breaker counts: never a decline, never our own refusal to send."""
    if isinstance(outcome, NotSent):
        return outcome.reason not in NOT_THE_PROVIDERS_FAULT
    return isinstance(outcome, Unknown)


class PaymentGatewayAdapter:
    """One provider account. Shared by all threads of the process."""

    def __init__(
        self,
        *,
        provider_code: str,
        connector: Connector,
        transport: ProviderTransport,
        circuits: ProcessCircuitBoard,
        bulkhead: Bulkhead,
        clock: Clock,
        log_failure: Callable[[str, Mapping[str, str | int | None]], None],
    ) -> None:
        self._provider_code = provider_code
        self._connector = connector
        self._exchanges = ProviderExchange(transport, clock)
        self._circuits = circuits
        self._bulkhead = bulkhead
        self._log_failure = log_failure

    def charge(
        self, request: ChargeRequest, *, timeout_s: float, ignore_circuit: bool = False
    ) -> Answer:
        with self._bulkhead.place() as is_in:
            if not is_in:
                return _refused(NotSentReason.BULKHEAD_FULL)
            if not ignore_circuit and not self._circuits.try_acquire(self._provider_code):
                return _refused(NotSentReason.CIRCUIT_OPEN)
            answer = self._exchange(
                "charge",
                lambda: self._connector.charge_request(request),
                lambda answer: self._connector.read_charge(answer, request),
                timeout_s,
            )
        self._circuits.record(
            self._provider_code, is_technical_failure=is_technical_failure(answer.outcome)
        )
        return answer

    def replay(self, request: ChargeRequest, *, timeout_s: float) -> Answer:
        """The same request under the same key. Asked by the ladder: passes an open breaker.

        Like a lookup: that the *replay* was refused says nothing about the request before it.
        """
        return self._look(
            "replay",
            lambda: self._connector.charge_request(request),
            lambda answer: self._connector.read_charge(answer, request),
            timeout_s,
        )

    def read(
        self, provider_reference: str, our_reference: TransactionId, *, timeout_s: float
    ) -> Answer:
        return self._look(
            "read",
            lambda: self._connector.read_request(provider_reference),
            lambda answer: _of_object(
                self._connector.read_lookup(answer, our_reference), provider_reference
            ),
            timeout_s,
        )

    def find(self, our_reference: TransactionId, *, timeout_s: float) -> Answer:
        return self._look(
            "find",
            lambda: self._connector.find_request(our_reference),
            lambda answer: self._connector.read_find(answer, our_reference),
            timeout_s,
        )

    def cancel(
        self, provider_reference: str, our_reference: TransactionId, *, timeout_s: float
    ) -> Answer:
        return self._look(
            "cancel",
            lambda: self._connector.cancel_request(provider_reference),
            lambda answer: _of_object(
                self._connector.read_cancel(answer, our_reference), provider_reference
            ),
            timeout_s,
        )

    def cancel_by_reference(self, our_reference: TransactionId, *, timeout_s: float) -> Answer:
        return self._look(
            "cancel_by_reference",
            lambda: self._connector.cancel_by_reference_request(our_reference),
            lambda answer: self._connector.read_cancel(answer, our_reference),
            timeout_s,
        )

    def list_payments(
        self, *, since: datetime, after: str | None, timeout_s: float
    ) -> PaymentPage | Unknown:
        exchanged = self._exchanges.run(
            lambda: self._connector.list_request(since, after),
            self._connector.read_list,
            timeout_s,
        )
        match exchanged.outcome:
            case PaymentPage() as page:
                return page
            case NotSent(reason=reason):
                return Unknown(UnknownReason.CONNECTION_LOST, detail=str(reason))
            case Unknown() as unknown:
                return unknown

    def _look(
        self,
        operation: str,
        build: Callable[[], HttpRequest],
        read: Callable[[HttpAnswer], Outcome],
        timeout_s: float,
    ) -> Answer:
        """A later call about a charge. That *it* was not sent says nothing about the charge."""
        answer = self._exchange(operation, build, read, timeout_s)
        outcome = answer.outcome
        if isinstance(outcome, NotSent) and outcome.reason not in PROOFS_ABOUT_THE_CHARGE:
            unknown = Unknown(UnknownReason.CONNECTION_LOST, detail=str(outcome.reason))
            return Answer(unknown, answer.latency_ms, answer.evidence)
        return answer

    def _exchange(
        self,
        operation: str,
        build: Callable[[], HttpRequest],
        read: Callable[[HttpAnswer], Outcome],
        timeout_s: float,
    ) -> Answer:
        exchanged = self._exchanges.run(build, read, timeout_s)
        return self._answer(
            operation, exchanged.outcome, exchanged.latency_ms, exchanged.http_status
        )

    def _answer(
        self, operation: str, outcome: Outcome, latency_ms: int, http_status: int | None
    ) -> Answer:
        evidence: dict[str, str | int | None] = {
            "operation": operation,
            "http_status": http_status,
            "outcome": type(outcome).__name__,
        }
        if isinstance(outcome, (NotSent, Unknown)):
            evidence["reason"] = outcome.reason.value
            evidence["detail"] = outcome.detail[:200] or None
            if outcome.reason is not NotSentReason.PROVED_CANCELLED:
                self._log_failure(self._provider_code, {**evidence, "latency_ms": latency_ms})
        return Answer(outcome, latency_ms, evidence)


def _of_object(outcome: Outcome, provider_reference: str) -> Outcome:
    """An answer about another object than the one that was asked about says nothing of it."""
    if isinstance(outcome, NotSent) or outcome.provider_reference in {None, provider_reference}:
        return outcome
    return Unknown(UnknownReason.REFERENCE_MISMATCH)


def _refused(reason: NotSentReason) -> Answer:
    return Answer(NotSent(reason), 0, {"operation": "charge", "reason": reason.value})
