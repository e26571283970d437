"""A list as an XLSX file of one sheet, written row by row in memory that does not grow.

The rows go to a temporary file as they come, so that a failure on the way is an error page and
never half a workbook. Texts are written as texts: nothing in them can become a formula or a link.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from xlsxwriter import Workbook

from payorch.presentation.export_cells import AmountCell, Cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MAX_ROWS = 200_000
"""About a minute's work, which is what a proxy waits for; a sheet could hold five times as many."""

EXACT_DIGITS = 15
"""A spreadsheet's numbers are doubles: they give back this many decimal digits, always."""

MAX_TEXT = 32_767
"""UTF-16 units that a cell holds (Excel's limit; a library that knows characters only cuts without
a word, or writes a file that Excel calls damaged)."""

CUT = " [cut here; the CSV has all of it]"

_WIDTH = 20
_CHUNK = 64 * 1024


def workbook_of(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """A file at its start, which the caller closes."""
    file = TemporaryFile()  # noqa: SIM115 - the caller closes it, when it is sent
    try:
        with Workbook(file, {"constant_memory": True}) as workbook:
            _write(workbook, columns, rows)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def in_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """All of `file`, which is closed at the end, or when nobody takes more of it."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(workbook: Any, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    sheet, formats = workbook.add_worksheet(), _AmountFormats(workbook)
    sheet.set_column(0, len(columns) - 1, _WIDTH)
    sheet.freeze_panes(1, 0)
    heading = workbook.add_format({"bold": True})
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, heading)
    for number, cells in enumerate(rows, start=1):
        for column, cell in enumerate(cells):
            _write_cell(sheet, formats, number, column, cell)


def _write_cell(sheet: Any, formats: "_AmountFormats", row: int, column: int, cell: Cell) -> None:
    match cell:
        case AmountCell() if _is_exact(cell.amount_minor):
            # The text has at most EXACT_DIGITS digits, so the double leads back to it.
            sheet.write_number(row, column, Decimal(cell.text), formats.of(cell.text))
        case AmountCell():
            sheet.write_string(row, column, cell.text)
        case int() if _is_exact(cell):
            sheet.write_number(row, column, cell)
        case int():
            sheet.write_string(row, column, str(cell))
        case "":
            pass
        case str():
            sheet.write_string(row, column, _fitting(cell))


def _fitting(text: str) -> str:
    """`text`, or as much of it as a cell holds, with a word that there was more."""
    if len(text) * 2 <= MAX_TEXT:
        return text
    units = text.encode("utf-16-le", "replace")
    if len(units) <= MAX_TEXT * 2:
        return text
    kept = units[: (MAX_TEXT - len(CUT)) * 2]
    # The cut may go through the two halves of one sign.
    return kept.decode("utf-16-le", "ignore") + CUT


def _is_exact(number: int) -> bool:
    return len(str(abs(number))) <= EXACT_DIGITS


class _AmountFormats:
    """As many decimals as the currency has; the rest is up to the reader's spreadsheet."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._formats: dict[int, Any] = {}

    def of(self, amount: str) -> Any:
        decimals = len(amount.partition(".")[2])
        if decimals not in self._formats:
            pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
            self._formats[decimals] = self._workbook.add_format({"num_format": pattern})
        return self._formats[decimals]
