"""Passwords cannot be guessed: an account and a network have so many tries, and no more."""

import re

import flask_security.core
import flask_security.forms
import pytest
from sqlalchemy import func, select, text

from payorch.application.login_limits import ACCOUNT_LIMIT, SENDER_LIMIT
from payorch.config import DEVELOPMENT_SECRET
from payorch.infrastructure.persistence.staff_accounts import StaffAccounts
from payorch.infrastructure.persistence.staff_roles import StaffAccountRefused
from payorch.infrastructure.persistence.tables import JournalRow, LoginCountRow
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from tests.fakes import FakeClock, fake_time
from tests.presentation.backoffice.office import NOW, PASSWORD

BOARD = "/admin/routing/"
WRONG = "wrong password, sorry"
OLGA = "olga@example.org"
NOBODY = "nobody@example.org"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def guarded(open_office, database_url, clock):
    office = open_office(database_url, seams=fake_time(clock))
    office.hire("olga")
    # For addresses without account: the tests are about how often it hashes, not how long.
    office.app.extensions["security"].pwd_context.update(
        argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1
    )
    return office


def visitor_from(office, address):
    visitor = office.visitor()
    visitor.client.environ_base["REMOTE_ADDR"] = address
    return visitor


def fail(office, email=OLGA, times=ACCOUNT_LIMIT.tries, *, sender="203.0.113.9"):
    visitor = visitor_from(office, sender)
    return [visitor.log_in(email, WRONG) for _ in range(times)]


def comes_in(office, email=OLGA, *, sender="198.51.100.7"):
    visitor = visitor_from(office, sender)
    visitor.log_in(email)
    return visitor.get(BOARD).status_code == 200


def seen(answer, email):
    """What can be told apart of an answer."""
    page = re.sub(r'(nonce|value)="[^"]*"|' + re.escape(email), "", answer.text)
    page = re.sub(r"\b[0-9a-f-]{32,36}\b", "", page)
    return answer.status_code, page, sorted(answer.headers.keys())


def actions(office):
    with office.database.read() as connection:
        rows = connection.execute(
            select(JournalRow.action, JournalRow.subject)
            .where(JournalRow.action.like("log%"))
            .order_by(JournalRow.id)
        )
        return [tuple(row) for row in rows]


def test_ten_failed_logins_lock_an_account_for_half_an_hour(guarded, clock):
    fail(guarded)

    assert not comes_in(guarded)
    clock.advance(minutes=29, seconds=59)
    assert not comes_in(guarded)
    clock.advance(seconds=1)
    assert comes_in(guarded)


def test_nine_failed_logins_do_not_lock_it(guarded):
    fail(guarded, times=9)

    assert comes_in(guarded)


def test_who_goes_on_trying_does_not_lock_it_for_longer(guarded, clock):
    fail(guarded)
    clock.advance(minutes=20)
    fail(guarded)
    clock.advance(minutes=10)

    assert comes_in(guarded)


def test_a_lock_cannot_be_told_from_a_wrong_password_nor_from_an_address_without_account(guarded):
    answers = [
        (answer, email) for email in (OLGA, NOBODY) for answer in fail(guarded, email, times=12)
    ]
    answers += [
        (visitor_from(guarded, "198.51.100.7").log_in(email, PASSWORD), email)
        for email in (OLGA, NOBODY)
    ]

    assert {answer.status_code for answer, _ in answers} == {200}
    assert len({seen(answer, email)[1] for answer, email in answers}) == 1


def test_a_locked_account_costs_the_same_hashing(guarded, monkeypatch):
    hashed = []

    def noted(where, name):
        real = getattr(where, name)
        monkeypatch.setattr(where, name, lambda *given: hashed.append(name) or real(*given))

    noted(flask_security.core, "verify_and_update_password")
    noted(flask_security.forms, "hash_password")
    fail(guarded, OLGA, times=12)
    fail(guarded, NOBODY, times=12)

    assert hashed == ["verify_and_update_password"] * 12 + ["hash_password"] * 12


@pytest.mark.parametrize(
    "spelling",
    ["OLGA@Example.ORG", " olga@example.org ", "olga@\N{FULLWIDTH LATIN SMALL LETTER E}xample.org"],
)
def test_another_spelling_has_no_tries_of_its_own(guarded, spelling):
    fail(guarded)

    assert not comes_in(guarded, spelling)
    assert comes_in(guarded, guarded.hire("finn"))


def test_a_right_password_starts_the_count_anew(guarded):
    fail(guarded, times=9)
    assert comes_in(guarded)
    fail(guarded, times=9)

    assert comes_in(guarded)


def test_failures_are_forgotten_after_half_an_hour(guarded, clock):
    fail(guarded, times=9)
    clock.advance(minutes=30)
    fail(guarded, times=9)

    assert comes_in(guarded)


def test_processes_count_together_and_a_restart_forgets_nothing(
    guarded, open_office, database_url, clock
):
    again = open_office(database_url, seams=fake_time(clock), is_new=False)
    fail(guarded, times=5)
    fail(again, times=5)

    assert not comes_in(guarded)
    assert not comes_in(again)


def test_a_network_that_failed_too_often_is_told_when_to_try_again(guarded, clock):
    for number in range(SENDER_LIMIT.tries):
        fail(guarded, f"guess{number}@example.org", times=1, sender="203.0.113.9")
    clock.advance(minutes=2, seconds=1)

    answer = visitor_from(guarded, "203.0.113.9").log_in(OLGA)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == str(13 * 60 - 1)
    assert "Try again in 13 minutes." in answer.text
    assert comes_in(guarded, sender="203.0.113.10")
    clock.advance(minutes=13)
    assert comes_in(guarded, sender="203.0.113.9")


def test_an_ipv6_network_has_the_tries_of_one_address(guarded):
    for number in range(SENDER_LIMIT.tries):
        fail(guarded, f"guess{number}@example.org", times=1, sender=f"2001:db8::{number + 1:x}")

    assert visitor_from(guarded, "2001:db8::ffff").log_in(OLGA).status_code == 429
    assert comes_in(guarded, sender="2001:db8:0:1::1")


def test_a_refused_network_cannot_lock_accounts(guarded):
    for number in range(SENDER_LIMIT.tries):
        fail(guarded, f"guess{number}@example.org", times=1)
    fail(guarded, OLGA, times=20)

    assert comes_in(guarded)


def test_an_account_of_ones_own_buys_no_tries_at_others(guarded):
    sender = "203.0.113.9"
    for number in range(SENDER_LIMIT.tries - 1):
        fail(guarded, f"guess{number}@example.org", times=1, sender=sender)
        if number % 10 == 0:
            assert comes_in(guarded, sender=sender)
    fail(guarded, NOBODY, times=1, sender=sender)

    assert visitor_from(guarded, sender).log_in(OLGA).status_code == 429


def test_the_journal_has_one_entry_for_a_lock_and_does_not_grow_after_it(guarded):
    fail(guarded, OLGA, times=15)
    fail(guarded, NOBODY, times=15, sender="203.0.113.10")

    assert actions(guarded) == [
        *[("login_failed", "staff:olga@example.org")] * 10,
        ("login_locked", "staff:olga@example.org"),
        *[("login_failed", "staff:no account")] * 10,
        ("login_locked", "staff:no account"),
    ]


def test_the_journal_has_one_entry_for_a_refused_network(guarded):
    for number in range(SENDER_LIMIT.tries + 10):
        fail(guarded, f"guess{number}@example.org", times=1)

    written = actions(guarded)
    assert written.count(("login_sender_locked", "sender:203.0.113.9")) == 1
    assert len(written) == SENDER_LIMIT.tries + 1


def test_locks_read_as_sentences(guarded):
    for sender in ("203.0.113.9", "203.0.113.9", "203.0.113.9"):
        fail(guarded, sender=sender)
    StaffAccounts(guarded.database).unlock(OLGA, SecretKeyedHashes(DEVELOPMENT_SECRET), at=NOW)

    page = guarded.logged_in("ari").get("/admin/journal/").text

    assert "locked the login of olga@example.org by too many tries" in page
    assert "may not log in from 203.0.113.9 for a while: too many tries" in page
    assert "unlocked the login of olga@example.org" in page


def test_a_login_that_cannot_be_counted_is_refused(guarded):
    with guarded.database.tx() as connection:
        connection.execute(text("DROP TABLE login_counts"))
    visitor = guarded.visitor()

    assert visitor.log_in(OLGA).status_code == 503
    assert visitor.get(BOARD).status_code == 302


def test_the_password_cannot_be_guessed_on_the_page_that_asks_for_it_again(guarded):
    olga = guarded.logged_in("olga")

    def verify(password):
        return olga.post("/admin/verify", {"password": password}, token_from=BOARD)

    assert verify(PASSWORD).status_code == 302
    assert {verify(WRONG).status_code for _ in range(ACCOUNT_LIMIT.tries)} == {200}
    assert verify(PASSWORD).status_code == 200


def test_what_was_typed_is_not_stored(guarded):
    fail(guarded, OLGA, times=1)
    fail(guarded, "my secret password", times=1)

    with guarded.database.read() as connection:
        keys = list(connection.scalars(select(LoginCountRow.key)))
    assert len(keys) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


def test_counts_that_are_over_are_taken_away(guarded, clock):
    for number in range(20):
        fail(guarded, f"guess{number}@example.org", times=1)
    clock.advance(minutes=31)
    fail(guarded, NOBODY, times=1)

    with guarded.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(LoginCountRow)) == 2


def test_an_account_is_unlocked_by_command(guarded):
    accounts, keys = StaffAccounts(guarded.database), SecretKeyedHashes(DEVELOPMENT_SECRET)
    fail(guarded)

    assert accounts.unlock("Olga@example.org", keys, at=NOW)
    assert comes_in(guarded)
    assert not accounts.unlock(OLGA, keys, at=NOW)
    with pytest.raises(StaffAccountRefused):
        accounts.unlock(NOBODY, keys, at=NOW)
