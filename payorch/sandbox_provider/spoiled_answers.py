"""What a fault makes of an answer: of none at all, or of the truth on its way back."""

from collections.abc import Mapping

from flask import Response

from payorch.sandbox_provider.api_errors import (
    bad_api_key,
    internal_error,
    json_response,
    not_processed,
    rate_limited,
)
from payorch.sandbox_provider.broken_answers import (
    DrippingAnswer,
    HoldingRoom,
    NoAnswer,
    TruncatedAnswer,
)
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.profiles import Profile


def strike_before(room: HoldingRoom, profile: Profile, fault: Fault) -> Response | None:
    """The answer of a fault that leaves the ledger untouched; None for the others.

    Raises ApiRefusal for those that are orderly answers.
    """
    match fault:
        case Fault.UNAUTHORIZED_401:
            raise bad_api_key()
        case Fault.RATE_LIMIT_429:
            raise rate_limited()
        case Fault.NOT_PROCESSED_503 | Fault.FLAPPING:
            raise not_processed()
        case Fault.ERROR_500_BEFORE:
            raise internal_error()
        case Fault.CONNECTION_RESET_BEFORE:
            return NoAnswer(is_reset=True)
        case Fault.TIMEOUT_BEFORE_CHARGE:
            return NoAnswer(room=room, hold_s=profile.hold_s)
        case _:
            return None


def spoiled(
    room: HoldingRoom,
    profile: Profile,
    fault: Fault | None,
    truth: Mapping[str, object],
    status: int,
) -> Response:
    """The answer that shows `truth` (a payment or a refund), as far as the fault lets it.

    Raises ApiRefusal for a 500 that hides it.
    """
    match fault:
        case Fault.TIMEOUT_AFTER_CHARGE:
            return NoAnswer(room=room, hold_s=profile.hold_s)
        case Fault.CONNECTION_RESET_AFTER:
            return NoAnswer(is_reset=True)
        case Fault.ERROR_500_AFTER_CHARGE:
            raise internal_error()
        case _:
            response = json_response({**truth, **_lie(fault, truth)}, status)
    if fault is Fault.TRUNCATED_JSON:
        return TruncatedAnswer(response.get_data(), status, mimetype="application/json")
    if fault is Fault.SLOW_DRIP:
        return DrippingAnswer(response, hold_s=profile.hold_s)
    return response


def _lie(fault: Fault | None, truth: Mapping[str, object]) -> dict[str, object]:
    match fault:
        case Fault.WRONG_AMOUNT:
            return {"amount": int(str(truth["amount"])) + 1}
        case Fault.WRONG_CURRENCY:
            return {"currency": "USD" if truth["currency"] != "USD" else "EUR"}
        case Fault.WRONG_REFERENCE:
            return {"reference": f"{truth['reference']}-other"}
        case _:
            return {}
