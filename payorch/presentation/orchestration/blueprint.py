"""The blueprint that all API views hang on, and what is true for each of them.

A request is known by its API key only. Cookies are never read, which is why the blueprint
may be exempt from CSRF protection.
"""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.schema_adapters import registry

from payorch.presentation.orchestration.request_reader import RequestReader

API_PREFIX = "/api/v1"

MAX_BODY_BYTES = 64 * 1024
"""A payment needs about one kilobyte; a larger body is a mistake or an attack."""

# Before any view is decorated: the decorator picks its reader at once.
registry.register("pydantic", RequestReader)

blueprint = APIBlueprint("orchestration", __name__, url_prefix=API_PREFIX, tag="Payments")
