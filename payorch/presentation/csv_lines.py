"""Lines of CSV files that a spreadsheet opens without running anything in them."""

import csv
import io
from collections.abc import Iterable

_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
"""=, +, - and @ as East Asian keyboards type them; spreadsheets there take them for the narrow."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", *_WIDE)
"""A spreadsheet runs a text cell that starts with one of these (OWASP, CSV injection)."""


def formula_safe(text: str) -> str:
    """`text`, behind an apostrophe when a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_line(cells: Iterable[str]) -> str:
    """One line as RFC 4180 writes it. The cells are taken as they are."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
