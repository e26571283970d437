"""What one provider's connector has to offer to the adapter.

A connector is stateless: it turns a request into one HTTP exchange and an answer into an
Outcome. It keeps no time, retries nothing and catches nothing; the adapter does that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.provider_gateway import ChargeRequest, PaymentPage
from payorch.application.refund_gateway import RefundPage, RefundRequest
from payorch.domain.outcome import Outcome, Unknown
from payorch.domain.refund_outcome import RefundOutcome, RefundUnknown


@dataclass(frozen=True, slots=True, repr=False)
class HttpRequest:
    """One exchange to be made. The body may hold a card: it prints as nothing."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"HttpRequest({self.method})"


@dataclass(frozen=True, slots=True, repr=False)
class HttpAnswer:
    """A complete answer. Untrusted input: size was capped, nothing else was checked.

    `retry_after_s` is how long it asks us to wait, if it does so in a readable way.
    """

    status: int
    content_type: str
    body: bytes
    retry_after_s: float | None = None


class RefundConnector(Protocol):
    """How one provider gives money back. `read_*` as with Connector.

    `refund_request` is byte-identical for the same request. `read_sent` reads the answer to it,
    `read_looked_up` that to `lookup_request`: there a refusal is only one of looking.
    """

    def refund_request(self, request: RefundRequest) -> HttpRequest: ...

    def void_request(self, request: RefundRequest) -> HttpRequest: ...

    def lookup_request(self, provider_reference: str, request: RefundRequest) -> HttpRequest: ...

    def find_request(self, request: RefundRequest) -> HttpRequest: ...

    def payment_request(self, request: RefundRequest) -> HttpRequest: ...

    def read_sent(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome: ...

    def read_void(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome: ...

    def read_looked_up(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome: ...

    def read_found(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome: ...

    def read_payment(self, answer: HttpAnswer, request: RefundRequest) -> RefundOutcome: ...

    def list_request(self, since: datetime, after: str | None) -> HttpRequest: ...

    def read_list(self, answer: HttpAnswer) -> RefundPage | RefundUnknown: ...


class Connector(Protocol):
    """Requests and readings of one provider. `read_*` must map anything unseen to Unknown, and so
    any payment, declined ones included, whose reference or amount is not ours.
    """

    @property
    def refunds(self) -> RefundConnector: ...

    def charge_request(self, request: ChargeRequest) -> HttpRequest: ...

    def read_charge(self, answer: HttpAnswer, request: ChargeRequest) -> Outcome: ...

    def read_request(self, provider_reference: str) -> HttpRequest: ...

    def find_request(self, our_reference: str) -> HttpRequest: ...

    def cancel_request(self, provider_reference: str) -> HttpRequest: ...

    def cancel_by_reference_request(self, our_reference: str) -> HttpRequest: ...

    def read_lookup(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...

    def read_find(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...

    def read_cancel(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...

    def list_request(self, since: datetime, after: str | None) -> HttpRequest: ...

    def read_list(self, answer: HttpAnswer) -> PaymentPage | Unknown: ...
