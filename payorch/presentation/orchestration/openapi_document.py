"""The OpenAPI 3.1 document: APIFlask's, with the parts that are the same for every operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from apiflask import APIFlask
from flask import current_app

from payorch.domain.api_key import Scope
from payorch.presentation.orchestration.answer_schemas import ProblemOut
from payorch.presentation.orchestration.blueprint import API_PREFIX
from payorch.presentation.orchestration.idempotency import KEY_HEADER, KEY_PATTERN
from payorch.presentation.orchestration.scopes import OPEN_ENDPOINTS, SCOPE_OF_ENDPOINT
from payorch.presentation.problem_details import PROBLEM_MIMETYPE
from payorch.version import __version__

if TYPE_CHECKING:
    from flask import Flask

_INTRODUCTION = """\
Take a payment through several providers. Amounts are whole minor units (1250 is 12.50 EUR).

Repeat a request with the same Idempotency-Key whenever you are not sure that it arrived: the
answer is the stored one, with the header Idempotent-Replayed, and nobody is charged twice.
A declined payment is a result (200), not an error. 202 means that the result is not known yet.

Send an API key as Authorization: Bearer. Each operation needs the one scope that it names. Staff
make keys on the back office's page "API keys", or with payorch api-keys create.
"""

_PLACE = re.compile(r"<(\w+)>")
_NESTED_NAME = re.compile(rb"(#/components/schemas/)\w+\.")

_PROBLEM = {"content": {PROBLEM_MIMETYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}

# What can go wrong with each operation, beyond what can with all of them.
_PROBLEMS = {
    "createOrder": (400, 409, 413, 415, 422, 503),
    "readOrder": (404, 503),
    "cancelOrder": (400, 404, 409, 413, 415, 422, 503),
    "listMethodsOfOrder": (404, 503),
    "listMethods": (422, 503),
    "payOrder": (400, 404, 409, 413, 415, 422, 429, 503),
    "createPayment": (400, 409, 413, 415, 422, 429, 503),
    "createRefund": (400, 404, 409, 413, 415, 422, 503),
    "listRefundsOfOrder": (404, 503),
    "readRefund": (404, 503),
    "retryRefund": (400, 404, 409, 413, 415, 422, 503),
}
_PROBLEMS_OF_ALL = (400, 401, 403, 429, 500)
_MEANINGS = {
    400: "The body is no JSON, the Idempotency-Key is missing or malformed, or a key is in the URL",
    401: "The API key is missing, wrong, revoked, expired, or of the other mode",
    403: "The API key lacks the scope, or may not be used from this address",
    404: "There is no such order, or no such refund",
    409: "The order's state or the Idempotency-Key forbids it; see code",
    413: "The body is larger than 64 kB",
    415: "The body is not sent as application/json",
    422: "The request does not fit the schema, or no method takes the order; see code",
    429: "Too many calls with this key, or this order was tried too often; see code",
    500: "An error on our side",
    503: "The database does not answer; see code",
}
_SCHEME = "apiKey"
_SECURITY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "po_live_... or po_test_...",
    "description": "\n".join(
        ["An API key with the scope of the operation.", *(f"{it}: {it.meaning}." for it in Scope)]
    ),
}
_KEY_REQUIRED = {
    "createOrder": False,
    "payOrder": True,
    "createPayment": True,
    "createRefund": True,
}
_FURTHER_SUCCESSES = {
    "payOrder": {"202": "Not known yet, or the customer has to go to redirect_url"},
    "createPayment": {
        "200": "Order created, payment declined or not charged: see result",
        "202": "Not known yet, or the customer has to go to redirect_url",
    },
    "createRefund": {"202": "Under way, or not known yet: read the refund again"},
    "retryRefund": {"202": "Under way, or not known yet: read the refund again"},
}


def init_app(app: Flask) -> None:
    """Raises TypeError for an application that cannot describe itself."""
    if not isinstance(app, APIFlask):
        raise TypeError("The API needs an APIFlask application.")
    app.title = "payorch"
    app.version = __version__
    app.config.update(
        DESCRIPTION=_INTRODUCTION,
        # Relative, so that the document never repeats a Host header.
        SERVERS=[{"url": "/"}],
        SECURITY_SCHEMES={_SCHEME: _SECURITY_SCHEME},
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
    )
    app.spec_processor(complete)


def complete(document: dict[str, Any] | str) -> dict[str, Any] | str:
    """The document with security, problems and the idempotency header on every operation."""
    if isinstance(document, str):
        return document
    document["paths"] = {
        path: operations
        for path, operations in document["paths"].items()
        if path.startswith(API_PREFIX)
    }
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _add_problem_schema(schemas)
    document = _with_short_names(document)
    document["security"] = [{_SCHEME: []}]
    scopes = _scopes_by_operation()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["security"] = [{_SCHEME: [scopes[path, method.upper()]]}]
            _complete_operation(operation)
    return document


def _scopes_by_operation() -> dict[tuple[str, str], str]:
    """Raises KeyError for an operation without a scope, which nobody could call."""
    return {
        (_PLACE.sub(r"{\1}", rule.rule), method): SCOPE_OF_ENDPOINT[rule.endpoint].value
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith(API_PREFIX) and rule.endpoint not in OPEN_ENDPOINTS
        for method in rule.methods or ()
    }


def _add_problem_schema(schemas: dict[str, Any]) -> None:
    template = "#/components/schemas/Problem.{model}"
    problem = ProblemOut.model_json_schema(ref_template=template)
    for name, schema in problem.pop("$defs", {}).items():
        schemas[f"Problem.{name}"] = schema
    schemas["Problem"] = problem


def _with_short_names(document: dict[str, Any]) -> dict[str, Any]:
    """Nested models under their own name, once, instead of once for each model that holds them."""
    text = orjson.dumps(document)
    short: dict[str, Any] = orjson.loads(_NESTED_NAME.sub(rb"\1", text))
    schemas = short["components"]["schemas"]
    short["components"]["schemas"] = {
        name.rpartition(".")[2]: schema for name, schema in schemas.items()
    }
    return short


def _complete_operation(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    responses = operation["responses"]
    for status, description in _FURTHER_SUCCESSES.get(name, {}).items():
        success = next(iter(responses.values()))
        responses[status] = {"description": description, "content": success["content"]}
    for code in (*_PROBLEMS[name], *_PROBLEMS_OF_ALL):
        responses[str(code)] = {"description": _MEANINGS[code], **_PROBLEM}
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    if name in _KEY_REQUIRED:
        operation.setdefault("parameters", []).append(
            {
                "name": KEY_HEADER,
                "in": "header",
                "required": _KEY_REQUIRED[name],
                "description": "Yours, new for each payment; the same when you repeat one",
                "schema": {"type": "string", "pattern": KEY_PATTERN},
            }
        )
