"""Lists as workbooks: exact numbers, texts that stay texts, and memory that does not grow."""

import tracemalloc
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from payorch.presentation.export_cells import AmountCell, csv_text
from payorch.presentation.workbook import CUT, MAX_TEXT, in_chunks, workbook_of


def read_back(*rows):
    with workbook_of(["thing"] * max(map(len, rows), default=1), rows) as file:
        (sheet,) = load_workbook(file).worksheets
        return [list(row) for row in sheet.iter_rows(min_row=2)]


@pytest.mark.parametrize(
    ("amount_minor", "currency", "number_format"),
    [
        (1999, "EUR", "#,##0.00"),
        (995, "EUR", "#,##0.00"),
        (-110, "EUR", "#,##0.00"),
        (5000, "JPY", "#,##0"),
        (1_234_567, "BHD", "#,##0.000"),
        (999_999_999_999_999, "EUR", "#,##0.00"),
        (123_456_789_012_345, "BHD", "#,##0.000"),
    ],
)
def test_an_amount_is_a_number_with_its_currencys_decimals(amount_minor, currency, number_format):
    amount = AmountCell(amount_minor, currency)

    ((cell,),) = read_back([amount])

    assert cell.data_type == "n"
    assert cell.number_format == number_format
    assert Decimal(repr(cell.value)) == Decimal(amount.text)


@pytest.mark.parametrize(
    ("amount_minor", "text"),
    [
        (9_999_999_999_999_999, "99999999999999.99"),
        (-9_007_199_254_740_993, "-90071992547409.93"),
    ],
)
def test_an_amount_that_a_double_would_change_is_a_text(amount_minor, text):
    ((amount, number),) = read_back([AmountCell(amount_minor, "EUR"), amount_minor])

    assert (amount.data_type, number.data_type) == ("s", "s")
    assert (amount.value, number.value) == (text, str(amount_minor))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "{=A1}", "https://evil.example/", "0012", "007.50"],
)
def test_a_text_stays_a_text(text):
    ((cell,),) = read_back([text])

    assert cell.data_type == "s"
    assert cell.value == text
    assert cell.hyperlink is None


@pytest.mark.parametrize("sign", ["x", "é", "\N{MONEY BAG}"])
def test_a_text_that_no_cell_holds_says_that_it_is_cut(sign):
    fits = sign * (MAX_TEXT // units(sign))
    ((whole, cut),) = read_back([fits, fits + "end."])

    assert whole.value == fits
    assert cut.value.startswith(sign * 10_000)
    assert cut.value.endswith(f"{sign}{CUT}")
    assert MAX_TEXT - 1 <= units(cut.value) <= MAX_TEXT


def units(text):
    return len(text.encode("utf-16-le")) // 2


def test_nothing_is_an_empty_cell():
    assert [cell.value for cell in read_back(["", 0, "x"])[0]] == [None, 0, "x"]


def test_a_workbook_without_rows_has_its_headings():
    with workbook_of(["order", "amount"], []) as file:
        (sheet,) = load_workbook(file).worksheets
        assert [cell.value for cell in sheet[1]] == ["order", "amount"]
        assert sheet.max_row == 1


def test_a_csv_writes_the_same_cells_as_texts():
    cells = [AmountCell(-1999, "EUR"), 7, "=1+1", "plain", ""]

    assert [csv_text(cell) for cell in cells] == ["-19.99", "7", "'=1+1", "plain", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff20"])
def test_no_text_of_a_csv_starts_a_formula(start):
    assert csv_text(f"{start}1+1") == f"'{start}1+1"


def test_memory_does_not_grow_with_the_rows():
    few, many = peak_bytes(2_000), peak_bytes(20_000)

    assert many < few * 1.2


def peak_bytes(number):
    rows = ([f"pa_{row:020}", f"reference {row}", AmountCell(row, "EUR")] for row in range(number))
    tracemalloc.start()
    try:
        for _ in in_chunks(workbook_of(["id", "reference", "amount"], rows)):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_rows_that_fail_leave_no_half_workbook():
    def rows():
        yield ["one"]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        workbook_of(["thing"], rows())


def test_a_file_is_closed_when_nobody_takes_the_rest():
    file = workbook_of(["thing"], [["x"]])
    chunks = in_chunks(file)
    next(chunks)

    chunks.close()

    assert file.closed
