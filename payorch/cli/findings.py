"""What `payorch doctor` looks at: each check gives findings, and none of them raises."""

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import urllib3
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from payorch import paths
from payorch.config import DEVELOPMENT_SECRET, InvalidSettings, Settings
from payorch.domain.api_key import KeyState
from payorch.infrastructure.persistence.api_key_book import SqlAlchemyApiKeyBook
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.schema import Schema
from payorch.infrastructure.system_clock import SystemClock

LEAST_FREE_BYTES = 500 * 1024 * 1024
MOST_CLOCK_DIFFERENCE_S = 2.0
BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before this one is wrong: expiry, leases and idempotency windows depend on it."""


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `advice` says what to do, and is empty when all is well."""

    level: Level
    subject: str
    says: str
    advice: str = ""


def settings_findings(environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """The settings when they are usable at all, and what is to be said about them."""
    try:
        settings = Settings.from_env(environ)
    except InvalidSettings as error:
        advice = "See the table of settings in the README."
        return None, [Finding(Level.FAIL, "settings", line, advice) for line in error.problems]
    found = [Finding(Level.OK, "settings", f"environment {settings.env}, {settings.base_url}")]
    if settings.secret_key == DEVELOPMENT_SECRET:
        found.append(
            Finding(
                Level.WARN,
                "secret key",
                "the one for development",
                "Set PAYORCH_SECRET_KEY before anybody else can reach this site.",
            )
        )
    if settings.is_production and not settings.requires_second_factor:
        found.append(
            Finding(
                Level.WARN,
                "second factor",
                "a password alone lets staff in",
                "Set PAYORCH_SECOND_FACTOR=required: PCI DSS 4.0.1 wants it for every access.",
            )
        )
    return settings, found


def installation_findings() -> Iterator[Finding]:
    for name, folder in (
        ("templates", paths.TEMPLATES),
        ("migrations", paths.MIGRATIONS),
        ("static files", paths.STATIC),
    ):
        if folder.is_dir():
            yield Finding(Level.OK, name, "found")
        else:
            yield Finding(Level.FAIL, name, "missing", "Install payorch again.")


def no_database_finding(file: Path, *, is_production: bool) -> Finding:
    """Nothing is wrong with an installation that was not used yet, unless it is to serve."""
    folder = next(parent for parent in file.parents if parent.exists())
    if not os.access(folder, os.W_OK):
        return Finding(
            Level.FAIL,
            "database",
            f"none yet, and {folder} cannot be written",
            "Set PAYORCH_DATABASE_URL to a place that can.",
        )
    level = Level.FAIL if is_production else Level.WARN
    return Finding(level, "database", f"none yet at {file}", "Run: payorch db upgrade")


def database_findings(database: Database, schema: Schema) -> Iterator[Finding]:
    """Reachable, writable, migrated, without drift; and what is particular to its kind."""
    try:
        with database.tx() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        yield Finding(
            Level.FAIL,
            "database",
            f"cannot be opened for writing: {reason}",
            "Check PAYORCH_DATABASE_URL, that the server runs, and the file's permissions.",
        )
        return
    yield Finding(Level.OK, "database", f"{database.engine.dialect.name}, takes writes")
    yield from _schema_findings(schema)
    yield from _mode_findings(database)
    yield from _sqlite_findings(database) if database.is_sqlite else _server_findings(database)


def _schema_findings(schema: Schema) -> Iterator[Finding]:
    revision, head = schema.current_revision(), schema.head_revision()
    if revision != head:
        yield Finding(
            Level.FAIL,
            "migrations",
            f"the database is at {revision}, this release needs {head}"
            if revision
            else "the database has no tables yet",
            "Run: payorch db upgrade",
        )
        return
    yield Finding(Level.OK, "migrations", f"at {head}")
    differences = schema.drift()
    if differences:
        yield Finding(
            Level.FAIL,
            "models",
            f"{len(differences)} differences from the database",
            "Run payorch db check to see them; somebody changed a table by hand.",
        )
    else:
        yield Finding(Level.OK, "models", "agree with the database")


def methods_finding(database: Database, connectors: Collection[str]) -> Finding:
    """Whether anybody can pay: enabled payment methods whose connector is switched on."""
    enabled = [
        method
        for method in SqlAlchemyPaymentMethodRepository(database).load_configuration().methods
        if method.is_enabled
    ]
    usable = [method.code for method in enabled if method.connector in connectors]
    if usable:
        return Finding(Level.OK, "payment methods", f"{len(usable)} enabled: {', '.join(usable)}")
    if enabled:
        says = f"none: the connectors of all {len(enabled)} enabled ones are switched off"
    else:
        says = "none is enabled: no payment can be taken"
    return Finding(
        Level.WARN,
        "payment methods",
        says,
        "To practise: payorch db seed-demo, and PAYORCH_SANDBOX_URL. For real money a connector "
        "has to be written first; see the README, Going to production.",
    )


def api_finding(database: Database, settings: Settings, *, now: datetime) -> Finding:
    """Who may call the JSON API."""
    keys = SqlAlchemyApiKeyBook(LedgerTransactions(database, SystemClock())).all()
    active = sum(key.state(now) is KeyState.ACTIVE for key in keys)
    if active or settings.api_token is not None:
        token = "" if settings.api_token is None else ", and PAYORCH_API_TOKEN opens everything"
        return Finding(Level.OK, "JSON API", f"active keys: {active}{token}")
    if keys or settings.is_production:
        says = "closed: there is no active API key"
    else:
        says = "open to anybody, because there is no API key yet"
    return Finding(Level.WARN, "JSON API", says, "Run: payorch api-keys create")


def _mode_findings(database: Database) -> Iterator[Finding]:
    try:
        with database.read() as connection:
            row = connection.execute(text("SELECT mode, mode_since FROM configuration")).first()
    except SQLAlchemyError:
        # Not migrated: that was said already.
        return
    if row is not None and row.mode == "safe":
        yield Finding(
            Level.WARN,
            "mode",
            f"SAFE since {row.mode_since}: no payment is taken, no refund is sent",
            "Run: payorch recover --finish",
        )


def _sqlite_findings(database: Database) -> Iterator[Finding]:
    with database.read() as connection:
        journal = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
    if journal == "wal":
        yield Finding(Level.OK, "journal", "write-ahead log")
    else:
        yield Finding(
            Level.FAIL,
            "journal",
            f"mode {journal}, not WAL",
            "Put the database on a local disk; network file systems cannot keep a WAL.",
        )
    folder = Path(database.engine.url.database or ".").resolve().parent
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            Level.WARN, "disk", f"{free // 2**20} MiB free", "Free some space beside the database."
        )
    if not os.access(folder, os.W_OK):
        yield Finding(
            Level.FAIL, "disk", "the database's folder is read-only", "SQLite writes beside it."
        )


def _server_findings(database: Database) -> Iterator[Finding]:
    with database.read() as connection:
        there = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    yield _clock_finding("database clock", there)


def clock_finding() -> Finding:
    now = datetime.now(UTC)
    if now < BUILT_AFTER:
        return Finding(Level.FAIL, "clock", now.isoformat(), "Set this machine's clock (NTP).")
    return Finding(Level.OK, "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, time zone {time.tzname[0]}")


def sandbox_findings(url: str | None) -> Iterator[Finding]:
    if url is None:
        yield Finding(Level.OK, "practice provider", "switched off")
        return
    try:
        answer = urllib3.request("GET", f"{url}/healthz", timeout=3.0, retries=False)
    except urllib3.exceptions.HTTPError:
        yield Finding(
            Level.WARN,
            "practice provider",
            f"nothing answers at {url}",
            "Run: payorch sandbox (or set PAYORCH_SANDBOX_URL to an empty value).",
        )
        return
    if answer.status != 200:
        yield Finding(
            Level.WARN,
            "practice provider",
            f"{url} answers with {answer.status}",
            "Something else may listen on that port.",
        )
        return
    yield Finding(Level.OK, "practice provider", f"answers at {url}")
    if "Date" in answer.headers:
        yield _clock_finding("its clock", parsedate_to_datetime(answer.headers["Date"]))


def _clock_finding(subject: str, there: datetime) -> Finding:
    # An HTTP date has whole seconds, so that a second of difference means nothing.
    difference = abs((datetime.now(UTC) - there).total_seconds())
    if difference > MOST_CLOCK_DIFFERENCE_S:
        return Finding(
            Level.WARN,
            subject,
            f"{difference:.1f} s apart from ours",
            "Let both machines follow one time server.",
        )
    return Finding(Level.OK, subject, "agrees with ours")
