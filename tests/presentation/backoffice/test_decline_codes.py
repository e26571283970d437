"""The decline codes page: evidence, the form of a ruling, its refusals and its way back."""

from urllib.parse import urlencode

import pytest

from payorch.domain.decline_ruling import CodeKey

CODES = "/admin/decline-codes/"
RULE = "/admin/decline-codes/code"
WITHDRAW = "/admin/decline-codes/withdraw"


def page_of(code="ZZ", scheme="visa", signal="response"):
    return f"{RULE}?" + urlencode({"signal": signal, "scheme": scheme, "code": code})


def a_form(**fields):
    defaults = {
        "signal": "response",
        "scheme": "visa",
        "code": "ZZ",
        "meaning": "house rule",
        "decline_class": "issuer_decline",
        "failover": "yes_once",
        "retry_later": "yes",
        "wait_h": "",
        "customer_text": "declined_by_bank",
        "reason": "page 12 of the manual",
        "seen": "0",
    }
    return defaults | fields


def history(office, code="zz"):
    return office.services.decline_rulings.history(CodeKey.of("visa", code))


def test_without_declines_the_page_says_so_and_shows_the_table(office):
    page = office.logged_in("vera").get(CODES).text

    assert "Every code that came is known" in page
    assert "No attempt was declined" in page
    assert "The rest of the table" in page
    assert "do not honor" in page


def test_an_unknown_code_is_ruled_on_and_taken_back(office):
    olga = office.logged_in("olga")
    assert "no, until it is classified" in olga.get(page_of()).text

    ruled = olga.post(RULE, a_form(), token_from=page_of(), follow_redirects=True).text
    assert "From the next order on" in ruled
    assert "house rule" in ruled
    assert "yes, once in a payment" in ruled
    assert "page 12 of the manual" in ruled

    back = olga.post(
        WITHDRAW,
        a_form(seen="1", reason="misread"),
        token_from=page_of(),
        follow_redirects=True,
    ).text
    assert "taken back" in back
    assert "no, until it is classified" in back
    assert [ruling.number for ruling in history(office)] == [2, 1]


def test_a_stale_form_is_shown_again_with_what_the_other_person_ruled(office):
    olga = office.logged_in("olga")
    olga.post(RULE, a_form(reason="the first one"), token_from=page_of())

    answer = olga.post(RULE, a_form(reason="the second one"), token_from=page_of())

    assert answer.status_code == 409
    assert "Somebody else ruled" in answer.text
    assert "the first one" in answer.text
    assert 'value="the second one"' in answer.text
    assert len(history(office)) == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"meaning": "<script>"}, "Name what the code means"),
        ({"failover": "by_advice"}, "says itself"),
        ({"failover": "maybe"}, "one of the answers"),
        ({"retry_later": "after_wait", "wait_h": "soon"}, "whole hours"),
        ({"reason": ""}, "Say why"),
        ({"seen": "x"}, "Load the page again"),
        ({"code": "43"}, "forbids any further try"),
        ({"scheme": "transport"}, "not for staff"),
    ],
)
def test_what_cannot_be_ruled_comes_back_as_it_was_typed(office, fields, problem):
    olga = office.logged_in("olga")
    form = a_form(**fields)

    answer = olga.post(RULE, form, token_from=page_of())

    assert answer.status_code == 422
    assert problem in answer.text
    assert "<script>" not in answer.text
    assert history(office, form["code"]) == []


@pytest.mark.parametrize("name", ["finn", "vera", "ari"])
def test_only_who_may_change_the_routing_may_rule(office, name):
    person = office.logged_in(name)

    assert "Say what it means" not in person.get(page_of()).text
    assert person.post(RULE, a_form(), token_from=CODES).status_code == 403
    assert person.post(WITHDRAW, a_form(), token_from=CODES).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        RULE,
        page_of(code=""),
        page_of(code="a\0"),
        page_of(code="x" * 61),
        page_of(scheme="x" * 21),
        page_of(signal="shout"),
    ],
)
def test_what_is_no_code_is_not_found(office, address):
    assert office.logged_in("olga").get(address).status_code == 404


def test_an_advice_code_can_be_ruled_on(office):
    olga = office.logged_in("olga")
    address = page_of(code="77", scheme="mastercard", signal="advice")
    form = a_form(signal="advice", scheme="mastercard", code="77", failover="no")

    page = olga.post(RULE, form, token_from=address, follow_redirects=True).text

    assert "mastercard advice 77" in page
    assert "house rule" in page


def test_the_journal_names_the_code_and_leads_to_it(office):
    office.logged_in("olga").post(RULE, a_form(), token_from=page_of())

    page = office.logged_in("ada").get("/admin/journal/").text

    assert "ruled that the decline code visa zz means" in page
    assert "scheme=visa" in page
