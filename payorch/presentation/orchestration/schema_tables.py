"""Turns the OpenAPI document into the rows of the documentation page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class SchemaTable:
    name: str
    description: str
    fields: tuple[Field, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: tuple[Field, ...]
    body: str
    responses: tuple[tuple[str, str, str], ...]


def operation_rows(document: Document) -> list[Operation]:
    return [
        Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation.get("summary", "").removesuffix("."),
            description=_plain(operation.get("description", "")),
            scope=_scope(operation),
            parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
            body=_content_type_name(operation.get("requestBody", {})),
            responses=tuple(
                (status, answer["description"], _content_type_name(answer))
                for status, answer in sorted(operation["responses"].items())
            ),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def schema_tables(document: Document) -> list[SchemaTable]:
    schemas = document["components"]["schemas"]
    return [
        SchemaTable(
            name=name,
            description=_plain(schema.get("description", "")),
            fields=tuple(_fields(schema)),
            values=tuple(str(value) for value in schema.get("enum", ())),
        )
        for name, schema in sorted(schemas.items())
    ]


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield Field(name, _type_text(field), name in required, field.get("description", ""))


def _plain(markdown: str) -> str:
    """The document's texts are Markdown, of which we only use backticks."""
    return markdown.replace("`", "")


def _scope(operation: Mapping[str, Any]) -> str:
    """Each operation has exactly one way in, and that one scope."""
    ((scopes,),) = (way.values() for way in operation["security"])
    return ", ".join(scopes)


def _parameter(parameter: Mapping[str, Any]) -> Field:
    return Field(
        f"{parameter['name']} ({parameter['in']})",
        _type_text(parameter["schema"]),
        bool(parameter.get("required")),
        parameter.get("description") or parameter["schema"].get("description", ""),
    )


def _content_type_name(part: Mapping[str, Any]) -> str:
    """Name of the schema that a body or an answer has; empty without content."""
    for content in part.get("content", {}).values():
        return _type_text(content["schema"])
    return ""


def _type_text(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: "string, at most 200 characters", "CardIn or null"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type_text(option) for option in schema["anyOf"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type_text(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type_text(schema['additionalProperties'])}"
    return ", ".join([kind, *_limits(schema)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "format" in schema:
        yield str(schema["format"])
    for keyword, text in (
        ("exclusiveMinimum", "more than {}"),
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("maxLength", "at most {} characters"),
    ):
        if keyword in schema:
            yield text.format(schema[keyword])
