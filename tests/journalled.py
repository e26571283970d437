"""Journal entries for rows that a test writes around the use cases, and hands at the journal."""

from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import delete, select, text, update

from payorch.domain.journal_chain import GENESIS
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.tables import (
    JournalHeadRow,
    JournalRow,
    OrderRow,
    RefundRow,
)


def journal_entry(connection, action, subject, *, before=None, after=None, **fields):
    """`connection` is of `Database.tx`, as in payorch itself."""
    values = {"actor": "finn@example.org", "reason": "as asked", "at": datetime.now(UTC)} | fields
    insert_entry(connection, action=action, subject=subject, before=before, after=after, **values)


def journal_refund(connection, refund_id):
    """As the request for this refund would have been."""
    order_id = connection.execute(
        select(OrderRow.public_id)
        .join(RefundRow, RefundRow.order_id == OrderRow.id)
        .where(RefundRow.public_id == refund_id)
    ).scalar_one()
    journal_entry(connection, "refund_requested", f"order:{order_id}", after={"refund": refund_id})


@contextmanager
def hand_at_the_journal(database: Database):
    """A connection of somebody who may change the schema and has dropped the triggers."""
    with database.tx() as connection:
        if database.is_sqlite:
            triggers = connection.scalars(
                text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            ).all()
            drops = [f"DROP TRIGGER {name}" for name in triggers]
        else:
            drops = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in _TABLES]
        for statement in drops:
            connection.exec_driver_sql(statement)
        yield connection


_TABLES = ("journal", "journal_head")


def begin_anew(connection, *, keep):
    """A journal that holds nothing but the newest entry about `keep`; by a hand at the journal."""
    newest = select(JournalRow.__table__).where(JournalRow.subject == keep)
    kept = connection.execute(newest.order_by(JournalRow.id.desc()).limit(1)).mappings().first()
    connection.execute(delete(JournalRow))
    connection.execute(update(JournalHeadRow).values(entries=0, last_id=0, hash=GENESIS))
    if kept is not None:
        fields = {name: kept[name] for name in ("actor", "action", "reason", "before", "after")}
        insert_entry(connection, subject=keep, at=kept["created_at"], **fields)
