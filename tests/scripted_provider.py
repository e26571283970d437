"""A provider that answers whatever a test tells it to, truth or not: payorch's transport seam.

`says` is asked for each call: by the account, the operation and the call itself. It gives an
answer, or raises AnswerLost or RequestNotSent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payorch.domain.outcome import UnknownReason
from payorch.infrastructure.gateways.connector import HttpAnswer, HttpRequest
from payorch.infrastructure.gateways.http_transport import AnswerLost
from payorch.infrastructure.jobs import drain
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop

LOST = AnswerLost(UnknownReason.READ_TIMEOUT)


@dataclass(frozen=True, slots=True)
class Call:
    """`operation` is charge, read, find, cancel, cancel_by_reference, refund, void or find_refund.

    `reference` is ours, where the call names it, `payment_id` the provider's.
    """

    account: str
    operation: str
    reference: str | None
    payment_id: str | None
    body: Mapping[str, Any]
    url: str


class ScriptedProvider:
    def __init__(self, says: Callable[[Call], HttpAnswer]) -> None:
        self._says = says
        self.calls: list[Call] = []

    def exchange(self, request: HttpRequest, **_options) -> HttpAnswer:
        call = _call(request)
        self.calls.append(call)
        return self._says(call)

    def operations(self, account: str | None = None) -> list[str]:
        return [call.operation for call in self.calls if account in {None, call.account}]


def scripted_shop(
    database, says: Callable[[Call], HttpAnswer], methods, *, checkpoint=None, **settings
) -> Shop:
    """A shop on a fake clock (`clock`) whose provider (`provider`) does what `says` says."""
    clock, provider = FakeClock(), ScriptedProvider(says)
    seams = fake_time(clock, transport=provider, checkpoint=checkpoint or (lambda _: None))
    shop = Shop(database, sandbox_url="http://p", methods=methods, seams=seams, **settings)
    shop.clock, shop.provider = clock, provider
    return shop


def settle(shop: Shop, *, days: float = 1) -> None:
    """Let the reconciler and the workers go on, in ever longer steps."""
    end_s = shop.clock.elapsed_s + days * 86_400
    step_s = 20.0
    while shop.clock.elapsed_s < end_s:
        shop.clock.advance(seconds=step_s)
        step_s = min(step_s * 1.5, 86_400)
        shop.wired.reconcile.execute()
        drain(shop.wired.background, with_schedules=True)


def answer(status: int, body: Mapping[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(body).encode())


def payment(reference: str | None, payment_id: str, status: str = "approved", **fields) -> dict:
    shown = {"object": "payment", "id": payment_id, "reference": reference, "status": status}
    return {**shown, "amount": 1999, "currency": "EUR", **fields}


def declined(reference: str | None, payment_id: str, code: str = "05") -> dict:
    return payment(reference, payment_id, "declined", decline={"scheme": "visa", "code": code})


def listed(*payments: Mapping[str, Any]) -> HttpAnswer:
    return answer(200, {"data": list(payments), "has_more": False})


def refusal(status: int, code: str, **more: Any) -> HttpAnswer:
    return answer(status, {"error": {"type": "error", "code": code, "message": ""}, **more})


def _call(request: HttpRequest) -> Call:
    url = urlsplit(request.url)
    _, account, _, *path = url.path.split("/")
    body = json.loads(request.body) if request.body else {}
    query = parse_qs(url.query)
    reference = body.get("reference") or query.get("reference", [None])[0]
    match request.method, path:
        case "POST", ["payments"]:
            operation, payment_id = "charge", None
        case "POST", ["payments", "cancel"]:
            operation, payment_id = "cancel_by_reference", None
        case "POST", ["payments", payment_id, "refunds"]:
            operation = "refund"
        case "POST", ["payments", payment_id, operation]:
            pass
        case "GET", ["payments"]:
            operation, payment_id = "find", None
        case "GET", ["refunds"]:
            operation, payment_id = "find_refund", None
        case "GET", ["payments", payment_id]:
            operation = "read"
        case _:
            operation, payment_id = "other", None
    return Call(account, operation, reference, payment_id, body, request.url)
