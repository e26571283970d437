"""How a request becomes a validated model, and what a client hears when it does not.

APIFlask's own reader parses twice, takes any content type and reports in another shape. This
one is put into its registry, so that the same decorators validate and document.

What the client sent is never repeated: it may be a card number in the wrong field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from apiflask.schema_adapters.pydantic import PydanticAdapter
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from payorch.presentation.problem_details import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask import Request
    from pydantic import BaseModel

_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,40}")
MAX_ERRORS = 20


class InvalidRequest(HTTPException):
    """422: the request was read, and `errors` says what is wrong with which field."""

    code = 422

    def __init__(self, errors: Iterable[Mapping[str, object]]) -> None:
        super().__init__(
            response=problem(
                422,
                "validation_error",
                "The request does not fit the schema; see errors.",
                errors=list(errors)[:MAX_ERRORS],
            )
        )


class UnreadableBody(HTTPException):
    """400: the body is no JSON document."""

    code = 400

    def __init__(self) -> None:
        super().__init__(
            response=problem(400, "malformed_json", "The body is not a valid JSON document.")
        )


class RequestReader(PydanticAdapter):
    """Validates straight from the bytes, once, in pydantic's strict JSON mode."""

    def validate_input(self, request: Request, location: str, **_options: Any) -> BaseModel:
        try:
            if location == "json":
                if request.mimetype != "application/json":
                    raise UnsupportedMediaType
                return self.model_class.model_validate_json(whole_body(request))
            return self.model_class.model_validate(request.args.to_dict())
        except ValidationError as error:
            _refuse(error)


def whole_body(request: Request) -> bytes:
    """The body's bytes. Raises RequestEntityTooLarge.

    A body sent in chunks has no length to refuse it by; Werkzeug then silently ends at the limit.
    """
    body = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def _refuse(error: ValidationError) -> NoReturn:
    found = error.errors(include_input=False, include_context=False, include_url=False)
    # "from None": the original holds what was sent.
    if found[0]["type"] == "json_invalid":
        raise UnreadableBody from None
    raise InvalidRequest(
        {"loc": [_safe(part) for part in item["loc"]], "msg": item["msg"], "type": item["type"]}
        for item in found
    ) from None


def _safe(part: str | int) -> str | int:
    """A field's name as the schema has it; a key that the client made up may hold anything."""
    is_safe = isinstance(part, int) or _PLAIN_NAME.fullmatch(part)
    return part if is_safe else "(key)"
