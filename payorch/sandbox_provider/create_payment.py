"""One request to pay, from its plan to its answer, with whatever goes wrong on the way."""

import secrets
import time
from dataclasses import replace

import orjson
from flask import Response

from payorch.sandbox_provider.api_errors import conflict
from payorch.sandbox_provider.broken_answers import NoAnswer
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.in_flight import key_reused
from payorch.sandbox_provider.outages import is_down
from payorch.sandbox_provider.payment_ledger import KeyReused, ReferenceCancelled
from payorch.sandbox_provider.payment_record import PaymentRecord, iso, new_payment_id
from payorch.sandbox_provider.payment_request import PaymentRequest
from payorch.sandbox_provider.plan import Plan, plan_payment
from payorch.sandbox_provider.profiles import Profile
from payorch.sandbox_provider.sandbox import Sandbox
from payorch.sandbox_provider.spoiled_answers import spoiled, strike_before


def create_payment(
    sandbox: Sandbox,
    profile: Profile,
    request: PaymentRequest,
    *,
    key: str | None,
    public_url: str,
) -> Response:
    """The answer to the merchant; raises ApiRefusal where nothing was executed."""
    account = profile.account
    plan = plan_payment(
        request,
        profile,
        seed=sandbox.settings.seed,
        is_first_account=account == sandbox.profiles.first_account,
    )
    fault = _fault_of(sandbox, profile, request, plan)
    if fault is not None:
        sandbox.count(account, fault)
        struck = strike_before(sandbox.holding_room, profile, fault)
        if struck is not None:
            return struck
    key = key if profile.idempotency_window_s > 0 else None
    if fault is Fault.LATE_ARRIVAL:
        due_at = sandbox.now() + profile.late_arrival_after_s
        sandbox.late_arrivals.add(_new_payment(sandbox, profile, request, plan, key), due_at=due_at)
        return NoAnswer(room=sandbox.holding_room, hold_s=profile.hold_s)
    slow_s = profile.slow_ms / 1000 if fault is Fault.LATENCY else 0.0
    with sandbox.in_flight.claim(account, key, request.fingerprint):
        if plan.latency_s or slow_s:
            time.sleep(plan.latency_s + slow_s)
        new = _new_payment(sandbox, profile, request, plan, key)
        if fault is Fault.CONTRADICTING_LATER:
            new = _contradicting(new, at=sandbox.now() + profile.contradicts_after_s)
        is_doubled = fault is Fault.DOUBLE_CHARGE
        payment = _charge(sandbox, profile, new, is_doubled=is_doubled)
    shown = payment.to_object(public_url=public_url)
    return spoiled(sandbox.holding_room, profile, fault, shown, payment.http_status)


def _fault_of(
    sandbox: Sandbox, profile: Profile, request: PaymentRequest, plan: Plan
) -> Fault | None:
    """Outages strike each request; other faults a payment's first one, unless they repeat."""
    fault = sandbox.outages.fault_now(
        profile.account, draw=plan.draws.outage, now=sandbox.now(), creates=True
    )
    if fault is None and plan.fault is not None:
        is_first = plan.fault_repeats or sandbox.payments.strike_once(
            profile.account, request.reference
        )
        fault = plan.fault if is_first else None
    if fault is Fault.FLAPPING and not is_down(profile, sandbox.now()):
        return None
    return fault


def _contradicting(new: PaymentRecord, *, at: float) -> PaymentRecord:
    """Declined now, approved later; a payment that is open is left as it is."""
    if new.is_open:
        return new
    return replace(
        new,
        status="declined",
        captured_amount=0,
        decline_code=new.decline_code or "05",
        ends_as="approved",
        settle_at=at,
    )


def _charge(
    sandbox: Sandbox, profile: Profile, new: PaymentRecord, *, is_doubled: bool
) -> PaymentRecord:
    try:
        return sandbox.payments.charge(
            new, window_s=profile.idempotency_window_s, is_doubled=is_doubled
        )
    except KeyReused:
        raise key_reused() from None
    except ReferenceCancelled:
        raise conflict(
            "reference_cancelled", "This reference was cancelled. Nothing was charged."
        ) from None


def _new_payment(
    sandbox: Sandbox, profile: Profile, request: PaymentRequest, plan: Plan, key: str | None
) -> PaymentRecord:
    now = sandbox.now()
    card, decline = request.card, plan.decline
    is_pending = plan.status == "pending"
    return PaymentRecord(
        id=new_payment_id(profile.account),
        account=profile.account,
        reference=request.reference,
        idempotency_key=key,
        fingerprint=request.fingerprint,
        method=request.method,
        amount=request.amount,
        currency=request.currency,
        captured_amount=request.amount if plan.status == "approved" else 0,
        refunded_amount=0,
        status=plan.status,
        ends_as="approved" if decline is None else "declined",
        decline_scheme=card.brand if card else request.method,
        decline_code=decline.code if decline else None,
        decline_advice=decline.advice_code if decline else None,
        settle_at=now + profile.pending_settles_after_s if is_pending else None,
        challenge_token=secrets.token_urlsafe(16) if plan.status == "requires_action" else None,
        return_url=request.return_url,
        description=request.description,
        card_brand=card.brand if card else None,
        card_bin=card.bin if card else None,
        card_last4=card.last4 if card else None,
        created_at=iso(now),
        updated_at=iso(now),
        metadata=orjson.dumps(request.metadata).decode() if request.metadata else None,
    )
