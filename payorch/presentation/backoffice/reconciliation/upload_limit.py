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

FORM_BUFFER = 512 * 1024
"""What Werkzeug has in hand of a file counts as well: 64 KB at a time, and what is left over."""


def init_app(app: Flask, upload_endpoint: str) -> None:
    @app.url_value_preprocessor
    def raise_limit(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        if endpoint != upload_endpoint or request.method != "POST":
            return
        if staff_may(Permission.RECONCILE_SETTLEMENTS):
            limit = services().receive_settlement.max_bytes + ROOM_FOR_THE_REST
            request.max_content_length = limit
            request.max_form_memory_size = FORM_BUFFER

    @app.teardown_request
    def close_files(_error: BaseException | None) -> None:
        """Also of who was refused: else a large file stays until Python finds the time."""
        if request.endpoint == upload_endpoint and "files" in vars(request):
            for file in request.files.values():
                file.close()
