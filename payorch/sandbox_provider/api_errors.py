"""Refusals of the practice provider's API, in the one shape that merchants see."""

from collections.abc import Mapping

import orjson
from flask import Response


class ApiRefusal(Exception):
    """An answer other than a payment; the handler in app.py turns it into JSON."""

    def __init__(
        self,
        status: int,
        *,
        error_type: str,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        payment: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.error = {"type": error_type, "code": code, "message": message, "param": param}
        self.headers = dict(headers or {})
        self.payment = payment

    def to_response(self) -> Response:
        body: dict[str, object] = {"error": self.error}
        if self.payment is not None:
            body["payment"] = self.payment
        return json_response(body, self.status, self.headers)


def json_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    response = Response(orjson.dumps(body), status, mimetype="application/json")
    if headers:
        response.headers.update(headers)
    return response


def invalid(code: str, message: str, *, param: str | None = None, status: int = 422) -> ApiRefusal:
    """A request that was never executed because of what it says."""
    return ApiRefusal(status, error_type="invalid_request", code=code, message=message, param=param)


def not_found(what: str) -> ApiRefusal:
    return invalid("not_found", f"There is no such {what}.", status=404)


def unsupported(what: str) -> ApiRefusal:
    """What this account's profile has switched off; some real providers lack it too."""
    return invalid("unsupported", f"This account does not offer {what}.", status=404)


def conflict(
    code: str,
    message: str,
    *,
    retry_after_s: int | None = None,
    payment: Mapping[str, object] | None = None,
) -> ApiRefusal:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return ApiRefusal(
        409, error_type="conflict", code=code, message=message, headers=headers, payment=payment
    )


def bad_api_key() -> ApiRefusal:
    return ApiRefusal(
        401, error_type="authentication", code="bad_api_key", message="The API key is not valid."
    )


def not_processed() -> ApiRefusal:
    return ApiRefusal(
        503,
        error_type="unavailable",
        code="not_processed",
        message="The provider is down. Nothing of this request was processed.",
    )


def rate_limited() -> ApiRefusal:
    return ApiRefusal(
        429,
        error_type="rate_limited",
        code="rate_limited",
        message="Too many requests. Nothing of this request was processed.",
        headers={"Retry-After": "1"},
    )


def internal_error() -> ApiRefusal:
    return ApiRefusal(
        500, error_type="api_error", code="internal", message="Something went wrong on our side."
    )
