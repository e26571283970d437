"""Three accounts that fail in every way at once, at two providers with a ledger each."""

from typing import Any

from payorch.domain.payment_method import Capabilities, PaymentMethodVO
from tests.shop import FULL_CAPABILITIES, a_method

WITHOUT_IDEMPOTENCY = Capabilities(
    idempotency_window_s=0,
    find_by_reference=True,
    cancel_by_reference=True,
    cancel_by_id=True,
    void=True,
    refund=True,
)

METHODS: list[PaymentMethodVO] = [
    a_method("alpha", timeout_s=1.0, capabilities=FULL_CAPABILITIES),
    # Each request to it is a charge of its own: a careless replay would show as a double charge.
    a_method("beta", timeout_s=1.0, capabilities=WITHOUT_IDEMPOTENCY),
    a_method("gamma", timeout_s=1.5, capabilities=FULL_CAPABILITIES),
]

WITHOUT_KEYS = "beta"

CHARGED_BUT_NOT_SAID = (
    "timeout_after_charge",
    "error_500_after_charge",
    "connection_reset_after",
    "truncated_json",
    "wrong_amount",
    "wrong_reference",
    "late_arrival",
)
"""Faults after which the money has moved, or will, and payorch was not told so."""

_BAD: dict[str, Any] = {
    "approval_rate": 0.8,
    "challenge_share": 0,
    "faults": {
        **dict.fromkeys(CHARGED_BUT_NOT_SAID, 0.04),
        "timeout_before_charge": 0.02,
        "error_500_before": 0.03,
        "connection_reset_before": 0.03,
        "not_processed_503": 0.06,
        "rate_limit_429": 0.02,
    },
    "latency": {"p50_ms": 30, "p95_ms": 150},
    "hold_s": 3,
    "late_arrival_after_s": 2,
    "pending_settles_after_s": 1,
    "refund_faults": {
        "timeout_after_charge": 0.05,
        "error_500_after_charge": 0.05,
        "truncated_json": 0.05,
        "timeout_before_charge": 0.03,
        "not_processed_503": 0.05,
        "pending": 0.1,
        "failed": 0.05,
        "refused_402": 0.05,
        "pending_then_failed": 0.03,
    },
    "refund_settles_after_s": 1,
    "webhook_retry_after_s": [1, 2, 5, 10],
    "webhook_faults": {
        "duplicate": 0.2,
        "delay": 0.1,
        "reorder": 0.1,
        "drop": 0.1,
        "forge": 0.1,
        "stale": 0.1,
    },
    "webhook_delay_s": 2,
    "webhook_reorder_s": 3,
}

PROVIDERS: tuple[dict[str, dict[str, Any]], ...] = (
    {"alpha": _BAD, "gamma": _BAD},
    {"beta": {**_BAD, "idempotency_window_s": 0}},
)
"""One dict for each provider process: the profiles of its accounts."""

SILENT_PROVIDERS: tuple[dict[str, dict[str, Any]], ...] = tuple(
    {account: {**profile, "webhook_faults": {"drop": 1}} for account, profile in accounts.items()}
    for accounts in PROVIDERS
)
"""None of their events arrives: what an event would have told payorch in time stays unknown."""
