"""A provider's fees on its page: shown, set with a reason, refused when odd."""

import pytest

ALPHA = "/admin/providers/alpha"
FEES = f"{ALPHA}/fees"


def a_form(**fields):
    defaults = {
        "currency": "eur",
        "percent": "2.9",
        "fixed": "0.30",
        "attempt": "",
        "valid_from": "2026-01-01T00:00",
        "reason": "the contract of 2026",
    }
    return defaults | fields


def fees_of(office):
    return office.services.fees.schedule().fees


def test_a_fee_is_set_and_shown_in_its_currency(office):
    olga = office.logged_in("olga")
    assert "Nobody has said yet what it charges" in olga.get(ALPHA).text

    page = olga.post(FEES, a_form(), token_from=ALPHA, follow_redirects=True).text

    assert "The fee is stored" in page
    assert ">2.9 %<" in page
    assert ">€0.30<" in page
    assert "In force" in page
    (fee,) = fees_of(office)
    assert (fee.percent_ppm, fee.fixed_minor, fee.attempt_minor) == (29_000, 30, 0)


def test_an_older_fee_is_replaced_and_a_later_one_is_coming(office):
    olga = office.logged_in("olga")
    for valid_from in ("2026-01-01T00:00", "2026-02-01T00:00", "2099-01-01T00:00"):
        olga.post(FEES, a_form(valid_from=valid_from), token_from=ALPHA)

    page = olga.get(ALPHA).text

    assert page.index("Coming") < page.index("In force") < page.index("Replaced")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"currency": "XXX"}, "not a currency"),
        ({"currency": ""}, "Unknown currency"),
        ({"percent": "2,9"}, "plain number such as 2.9"),
        ({"percent": "101"}, "between 0 and 100"),
        ({"fixed": "-1"}, "plain number"),
        ({"fixed": "0.301"}, "EUR has 2 decimals"),
        ({"attempt": "<b>"}, "plain number"),
        ({"valid_from": "soon"}, "a date and a time"),
        ({"valid_from": "2026-01-01T00:00+05:00"}, "a date and a time"),
        ({"valid_from": "0001-01-01T00:00"}, "from 2000 to 2100"),
        ({"reason": ""}, "Say why"),
    ],
)
def test_what_cannot_be_a_fee_comes_back_as_it_was_typed(office, fields, problem):
    olga = office.logged_in("olga")

    answer = olga.post(FEES, a_form(**fields), token_from=ALPHA)

    assert answer.status_code == 422
    assert problem in answer.text
    assert "<b>" not in answer.text
    assert fees_of(office) == ()


@pytest.mark.parametrize("name", ["finn", "vera", "ari"])
def test_only_who_may_change_the_routing_may_set_fees(office, name):
    person = office.logged_in(name)

    assert "Set a fee" not in person.get(ALPHA).text
    answer = person.post(FEES, a_form(), token_from="/admin/providers/")
    assert answer.status_code == 403
    assert fees_of(office) == ()


def test_a_provider_nobody_knows_has_no_fees(office):
    olga = office.logged_in("olga")

    answer = olga.post("/admin/providers/omega/fees", a_form(), token_from=ALPHA)

    assert answer.status_code == 404
