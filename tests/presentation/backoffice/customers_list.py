"""The list of customers as its table reads."""

import html
import re

LIST = "/admin/customers/"


def lines_of(page):
    """Label -> text of each row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    found = []
    for row in rows:
        cells = re.findall(r'<td [^>]*data-label="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL)
        if cells:
            found.append({label: _text(cell) for label, cell in cells})
    return found


def _text(markup):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))
