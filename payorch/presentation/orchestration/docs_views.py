"""The API's documentation: the OpenAPI document, and a page that people can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Response, current_app, render_template

from payorch.domain.api_key import Scope
from payorch.presentation.orchestration.blueprint import blueprint
from payorch.presentation.orchestration.problem_codes import PROBLEM_CODES
from payorch.presentation.orchestration.schema_tables import operation_rows, schema_tables

if TYPE_CHECKING:
    from apiflask import APIFlask

_DOCUMENT = "payorch.openapi"


@blueprint.get("/openapi.json")
@blueprint.doc(hide=True)
def openapi_json() -> Response:
    return Response(orjson.dumps(_document()), mimetype="application/json")


@blueprint.get("/docs")
@blueprint.doc(hide=True)
def docs() -> str:
    document = _document()
    return render_template(
        "orchestration/docs.html",
        info=document["info"],
        operations=operation_rows(document),
        schemas=schema_tables(document),
        problems=PROBLEM_CODES,
        scopes=tuple(Scope),
    )


def _document() -> dict[str, Any]:
    """The OpenAPI document; made once per process, as routes do not change."""
    app = cast("APIFlask", current_app)
    if _DOCUMENT not in app.extensions:
        app.extensions[_DOCUMENT] = app.spec
    return cast("dict[str, Any]", app.extensions[_DOCUMENT])
