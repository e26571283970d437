"""Problem details (RFC 9457): the shape of every error under /api."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from flask import Response

from payorch.presentation.request_logging import note_problem, request_id

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_MIMETYPE = "application/problem+json"

_TYPE_BASE = "/api/v1/docs#problem-"
"""A problem's type is the address of the paragraph that explains it."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """A problem+json answer. `code` is stable for machines, `detail` is for people.

    `members` are further facts, such as `errors` or `retry_after_s`; those that are None are
    left out. Never put anything into them that the client sent.
    """
    note_problem(code)
    body = {
        "type": f"{_TYPE_BASE}{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "incident_id": request_id(),
        **{name: value for name, value in members.items() if value is not None},
    }
    return Response(
        orjson.dumps(body), status=status, mimetype=PROBLEM_MIMETYPE, headers=dict(headers or {})
    )
