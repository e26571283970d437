"""Passwords are checked a few at a time, whoever they are of; who is sent away has lost no try."""

import re
from contextlib import ExitStack

import flask_security.core
import flask_security.forms
import pytest
from sqlalchemy import func, select

from payorch.domain.login_errors import LoginBusy
from payorch.infrastructure.persistence.tables import LoginCountRow
from tests.presentation.backoffice.test_login_limits import BOARD, NOBODY, OLGA, WRONG, seen
from tests.presentation.backoffice.test_routing_board import press
from tests.presentation.backoffice.test_step_up import answered, let_time_pass

PLACES = 2


@pytest.fixture
def busy_office(open_office, database_url):
    office = open_office(database_url, max_password_hashes=PLACES)
    office.app.extensions["security"].pwd_context.update(
        argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1
    )
    office.services.hashing_places._longest_line = 0
    office.hire("olga")
    return office


@pytest.fixture
def full(busy_office):
    """All places are taken, and stay so."""
    with ExitStack() as taken:
        for _ in range(PLACES):
            taken.enter_context(busy_office.services.hashing_places.place())
        yield busy_office


def tries(office):
    with office.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(LoginCountRow))


def test_a_full_house_answers_everybody_alike_without_hashing_or_counting(full, monkeypatch):
    for where, name in (
        (flask_security.core, "verify_and_update_password"),
        (flask_security.forms, "hash_password"),
    ):
        monkeypatch.setattr(where, name, lambda *_given: pytest.fail("It hashed."))

    answers = [(full.visitor().log_in(email, WRONG), email) for email in (OLGA, NOBODY)]

    pages = {re.sub(r"req_\w+", "", str(seen(answer, email))) for answer, email in answers}
    assert len(pages) == 1
    assert answers[0][0].status_code == 503
    assert int(answers[0][0].headers["Retry-After"]) > 0
    assert "Too many logins at this moment" in answers[0][0].text
    assert tries(full) == 0


@pytest.mark.parametrize("email", [OLGA, NOBODY])
def test_each_hash_of_a_login_has_a_place(busy_office, monkeypatch, email):
    hashed, places = [], busy_office.services.hashing_places

    def noted(where, name):
        real = getattr(where, name)

        def hash_it(*given):
            with places.place(), pytest.raises(LoginBusy), places.place():
                pass
            hashed.append(name)
            return real(*given)

        monkeypatch.setattr(where, name, hash_it)

    noted(flask_security.core, "verify_and_update_password")
    noted(flask_security.forms, "hash_password")

    busy_office.visitor().log_in(email, WRONG)

    assert len(hashed) == 1
    with places.place(), places.place():
        pass


def test_the_question_who_it_is_needs_a_place_as_well(busy_office):
    olga = busy_office.logged_in("olga")
    page = press(olga, olga.get(BOARD).text, move="gamma:up").text
    let_time_pass(busy_office)
    asked = press(olga, page, "publish", reason="cheaper")
    places = busy_office.services.hashing_places

    with places.place(), places.place():
        sent_away = answered(olga, asked)

    assert sent_away.status_code == 503
    assert busy_office.version() == 1
    answered(olga, asked)
    assert busy_office.version() == 2
