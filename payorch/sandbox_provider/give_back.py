"""One request to give money back, a refund or a void, with whatever goes wrong on the way."""

import time
from dataclasses import dataclass

from flask import Response

from payorch.sandbox_provider.api_errors import ApiRefusal, conflict, invalid
from payorch.sandbox_provider.draws import draw, pick
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.in_flight import key_reused
from payorch.sandbox_provider.magic_refunds import RefundOutcome, magic_refund_for
from payorch.sandbox_provider.outages import is_down
from payorch.sandbox_provider.payment_ledger import KeyReused
from payorch.sandbox_provider.payment_record import PaymentRecord, iso
from payorch.sandbox_provider.profiles import Profile
from payorch.sandbox_provider.refund_ledger import RefundTooLarge
from payorch.sandbox_provider.refund_record import RefundRecord, new_refund_id
from payorch.sandbox_provider.sandbox import Sandbox
from payorch.sandbox_provider.spoiled_answers import spoiled, strike_before

_FAILURE_CODES = {
    RefundOutcome.FAILED: "card_expired",
    RefundOutcome.PENDING_THEN_FAILED: "account_closed",
}
_FIRST_STATUS = {
    RefundOutcome.FAILED: "failed",
    RefundOutcome.PENDING: "pending",
    RefundOutcome.PENDING_THEN_FAILED: "pending",
}


@dataclass(frozen=True, slots=True)
class RefundRequest:
    reference: str
    # Without one, all that is left of the payment.
    amount: int | None
    key: str | None


def create_refund(
    sandbox: Sandbox, profile: Profile, payment: PaymentRecord, request: RefundRequest
) -> Response:
    """The answer to the merchant; raises ApiRefusal where nothing was executed."""
    amount = request.amount or _rest(sandbox, profile, payment, request.key)
    fault, outcome = _fate(sandbox, profile, f"refund|{request.reference}", amount)
    struck = _strike_before(sandbox, profile, fault)
    if struck is not None:
        return struck
    _refuse(outcome, what="refund")
    fingerprint = f"{payment.id}|{request.reference}|{request.amount}"
    claimed = None if request.key is None else f"refund|{request.key}"
    with sandbox.in_flight.claim(profile.account, claimed, fingerprint):
        _wait(profile, fault)
        try:
            refund = sandbox.refunds.refund(
                _new_refund(sandbox.now(), profile, payment, request, outcome, amount=amount),
                window_s=profile.idempotency_window_s,
                is_whole_rest=request.amount is None,
            )
        except KeyReused:
            raise key_reused() from None
        except RefundTooLarge:
            raise invalid(
                "amount_too_large", "More than is left of the payment.", param="amount"
            ) from None
    return spoiled(sandbox.holding_room, profile, fault, refund.to_object(), 201)


def _rest(sandbox: Sandbox, profile: Profile, payment: PaymentRecord, key: str | None) -> int:
    """All that is left, in minor units; for a replay what was left when it came first."""
    first = sandbox.refunds.amount_under_key(
        profile.account, key, window_s=profile.idempotency_window_s
    )
    return sandbox.refunds.left_of(payment) if first is None else first


def void_payment(sandbox: Sandbox, profile: Profile, payment: PaymentRecord) -> Response:
    """Gives an approved payment back as a whole; doing it again changes nothing."""
    fault, outcome = _fate(sandbox, profile, f"void|{payment.reference}", payment.amount)
    struck = _strike_before(sandbox, profile, fault)
    if struck is not None:
        return struck
    if payment.status == "approved":
        _refuse(outcome, what="void")
    _wait(profile, fault)
    is_voided = sandbox.refunds.void(payment)
    payment = sandbox.payments.find(payment.account, payment.id) or payment
    shown = payment.to_object(public_url=sandbox.public_url())
    if not is_voided and payment.status != "voided":
        raise conflict(
            "not_voidable",
            "Only an approved payment without refunds can be voided.",
            payment=shown,
        )
    return spoiled(sandbox.holding_room, profile, fault, shown, 200)


def _fate(
    sandbox: Sandbox, profile: Profile, name: str, amount: int
) -> tuple[Fault | None, RefundOutcome | None]:
    """What strikes this try of the refund or void, and what the bank makes of it."""
    is_first_account = profile.account == sandbox.profiles.first_account
    magic = magic_refund_for(amount, is_first_account=is_first_account)
    if magic is not None:
        effect: Fault | RefundOutcome | None = magic.effect
    else:
        seed = sandbox.settings.seed
        drawn = draw(name, seed=seed, account=profile.account)
        effect = pick(drawn, profile.refund_faults, total=1)
    if effect is None or isinstance(effect, RefundOutcome):
        return None, effect
    if effect is Fault.FLAPPING:
        return (effect if is_down(profile, sandbox.now()) else None), None
    repeats = magic is not None and magic.repeats
    if not repeats and not sandbox.payments.strike_once(profile.account, name):
        return None, None
    return effect, None


def _strike_before(sandbox: Sandbox, profile: Profile, fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    sandbox.count(profile.account, fault)
    return strike_before(sandbox.holding_room, profile, fault)


def _wait(profile: Profile, fault: Fault | None) -> None:
    if fault is Fault.LATENCY:
        time.sleep(profile.slow_ms / 1000)


def _refuse(outcome: RefundOutcome | None, *, what: str) -> None:
    """Raises ApiRefusal for what the bank does not do; such a request does not use up its key."""
    if outcome is RefundOutcome.REFUSED_402:
        raise ApiRefusal(
            402,
            error_type="refused",
            code=f"{what}_refused",
            message=f"The bank refused the {what}. Nothing was given back.",
        )
    if outcome is RefundOutcome.REFUSED_422:
        raise invalid(
            f"{what}_not_allowed", f"This payment does not allow a {what}. Nothing was given back."
        )


def _new_refund(
    now: float,
    profile: Profile,
    payment: PaymentRecord,
    request: RefundRequest,
    outcome: RefundOutcome | None,
    *,
    amount: int,
) -> RefundRecord:
    failure_code = _FAILURE_CODES.get(outcome) if outcome else None
    status = _FIRST_STATUS.get(outcome, "succeeded") if outcome else "succeeded"
    return RefundRecord(
        id=new_refund_id(payment.account),
        account=payment.account,
        payment_id=payment.id,
        reference=request.reference,
        idempotency_key=request.key,
        amount=amount,
        currency=payment.currency,
        status=status,
        created_at=iso(now),
        ends_as="failed" if failure_code else "succeeded",
        failure_code=failure_code,
        settle_at=now + profile.refund_settles_after_s if status == "pending" else None,
        updated_at=iso(now),
    )
