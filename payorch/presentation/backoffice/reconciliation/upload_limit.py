"""Settlement reports may be larger than any other form, but only for those who may upload them.

The limit has to be raised before the form is read, and that is done by whoever looks for its
token against forged requests, long before the page itself.
"""

from typing import Any

from flask import Flask, request

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.services import services

ROOM_FOR_THE_REST = 64 * 1024
"""Of a form beside its file: a token and a choice."""


def init_app(app: Flask, upload_endpoint: str) -> None:
    @app.url_value_preprocessor
    def raise_limit(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        if endpoint != upload_endpoint or request.method != "POST":
            return
        if staff_may(Permission.RECONCILE_SETTLEMENTS):
            limit = services().receive_settlement.max_bytes + ROOM_FOR_THE_REST
            request.max_content_length = limit
