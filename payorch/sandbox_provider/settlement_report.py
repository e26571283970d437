"""What an account has settled, as the CSV report that real providers send once a day.

Amounts are written from digits alone: no float, no division. A refund is negative, as is usual.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from iso4217 import Currency

from payorch.sandbox_provider.ledger import Ledger

COLUMNS = (
    *("line_id", "type", "id", "reference", "gross", "fee", "net", "currency"),
    *("settled_on", "payout_id"),
)

# What each account keeps of a payment: millionths of its amount, and hundredths of a unit.
_FEES = {"alpha": (16_000, 20), "beta": (24_000, 25), "gamma": (12_000, 15), "delta": (19_000, 10)}
_OTHER_FEE = (20_000, 20)
_PPM = 1_000_000
_LINES_AT_ONCE = 500

_ROWS = """SELECT * FROM (
    SELECT 'payment' AS type, id, reference, captured_amount AS amount, currency,
        substr(updated_at, 1, 10) AS day, created_at
    FROM payments WHERE account = :account AND captured_amount > 0 AND status = 'approved'
    UNION ALL
    SELECT 'refund', id, reference, -amount, currency,
        substr(COALESCE(updated_at, created_at), 1, 10), created_at
    FROM refunds WHERE account = :account AND status = 'succeeded'
) WHERE day BETWEEN :since AND :until AND (created_at, id) > (:after_at, :after_id)
ORDER BY created_at, id LIMIT :limit"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Days as ISO dates, both included."""

    account: str
    since: str = "0000-00-00"
    until: str = "9999-99-99"


def report_lines(ledger: Ledger, wanted: Wanted) -> Iterator[str]:
    """The report's text in pieces, oldest first."""
    yield _csv([COLUMNS])
    after: tuple[object, object] = ("", "")
    while True:
        values = {
            "account": wanted.account,
            "since": wanted.since,
            "until": wanted.until,
            "after_at": after[0],
            "after_id": after[1],
            "limit": _LINES_AT_ONCE,
        }
        rows = ledger.named_rows(_ROWS, values)
        if not rows:
            return
        after = (rows[-1][6], rows[-1][1])
        yield _csv(_cells(row, wanted.account) for row in rows)


def _cells(row: tuple[object, ...], account: str) -> tuple[object, ...]:
    kind, key, reference, amount, currency, day = row[:6]
    gross, currency = int(str(amount)), str(currency)
    fee = fee_of(account, gross, currency) if kind == "payment" else 0
    text = _text_of(currency)
    return (
        *(f"line_{key}", kind, key, reference),
        *(text(gross), text(-fee), text(gross - fee), currency, day),
        f"payout_{account}_{str(day).replace('-', '')}",
    )


def fee_of(account: str, amount: int, currency: str) -> int:
    """Rounded half up to the minor unit, as invoices do."""
    ppm, hundredths = _FEES.get(account, _OTHER_FEE)
    exponent = _exponent(currency)
    fixed: int = hundredths * 10**exponent // 100
    return (2 * amount * ppm + _PPM) // (2 * _PPM) + fixed


def _text_of(currency: str) -> Callable[[int], str]:
    exponent = _exponent(currency)

    def text(amount: int) -> str:
        sign, digits = "-" if amount < 0 else "", str(abs(amount)).zfill(exponent + 1)
        if not exponent:
            return f"{sign}{digits}"
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    return text


def _exponent(currency: str) -> int:
    try:
        return Currency(currency).exponent or 0
    except ValueError:
        return 2


def _csv(rows: Iterable[tuple[object, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
