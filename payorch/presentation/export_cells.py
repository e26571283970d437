"""What stands in a cell of an exported list, whatever kind of file it goes to.

A cell knows what it is until it is written: an amount becomes a number in a workbook and a plain
text in a CSV, and a text that somebody else wrote becomes a formula in neither.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from payorch.presentation.csv_lines import formula_safe
from payorch.presentation.money_format import format_amount_plain


@dataclass(frozen=True, slots=True)
class AmountCell:
    """Minor units of `currency`, shown in major ones."""

    amount_minor: int
    currency: str

    @property
    def text(self) -> str:
        return format_amount_plain(self.amount_minor, self.currency)


Cell: TypeAlias = str | int | AmountCell
"""An empty text where there is nothing."""


def text_cell(value: object) -> str:
    return "" if value is None else str(value)


def time_cell(moment: datetime | None) -> str:
    """UTC, to the microsecond: it sorts as a text, and no spreadsheet rounds it."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def csv_text(cell: Cell) -> str:
    match cell:
        case AmountCell():
            return cell.text
        case int():
            return str(cell)
        case str():
            return formula_safe(cell)
