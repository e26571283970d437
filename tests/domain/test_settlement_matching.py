"""What a line and the books say of each other, as a table."""

from datetime import date

import pytest

from payorch.domain.settlement_line import LineKind, SettlementLine
from payorch.domain.settlement_matching import BookEntry, BookState, DifferenceKind, differences

D, K, S = DifferenceKind, LineKind, BookState


def a_line(**fields):
    defaults = {
        "number": 2,
        "kind": K.PAYMENT,
        "reference": "pay_1",
        "our_reference": None,
        "amount_minor": 1999,
        "currency": "EUR",
        "settled_on": date(2026, 11, 22),
    }
    return SettlementLine(**(defaults | fields))


def an_entry(**fields):
    defaults = {"state": S.MOVED, "amount_minor": 1999, "currency": "EUR", "reference": "pay_1"}
    return BookEntry(**(defaults | fields))


@pytest.mark.parametrize(
    ("line", "entry", "found"),
    [
        ({}, {}, ()),
        ({"kind": K.REFUND}, {}, ()),
        ({"amount_minor": 2000}, {}, (D.OTHER_AMOUNT,)),
        ({"currency": "USD"}, {}, (D.OTHER_CURRENCY,)),
        ({"currency": "USD", "amount_minor": 1}, {}, (D.OTHER_CURRENCY,)),
        ({}, {"state": S.NOT_MOVED}, (D.PAID_THERE,)),
        ({}, {"state": S.OPEN}, (D.PAID_THERE,)),
        ({"amount_minor": 1}, {"state": S.NOT_MOVED}, (D.PAID_THERE, D.OTHER_AMOUNT)),
        ({"currency": "USD"}, {"state": S.NOT_MOVED}, (D.PAID_THERE, D.OTHER_CURRENCY)),
        ({}, {"settled_before": 1}, (D.SETTLED_TWICE,)),
        ({}, {"reference": "pay_2"}, (D.MISSING_HERE,)),
        ({"reference": None}, {"reference": "pay_2"}, ()),
        ({}, {"reference": None}, ()),
        ({"kind": K.REFUND}, {"reference": "refund_2"}, ()),
        ({"fee_minor": 70}, {"expected_fee_minor": 70}, ()),
        ({"fee_minor": 71}, {"expected_fee_minor": 70}, (D.OTHER_FEE,)),
        ({"fee_minor": 69}, {"expected_fee_minor": 70}, (D.OTHER_FEE,)),
        ({"fee_minor": 71}, {"expected_fee_minor": None}, ()),
        ({"fee_minor": None}, {"expected_fee_minor": 70}, ()),
        ({"kind": K.REFUND, "fee_minor": 5}, {"expected_fee_minor": 70}, ()),
        ({"fee_minor": 5, "amount_minor": 1}, {"expected_fee_minor": 70}, (D.OTHER_AMOUNT,)),
        ({"kind": K.CHARGEBACK, "amount_minor": 5}, {}, ()),
        ({"kind": K.CHARGEBACK}, None, (D.MISSING_HERE,)),
        ({}, None, (D.MISSING_HERE,)),
        ({"kind": K.REFUND}, None, (D.MISSING_HERE,)),
        ({"kind": K.FEE}, None, ()),
        ({"kind": K.PAYOUT}, None, ()),
        ({"kind": K.OTHER}, None, ()),
    ],
)
def test_a_line_against_the_books(line, entry, found):
    booked = None if entry is None else an_entry(**entry)

    assert tuple(differences(a_line(**line), booked)) == found


@pytest.mark.parametrize(("fee", "is_alike"), [(68, False), (69, True), (71, True), (72, False)])
def test_a_fee_within_the_tolerance_is_alike(fee, is_alike):
    entry = an_entry(expected_fee_minor=70)

    found = differences(a_line(fee_minor=fee), entry, fee_tolerance_minor=1)

    assert (not found) is is_alike


def test_every_kind_of_difference_is_found_by_a_rule_or_by_its_absence():
    by_rules = {D.MISSING_HERE, D.PAID_THERE, D.SETTLED_TWICE}
    by_rules |= {D.OTHER_AMOUNT, D.OTHER_CURRENCY, D.OTHER_FEE}

    assert set(D) - by_rules == {D.MISSING_THERE}


def test_equal_lines_of_two_files_have_one_identity():
    assert a_line(number=2).identity == a_line(number=99, fee_minor=5).identity
    assert a_line().identity != a_line(settled_on=date(2026, 11, 23)).identity
    assert (
        a_line(reference="a", our_reference="b").identity
        != a_line(reference="b", our_reference="a").identity
    )
    assert a_line(line_id="l1").identity == a_line(line_id="l1", amount_minor=7).identity
    assert a_line(line_id="l1").identity != a_line(line_id="l2").identity
