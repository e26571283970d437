"""Counters of rare events of the job table: kept in the database, because every process adds."""

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.job_queue import JobCounters
from payorch.infrastructure.persistence.tables.jobs import JobCounterRow

LEASE_EXPIRIES = "lease_expiries"
FENCED_COMPLETIONS = "fenced_completions"


def _upsert(insert: Any) -> Any:
    new = insert(JobCounterRow).values(name=bindparam("counter"), total=bindparam("by"))
    return new.on_conflict_do_update(
        index_elements=["name"], set_={"total": JobCounterRow.total + new.excluded.total}
    )


_UPSERTS: dict[str, Any] = {
    "sqlite": _upsert(sqlite_insert),
    "postgresql": _upsert(postgresql_insert),
}


def count_up(connection: Connection, counter: str, *, by: int) -> None:
    """In the caller's transaction; nothing is written for 0."""
    if by:
        connection.execute(_UPSERTS[connection.dialect.name], {"counter": counter, "by": by})


def read_counters(connection: Connection) -> JobCounters:
    totals: dict[str, int] = {
        row.name: row.total
        for row in connection.execute(select(JobCounterRow.name, JobCounterRow.total))
    }
    return JobCounters(
        lease_expiries=totals.get(LEASE_EXPIRIES, 0),
        fenced_completions=totals.get(FENCED_COMPLETIONS, 0),
    )
