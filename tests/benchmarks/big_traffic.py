"""A generator of databases with millions of attempts, made by the database itself.

The same numbers give the same rows. Every order has one submission; about one in ten falls back
from its first provider to a second one. Keys are n for the n-th order and its submission, 2n - 1
and 2n for its attempts.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, text

from payorch.infrastructure.persistence.database import Database

PROVIDERS = ("alpha", "beta", "gamma", "delta", "epsilon")
ATTEMPTS_PER_ORDER = 1.07
AT_ONCE = 250_000

_POSTGRESQL = {
    "numbers": "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS numbers(n)",
    "at": "to_timestamp(:epoch + numbers.n * :step)",
    "later": "to_timestamp(:epoch + numbers.n * :step + 86400)",
}
_SQLITE = {
    "numbers": (
        "(WITH RECURSIVE counting(n) AS"
        " (SELECT :first UNION ALL SELECT n + 1 FROM counting WHERE n < :last)"
        " SELECT n FROM counting) AS numbers"
    ),
    "at": "strftime('%Y-%m-%d %H:%M:%f000', :epoch + numbers.n * :step, 'unixepoch')",
    "later": "strftime('%Y-%m-%d %H:%M:%f000', :epoch + numbers.n * :step + 86400, 'unixepoch')",
}
# Draws between 0 and a prime, which have nothing to do with n modulo five.
_LUCK = "(numbers.n * 7919 % 997)"
_FIRST = (
    f"CASE WHEN {_LUCK} < 880 THEN 'approved' WHEN {_LUCK} < 970 THEN 'declined'"
    f" WHEN {_LUCK} < 982 THEN 'not_sent' WHEN {_LUCK} < 988 THEN 'unknown' ELSE 'abandoned' END"
)
_FALLS_BACK = f"({_LUCK} BETWEEN 880 AND 939 OR {_LUCK} BETWEEN 970 AND 981)"
_SECOND = "CASE WHEN numbers.n % 3 < 2 THEN 'approved' ELSE 'declined' END"
_ORDER_STATUS = (
    f"CASE WHEN {_LUCK} < 880 OR ({_FALLS_BACK} AND numbers.n % 3 < 2) THEN 'paid'"
    f" WHEN {_LUCK} BETWEEN 982 AND 987 THEN 'processing' ELSE 'failed' END"
)
_PAID_BY = (
    f"CASE WHEN {_LUCK} < 880 THEN 2 * numbers.n - 1"
    f" WHEN {_FALLS_BACK} AND numbers.n % 3 < 2 THEN 2 * numbers.n END"
)
_AMOUNT = "500 + numbers.n * 6007 % 9973"
_CURRENCY = "CASE WHEN numbers.n % 7 < 5 THEN 'EUR' ELSE 'USD' END"
_LATENCY = (
    "120 + numbers.n * 104729 % 1013 + CASE WHEN numbers.n * 31 % 1009 < 20 THEN 4000 ELSE 0 END"
)


def write_traffic(
    database: Database,
    attempts: int,
    *,
    start: datetime,
    length: timedelta,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """At least `attempts` attempts, spread evenly over [start, start + length).

    `progress` hears how many orders are written. Foreign keys are not checked while writing.
    """
    orders = ceil(attempts / ATTEMPTS_PER_ORDER)
    step = length.total_seconds() / (orders + 1)
    for first in range(1, orders + 1, AT_ONCE):
        last = min(orders, first + AT_ONCE - 1)
        with database.tx() as connection:
            _without_foreign_keys(connection)
            for statement in _statements(is_sqlite=database.is_sqlite):
                connection.execute(
                    text(statement),
                    {"first": first, "last": last, "epoch": start.timestamp(), "step": step},
                )
        progress(last)
    with database.tx() as connection:
        connection.execute(text("ANALYZE"))


def tidied_up(database: Database) -> None:
    """As a database's own housekeeping leaves it some minutes later."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def _without_foreign_keys(connection: Connection) -> None:
    """Orders and their transactions name each other."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    else:
        connection.execute(text("SET LOCAL session_replication_role = replica"))


def _statements(*, is_sqlite: bool) -> tuple[str, ...]:
    names = _SQLITE if is_sqlite else _POSTGRESQL
    numbers, at = names["numbers"], names["at"]
    names_in_order = ", ".join(PROVIDERS)
    return (
        (
            "INSERT INTO orders (id, public_id, token_hash, amount_minor, currency, description,"
            " country, customer_fields, order_metadata, status, version, paid_transaction_id,"
            " created_at, updated_at, expires_at)"
            f" SELECT n, 'po_' || n, 'hash ' || n, {_AMOUNT}, {_CURRENCY}, 'Concert ticket',"
            f" CASE WHEN n % 3 = 0 THEN 'FR' ELSE 'DE' END, '{{}}', '{{}}', {_ORDER_STATUS}, 1,"
            f" {_PAID_BY}, {at}, {at}, {names['later']} FROM {numbers}"
        ),
        (
            "INSERT INTO submissions (id, order_id, number, idempotency_key, request_hash,"
            " policy_version, candidates, left_out, created_at)"
            f" SELECT n, n, 1, 'key ' || n, 'hash', 1, '[]', '[]', {at} FROM {numbers}"
        ),
        _attempts(numbers, at, place=1, status=_FIRST, condition="1 = 1", names=names_in_order),
        _attempts(
            numbers, at, place=2, status=_SECOND, condition=_FALLS_BACK, names=names_in_order
        ),
    )


def _attempts(numbers: str, at: str, *, place: int, status: str, condition: str, names: str) -> str:
    codes = " ".join(
        f"WHEN {number} THEN '{code}'" for number, code in enumerate(names.split(", "))
    )
    return (
        "INSERT INTO transactions (id, public_id, order_id, submission_id, sequence,"
        " attempt_number, provider_code, chosen_because, status, version, token, lease_until,"
        " amount_minor, currency, decline_class, decline_reason, latency_ms, started_at,"
        " changed_at, checks)"
        f" SELECT 2 * n - {2 - place}, 'pa_' || (2 * n - {2 - place}), n, n, {place}, {place},"
        f" CASE (n + {place}) % {len(PROVIDERS)} {codes} END, 'policy_order', {status}, 1, 1, {at},"
        f" {_AMOUNT}, {_CURRENCY},"
        f" CASE WHEN {status} = 'declined' THEN 'soft_decline' END,"
        f" CASE WHEN {status} = 'declined' THEN 'insufficient_funds' END,"
        f" {_LATENCY}, {at}, {at}, 0 FROM {numbers} WHERE {condition}"
    )
