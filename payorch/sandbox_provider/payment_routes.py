"""The merchant's API for payments: create, read, find by reference, cancel."""

from flask import Response, request

from payorch.sandbox_provider.api_errors import conflict, invalid, json_response, unsupported
from payorch.sandbox_provider.create_payment import create_payment
from payorch.sandbox_provider.listing import page_object, parse_page
from payorch.sandbox_provider.merchant_api import (
    find_or_404,
    idempotency_key,
    merchant_blueprint,
    payment_object,
    public_url,
)
from payorch.sandbox_provider.payment_ledger import NotCancellable
from payorch.sandbox_provider.payment_record import PaymentRecord
from payorch.sandbox_provider.payment_request import (
    parse_json,
    parse_payment_request,
    read_reference,
)
from payorch.sandbox_provider.sandbox import the_profile, the_sandbox

payments = merchant_blueprint("payments")


@payments.post("/payments")
def create() -> Response:
    profile = the_profile()
    return create_payment(
        the_sandbox(),
        profile,
        parse_payment_request(request.get_data(), profile),
        key=idempotency_key(),
        public_url=public_url(),
    )


@payments.get("/payments")
def find() -> Response:
    """Those of a reference, or page by page all there are."""
    profile = the_profile()
    if "reference" not in request.args:
        return _page(profile.account)
    if not profile.find_by_reference:
        raise unsupported("finding payments by reference")
    reference = request.args["reference"]
    found = the_sandbox().payments.find_by_reference(profile.account, reference)
    return json_response({"data": [payment_object(payment) for payment in found]})


def _page(account: str) -> Response:
    page, payments_ledger = parse_page(request.args), the_sandbox().payments
    if page.after is not None and payments_ledger.find(account, page.after) is None:
        raise invalid("invalid_after", "There is no such payment.", param="after")
    return json_response(page_object(payments_ledger.page(account, page), page, payment_object))


@payments.get("/payments/<payment_id>")
def read(payment_id: str) -> Response:
    return json_response(payment_object(find_or_404(payment_id)))


@payments.post("/payments/<payment_id>/cancel")
def cancel(payment_id: str) -> Response:
    payment = find_or_404(payment_id)
    try:
        return json_response(payment_object(the_sandbox().payments.cancel(payment)))
    except NotCancellable as refusal:
        raise _not_cancellable(refusal.payment) from None


@payments.post("/payments/cancel")
def cancel_by_reference() -> Response:
    profile = the_profile()
    if not profile.cancel_by_reference:
        raise unsupported("cancelling by reference")
    reference = read_reference(parse_json(request.get_data()))
    try:
        payment = the_sandbox().payments.cancel_reference(profile.account, reference)
    except NotCancellable as refusal:
        raise _not_cancellable(refusal.payment) from None
    if payment is None:
        return json_response({"status": "cancelled", "reference": reference, "id": None})
    return json_response(payment_object(payment))


def _not_cancellable(payment: PaymentRecord) -> Exception:
    return conflict(
        "not_cancellable",
        f"The payment is {payment.status}.",
        payment=payment_object(payment),
    )
