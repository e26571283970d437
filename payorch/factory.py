"""create_app: settings -> extensions -> wiring -> blueprints -> back office."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apiflask import APIFlask
from flask import Flask
from sqlalchemy import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from payorch import paths
from payorch.config import Settings
from payorch.infrastructure.observability import structured_logging
from payorch.infrastructure.persistence import tables  # noqa: F401 - registers every table
from payorch.infrastructure.persistence.bounded_connection import ANSWERS_WITHIN_S
from payorch.infrastructure.persistence.database import db, prepare_engine
from payorch.infrastructure.readiness import DatabaseReadiness
from payorch.presentation import (
    backoffice,
    checkout,
    csrf,
    errors,
    health,
    localization,
    metrics,
    orchestration,
    page_context,
    request_logging,
    security_headers,
)
from payorch.presentation import services as presentation_services
from payorch.version import __version__
from payorch.wiring import Seams, Wired, wire

READINESS_HOLDS_S = 1.0
MAX_BODY_BYTES = 64 * 1024
WIRED = "payorch.wired"
"""Key in `app.extensions` of everything that wiring.py made, for commands and tests."""


def create_app(settings: Settings | None = None, seams: Seams | None = None) -> Flask:
    """The whole application. `settings` None reads the environment.

    Raises InvalidSettings for values that payorch will not run with.
    """
    settings = settings or Settings.of_this_process()
    structured_logging.configure(settings.log_level)
    app = APIFlask(
        "payorch",
        title="payorch",
        version=__version__,
        json_errors=False,
        enable_openapi=False,
        template_folder=str(paths.TEMPLATES),
        static_folder=str(paths.STATIC),
        static_url_path="/static",
    )
    app.config.update(_flask_config(settings))
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]  # the documented way
    wired = _connect(app, settings, seams)
    app.extensions[WIRED] = wired
    presentation_services.init_app(app, wired.services, settings)
    _add_pages(app, settings)
    return app


def wired(app: Flask) -> Wired:
    """What wiring.py made for `app`."""
    found = app.extensions[WIRED]
    if not isinstance(found, Wired):
        raise TypeError("This application was not made by create_app.")
    return found


def _connect(app: Flask, settings: Settings, seams: Seams | None) -> Wired:
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    prepare_engine(engine)
    wired = wire(settings, engine, seams)
    app.extensions[health.READINESS] = DatabaseReadiness(
        wired.database, paths.MIGRATIONS, answer_holds_s=READINESS_HOLDS_S
    )
    return wired


def _add_pages(app: Flask, settings: Settings) -> None:
    request_logging.init_app(app)
    security_headers.init_app(
        app, form_action_origins=_provider_origins(settings), https=settings.uses_https
    )
    csrf.csrf.init_app(app)
    errors.init_app(app)
    localization.init_app(app)
    page_context.init_app(app)
    health.init_app(app)
    metrics.init_app(app)
    checkout.init_app(app)
    orchestration.init_app(app)
    backoffice.init_app(app, db)


def _flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks) or None,
        "TRUSTED_HOSTS": list(settings.trusted_hosts) or None,
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY_BYTES,
        "SQLALCHEMY_DATABASE_URI": absolute_database_url(settings.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "WTF_CSRF_TIME_LIMIT": None,
        "TEMPLATES_AUTO_RELOAD": False,
    }


def absolute_database_url(database_url: str) -> str:
    """SQLite paths are meant from the working directory; its folder is made when missing."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return database_url
    path = Path(url.database).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}"


def _engine_options(settings: Settings) -> dict[str, Any]:
    if settings.is_sqlite:
        return {"pool_size": settings.db_pool_size, "max_overflow": 20}
    return {
        "pool_size": settings.db_pool_size,
        "max_overflow": settings.db_pool_size,
        "pool_timeout": 10,
        "connect_args": {
            "options": "-c lock_timeout=5000 -c statement_timeout=30000",
            # A server that has vanished answers nothing at all: the client has to give up itself.
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
            # Longer than the statement_timeout, which is the better end where there still is one.
            ANSWERS_WITHIN_S: 35.0,
        },
    }


def _provider_origins(settings: Settings) -> list[str]:
    """Origins of provider pages that a form of ours may lead to."""
    url = settings.sandbox_public_url or settings.sandbox_url
    if url is None:
        return []
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc}"]
