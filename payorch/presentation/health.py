"""/healthz: the process answers. /readyz: it may be sent payments.

Ready means: the database is reachable, takes a write and has this release's schema. Without
that, no intent can be committed, so no provider may be called, and a load balancer should send
the customer elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog
from flask import Blueprint, current_app, jsonify

from payorch.presentation.problem_details import problem
from payorch.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask, Response

READINESS = "payorch.readiness"
"""Key in `app.extensions` under which the factory puts the Readiness."""


class Readiness(Protocol):
    def problems(self) -> Sequence[str]:
        """Short codes of what keeps this process from taking payments; empty when ready."""

    def is_safe_mode(self) -> bool:
        """Whether payments are paused until the books are checked (SAFE mode)."""


_log = structlog.get_logger("payorch.health")
blueprint = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
def readyz() -> Response:
    readiness: Readiness | None = current_app.extensions.get(READINESS)
    found = ["not_wired"] if readiness is None else list(readiness.problems())
    if readiness is not None and not found:
        if readiness.is_safe_mode():
            # The customers' pages still work, and say that payments are paused: no other process
            # could take payments either, so that sending the customer there would not help.
            return jsonify(status="ready", mode="safe")
        return jsonify(status="ready")
    _log.error("not_ready", problems=found)
    return problem(
        503,
        "not_ready",
        "This process cannot take payments now.",
        headers={"Retry-After": "5"},
        problems=found,
    )
