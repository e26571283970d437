"""The practice amounts of refunds and voids: what is given back decides what becomes of it.

The amount counts that is really given back: of a void, and of a refund without an amount, that is
all that is left of the payment. 81xxx does to a refund what 71xxx does to a payment.
"""

from dataclasses import dataclass
from enum import StrEnum

from payorch.sandbox_provider.faults import Fault


class RefundOutcome(StrEnum):
    """What an account's bank makes of a refund, other than carrying it out at once."""

    REFUSED_402 = "refused_402"
    REFUSED_422 = "refused_422"
    FAILED = "failed"
    PENDING = "pending"
    PENDING_THEN_FAILED = "pending_then_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MagicRefund:
    """One scenario; either a fault on the way or an outcome."""

    amount: int
    label: str
    effect: Fault | RefundOutcome
    # As with payments: a fault strikes the first try, a repeating one each.
    repeats: bool = False
    first_account_only: bool = False


_OUTCOMES = (
    (RefundOutcome.PENDING, "pending, then succeeded"),
    (RefundOutcome.PENDING_THEN_FAILED, "pending, then failed: `account_closed`"),
    (RefundOutcome.FAILED, "failed at once: `card_expired`"),
    (RefundOutcome.REFUSED_402, "refused with 402 `refund_refused`"),
    (RefundOutcome.REFUSED_422, "refused with 422 `refund_not_allowed`"),
)

# Last digits as those of the payments' numbers; what strikes payments only is missing.
_FAULTS = {
    1: (Fault.TIMEOUT_BEFORE_CHARGE, "no answer, nothing given back; a replay is carried out"),
    2: (Fault.TIMEOUT_AFTER_CHARGE, "given back, but no answer"),
    3: (Fault.ERROR_500_BEFORE, "500, nothing given back; a replay is carried out"),
    4: (Fault.ERROR_500_AFTER_CHARGE, "given back, but answered with 500"),
    5: (Fault.TRUNCATED_JSON, "given back, the answer breaks off"),
    6: (Fault.WRONG_AMOUNT, "given back, the answer names another amount"),
    7: (Fault.WRONG_CURRENCY, "given back, the answer names another currency"),
    8: (Fault.WRONG_REFERENCE, "given back, the answer names another reference"),
    9: (Fault.CONNECTION_RESET_BEFORE, "connection reset, nothing given back"),
    10: (Fault.CONNECTION_RESET_AFTER, "given back, then the connection is reset"),
    11: (Fault.RATE_LIMIT_429, "429, nothing given back"),
    12: (Fault.NOT_PROCESSED_503, "503 not processed, nothing given back"),
    13: (Fault.UNAUTHORIZED_401, "401 by the first account only, nothing given back"),
    14: (Fault.SLOW_DRIP, "given back, the answer comes one byte every half second"),
    16: (Fault.LATENCY, "given back, but slowly"),
}

_HOLDING = frozenset({Fault.RATE_LIMIT_429, Fault.NOT_PROCESSED_503, Fault.UNAUTHORIZED_401})

# What profiles may bring about by chance, besides the outcomes.
REFUND_FAULTS = frozenset({fault for fault, _ in _FAULTS.values()} | {Fault.FLAPPING})

MAGIC_REFUNDS: tuple[MagicRefund, ...] = (
    *(
        MagicRefund(amount=80_000 + scenario, label=label, effect=outcome)
        for scenario, (outcome, label) in enumerate(_OUTCOMES, start=1)
    ),
    *(
        MagicRefund(
            amount=81_000 + scenario,
            label=label,
            effect=fault,
            repeats=fault in _HOLDING,
            first_account_only=fault is Fault.UNAUTHORIZED_401,
        )
        for scenario, (fault, label) in _FAULTS.items()
    ),
    MagicRefund(
        amount=81_017,
        label="no answer to any try, nothing given back",
        effect=Fault.TIMEOUT_BEFORE_CHARGE,
        repeats=True,
    ),
)

_BY_AMOUNT = {magic.amount: magic for magic in MAGIC_REFUNDS}


def magic_refund_for(amount: int, *, is_first_account: bool) -> MagicRefund | None:
    magic = _BY_AMOUNT.get(amount)
    if magic is not None and magic.first_account_only and not is_first_account:
        return None
    return magic


def magic_refunds_markdown() -> str:
    """The table of the documentation; a test keeps the page in step with the data."""
    lines = ["| amount given back (minor units) | what happens |", "|---|---|"]
    lines += [f"| {magic.amount} | {magic.label} |" for magic in MAGIC_REFUNDS]
    return "\n".join(lines) + "\n"
