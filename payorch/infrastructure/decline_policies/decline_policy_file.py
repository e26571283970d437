"""Reads a decline policy from its TOML file, and refuses the whole file for one mistake in it.

A row that is silently dropped or half understood would send cards to a second provider that the
scheme has forbidden, so every error names the row, and nothing is guessed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from payorch.domain.decline_policy import (
    DeclinePolicy,
    DeclineRow,
    InvalidDeclinePolicy,
    RetryCap,
)
from payorch.domain.decline_terms import (
    CapCounts,
    CapScope,
    CapTrigger,
    CustomerText,
    DeclineClass,
    DeclineSetting,
    FailoverNow,
    RetryLater,
    SignalKind,
)

SHIPPED_VERSION = "2026-11-22"

_Term = TypeVar("_Term", bound=StrEnum)
_Value = TypeVar("_Value")


def load_shipped_policy(version: str = SHIPPED_VERSION) -> DeclinePolicy:
    """A policy that comes with payorch. Raises InvalidDeclinePolicy for an unknown version."""
    return load_decline_policy(files(__package__) / f"{version}.toml")


def load_decline_policy(path: Traversable) -> DeclinePolicy:
    """The policy in a file (a `pathlib.Path` will do).

    Raises InvalidDeclinePolicy, naming the row, for anything but a complete and consistent file.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidDeclinePolicy(f"{path.name}: {error}") from error
    return parse_decline_policy(document)


def parse_decline_policy(document: Mapping[str, Any]) -> DeclinePolicy:
    top = _Fields("policy", document)
    version = top.required("version", str)
    source_texts = top.required("sources", dict)
    row_tables, cap_tables = top.required("rows", list), top.optional("caps", list) or []
    top.refuse_the_rest()
    if not row_tables:
        raise InvalidDeclinePolicy("policy: rows is empty")
    sources = {name: _Fields("sources", source_texts).required(name, str) for name in source_texts}
    rows = tuple(
        row for number, table in enumerate(row_tables, 1) for row in _rows(number, table, sources)
    )
    caps = tuple(_cap(number, table, sources) for number, table in enumerate(cap_tables, 1))
    return DeclinePolicy(version, rows, caps)


class _Fields:
    """One TOML table: hands out its fields by type, then refuses those nobody asked for."""

    def __init__(self, name: str, table: object) -> None:
        if not isinstance(table, dict):
            raise InvalidDeclinePolicy(f"{name}: must be a table")
        subject = " ".join(str(table[it]) for it in ("scheme", "codes") if it in table)
        self._name = f"{name} ({subject})" if subject else name
        self._left: dict[str, Any] = dict(table)

    def required(self, field: str, kind: type[_Value]) -> _Value:
        value = self.optional(field, kind)
        if value is None:
            raise self._error(f"{field} is missing")
        return value

    def optional(self, field: str, kind: type[_Value]) -> _Value | None:
        value = self._left.pop(field, None)
        # To Python, true is an int and a timestamp is a date; in this file neither is meant.
        is_disguised = (kind is int and isinstance(value, bool)) or (
            kind is date and isinstance(value, datetime)
        )
        if value is not None and (is_disguised or not isinstance(value, kind)):
            raise self._error(f"{field} must be of type {kind.__name__}, not {value!r}")
        return value

    def term(self, field: str, kind: type[_Term]) -> _Term:
        return self._as_term(field, self.required(field, str), kind)

    def optional_term(self, field: str, kind: type[_Term]) -> _Term | None:
        text = self.optional(field, str)
        return None if text is None else self._as_term(field, text, kind)

    def source(self, sources: Mapping[str, str]) -> str:
        name = self.required("source", str)
        if name not in sources:
            raise self._error(f"source {name!r} is not listed under [sources]")
        return sources[name]

    def codes(self) -> list[str]:
        codes = self.required("codes", list)
        if not codes or not all(isinstance(code, str) and code for code in codes):
            raise self._error("codes must be a list of quoted codes")
        return codes

    def refuse_the_rest(self) -> None:
        if self._left:
            raise self._error(f"unknown field {', '.join(sorted(self._left))}")

    def _as_term(self, field: str, text: str, kind: type[_Term]) -> _Term:
        try:
            return kind(text)
        except ValueError as error:
            allowed = ", ".join(kind)
            raise self._error(f"{field} is {text!r}, must be one of {allowed}") from error

    def _error(self, problem: str) -> InvalidDeclinePolicy:
        return InvalidDeclinePolicy(f"{self._name}: {problem}")


def _rows(number: int, table: object, sources: Mapping[str, str]) -> tuple[DeclineRow, ...]:
    """One table holds one rule for several codes; the policy knows one row for each code."""
    fields = _Fields(f"rows[{number}]", table)
    codes = fields.codes()
    first = DeclineRow(
        signal=fields.optional_term("signal", SignalKind) or SignalKind.RESPONSE,
        scheme=fields.required("scheme", str),
        code=codes[0],
        reason=fields.required("reason", str),
        decline_class=fields.term("class", DeclineClass),
        failover=fields.term("failover", FailoverNow),
        retry_later=fields.term("later", RetryLater),
        customer_text=fields.term("text", CustomerText),
        source=fields.source(sources),
        effective_from=fields.required("effective_from", date),
        setting=fields.optional_term("setting", DeclineSetting),
        without_advice_as=fields.optional("without_advice_as", str),
        keeps_reason=fields.optional("keeps_reason", bool) or False,
        wait_h=fields.optional("wait_h", int),
        max_tries=fields.optional("max_tries", int),
        visa_category=fields.optional("visa_category", int),
        alerts_ops=fields.optional("alerts_ops", bool) or False,
        note=fields.optional("note", str) or "",
    )
    fields.refuse_the_rest()
    return tuple(replace(first, code=code) for code in codes)


def _cap(number: int, table: object, sources: Mapping[str, str]) -> RetryCap:
    fields = _Fields(f"caps[{number}]", table)
    cap = RetryCap(
        scheme=fields.required("scheme", str),
        trigger=fields.term("trigger", CapTrigger),
        scope=fields.term("scope", CapScope),
        counts=fields.term("counts", CapCounts),
        limit=fields.required("limit", int),
        window_h=fields.required("window_h", int),
        source=fields.source(sources),
        effective_from=fields.required("effective_from", date),
        country=fields.optional("country", str),
        note=fields.optional("note", str) or "",
    )
    fields.refuse_the_rest()
    return cap
