"""the journal is append-only and hash chained

Entries that are there already are linked in the order of their ids, a page at a time. What the
hash is taken over is written down in docs/audit.md; it is repeated here, because a migration
stays as it is whatever later releases do.

Triggers refuse to change or remove an entry. SQLite's "INSERT OR REPLACE" removes a row without
asking the DELETE trigger, so that there an entry whose number is taken is refused as well.

Revision: 0016
Follows: 0015
"""

import json
from collections.abc import Iterator
from datetime import UTC
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
PAGE = 2_000

_journal = sa.table(
    "journal",
    sa.column("id", sa.BigInteger()),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("actor", sa.String()),
    sa.column("action", sa.String()),
    sa.column("subject", sa.String()),
    sa.column("reason", sa.String()),
    sa.column("before", sa.JSON(none_as_null=True)),
    sa.column("after", sa.JSON(none_as_null=True)),
)

_LINK = sa.text("UPDATE journal SET previous_hash = :previous_hash, hash = :hash WHERE id = :id")

_ENTRY_STAYS = "The journal is append-only: no entry is ever changed or removed."
_HEAD_GROWS = "The journal''s head only ever moves on to a newer entry."

_POSTGRESQL = (
    f"""
    CREATE FUNCTION journal_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{_ENTRY_STAYS}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    f"""
    CREATE FUNCTION journal_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.entries > OLD.entries AND NEW.last_id > OLD.last_id THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION '{_HEAD_GROWS}' USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER journal_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_entry_stays()
    """,
    """
    CREATE TRIGGER journal_head_moves_on BEFORE UPDATE ON journal_head
    FOR EACH ROW EXECUTE FUNCTION journal_head_grows()
    """,
    """
    CREATE TRIGGER journal_head_stays BEFORE DELETE OR TRUNCATE ON journal_head
    FOR EACH STATEMENT EXECUTE FUNCTION journal_head_grows()
    """,
    # Also for a session that plays a replica, where triggers are silent otherwise.
    "ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_entry_stays",
    "ALTER TABLE journal_head ENABLE ALWAYS TRIGGER journal_head_moves_on",
    "ALTER TABLE journal_head ENABLE ALWAYS TRIGGER journal_head_stays",
    # Ids are given under the head, so that they have no gaps and the order of the commits.
    "ALTER TABLE journal ALTER COLUMN id DROP DEFAULT",
    "DROP SEQUENCE IF EXISTS journal_id_seq",
)

_SQLITE = (
    f"""
    CREATE TRIGGER journal_entry_is_not_changed BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, '{_ENTRY_STAYS}'); END
    """,
    f"""
    CREATE TRIGGER journal_entry_stays BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, '{_ENTRY_STAYS}'); END
    """,
    f"""
    CREATE TRIGGER journal_entry_is_not_replaced BEFORE INSERT ON journal
    WHEN EXISTS (
        SELECT 1 FROM journal WHERE id = NEW.id OR previous_hash = NEW.previous_hash
    )
    BEGIN SELECT RAISE(ABORT, '{_ENTRY_STAYS}'); END
    """,
    f"""
    CREATE TRIGGER journal_head_moves_on BEFORE UPDATE ON journal_head
    WHEN NOT (NEW.entries > OLD.entries AND NEW.last_id > OLD.last_id)
    BEGIN SELECT RAISE(ABORT, '{_HEAD_GROWS}'); END
    """,
    f"""
    CREATE TRIGGER journal_head_stays BEFORE DELETE ON journal_head
    BEGIN SELECT RAISE(ABORT, '{_HEAD_GROWS}'); END
    """,
    f"""
    CREATE TRIGGER journal_head_is_not_replaced BEFORE INSERT ON journal_head
    WHEN EXISTS (SELECT 1 FROM journal_head)
    BEGIN SELECT RAISE(ABORT, '{_HEAD_GROWS}'); END
    """,
)

_DROP_POSTGRESQL = (
    "DROP TRIGGER journal_entry_stays ON journal",
    "DROP FUNCTION journal_entry_stays",
    "CREATE SEQUENCE journal_id_seq OWNED BY journal.id",
    "SELECT setval('journal_id_seq', coalesce(max(id), 0) + 1, false) FROM journal",
    "ALTER TABLE journal ALTER COLUMN id SET DEFAULT nextval('journal_id_seq')",
)

_DROP_SQLITE = (
    "DROP TRIGGER journal_entry_is_not_changed",
    "DROP TRIGGER journal_entry_stays",
    "DROP TRIGGER journal_entry_is_not_replaced",
)


def upgrade() -> None:
    head = op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_journal_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_head")),
    )
    op.add_column("journal", sa.Column("previous_hash", sa.String(length=64), nullable=True))
    op.add_column("journal", sa.Column("hash", sa.String(length=64), nullable=True))
    connection = op.get_bind()
    entries, last_id, last_hash = 0, 0, GENESIS
    for page in _linked(connection):
        connection.execute(_LINK, page)
        entries, last_id, last_hash = entries + len(page), page[-1]["id"], page[-1]["hash"]
    connection.execute(
        sa.insert(head).values(id=1, entries=entries, last_id=last_id, hash=last_hash)
    )
    with op.batch_alter_table("journal") as table:
        table.alter_column("previous_hash", existing_type=sa.String(length=64), nullable=False)
        table.alter_column("hash", existing_type=sa.String(length=64), nullable=False)
        table.create_unique_constraint(op.f("uq_journal_previous_hash"), ["previous_hash"])
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _DROP_SQLITE if is_sqlite else _DROP_POSTGRESQL:
        op.execute(statement)
    with op.batch_alter_table("journal") as table:
        table.drop_constraint(op.f("uq_journal_previous_hash"), type_="unique")
        table.drop_column("hash")
        table.drop_column("previous_hash")
    op.drop_table("journal_head")
    if not is_sqlite:
        op.execute("DROP FUNCTION journal_head_grows")


def _linked(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """Id, previous hash and hash of every entry, in pages, oldest first."""
    last_id, previous_hash = None, GENESIS
    while True:
        wanted = sa.select(_journal).order_by(_journal.c.id).limit(PAGE)
        if last_id is not None:
            wanted = wanted.where(_journal.c.id > last_id)
        rows = connection.execute(wanted).mappings().all()
        if not rows:
            return
        page = []
        for row in rows:
            link = {"id": row["id"], "previous_hash": previous_hash}
            link["hash"] = previous_hash = _hash_of({**row, **link})
            page.append(link)
        yield page
        last_id = rows[-1]["id"]


def _hash_of(entry: dict[str, Any]) -> str:
    at = entry["created_at"]
    in_utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    columns = entry | {"created_at": in_utc.isoformat(timespec="microseconds")}
    text = json.dumps(
        {name: value for name, value in columns.items() if value is not None},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    )
    return sha256(text.encode("ascii")).hexdigest()
