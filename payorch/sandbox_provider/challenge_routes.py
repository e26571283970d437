"""The page to which a customer is sent: here they approve or decline, as at their bank."""

import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from payorch.sandbox_provider.amount_text import amount_text
from payorch.sandbox_provider.api_errors import invalid, not_found
from payorch.sandbox_provider.payment_record import PaymentRecord
from payorch.sandbox_provider.plan import NOT_AUTHENTICATED
from payorch.sandbox_provider.sandbox import the_sandbox

# What somebody would write into the address bar to be taken for a customer who has paid.
_FAKED_STATUS = "success"

challenges = Blueprint("challenges", __name__, url_prefix="/<account>/challenge")


def _find(account: str, payment_id: str, token: str | None) -> PaymentRecord:
    """The payment of an unguessable address; a wrong token looks like a wrong id."""
    sandbox = the_sandbox()
    payment = sandbox.payments.find(account, payment_id)
    if payment is None or payment.challenge_token is None:
        raise not_found("payment")
    if not hmac.compare_digest((token or "").encode(), payment.challenge_token.encode()):
        raise not_found("payment")
    return payment


def _page(account: str, payment: PaymentRecord) -> Response:
    profile = the_sandbox().profiles.find(account)
    response = make_response(
        render_template(
            "challenge.html",
            payment=payment,
            amount=amount_text(payment.amount, payment.currency),
            provider=(profile.display_name if profile else "") or account,
            back=_back_url(payment, payment.status),
            faked=_back_url(payment, _FAKED_STATUS),
        )
    )
    # Chromium checks the redirect after the form against form-action, too.
    back = urlsplit(payment.return_url or "")
    origin = f" {back.scheme}://{back.netloc}" if back.netloc else ""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{origin}"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _back_url(payment: PaymentRecord, status: str) -> str | None:
    """The merchant's address with the result appended, which a merchant must not believe."""
    if payment.return_url is None:
        return None
    parts = urlsplit(payment.return_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True)]
    query += [("payment", payment.id), ("status", status)]
    return urlunsplit(parts._replace(query=urlencode(query)))


@challenges.get("/<payment_id>")
def show(account: str, payment_id: str) -> Response:
    return _page(account, _find(account, payment_id, request.args.get("token")))


@challenges.post("/<payment_id>")
def decide(account: str, payment_id: str) -> AnyResponse:
    payment = _find(account, payment_id, request.form.get("token"))
    decision = request.form.get("decision")
    if decision not in {"approve", "decline"}:
        raise invalid("invalid_decision", "approve or decline.", param="decision")
    payment = the_sandbox().payments.decide(
        payment,
        is_approved=decision == "approve",
        refused_code=NOT_AUTHENTICATED.code,
    )
    back = _back_url(payment, payment.status)
    return _page(account, payment) if back is None else redirect(back, 303)
