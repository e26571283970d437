"""The wall around a connector's refunds: total timeout, bulkhead, and errors into outcomes.

No circuit breaker: nobody waits for a refund, and giving money back must not stop because charges
fail. A failed lookup never says that the refund itself was not sent.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from payorch.application.refund_gateway import RefundAnswer, RefundPage, RefundRequest
from payorch.domain.outcome import NotSent, NotSentReason, Unknown, UnknownReason
from payorch.domain.refund_outcome import (
    RefundNotSent,
    RefundOutcome,
    RefundRefused,
    RefundUnknown,
)
from payorch.infrastructure.gateways.bulkhead import Bulkhead
from payorch.infrastructure.gateways.connector import Connector, HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.exchange import Exchanged, ProviderExchange


class RefundGatewayAdapter:
    """One provider account. Shared by all threads of the process."""

    def __init__(
        self,
        *,
        provider_code: str,
        connector: Connector,
        exchanges: ProviderExchange,
        bulkhead: Bulkhead,
        log_failure: Callable[[str, Mapping[str, str | int | None]], None],
    ) -> None:
        self._provider_code = provider_code
        self._connector = connector
        self._exchanges = exchanges
        self._bulkhead = bulkhead
        self._log_failure = log_failure

    def refund(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        return self._send(
            "refund",
            lambda: self._connector.refunds.refund_request(request),
            lambda answer: self._connector.refunds.read_sent(answer, request),
            timeout_s,
        )

    def void(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        return self._send(
            "void",
            lambda: self._connector.refunds.void_request(request),
            lambda answer: self._connector.refunds.read_void(answer, request),
            timeout_s,
        )

    def read_refund(
        self, provider_reference: str, request: RefundRequest, *, timeout_s: float
    ) -> RefundAnswer:
        return self._look(
            "read_refund",
            lambda: self._connector.refunds.lookup_request(provider_reference, request),
            lambda answer: self._connector.refunds.read_looked_up(answer, request),
            timeout_s,
        )

    def find_refund(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        return self._look(
            "find_refund",
            lambda: self._connector.refunds.find_request(request),
            lambda answer: self._connector.refunds.read_found(answer, request),
            timeout_s,
        )

    def read_void(self, request: RefundRequest, *, timeout_s: float) -> RefundAnswer:
        return self._look(
            "read_void",
            lambda: self._connector.refunds.payment_request(request),
            lambda answer: self._connector.refunds.read_payment(answer, request),
            timeout_s,
        )

    def list_refunds(
        self, *, since: datetime, after: str | None, timeout_s: float
    ) -> RefundPage | RefundUnknown:
        exchanged = self._exchanges.run(
            lambda: self._connector.refunds.list_request(since, after),
            self._connector.refunds.read_list,
            timeout_s,
        )
        match exchanged.outcome:
            case NotSent(reason=reason):
                return RefundUnknown(UnknownReason.CONNECTION_LOST, detail=str(reason))
            case Unknown(reason=unknown, detail=detail):
                return RefundUnknown(unknown, detail)
            case page_or_unknown:
                return page_or_unknown

    def _send(
        self,
        operation: str,
        build: Callable[[], HttpRequest],
        read: Callable[[HttpAnswer], RefundOutcome],
        timeout_s: float,
    ) -> RefundAnswer:
        with self._bulkhead.place() as is_in:
            if not is_in:
                return self._answer(
                    operation, Exchanged(RefundNotSent(NotSentReason.BULKHEAD_FULL), 0, None)
                )
            return self._answer(operation, self._exchanges.run(build, read, timeout_s))

    def _look(
        self,
        operation: str,
        build: Callable[[], HttpRequest],
        read: Callable[[HttpAnswer], RefundOutcome],
        timeout_s: float,
    ) -> RefundAnswer:
        """That the *lookup* was not sent says nothing about the refund."""
        answer = self._send(operation, build, read, timeout_s)
        if isinstance(answer.outcome, RefundNotSent):
            unknown = RefundUnknown(UnknownReason.CONNECTION_LOST, str(answer.outcome.reason))
            return RefundAnswer(unknown, answer.latency_ms, answer.evidence)
        return answer

    def _answer(self, operation: str, exchanged: Exchanged[RefundOutcome]) -> RefundAnswer:
        outcome = _as_refund_outcome(exchanged.outcome)
        evidence: dict[str, str | int | None] = {
            "operation": operation,
            "http_status": exchanged.http_status,
            "outcome": type(outcome).__name__,
        }
        match outcome:
            case RefundNotSent() | RefundUnknown():
                evidence["reason"] = outcome.reason.value
                evidence["detail"] = outcome.detail[:200] or None
                self._log_failure(
                    self._provider_code, {**evidence, "latency_ms": exchanged.latency_ms}
                )
            case RefundRefused(code=code):
                evidence["code"] = code
            case _:
                pass
        return RefundAnswer(outcome, exchanged.latency_ms, evidence)


def _as_refund_outcome(outcome: RefundOutcome | NotSent | Unknown) -> RefundOutcome:
    match outcome:
        case NotSent(reason=reason, detail=detail):
            return RefundNotSent(reason, detail)
        case Unknown(reason=unknown, detail=detail):
            return RefundUnknown(unknown, detail)
        case _:
            return outcome
