"""Where providers post their events: /webhooks/<payment method's code>.

The body is taken as raw bytes, because the signature goes over them. A sender learns whether its
event was taken, and nothing else: neither why it was refused nor what it was about.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from payorch.application.provider_events import Rejected
from payorch.presentation.orchestration.request_reader import whole_body
from payorch.presentation.problem_details import problem
from payorch.presentation.services import services

if TYPE_CHECKING:
    from flask import Flask

MAX_EVENT_BYTES = 256 * 1024

webhooks = APIBlueprint("webhooks", __name__, url_prefix="/webhooks", enable_openapi=False)


def init_app(app: Flask) -> None:
    app.register_blueprint(webhooks)


@webhooks.before_request
def _allow_larger_bodies() -> None:
    request.max_content_length = MAX_EVENT_BYTES


@webhooks.post("/<provider_code>")
def receive(provider_code: str) -> Response:
    """Take an event in. 200 when it is stored, also when it was before."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = services().receive_event.execute(
        provider_code, headers, whole_body(request), sender=request.remote_addr or ""
    )
    if isinstance(answer, Rejected):
        if answer.wait_s:
            return problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many events without a proof of their origin. Come back later.",
                headers={"Retry-After": str(answer.wait_s)},
            )
        if answer.reason.is_malformed:
            return problem(HTTPStatus.BAD_REQUEST, "bad_request", "This is not an event.")
        return problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "The event's origin is not proved.")
    body = {"status": "received" if answer.is_new else "known"}
    return Response(orjson.dumps(body), mimetype="application/json")
