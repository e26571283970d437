"""Everything that may go wrong between a merchant and this provider, by name."""

from enum import StrEnum


class Fault(StrEnum):
    """One way to fail; "before" means nothing was charged, "after" that the charge stands."""

    LATENCY = "latency"
    TIMEOUT_BEFORE_CHARGE = "timeout_before_charge"
    TIMEOUT_AFTER_CHARGE = "timeout_after_charge"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_AFTER_CHARGE = "error_500_after_charge"
    TRUNCATED_JSON = "truncated_json"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_REFERENCE = "wrong_reference"
    CONNECTION_RESET_BEFORE = "connection_reset_before"
    CONNECTION_RESET_AFTER = "connection_reset_after"
    FLAPPING = "flapping"
    RATE_LIMIT_429 = "rate_limit_429"
    NOT_PROCESSED_503 = "not_processed_503"
    UNAUTHORIZED_401 = "unauthorized_401"
    SLOW_DRIP = "slow_drip"
    LATE_ARRIVAL = "late_arrival"
    # Two lies that no merchant can foresee; only their books can show them.
    CONTRADICTING_LATER = "contradicting_later"
    DOUBLE_CHARGE = "double_charge"


# Struck before the ledger is touched: the answer, or its absence, means "not charged".
BEFORE_CHARGE = frozenset(
    {
        Fault.TIMEOUT_BEFORE_CHARGE,
        Fault.ERROR_500_BEFORE,
        Fault.CONNECTION_RESET_BEFORE,
        Fault.FLAPPING,
        Fault.RATE_LIMIT_429,
        Fault.NOT_PROCESSED_503,
        Fault.UNAUTHORIZED_401,
    }
)
