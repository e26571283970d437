"""A settlement report as a stream: bytes are checked once when they come, rows are read lazily.

Nothing here holds more of the file than one piece and one row: reports may be larger than memory.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from payorch.domain.errors import SettlementFileRefused

PIECE_BYTES = 256 * 1024
MAX_LINE_BYTES = 64 * 1024
"""A longer line is no line of a report, and reading it would need as much memory."""

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE_ROWS = 5
MAX_COLUMNS = 200
MAX_COLUMN_NAME = 120

_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    hash: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `number` is the line it starts at; `problem` says why it has no cells."""

    number: int
    cells: Sequence[str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, to choose columns by."""

    delimiter: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def checked_file(pieces: Iterable[bytes], *, max_bytes: int) -> CheckedFile:
    """Hash and size of a text of lines in UTF-8. Raises SettlementFileRefused."""
    digest, size, line_bytes = hashlib.sha256(), 0, 0
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise SettlementFileRefused(
                f"The file is larger than {max_bytes // 2**20} MB. Split it, or raise the limit."
            )
        digest.update(piece)
        _decoded(decoder, piece, is_last=False)
        if b"\0" in piece:
            raise SettlementFileRefused("The file is no text. Export it as CSV in UTF-8.")
        line_bytes = _longest_open_line(piece, line_bytes)
    _decoded(decoder, b"", is_last=True)
    if size == 0:
        raise SettlementFileRefused("The file is empty.")
    return CheckedFile(digest.hexdigest(), size)


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, *, is_last: bool) -> None:
    try:
        decoder.decode(piece, is_last)
    except UnicodeDecodeError:
        raise SettlementFileRefused(
            "The file is not in UTF-8. Save it as CSV in UTF-8 and upload it again."
        ) from None


def _longest_open_line(piece: bytes, before: int) -> int:
    """Bytes of the line that goes on after `piece`. Raises SettlementFileRefused."""
    parts = _LINE_END.split(piece)
    if max(before + len(parts[0]), *(len(part) for part in parts)) > MAX_LINE_BYTES:
        raise SettlementFileRefused("A line of the file is too long: this is no CSV.")
    return len(parts[-1]) + (before if len(parts) == 1 else 0)


def rows_of(pieces: Iterable[bytes], delimiter: str) -> Iterator[Row]:
    """Every record but blank ones, the header first; what is no CSV comes with its problem."""
    with io.TextIOWrapper(
        io.BufferedReader(_Pieces(pieces), PIECE_BYTES), encoding="utf-8-sig", newline=""
    ) as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Row(number, (), _unreadable(number, reader.line_num))
                continue
            if any(cell.strip() for cell in cells):
                yield Row(number, cells)


def _unreadable(first: int, last: int) -> str:
    where = f"Lines {first} to {last} are" if last > first else "It is"
    return f"{where} no CSV: a quote is in the wrong place, or is not closed."


def sample_of(pieces: Iterable[bytes], delimiter: str | None = None) -> Sample:
    """Of the first pieces. `delimiter` None: it is found. Raises SettlementFileRefused."""
    beginning = list(pieces)
    if delimiter is None:
        delimiter = max(DELIMITERS, key=lambda mark: _regularity(beginning, mark))
    rows = _first_rows(beginning, delimiter)
    if not rows:
        raise SettlementFileRefused("The file has no header.")
    header = [cell.strip() for cell in rows[0]]
    if len(header) > MAX_COLUMNS or any(len(name) > MAX_COLUMN_NAME for name in header):
        raise SettlementFileRefused("The first line of the file is no header of a report.")
    return Sample(delimiter, header, rows[1:])


def _first_rows(pieces: Iterable[bytes], delimiter: str) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for row in rows_of(pieces, delimiter):
        if row.problem is None:
            rows.append(row.cells)
        if len(rows) > SAMPLE_ROWS:
            break
    return rows


def _regularity(pieces: Iterable[bytes], delimiter: str) -> tuple[int, int]:
    """How many of the first rows are as wide as the header, and how wide that is."""
    rows = _first_rows(pieces, delimiter)
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0, 0)
    return (sum(len(row) == width for row in rows), width)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file that can be read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's buffer type is not exported
        if not self._left:
            self._left = next(self._pieces, b"")
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)
