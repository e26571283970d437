"""The practice provider as a WSGI application."""

import time
from collections.abc import Callable

from flask import Flask, Response, render_template
from werkzeug.exceptions import HTTPException

from payorch.sandbox_provider.admin_routes import admin
from payorch.sandbox_provider.api_errors import ApiRefusal, json_response
from payorch.sandbox_provider.challenge_routes import challenges
from payorch.sandbox_provider.faults import Fault
from payorch.sandbox_provider.magic_cards import MAGIC_CARDS, effect_text
from payorch.sandbox_provider.magic_refunds import MAGIC_REFUNDS
from payorch.sandbox_provider.payment_routes import payments
from payorch.sandbox_provider.refund_routes import refunds
from payorch.sandbox_provider.sandbox import Sandbox
from payorch.sandbox_provider.settings import SandboxSettings
from payorch.sandbox_provider.settlement_routes import settlements
from payorch.sandbox_provider.webhook_faults import WebhookFault
from payorch.sandbox_provider.webhook_routes import webhook_admin


def create_sandbox(settings: SandboxSettings, now: Callable[[], float] = time.time) -> Flask:
    """An application with a ledger of its own; `now` gives epoch seconds."""
    app = Flask("payorch.sandbox_provider")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    sandbox = Sandbox(settings, now)
    app.extensions["sandbox"] = sandbox
    for blueprint in (payments, refunds, settlements, challenges, admin, webhook_admin):
        app.register_blueprint(blueprint)
    app.register_error_handler(ApiRefusal, _refusal)
    app.register_error_handler(HTTPException, _http_error)

    @app.get("/healthz")
    def healthz() -> Response:
        return json_response({"status": "ok"})

    @app.get("/docs")
    def docs() -> Response:
        page = render_template(
            "docs.html",
            cards=[(card, effect_text(card)) for card in MAGIC_CARDS],
            refunds=[(magic.amount, magic.label.replace("`", "")) for magic in MAGIC_REFUNDS],
            webhook_faults=list(WebhookFault),
            faults=list(Fault),
            profiles=sandbox.profiles.all(),
        )
        policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        return Response(page, headers={"Content-Security-Policy": policy}, mimetype="text/html")

    return app


def _refusal(refusal: ApiRefusal) -> Response:
    return refusal.to_response()


def _http_error(error: HTTPException) -> Response:
    """Wrong address, wrong method, too long a body: the same shape as every other refusal."""
    status = error.code or 500
    return ApiRefusal(
        status,
        error_type="api_error" if status >= 500 else "invalid_request",
        code=error.name.lower().replace(" ", "_"),
        message=error.description or error.name,
    ).to_response()
