"""Whoever finds a screen unlocked may look around, but not act: the password is asked again."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from payorch.application.login_limits import ACCOUNT_LIMIT
from payorch.infrastructure.persistence.tables import StaffSessionRow
from payorch.presentation.backoffice.shell.step_up import FRESH_FOR
from tests.presentation.backoffice.office import PASSWORD
from tests.presentation.backoffice.test_refunds import FinanceDesk
from tests.presentation.backoffice.test_routing_board import BOARD, press

QUESTION = "Is it you?"
REASON = 'Gamma is "cheaper" <than> Beta'


TOO_LONG_S = FRESH_FOR.total_seconds() + 1


def let_time_pass(office, by_s=TOO_LONG_S):
    """As if everybody had proved who they are earlier by this."""
    with office.database.tx() as connection:
        for row in connection.execute(select(StaffSessionRow.id, StaffSessionRow.verified_at)):
            connection.execute(
                update(StaffSessionRow)
                .where(StaffSessionRow.id == row.id)
                .values(verified_at=row.verified_at - timedelta(seconds=by_s))
            )


def answered(visitor, page, answer=PASSWORD, *, field="step_up_password", **options):
    """The question's form, sent as a browser would send it."""
    form = re.search(r'<form class="panel".*?</form>', page.text, re.DOTALL)[0]
    fields = {}
    for tag in re.findall(r"<input[^>]* name=[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)[1]
        value = re.search(r'value="([^"]*)"', tag)
        fields.setdefault(name, []).append(html.unescape(value[1]) if value else "")
    fields[field] = answer
    address = html.unescape(re.search(r'action="([^"]*)"', form)[1])
    return visitor.client.post(address, data=fields, **options)


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


@pytest.fixture
def asked(office, olga):
    """The question that Olga's press on "publish" is answered with."""
    page = press(olga, olga.get(BOARD).text, move="gamma:up").text
    let_time_pass(office)
    return press(olga, page, "publish", reason=REASON)


def test_a_policy_is_published_after_the_password_as_it_was_posted(office, olga, asked):
    assert asked.status_code == 403
    assert QUESTION in asked.text
    assert office.version() == 1

    answered(olga, asked)

    assert office.version() == 2
    assert [code for code, *_ in office.order()] == ["alpha", "gamma", "beta"]
    assert office.services.policies.version(2).reason == REASON


def test_after_the_password_nothing_is_asked_for_a_while(office, olga, asked):
    answered(olga, asked)

    page = press(olga, olga.get(BOARD).text, move="beta:up").text
    press(olga, page, "publish", reason="once more")

    assert office.version() == 3


def test_a_wrong_password_does_nothing_and_loses_nothing(office, olga, asked):
    again = answered(olga, asked, "wrong password, sorry")

    assert again.status_code == 403
    assert "This is not the password" in again.text
    assert "wrong password, sorry" not in again.text
    assert office.version() == 1

    answered(olga, again)

    assert office.version() == 2


def test_the_password_cannot_be_guessed_here(office, olga, asked):
    for _ in range(ACCOUNT_LIMIT.tries):
        answered(olga, asked, "wrong password, sorry")

    answered(olga, asked, PASSWORD)

    assert office.version() == 1


def test_a_password_of_the_future_is_not_fresh(olga, office):
    page = press(olga, olga.get(BOARD).text, move="gamma:up").text
    let_time_pass(office, by_s=-3600)

    assert QUESTION in press(olga, page, "publish", reason="no").text
    assert office.version() == 1


def test_an_earlier_version_is_restored_after_the_password(office, olga, asked):
    answered(olga, asked)
    let_time_pass(office)

    form = {"restore": 1, "version": 2, "reason": "Gamma was slower"}
    question = olga.post(f"{BOARD}restore", form)

    assert QUESTION in question.text
    assert office.version() == 2
    answered(olga, question)
    assert office.version() == 3


def test_the_journal_is_taken_away_after_the_password(office):
    ari = office.logged_in("ari")
    let_time_pass(office)

    question = ari.post("/admin/journal/export", {"format": "csv", "reason": "the year's audit"})
    file = answered(ari, question)

    assert QUESTION in question.text
    assert file.mimetype == "text/csv"


def test_who_may_not_act_is_not_asked_for_a_password(office):
    vera = office.logged_in("vera")
    let_time_pass(office)

    answer = vera.post(f"{BOARD}publish", {"version": 1, "reason": "no"})

    assert answer.status_code == 403
    assert QUESTION not in answer.text


def test_money_goes_back_after_the_password_and_once(open_office, database_url, sandbox):
    desk = FinanceDesk(open_office, database_url, sandbox)
    order_id = desk.paid_order()
    confirm = desk.typed(order_id, how_much="full", reason="Changed her mind")
    let_time_pass(desk.office)

    question = desk.confirmed(order_id, confirm)

    assert QUESTION in question.text
    assert desk.refunds(order_id) == ()
    done = answered(desk.finn, question, follow_redirects=True)
    assert "€19.99 was given back." in done.text
    answered(desk.finn, question, follow_redirects=True)
    assert len(desk.refunds(order_id)) == 1
