"""Bytes to rows: what is refused at once, and what is listed line by line."""

import io
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payorch.application.settlement_file import (
    MAX_LINE_BYTES,
    PIECE_BYTES,
    checked_file,
    pieces_of,
    rows_of,
    sample_of,
)
from payorch.domain.errors import SettlementFileRefused

MB = 2**20


def rows(content, delimiter=",", size=7):
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return [(row.number, list(row.cells), row.problem) for row in rows_of(pieces, delimiter)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rows_are_read_whatever_ends_a_line(end, mark):
    content = (mark + f'a,b{end}"x, ""y""",é{end}{end}1,2').encode()

    assert rows(content) == [
        (1, ["a", "b"], None),
        (2, ['x, "y"', "é"], None),
        (4, ["1", "2"], None),
    ]


def test_a_field_may_go_over_several_lines():
    assert rows(b'a,b\n"one\ntwo",2\n3,4\n') == [
        (1, ["a", "b"], None),
        (2, ["one\ntwo", "2"], None),
        (4, ["3", "4"], None),
    ]


def test_a_quote_in_the_wrong_place_costs_its_line_only():
    found = rows(b'a,b\n"x"y,1\n3,4\n')

    assert [number for number, _, problem in found if problem] == [2]
    assert found[-1] == (3, ["3", "4"], None)


def test_a_quote_that_is_never_closed_names_all_lines_it_swallows():
    ((_, _, problem),) = [row for row in rows(b'a,b\n1,"2\n3,4\n5,6\n') if row[2]]

    assert problem.startswith("Lines 2 to 4 are no CSV")


@given(st.lists(st.lists(st.text('aé,;"\n ', min_size=1), min_size=2, max_size=3), max_size=5))
def test_pieces_may_end_anywhere(cells):
    import csv

    out = io.StringIO()
    csv.writer(out).writerows(cells)
    content = out.getvalue().encode()

    for size in (1, 3, len(content) + 1):
        read = [found for _, found, problem in rows(content, size=size) if problem is None]
        assert read == [row for row in cells if any(cell.strip() for cell in row)]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (b"a,b,c\n1,2,3\n", ","),
        (b"a;b;c\n1,5;2;3\n", ";"),
        (b"a\tb\n1,0\t2\n", "\t"),
        (b"a|b|c\n1|2|3\n", "|"),
        (b"single\nvalue\n", ","),
    ],
)
def test_the_delimiter_is_found(content, delimiter):
    assert sample_of([content]).delimiter == delimiter


def test_a_sample_is_the_header_and_some_rows():
    content = b" id ,amount\n" + b"".join(b"%d,5\n" % n for n in range(50))

    sample = sample_of([content])

    assert sample.header == ["id", "amount"]
    assert [row[0] for row in sample.rows] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        ("é".encode("latin-1") + b",1\n", "not in UTF-8"),
        ("a,b\n".encode("utf-16"), "not in UTF-8"),
        (b"a,b\n1,\0\n", "no text"),
        (b"x" * (MAX_LINE_BYTES + 1), "too long"),
        (b"a\n" * MB, "larger than 1 MB"),
    ],
)
def test_what_is_no_report_is_refused(content, said):
    with pytest.raises(SettlementFileRefused, match=said):
        checked_file(pieces_of(io.BytesIO(content)), max_bytes=MB)


def test_a_long_line_is_found_over_the_ends_of_pieces():
    content = b"a\n" + b"x" * (MAX_LINE_BYTES - 10) + b"y" * 20

    with pytest.raises(SettlementFileRefused, match="too long"):
        checked_file(
            [content[:100], content[100:MAX_LINE_BYTES], content[MAX_LINE_BYTES:]], max_bytes=MB
        )


def test_the_hash_is_that_of_the_bytes():
    content = b"a,b\n" * PIECE_BYTES

    once = checked_file(pieces_of(io.BytesIO(content)), max_bytes=2 * MB)
    again = checked_file(chain([content]), max_bytes=2 * MB)

    assert once == again
    assert once.size_bytes == len(content)


@pytest.mark.parametrize(
    "content", [b"\n\n", b"x" * 130 + b",b\n1,2\n", b",".join([b"c"] * 201) + b"\n"]
)
def test_a_file_without_a_usable_header_is_refused(content):
    with pytest.raises(SettlementFileRefused):
        sample_of([content])
