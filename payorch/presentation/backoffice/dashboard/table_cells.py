"""A table beside a chart, and how its cells read on the screen and in a CSV."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from payorch.presentation.backoffice.dashboard.metric_texts import DASH, share_text
from payorch.presentation.csv_lines import formula_safe
from payorch.presentation.money_format import format_amount_plain
from payorch.presentation.page_context import money


class Share(NamedTuple):
    value: float | None


class Amount(NamedTuple):
    amount_minor: int
    currency: str


Value = str | int | float | datetime | Share | Amount | None
Row = tuple[Value, ...]

INTERVAL_COLUMNS = ("95 % low", "95 % high")


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[Row]


def cell_text(value: Value) -> str:
    """A cell as it is read on the screen."""
    match value:
        case None:
            return DASH
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case Share(share):
            return share_text(share)
        case Amount(amount_minor, currency):
            return money(amount_minor, currency)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}"
        case str():
            return value


def csv_text(table: Table) -> str:
    """The table for spreadsheets and programs: ISO times in UTC, rates as 0..1, plain decimals."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([_csv_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def _csv_cell(value: Value) -> str:
    match value:
        case None | Share(None):
            return ""
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case Share(share):
            return f"{share:.6f}"
        case Amount(amount_minor, currency):
            return format_amount_plain(amount_minor, currency)
        case int():
            return str(value)
        case float():
            return f"{value:.1f}"
        case str():
            return formula_safe(value)
