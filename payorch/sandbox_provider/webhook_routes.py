"""The operator's side of webhooks: what was told to whom, and telling more, true or forged."""

from typing import Any

from flask import Blueprint, Response, request

from payorch.sandbox_provider.admin_routes import check_admin_key
from payorch.sandbox_provider.api_errors import invalid, json_response, not_found
from payorch.sandbox_provider.payment_record import PaymentRecord
from payorch.sandbox_provider.payment_request import parse_json
from payorch.sandbox_provider.sandbox import the_sandbox
from payorch.sandbox_provider.webhook_queue import DeliveryKind

webhook_admin = Blueprint("webhook_admin", __name__, url_prefix="/admin")
webhook_admin.before_request(check_admin_key)


@webhook_admin.get("/events")
def list_events() -> Response:
    """Every event with its deliveries, oldest first; `account`, `payment` and `type` narrow it."""
    wanted = {
        name: request.args[param]
        for param, name in (("account", "account"), ("payment", "payment_id"), ("type", "type"))
        if param in request.args
    }
    events = [
        event
        for event in the_sandbox().webhooks.all()
        if all(event[name] == value for name, value in wanted.items())
    ]
    return json_response({"data": events})


@webhook_admin.post("/events/<event_id>/redeliver")
def redeliver(event_id: str) -> Response:
    """Sends an event once more under its own id, whatever became of it before."""
    body = parse_json(request.get_data() or b"{}")
    if not the_sandbox().webhooks.send_again(event_id, _delivery_kind(body, DeliveryKind.PLAIN)):
        raise not_found("event")
    return json_response({"id": event_id}, 202)


@webhook_admin.post("/events")
def send_event() -> Response:
    """Sends now: `kind` duplicate repeats the payment's newest event, all others make one up."""
    body = parse_json(request.get_data())
    payment = _payment(body)
    kind = _delivery_kind(body, DeliveryKind.FORGED)
    sandbox = the_sandbox()
    if not sandbox.events.is_on(payment.account):
        raise invalid("no_webhook_url", "This account has no webhook_url.", param="payment")
    if kind is DeliveryKind.DUPLICATE:
        event_id = sandbox.webhooks.latest_of(payment.id)
        if event_id is None:
            raise not_found("event of this payment")
        sandbox.webhooks.send_again(event_id, kind)
        return json_response({"id": event_id}, 202)
    event_type, changes = body.get("type", f"payment.{payment.status}"), body.get("data", {})
    if not isinstance(event_type, str) or not event_type:
        raise invalid("invalid_event", "Text is needed.", param="type")
    if not isinstance(changes, dict):
        raise invalid("invalid_event", "A JSON object is needed.", param="data")
    with sandbox.ledger.transaction() as connection:
        event_id = sandbox.events.send_now(
            connection, payment, event_type=event_type, changes=changes, delivery=kind
        )
    return json_response({"id": event_id}, 202)


def _payment(body: dict[str, Any]) -> PaymentRecord:
    payment = the_sandbox().payments.find_in_any_account(str(body.get("payment")))
    if payment is None:
        raise not_found("payment")
    return payment


def _delivery_kind(body: dict[str, Any], default: DeliveryKind) -> DeliveryKind:
    try:
        return DeliveryKind(body.get("kind", default))
    except ValueError:
        raise invalid("invalid_event", ", ".join(DeliveryKind), param="kind") from None
