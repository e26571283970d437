"""What the columns of a provider's settlement report mean: said once by finance, then kept.

A mapping turns one row of texts into a SettlementLine, or says why it cannot; it never guesses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from payorch.domain.errors import InvalidMoney, InvalidSettlementMapping
from payorch.domain.settlement_amount import AmountStyle, parse_amount
from payorch.domain.settlement_cell import shown_cell
from payorch.domain.settlement_line import MATCHED_KINDS, LineKind, SettlementLine

MAX_REFERENCE_LENGTH = 120
MAX_SETTLING_DELAY_DAYS = 90
DEFAULT_SETTLING_DELAY_DAYS = 3
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100


class UnreadableLine(Exception):
    """This row cannot be booked; the message is the reason, for finance."""


class DateStyle(StrEnum):
    ISO = "iso"
    DAY_POINT = "day_point"
    DAY_SLASH = "day_slash"
    MONTH_SLASH = "month_slash"
    DIGITS = "digits"


_PATTERNS: Mapping[DateStyle, str] = {
    DateStyle.DAY_POINT: "%d.%m.%Y",
    DateStyle.DAY_SLASH: "%d/%m/%Y",
    DateStyle.MONTH_SLASH: "%m/%d/%Y",
    DateStyle.DIGITS: "%Y%m%d",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementMapping:
    """Columns by the names of the header; `kinds` by the value of `kind_column`, in lower case.

    Without a column for the kind a positive amount is a payment and a negative one a refund.
    `settling_delay_days` is how long the provider takes until it settles what it approved.
    """

    amount_column: str
    currency_column: str
    settled_on_column: str
    reference_column: str | None = None
    our_reference_column: str | None = None
    kind_column: str | None = None
    kinds: Mapping[str, LineKind] = field(default_factory=dict)
    fee_column: str | None = None
    net_column: str | None = None
    payout_column: str | None = None
    line_id_column: str | None = None
    amount_style: AmountStyle = AmountStyle.POINT
    date_style: DateStyle = DateStyle.ISO
    settling_delay_days: int = DEFAULT_SETTLING_DELAY_DAYS
    fee_tolerance_minor: int = 0

    def __post_init__(self) -> None:
        if not (self.amount_column and self.currency_column and self.settled_on_column):
            raise InvalidSettlementMapping("Choose the columns of amount, currency and date.")
        if self.reference_column is None and self.our_reference_column is None:
            raise InvalidSettlementMapping(
                "Choose the column of the provider's payment id, or of our reference."
            )
        if self.kind_column is not None and LineKind.PAYMENT not in self.kinds.values():
            raise InvalidSettlementMapping("Say which values of the kind column are payments.")
        if not 0 <= self.settling_delay_days <= MAX_SETTLING_DELAY_DAYS:
            raise InvalidSettlementMapping(
                f"A provider settles within 0 to {MAX_SETTLING_DELAY_DAYS} days."
            )
        if not 0 <= self.fee_tolerance_minor <= 1_000_000:
            raise InvalidSettlementMapping("The tolerance for fees lies between 0 and 1,000,000.")

    @property
    def columns(self) -> Sequence[str]:
        """Every column that it needs."""
        named = (
            *(self.reference_column, self.our_reference_column, self.kind_column),
            *(self.amount_column, self.fee_column, self.net_column, self.currency_column),
            *(self.settled_on_column, self.payout_column, self.line_id_column),
        )
        return [name for name in named if name is not None]

    def fits(self, header: Sequence[str]) -> bool:
        return set(self.columns) <= set(header)


class RowReader:
    """A mapping applied to the rows of one header. Raises InvalidSettlementMapping."""

    def __init__(self, mapping: SettlementMapping, header: Sequence[str]) -> None:
        missing = [name for name in mapping.columns if name not in header]
        if missing:
            raise InvalidSettlementMapping(f"The file has no column “{missing[0][:60]}”.")
        twice = [name for name in mapping.columns if list(header).count(name) > 1]
        if twice:
            raise InvalidSettlementMapping(f"Two columns are called “{twice[0][:60]}”.")
        self._mapping = mapping
        self._places = {name: place for place, name in enumerate(header)}
        self._width = len(header)

    def line(self, row: Sequence[str], number: int) -> SettlementLine:
        """Raises UnreadableLine."""
        if len(row) != self._width:
            raise UnreadableLine(f"It has {len(row)} columns, and the header {self._width}.")
        mapping = self._mapping
        currency = self._text(row, mapping.currency_column).upper()
        amount = self._amount(row, mapping.amount_column, currency)
        if amount is None:
            raise UnreadableLine(f"“{mapping.amount_column}” is empty.")
        kind = self._kind(row, amount)
        fee = self._amount(row, mapping.fee_column, currency)
        reference = self._reference(row, mapping.reference_column)
        our_reference = self._reference(row, mapping.our_reference_column)
        if kind in MATCHED_KINDS:
            if amount == 0:
                raise UnreadableLine("Its amount is zero.")
            if reference is None and our_reference is None:
                raise UnreadableLine("It has neither the provider's reference nor ours.")
        if kind is LineKind.PAYMENT and amount < 0:
            raise UnreadableLine("A payment of less than nothing: which kind of line is it?")
        return SettlementLine(
            number=number,
            kind=kind,
            reference=reference,
            our_reference=our_reference,
            amount_minor=abs(amount) if kind in MATCHED_KINDS else amount,
            currency=currency,
            settled_on=self._date(row),
            # Reports write what they keep with either sign.
            fee_minor=abs(fee) if fee is not None and kind is LineKind.PAYMENT else fee,
            net_minor=self._amount(row, mapping.net_column, currency),
            payout_id=self._reference(row, mapping.payout_column),
            line_id=self._reference(row, mapping.line_id_column),
        )

    def _text(self, row: Sequence[str], column: str) -> str:
        text = row[self._places[column]].strip()
        if "\0" in text:
            raise UnreadableLine(f"“{column}” holds a NUL.")
        return text

    def _reference(self, row: Sequence[str], column: str | None) -> str | None:
        text = "" if column is None else self._text(row, column)
        if len(text) > MAX_REFERENCE_LENGTH:
            raise UnreadableLine(f"“{column}” is longer than {MAX_REFERENCE_LENGTH} characters.")
        return text or None

    def _amount(self, row: Sequence[str], column: str | None, currency: str) -> int | None:
        text = "" if column is None else self._text(row, column)
        if not text:
            return None
        try:
            return parse_amount(text, currency, self._mapping.amount_style)
        except InvalidMoney as error:
            raise UnreadableLine(f"“{column}”: {error.message}") from None

    def _kind(self, row: Sequence[str], amount_minor: int) -> LineKind:
        column = self._mapping.kind_column
        if column is None:
            return LineKind.PAYMENT if amount_minor >= 0 else LineKind.REFUND
        value = self._text(row, column)
        kind = self._mapping.kinds.get(value.lower())
        if kind is None:
            raise UnreadableLine(f"The kind {shown_cell(value, 40)} is not in the mapping.")
        return kind

    def _date(self, row: Sequence[str]) -> date:
        column, style = self._mapping.settled_on_column, self._mapping.date_style
        text = self._text(row, column)
        try:
            settled_on = _iso_date(text) if style is DateStyle.ISO else _date(text, style)
        except (ValueError, OverflowError):
            raise UnreadableLine(
                f"“{column}”: {shown_cell(text, 30)} is no date of this kind."
            ) from None
        if not EARLIEST_YEAR <= settled_on.year <= LATEST_YEAR:
            raise UnreadableLine(f"“{column}”: the year {settled_on.year} is not likely.")
        return settled_on


def _iso_date(text: str) -> date:
    """The date of an ISO time is that in UTC, where it names its zone."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()


def _date(text: str, style: DateStyle) -> date:
    """What follows a blank is the time of day, which does not matter."""
    return datetime.strptime(text.partition(" ")[0], _PATTERNS[style]).date()  # noqa: DTZ007 - a day, no moment
