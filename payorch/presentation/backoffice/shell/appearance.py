"""Light, dark, or as the system says: a cookie, so that the first paint is already right."""

from typing import Literal

from flask import Blueprint, Flask, abort, redirect, request, url_for
from werkzeug.wrappers import Response

Appearance = Literal["light", "dark", "system"]

COOKIE = "payorch_appearance"
_ONE_YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("appearance", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.jinja_env.globals["appearance"] = appearance


def appearance() -> Appearance:
    """What this visitor chose; "system" when they chose nothing."""
    return _known(request.cookies.get(COOKIE)) or "system"


@blueprint.post("/admin/appearance")
def choose() -> Response:
    chosen = _known(request.form.get("appearance"))
    if chosen is None:
        abort(400)
    response = redirect(local_path(request.form.get("next", "")), code=303)
    response.set_cookie(
        COOKIE,
        chosen,
        max_age=_ONE_YEAR_S,
        path="/admin",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _known(value: str | None) -> Appearance | None:
    match value:
        case "light" | "dark" | "system":
            return value
        case _:
            return None


def local_path(target: str) -> str:
    """`target` if it is a back office path of ours, else the back office's first page.

    Browsers read a backslash as a slash, drop tabs and line ends, and take "//host" as a host.
    """
    is_ours = target.startswith("/admin/") and target.isprintable() and "\\" not in target
    return target if is_ours else url_for("admin.index")
