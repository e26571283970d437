"""Passwords that are tried at the same moment do not slip through the limit together."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from payorch.application.login_limits import ACCOUNT_LIMIT, SENDER_LIMIT
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.login_counts import SqlAlchemyLoginCounts
from payorch.infrastructure.persistence.tables import LoginCountRow
from payorch.infrastructure.system_clock import SystemClock
from tests.concurrency.racing import race
from tests.databases import open_database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRIES = 24


def counts(database):
    return SqlAlchemyLoginCounts(LedgerTransactions(database, SystemClock()))


def test_of_many_tries_at_once_only_ten_are_open(database_url):
    def attempt():
        # Each with a connection of its own, as processes have.
        with open_database(database_url) as own:
            return counts(own).count("olga", ACCOUNT_LIMIT, at=NOW).number

    numbers = race(*[attempt] * TRIES)

    assert sorted(numbers) == [*range(1, 11), *[11] * (TRIES - 10)]


def test_a_lock_stands_when_a_login_that_began_before_it_succeeds(database):
    limits = counts(database)
    for _ in range(ACCOUNT_LIMIT.tries):
        limits.count("olga", ACCOUNT_LIMIT, at=NOW)

    limits.clear("olga", ACCOUNT_LIMIT, also_locked=False)

    assert limits.count("olga", ACCOUNT_LIMIT, at=NOW).number > ACCOUNT_LIMIT.tries


def test_counting_and_cleaning_at_once_do_not_wait_for_each_other(database, database_url):
    limits = counts(database)
    for number in range(60):
        limits.count(f"old {number}", SENDER_LIMIT, at=NOW)
    later = NOW + timedelta(hours=1)

    def attempt(first):
        with open_database(database_url) as own:
            numbers = [(first + step * 7) % 60 for step in range(20)]
            return [
                counts(own).count(f"old {number}", SENDER_LIMIT, at=later).number
                for number in numbers
            ]

    results = race(*[lambda first=first: attempt(first) for first in range(8)])

    with database.read() as connection:
        total = connection.scalar(select(func.sum(LoginCountRow.tries)))
    assert all(isinstance(numbers, list) for numbers in results)
    assert total == 8 * 20
