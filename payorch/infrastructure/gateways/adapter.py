"""The wall around a connector: timeout, timing, bulkhead, breaker, and errors into outcomes.

Whatever breaks while the request is built is NotSent, whatever breaks from sending on is Unknown
(exchange.py). Nothing that it keeps can hold card data.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from payorch.application.ports import Clock
from payorch.application.provider_gateway import Answer, ChargeRequest, PaymentPage
from payorch.domain.circuit import failure_of, was_called
from payorch.domain.outcome import (
    NotSent,
    NotSentReason,
    Outcome,
    Unknown,
    UnknownReason,
)
from payorch.domain.transaction import TransactionId
from payorch.infrastructure.gateways.bulkhead import Bulkhead
from payorch.infrastructure.gateways.connector import Connector, HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.exchange import Exchanged, ProviderExchange
from payorch.infrastructure.gateways.http_transport import ProviderTransport
from payorch.infrastructure.gateways.provider_circuits import ProviderCircuits

PROBE_LEASE_MARGIN_S = 5.0
"""A probe's lease outlasts its call by the time it takes to record how that ended."""

PROOFS_ABOUT_THE_CHARGE = frozenset(
    {
        NotSentReason.PROVED_CANCELLED,
        NotSentReason.REFERENCE_CANCELLED,
        NotSentReason.VOIDED_AT_PROVIDER,
    }
)
"""What holds for every request of one reference, whichever call learned it."""


class PaymentGatewayAdapter:
    """One provider account. Shared by all threads of the process."""

    def __init__(
        self,
        *,
        provider_code: str,
        connector: Connector,
        transport: ProviderTransport,
        circuits: ProviderCircuits,
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
            permit = self._circuits.admit(
                self._provider_code,
                must_send=ignore_circuit,
                lease_s=timeout_s + PROBE_LEASE_MARGIN_S,
            )
            if not permit.may_send:
                return _refused(NotSentReason.CIRCUIT_OPEN)
            exchanged = self._exchanges.run(
                lambda: self._connector.charge_request(request),
                lambda answer: self._connector.read_charge(answer, request),
                timeout_s,
            )
        if was_called(exchanged.outcome):
            self._circuits.record(
                self._provider_code,
                failure_of(exchanged.outcome),
                permit=permit,
                retry_after_s=exchanged.retry_after_s,
            )
        return self._answer("charge", exchanged)

    def place(self) -> AbstractContextManager[bool]:
        return self._bulkhead.place()

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
        return self._answer(operation, self._exchanges.run(build, read, timeout_s))

    def _answer(self, operation: str, exchanged: Exchanged[Outcome]) -> Answer:
        outcome, latency_ms = exchanged.outcome, exchanged.latency_ms
        evidence: dict[str, str | int | None] = {
            "operation": operation,
            "http_status": exchanged.http_status,
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
