"""The operator's side: profiles, outages, and the ledger that tests compare with."""

import hmac
from collections import Counter

from flask import Blueprint, Response, request

from payorch.sandbox_provider.api_errors import ApiRefusal, invalid, json_response, not_found
from payorch.sandbox_provider.merchant_api import payment_object
from payorch.sandbox_provider.outages import parse_outage
from payorch.sandbox_provider.payment_request import parse_json
from payorch.sandbox_provider.profile_values import ProfileError
from payorch.sandbox_provider.sandbox import the_sandbox

admin = Blueprint("admin", __name__, url_prefix="/admin")


@admin.before_request
def check_admin_key() -> None:
    given = request.headers.get("X-Sandbox-Admin", "")
    if not hmac.compare_digest(given.encode(), the_sandbox().settings.admin_key.encode()):
        raise ApiRefusal(
            401, error_type="authentication", code="bad_admin_key", message="Not the admin key."
        )


@admin.get("/profiles")
def list_profiles() -> Response:
    profiles = the_sandbox().profiles.all()
    return json_response({"data": [profile.to_json() for profile in profiles]})


@admin.patch("/profiles/<account>")
def patch_profile(account: str) -> Response:
    try:
        profile = the_sandbox().profiles.patch(account, parse_json(request.get_data()))
    except KeyError:
        raise not_found("account") from None
    except ProfileError as error:
        raise invalid("invalid_profile", str(error)) from None
    return json_response(profile.to_json())


@admin.put("/profiles/<account>")
def put_profile(account: str) -> Response:
    try:
        profile = the_sandbox().profiles.put(account, parse_json(request.get_data()))
    except ProfileError as error:
        raise invalid("invalid_profile", str(error)) from None
    return json_response(profile.to_json(), 201)


@admin.post("/outages")
def add_outage() -> Response:
    sandbox = the_sandbox()
    outage = parse_outage(parse_json(request.get_data()), now=sandbox.now())
    if sandbox.profiles.find(outage.account) is None:
        raise not_found("account")
    sandbox.outages.add(outage)
    return json_response(outage.to_json(), 201)


@admin.get("/outages")
def list_outages() -> Response:
    return json_response({"data": [outage.to_json() for outage in the_sandbox().outages.all()]})


@admin.delete("/outages")
def clear_outages() -> Response:
    the_sandbox().outages.clear()
    return json_response({"data": []})


@admin.get("/ledger")
def read_ledger() -> Response:
    """Everything that was charged and given back, as this provider knows it."""
    sandbox, account = the_sandbox(), request.args.get("account")
    payments = [
        {**payment_object(payment), "idempotency_key": payment.idempotency_key}
        for payment in sandbox.payments.all(account)
    ]
    refunds = [
        {**refund.to_object(), "account": refund.account} for refund in sandbox.refunds.all(account)
    ]
    return json_response({"payments": payments, "refunds": refunds})


@admin.post("/late-arrivals/land")
def land_late_arrivals() -> Response:
    """Lands what is still on its way now, so that a test need not wait."""
    landed = the_sandbox().late_arrivals.land(due_before=float("inf"))
    return json_response({"landed": landed})


@admin.post("/settlements/settle")
def settle_now() -> Response:
    """Ends now what is pending or will yet change its mind, so that a test need not wait."""
    settled = the_sandbox().settlements.settle(due_before=float("inf"))
    return json_response({"settled": settled})


@admin.post("/reset")
def reset() -> Response:
    the_sandbox().reset()
    return json_response({"status": "empty"})


@admin.get("/stats")
def stats() -> Response:
    sandbox = the_sandbox()
    statuses: dict[str, Counter[str]] = {}
    for account, status, number in sandbox.ledger.rows(
        "SELECT account, status, count(*) FROM payments GROUP BY account, status"
    ):
        statuses.setdefault(str(account), Counter())[str(status)] = int(str(number))
    return json_response(
        {
            "payments": statuses,
            "events": sandbox.counts(),
            "in_flight": len(sandbox.in_flight),
            "held": sandbox.holding_room.held,
            "late_arrivals": sandbox.late_arrivals.waiting(),
            "webhooks_waiting": sandbox.webhooks.waiting(),
        }
    )
