"""What one provider's connector has to offer to the adapter.

A connector is stateless: it turns a request into one HTTP exchange and an answer into an
Outcome. It keeps no time, retries nothing and catches nothing; the adapter does that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from payorch.application.provider_gateway import ChargeRequest
from payorch.domain.outcome import Outcome


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
    """A complete answer. Untrusted input: size was capped, nothing else was checked."""

    status: int
    content_type: str
    body: bytes


class Connector(Protocol):
    """Requests and readings of one provider. `read_*` must map anything unseen to Unknown, and so
    any payment, declined ones included, whose reference or amount is not ours.
    """

    def charge_request(self, request: ChargeRequest) -> HttpRequest: ...

    def read_charge(self, answer: HttpAnswer, request: ChargeRequest) -> Outcome: ...

    def read_request(self, provider_reference: str) -> HttpRequest: ...

    def find_request(self, our_reference: str) -> HttpRequest: ...

    def cancel_request(self, provider_reference: str) -> HttpRequest: ...

    def cancel_by_reference_request(self, our_reference: str) -> HttpRequest: ...

    def read_lookup(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...

    def read_find(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...

    def read_cancel(self, answer: HttpAnswer, our_reference: str) -> Outcome: ...
