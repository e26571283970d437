"""payorch with one rule taken out, of those that the machine's steps are about: each has to be
noticed, or the machine looks at nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from payorch.application import record_refund
from payorch.domain.payment_order import PaymentOrder
from payorch.domain.refund import RefundStatus
from payorch.domain.refundable import Refundable
from payorch.infrastructure.gateways.sandbox.webhooks import SandboxWebhookVerifier
from payorch.infrastructure.persistence import refund_ledger
from tests.simulation.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from payorch.domain.refund_outcome import RefundSettlement


def _verifier_with(**changed: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Verifiers of which some arguments are changed."""
    original = SandboxWebhookVerifier.__init__

    def build(self: SandboxWebhookVerifier, **given: Any) -> None:
        original(
            self, **{**given, **{name: change(given[name]) for name, change in changed.items()}}
        )

    return patch.object(SandboxWebhookVerifier, "__init__", build)


def _orders_payable_for_ever() -> AbstractContextManager[Any]:
    original = PaymentOrder.require_payable

    def require(self: PaymentOrder, _now: object) -> None:
        original(self, self.expires_at - timedelta(days=1))

    return patch.object(PaymentOrder, "require_payable", require)


def _doubtful_refunds_have_failed() -> AbstractContextManager[Any]:
    original = record_refund.settle_refund

    def settle(*given: Any, **named: Any) -> RefundSettlement:
        settlement = original(*given, **named)
        if settlement.status is not RefundStatus.UNKNOWN:
            return settlement
        return replace(settlement, status=RefundStatus.FAILED, failure_code="no_answer")

    return patch.object(record_refund, "settle_refund", settle)


def _without(what: Any, name: str, instead: Any) -> Callable[[], AbstractContextManager[Any]]:
    return partial(patch.object, what, name, instead)


BROKEN_RULES = (
    Mutant(
        "a forged event is believed",
        _without(SandboxWebhookVerifier, "_is_signed", lambda *_: True),
    ),
    Mutant("an old event is taken", lambda: _verifier_with(tolerance_s=lambda _: 1e9)),
    Mutant("the new secret is not known yet", lambda: _verifier_with(keys=lambda keys: keys[:1])),
    Mutant(
        "what may still go back does not count",
        _without(
            Refundable,
            "left_minor",
            property(lambda self: self.paid.amount_minor - self.refunded_minor),
        ),
    ),
    Mutant("a refund's key means nothing", _without(refund_ledger, "_replayed", lambda *_: None)),
    Mutant(
        "a failed refund is tried again unchecked",
        _without(refund_ledger, "require_left", lambda *_: None),
    ),
    Mutant("a refund without an answer has failed", _doubtful_refunds_have_failed),
    Mutant("an order is payable for ever", _orders_payable_for_ever),
)
