"""A rule taken out of payorch, for as long as a block runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True)
class Mutant:
    """`change_schema` takes a rule out of the schema, `applied` one out of the code."""

    name: str
    applied: Callable[[], AbstractContextManager[Any]] | None = None
    change_schema: Callable[[str], str] | None = None
