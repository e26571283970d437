"""One's own password is changed by who knows the present one, and by nobody at an open screen."""

import re

import pytest
from sqlalchemy import select, update

from payorch.application.login_limits import ACCOUNT_LIMIT
from payorch.domain.login_errors import LoginBusy
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.tables import StaffRow
from payorch.infrastructure.security.password_hashes import Argon2PasswordHashes
from payorch.presentation.backoffice.people.own_password import AGAIN, NEW, PRESENT
from tests.fakes import FakeClock
from tests.presentation.backoffice.office import NOW, PASSWORD, QUICK_HASHER
from tests.presentation.backoffice.test_second_factor import (  # noqa: F401 - fixtures
    ACCOUNT,
    BOARD,
    OLGA,
    actions,
    enrolled,
    guarded,
    open_guarded,
    typed,
    with_password,
)
from tests.presentation.backoffice.test_staff_sessions import copied, is_in, told
from tests.presentation.backoffice.test_step_up import QUESTION, answered, let_time_pass

CHANGE = f"{ACCOUNT}password"
OTHER = "seven quiet owls at noon"
WRONG = "wrong password, sorry"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    monkeypatch.setattr(
        "payorch.wiring.staff.Argon2PasswordHashes", lambda: Argon2PasswordHashes(QUICK_HASHER)
    )


@pytest.fixture
def olga(guarded):  # noqa: F811 - the fixture
    return guarded.logged_in("olga")


def changed(visitor, new=OTHER, *, present=PASSWORD, again=None, **options):
    form = {PRESENT: present, NEW: new, AGAIN: new if again is None else again}
    return visitor.post(CHANGE, form, token_from=BOARD, **options)


def lets_in(office, password):
    visitor = office.visitor()
    visitor.log_in(OLGA, password)
    return is_in(visitor)


def password_hash(office):
    with office.database.read() as connection:
        return connection.scalar(select(StaffRow.password).where(StaffRow.email == OLGA))


def test_the_new_password_lets_in_and_the_former_one_does_not(guarded, olga):  # noqa: F811
    answer = changed(olga, follow_redirects=True)

    assert "Your password is changed." in answer.text
    assert (lets_in(guarded, OTHER), lets_in(guarded, PASSWORD)) == (True, False)
    assert actions(guarded, "change_own_password") == [
        (OLGA, "change_own_password", "at their own wish")
    ]


def test_this_session_stays_under_another_key_and_all_others_end(guarded, olga):  # noqa: F811
    others = [guarded.logged_in("olga") for _ in range(2)]
    thief, finn = copied(guarded, olga), guarded.logged_in("finn")

    answer = changed(olga, follow_redirects=True)

    assert "Your password is changed, and 2 other sessions are ended." in answer.text
    assert is_in(olga)
    assert is_in(finn, ACCOUNT)
    assert [is_in(other) for other in (*others, thief)] == [False] * 3
    assert told(others[0]) == "You were logged out because your password was changed."


def test_the_former_password_is_not_half_a_login_any_more(guarded, clock):  # noqa: F811
    olga, phone, _ = enrolled(guarded, clock)
    half = with_password(guarded)

    changed(olga)
    typed_late = typed(half, phone.code())

    assert typed_late.location == "/admin/login"
    assert not is_in(half)


@pytest.mark.parametrize(
    ("new", "again", "problem"),
    [
        ("too short", None, "12 to 128 characters"),
        ("Password123456!", None, "one of the first that are tried"),
        ("olga@example.org-1", None, "made of the e-mail address"),
        (OTHER, f"{OTHER} ", "The two are not alike"),
        (PASSWORD, None, "This is the present one"),
    ],
)
def test_a_new_password_that_cannot_be_costs_no_try(guarded, olga, new, again, problem):  # noqa: F811
    answers = [changed(olga, new, again=again) for _ in range(ACCOUNT_LIMIT.tries + 1)]

    assert {answer.status_code for answer in answers} == {422}
    assert problem in answers[-1].text
    assert 'aria-invalid="true"' in answers[-1].text
    assert lets_in(guarded, PASSWORD)
    assert actions(guarded, "login_failed") == []


def test_no_password_is_ever_in_a_page(olga):
    pages = [changed(olga, present=WRONG), changed(olga, again="other"), changed(olga, "short")]

    assert [page.status_code for page in pages] == [422] * 3
    for page in pages:
        assert not re.search(r'type="password"[^>]*value=', page.text)
        assert not any(text in page.text for text in (PASSWORD, OTHER, WRONG))


def test_a_wrong_present_password_counts_like_a_failed_login(guarded, olga):  # noqa: F811
    answers = [changed(olga, present=WRONG) for _ in range(ACCOUNT_LIMIT.tries)]

    assert {answer.status_code for answer in answers} == {422}
    assert "This is not your present password" in answers[0].text
    assert changed(olga).status_code == 422
    assert not lets_in(guarded, PASSWORD)
    assert not lets_in(guarded, OTHER)
    journalled = [action for _, action, _ in actions(guarded, "login_%")]
    assert journalled == ["login_failed"] * ACCOUNT_LIMIT.tries + ["login_locked"]
    assert is_in(olga)


def test_the_right_present_password_gives_the_tries_back(olga):
    for _ in range(ACCOUNT_LIMIT.tries - 1):
        changed(olga, present=WRONG)
    changed(olga)

    answers = [changed(olga, present=WRONG) for _ in range(ACCOUNT_LIMIT.tries - 1)]

    assert {answer.status_code for answer in answers} == {422}
    assert changed(olga, PASSWORD, present=OTHER).status_code == 303


def test_who_has_a_second_factor_is_asked_for_it_first(guarded, clock):  # noqa: F811
    olga, phone, _ = enrolled(guarded, clock)
    let_time_pass(guarded)
    before = password_hash(guarded)

    question = changed(olga)

    assert (question.status_code, QUESTION in question.text) == (403, True)
    assert not any(text in question.text for text in (PASSWORD, OTHER))
    page = answered(olga, question, phone.code(), field="step_up_code")
    assert "Change your password" in page.text
    assert password_hash(guarded) == before
    assert changed(olga).status_code == 303
    assert password_hash(guarded) != before


def test_without_a_second_factor_the_present_password_is_the_proof(guarded, olga):  # noqa: F811
    let_time_pass(guarded)

    assert "Your password now" in olga.post(CHANGE, token_from=BOARD).text
    assert changed(olga).status_code == 303
    # And it counts as one: nothing is asked again for a while.
    added = olga.post(f"{ACCOUNT}second-factor", token_from=BOARD)
    assert QUESTION not in added.text


def test_a_password_that_was_set_meanwhile_is_not_overwritten(
    guarded,  # noqa: F811
    olga,
    monkeypatch,
):
    accounts = StaffAccounts(guarded.database, QUICK_HASHER)
    use_case = guarded.services.own_password
    real = use_case._hashes.hash_of

    def overtaken(password):
        accounts.set_password(OLGA, "set by an administrator", at=NOW)
        return real(password)

    monkeypatch.setattr(use_case._hashes, "hash_of", overtaken)

    answer = changed(olga)

    assert (answer.status_code, "changed meanwhile" in answer.text) == (409, True)
    assert lets_in(guarded, "set by an administrator")
    assert not is_in(olga)


def test_a_hash_that_a_login_would_renew_does_not_come_back(open_office, database_url):
    # The account's hash is weaker than what this office hashes with: checking it makes another.
    office = open_office(database_url)
    olga = office.logged_in("olga")

    assert changed(olga).status_code == 303

    assert (lets_in(office, OTHER), lets_in(office, PASSWORD)) == (True, False)


def test_a_closed_account_changes_nothing(guarded, olga):  # noqa: F811
    with guarded.database.tx() as connection:
        connection.execute(update(StaffRow).where(StaffRow.email == OLGA).values(active=False))
    before = password_hash(guarded)

    changed(olga)

    assert password_hash(guarded) == before


def test_hashing_the_new_one_takes_a_place_like_checking_the_present_one(
    open_guarded,  # noqa: F811
    monkeypatch,
):
    office = open_guarded(max_password_hashes=1)
    olga, places = office.logged_in("olga"), office.services.hashing_places
    places._longest_line = 0
    hashes, hashed = office.services.own_password._hashes, []
    real = hashes.hash_of

    def hash_it(password):
        with pytest.raises(LoginBusy), places.place():
            pass
        hashed.append(password)
        return real(password)

    monkeypatch.setattr(hashes, "hash_of", hash_it)

    with places.place():
        answer = changed(olga)
    assert (answer.status_code, hashed) == (503, [])

    assert changed(olga).status_code == 303
    assert hashed == [OTHER]


def test_blanks_and_signs_are_kept_as_they_were_typed(guarded, olga):  # noqa: F811
    odd = "  ﬁve Ångström & <three> owls "

    assert changed(olga, odd).status_code == 303

    assert lets_in(guarded, odd)
    assert not lets_in(guarded, odd.strip())
