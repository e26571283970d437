"""The journal as a file for auditors, streamed: JSON to work the hashes out, CSV to read.

docs/audit.md describes both.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from payorch.domain.journal_chain import JournalEntry, State, time_text
from payorch.presentation.csv_lines import csv_line, formula_safe

JOURNAL_FORMATS = {"csv": "text/csv", "json": "application/json"}
"""The formats by name, with their media types."""

_COLUMNS = (
    "id",
    "created_at",
    "actor",
    "action",
    "subject",
    "reason",
    "before",
    "after",
    "previous_hash",
    "hash",
)
_LINES_AT_ONCE = 200


def journal_file(form: str, entries: Iterator[JournalEntry]) -> Iterator[str]:
    """The file's text in pieces. `form` is one of JOURNAL_FORMATS."""
    lines = _json_lines(entries) if form == "json" else _csv_lines(entries)
    piece: list[str] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _LINES_AT_ONCE:
            yield "".join(piece)
            piece = []
    yield "".join(piece)


def _csv_lines(entries: Iterator[JournalEntry]) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for entry in entries:
        yield csv_line(
            (
                str(entry.id),
                time_text(entry.created_at),
                formula_safe(entry.actor),
                formula_safe(entry.action),
                formula_safe(entry.subject),
                formula_safe(entry.reason),
                _state_text(entry.before),
                _state_text(entry.after),
                entry.previous_hash,
                entry.hash,
            )
        )


def _state_text(state: State) -> str:
    return "" if state is None else json.dumps(state, ensure_ascii=False, sort_keys=True)


def _json_lines(entries: Iterator[JournalEntry]) -> Iterator[str]:
    """One JSON list with an entry on each line, so that it may be read line by line as well."""
    before = "[\n"
    for entry in entries:
        columns = asdict(entry) | {"created_at": time_text(entry.created_at)}
        yield before + json.dumps(columns)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"
