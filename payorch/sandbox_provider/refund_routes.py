"""The merchant's API for giving money back: refunds and voids."""

from flask import Response, request

from payorch.sandbox_provider.api_errors import conflict, invalid, json_response, not_found
from payorch.sandbox_provider.give_back import RefundRequest, create_refund, void_payment
from payorch.sandbox_provider.listing import page_object, parse_page
from payorch.sandbox_provider.merchant_api import (
    find_or_404,
    idempotency_key,
    merchant_blueprint,
    payment_object,
)
from payorch.sandbox_provider.payment_request import parse_json, read_amount, read_reference
from payorch.sandbox_provider.refund_record import RefundRecord
from payorch.sandbox_provider.sandbox import the_profile, the_sandbox

refunds = merchant_blueprint("refunds")


@refunds.post("/payments/<payment_id>/refunds")
def create(payment_id: str) -> Response:
    payment = find_or_404(payment_id)
    if payment.status != "approved":
        raise conflict(
            "not_refundable", f"The payment is {payment.status}.", payment=payment_object(payment)
        )
    body, profile = parse_json(request.get_data()), the_profile()
    wanted = RefundRequest(
        reference=read_reference(body),
        amount=None if body.get("amount") is None else read_amount(body),
        key=idempotency_key() if profile.idempotency_window_s > 0 else None,
    )
    return create_refund(the_sandbox(), profile, payment, wanted)


@refunds.get("/refunds/<refund_id>")
@refunds.get("/payments/<payment_id>/refunds/<refund_id>")
def read_refund(refund_id: str, payment_id: str | None = None) -> Response:
    refund = the_sandbox().refunds.find(the_profile().account, refund_id)
    if refund is None or payment_id not in {None, refund.payment_id}:
        raise not_found("refund")
    return json_response(refund.to_object())


@refunds.get("/refunds")
def find() -> Response:
    """Those of a reference, or page by page all there are."""
    ledger, account = the_sandbox().refunds, the_profile().account
    if "reference" in request.args:
        found = ledger.find_by_reference(account, request.args["reference"])
        return json_response({"data": [refund.to_object() for refund in found]})
    page = parse_page(request.args)
    if page.after is not None and ledger.find(account, page.after) is None:
        raise invalid("invalid_after", "There is no such refund.", param="after")
    return json_response(page_object(ledger.page(account, page), page, RefundRecord.to_object))


@refunds.post("/payments/<payment_id>/void")
def void(payment_id: str) -> Response:
    """Gives an approved payment back as a whole; doing it again changes nothing."""
    return void_payment(the_sandbox(), the_profile(), find_or_404(payment_id))
