"""A few pages around errors, logging and health, without a database or a provider."""

from typing import Any

from apiflask import APIFlask
from flask import abort, redirect

from payorch import paths
from payorch.presentation import errors, health, localization, page_context, request_logging
from payorch.presentation import security_headers as headers


def a_small_site(failure: Exception | None = None, **extensions: Any) -> APIFlask:
    """`/fails` and `/api/fails` raise `failure`; `/gone` aborts with 404, `/away` redirects."""
    app = APIFlask(
        "payorch",
        json_errors=False,
        enable_openapi=False,
        template_folder=str(paths.TEMPLATES),
        static_folder=str(paths.STATIC),
    )
    app.extensions.update(extensions)
    request_logging.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    localization.init_app(app)
    page_context.init_app(app)
    health.init_app(app)

    def fails() -> str:
        if failure is not None:
            raise failure
        return "fine"

    app.add_url_rule("/fails", "fails", fails)
    app.add_url_rule("/api/fails", "api_fails", fails)
    app.add_url_rule("/orders/<token>", "order", lambda token: f"order {len(token)}")
    app.add_url_rule("/gone", "gone", lambda: abort(404))
    app.add_url_rule("/away", "away", lambda: redirect("/fails"))
    return app
