"""What each error looks like over HTTP. The only place that knows the status of an error.

JSON (problem details) under /api and for clients that prefer it, an HTML page for people.
Whatever else goes wrong ends in `_unexpected`: one incident id for the customer and the log.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Response, make_response, render_template, request
from markupsafe import escape
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from payorch.application.metrics_window import InvalidWindow
from payorch.domain import errors as facts
from payorch.domain.login_errors import LoginBusy, PasskeyRefused
from payorch.domain.second_person_errors import (
    RefundNeedsSecondPerson,
    RefundProposalNotPossible,
)
from payorch.presentation.error_texts import API_DETAILS, page_texts
from payorch.presentation.problem_details import PROBLEM_MIMETYPE, problem
from payorch.presentation.request_logging import note_problem, request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

STATUS_BY_ERROR: Mapping[type[facts.PayorchError], int] = {
    facts.InvalidMoney: 422,
    facts.OrderNotFound: 404,
    facts.OrderAlreadyPaid: 409,
    facts.OrderNotPayable: 409,
    facts.PaymentInProgress: 409,
    facts.IdempotencyKeyReused: 409,
    facts.NoProviderForOrder: 422,
    facts.TooManySubmissions: 429,
    facts.TooManyDeclines: 429,
    facts.TooManyLogins: 429,
    LoginBusy: 503,
    PasskeyRefused: 409,
    facts.TooManyRequests: 429,
    facts.CardNotAcceptedNow: 422,
    facts.PolicyChangedMeanwhile: 409,
    facts.InvalidRoutingPolicy: 422,
    facts.InvalidPolicyTrial: 422,
    facts.TrialIsRunning: 409,
    facts.TrialNotRunning: 409,
    facts.InvalidHold: 422,
    facts.InvalidFee: 422,
    facts.CircuitChangedMeanwhile: 409,
    facts.PaymentMethodNotFound: 404,
    facts.ReasonRequired: 422,
    facts.SecondFactorRefused: 409,
    facts.SecretUnreadable: 422,
    facts.OrderNotErasable: 409,
    facts.RefundNotFound: 404,
    facts.OrderNotRefundable: 409,
    facts.RefundTooLarge: 409,
    facts.RefundInProgress: 409,
    facts.RefundNotRetryable: 409,
    RefundNeedsSecondPerson: 409,
    RefundProposalNotPossible: 409,
    InvalidWindow: 422,
    facts.NoticeNotFound: 404,
    facts.ReviewNotPossible: 409,
    facts.NothingToCheck: 409,
    facts.FlagNotOpen: 409,
    facts.InvalidSettlementMapping: 422,
    facts.SettlementFileRefused: 422,
    facts.SettlementImportChanged: 409,
    facts.DifferenceChanged: 409,
    facts.ListViewRefused: 422,
    facts.PaymentsPaused: 503,
    facts.LedgerUnavailable: 503,
}

_FACTS_FOR_CLIENTS = ("order_id", "reasons", "current_version", "retry_after_s", "refundable_minor")
"""Attributes of an error that help the caller; each becomes a member of the problem."""

_UNAVAILABLE_RETRY_S = 5

_log = structlog.get_logger("payorch.errors")


def init_app(app: Flask) -> None:
    app.register_error_handler(facts.PayorchError, _known)
    app.register_error_handler(HTTPException, _http)
    for outage in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(outage, _database_outage)
    app.register_error_handler(Exception, _unexpected)


def wants_problem_json() -> bool:
    """Where machines call always; elsewhere when the client likes JSON better than HTML."""
    if request.path.startswith(("/api/", "/webhooks/")):
        return True
    liked = request.accept_mimetypes.best_match(
        ["text/html", "application/json", PROBLEM_MIMETYPE], default="text/html"
    )
    return liked != "text/html"


def _known(error: facts.PayorchError) -> Response:
    status = STATUS_BY_ERROR.get(type(error))
    if status is None:
        return _unexpected(error)
    members = {name: getattr(error, name, None) for name in _FACTS_FOR_CLIENTS}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        _log.error("unavailable", code=error.code)
        members["retry_after_s"] = members["retry_after_s"] or _UNAVAILABLE_RETRY_S
    wait_s = members["retry_after_s"]
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    if wants_problem_json():
        return problem(status, error.code, error.message, headers=headers, **members)
    return _page(status, error.code, headers, wait_s=wait_s)


def _database_outage(error: Exception) -> Response:
    """A page or an answer could not be read from the database.

    Unlike LedgerUnavailable it says nothing about a payment: one may have been made before.
    """
    _log.error("database_unavailable", incident_id=request_id(), exc_info=error)
    headers = {"Retry-After": str(_UNAVAILABLE_RETRY_S)}
    code = "database_unavailable"
    if wants_problem_json():
        return problem(
            503, code, API_DETAILS[503], headers=headers, retry_after_s=_UNAVAILABLE_RETRY_S
        )
    return _page(503, code, headers)


def _http(error: HTTPException) -> Response:
    """Errors that the framework raises: 404, 405, 413, a form without its CSRF token ..."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return make_response(error.get_response(request.environ))
    code = HTTPStatus(status).name.lower()
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name.lower() not in {"content-type", "content-length"}
    }
    if wants_problem_json():
        detail = API_DETAILS.get(status, HTTPStatus(status).description)
        return problem(status, code, detail, headers=headers)
    return _page(status, code, headers)


def _unexpected(error: Exception) -> Response:
    """The last resort. The log keeps the (redacted) trace, the client only gets the id."""
    _log.error("unexpected_error", incident_id=request_id(), exc_info=error)
    if wants_problem_json():
        return problem(500, "internal_error", API_DETAILS[500])
    return _page(500, "internal_error", {})


def _page(
    status: int, code: str, headers: Mapping[str, str], *, wait_s: int | None = None
) -> Response:
    note_problem(code)
    try:
        title, message = page_texts(status, code, wait_s=wait_s)
        html = render_template(
            [f"errors/{status}.html", "errors/error.html"],
            title=title,
            message=message,
            status=status,
            incident_id=request_id(),
        )
    except Exception as failure:  # noqa: BLE001 - a page about an error must come even when its template, or the database behind it, is what broke
        _log.error("error_page_failed", incident_id=request_id(), exc_info=failure)
        html = _bare_page(status)
    return Response(html, status=status, mimetype="text/html", headers=dict(headers))


def _bare_page(status: int) -> str:
    """Needs no template, no translation and no database."""
    title = escape(HTTPStatus(status).phrase)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>Reference: {escape(request_id())}</p></body></html>"
    )
