"""From a row of texts to a line, or to the reason why not."""

from datetime import date

import pytest

from payorch.application.settlement_reports import mapping_document, mapping_from
from payorch.domain.errors import InvalidSettlementMapping
from payorch.domain.settlement_amount import AmountStyle
from payorch.domain.settlement_line import LineKind
from payorch.domain.settlement_mapping import (
    DateStyle,
    RowReader,
    SettlementMapping,
    UnreadableLine,
)
from tests.settlements.report import HEADER, a_line, a_mapping


def read(mapping=None, **fields):
    row = a_line(**fields)
    return RowReader(mapping or a_mapping(), HEADER).line([row[name] for name in HEADER], 7)


def test_a_row_becomes_a_line():
    line = read(reference="pa_1", fee="-0.45", gross="1,234.50")

    assert (line.number, line.kind, line.settled_on) == (7, LineKind.PAYMENT, date(2026, 11, 22))
    assert (line.reference, line.our_reference) == ("alpha_pay_1", "pa_1")
    assert (line.amount_minor, line.fee_minor, line.currency) == (123_450, 45, "EUR")
    assert line.payout_id is None


@pytest.mark.parametrize("gross", ["-5.00", "5.00"])
def test_a_refund_is_positive_whatever_its_sign(gross):
    assert read(type="Refund", gross=gross).amount_minor == 500


def test_a_payout_keeps_its_sign():
    assert read(type="payout", gross="-500.00").amount_minor == -50_000


def test_without_a_column_for_the_kind_the_sign_says_it():
    mapping = a_mapping(kind_column=None, kinds={})

    assert read(mapping, type="").kind is LineKind.PAYMENT
    assert read(mapping, type="", gross="-1.00").kind is LineKind.REFUND


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (DateStyle.ISO, "2026-11-22"),
        (DateStyle.ISO, "2026-11-23T00:30:00+02:00"),
        (DateStyle.ISO, "2026-11-22 23:59:59"),
        (DateStyle.DAY_POINT, "22.11.2026"),
        (DateStyle.DAY_SLASH, "22/11/2026 10:15"),
        (DateStyle.MONTH_SLASH, "11/22/2026"),
        (DateStyle.DIGITS, "20261122"),
    ],
)
def test_dates_are_read_as_the_mapping_says(style, text):
    assert read(a_mapping(date_style=style), settled_on=text).settled_on == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "adjustment"}, "The kind “adjustment” is not in the mapping."),
        ({"gross": ""}, "“gross” is empty."),
        ({"gross": "0.00"}, "Its amount is zero."),
        ({"gross": "-1.00"}, "A payment of less than nothing: which kind of line is it?"),
        ({"gross": "12,5"}, "“gross”: “12,5” is not an amount of this report's kind."),
        ({"fee": "x"}, "“fee”: “x” is not an amount of this report's kind."),
        (
            {"gross": "ana@example.com"},
            "“gross”: “•••” is not an amount with “.” before its decimals.",
        ),
        ({"type": "ana@example.com"}, "The kind “•••” is not in the mapping."),
        ({"settled_on": "ana@example.com"}, "“settled_on”: “•••” is no date of this kind."),
        ({"currency": "EURO"}, "“gross”: Unknown currency 'EURO'."),
        ({"settled_on": "22.11.2026"}, "“settled_on”: “22.11.2026” is no date of this kind."),
        ({"settled_on": "1026-11-22"}, "“settled_on”: the year 1026 is not likely."),
        ({"id": ""}, "It has neither the provider's reference nor ours."),
        ({"id": "x" * 121}, "“id” is longer than 120 characters."),
        ({"id": "a\0b"}, "“id” holds a NUL."),
    ],
)
def test_a_row_that_cannot_be_booked_says_why(fields, reason):
    with pytest.raises(UnreadableLine) as problem:
        read(**fields)

    assert str(problem.value) == reason


def test_a_row_of_another_width_is_refused():
    with pytest.raises(UnreadableLine, match="It has 2 columns, and the header 7"):
        RowReader(a_mapping(), HEADER).line(["Total", "5"], 9)


@pytest.mark.parametrize(
    "fields",
    [
        {"amount_column": ""},
        {"reference_column": None, "our_reference_column": None},
        {"kinds": {"refund": LineKind.REFUND}},
        {"settling_delay_days": -1},
        {"settling_delay_days": 91},
        {"fee_tolerance_minor": -1},
    ],
)
def test_a_mapping_that_cannot_work_is_refused(fields):
    with pytest.raises(InvalidSettlementMapping):
        a_mapping(**fields)


def test_a_header_without_a_column_or_with_it_twice_is_refused():
    with pytest.raises(InvalidSettlementMapping, match="no column “id”"):
        RowReader(a_mapping(), [name for name in HEADER if name != "id"])
    with pytest.raises(InvalidSettlementMapping, match="Two columns are called “fee”"):
        RowReader(a_mapping(), [*HEADER, "fee"])


def test_a_mapping_is_proposed_where_it_fits():
    assert a_mapping().fits([*HEADER, "more"])
    assert not a_mapping().fits(HEADER[1:])


def test_a_mapping_survives_its_way_through_json():
    mapping = a_mapping(
        amount_style=AmountStyle.COMMA, date_style=DateStyle.DIGITS, payout_column="payout"
    )

    assert mapping_from(mapping_document(mapping)) == mapping
    assert isinstance(mapping, SettlementMapping)
