"""What machines call: the JSON API /api/v1, and /webhooks for the providers' events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.presentation.csrf import csrf
from payorch.presentation.orchestration import (  # noqa: F401 - the views register themselves
    api_access,
    docs_views,
    openapi_document,
    order_views,
    payment_views,
    refund_views,
    webhook_views,
)
from payorch.presentation.orchestration.blueprint import blueprint

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Needs the settings, so call it after they were put into the app."""
    csrf.exempt(blueprint)
    csrf.exempt(webhook_views.webhooks)
    app.register_blueprint(blueprint)
    webhook_views.init_app(app)
    openapi_document.init_app(app)
    app.wsgi_app = api_access.WithoutCookies(app.wsgi_app)  # type: ignore[method-assign]  # the documented way
    api_access.warn_without_token(app)
