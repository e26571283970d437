"""What the merchant's calls have in common: the account, its key, and outages of everything."""

import hmac

from flask import Blueprint, Response, g, request

from payorch.sandbox_provider.api_errors import bad_api_key, not_found
from payorch.sandbox_provider.draws import draws_for
from payorch.sandbox_provider.payment_record import PaymentRecord
from payorch.sandbox_provider.sandbox import the_profile, the_sandbox
from payorch.sandbox_provider.spoiled_answers import strike_before


def merchant_blueprint(name: str) -> Blueprint:
    """A blueprint under an account's address that only holders of its key can reach."""
    blueprint = Blueprint(name, __name__, url_prefix="/<account>/v1")
    blueprint.url_value_preprocessor(_take_account)
    blueprint.before_request(_check_api_key)
    return blueprint


def _take_account(_endpoint: str | None, values: dict[str, str] | None) -> None:
    g.account = (values or {}).pop("account", "")


def _check_api_key() -> Response | None:
    """Who asks, and whether an outage of everything lets them; sets the request's profile."""
    sandbox = the_sandbox()
    profile = sandbox.profiles.find(g.account)
    if profile is None:
        raise not_found("account")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {profile.api_key}".encode()):
        raise bad_api_key()
    g.profile = profile
    sandbox.count(profile.account, "requests")
    if sandbox.outages.all() and request.endpoint != "payments.create":
        # A lookup is asked again and again, so each second draws anew.
        asked = f"{request.full_path}|{int(sandbox.now())}"
        draw = draws_for(
            seed=sandbox.settings.seed, account=profile.account, reference=asked
        ).outage
        fault = sandbox.outages.fault_now(
            profile.account, draw=draw, now=sandbox.now(), creates=False
        )
        if fault is not None:
            sandbox.count(profile.account, fault)
            return strike_before(sandbox.holding_room, profile, fault)
    return None


def public_url() -> str:
    return the_sandbox().public_url()


def payment_object(payment: PaymentRecord) -> dict[str, object]:
    return payment.to_object(public_url=public_url())


def find_or_404(payment_id: str) -> PaymentRecord:
    payment = the_sandbox().payments.find(the_profile().account, payment_id)
    if payment is None:
        raise not_found("payment")
    return payment


def idempotency_key() -> str | None:
    return request.headers.get("Idempotency-Key") or None
