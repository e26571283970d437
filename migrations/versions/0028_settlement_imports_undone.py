"""the import of a settlement report can be taken back

Revision: 0028
Follows: 0027
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLE = "settlement_imports"
BEFORE = "'uploading', 'uploaded', 'reading', 'comparing', 'done', 'discarded'"
AFTER = f"{BEFORE}, 'undoing', 'undone'"


def upgrade() -> None:
    _drop_indexes()
    with op.batch_alter_table(TABLE) as table:
        table.add_column(
            sa.Column("lines_undone", sa.Integer(), server_default="0", nullable=False)
        )
        table.add_column(sa.Column("undone_by", sa.String(length=254), nullable=True))
        table.add_column(sa.Column("undo_reason", sa.String(length=500), nullable=True))
        table.drop_constraint(op.f("ck_settlement_imports_state"), type_="check")
        table.create_check_constraint(op.f("ck_settlement_imports_state"), f"state IN ({AFTER})")
    _create_indexes("'reading', 'comparing', 'undoing'", "'uploading', 'discarded', 'undone'")


def downgrade() -> None:
    """What was taken back becomes "discarded"; what is on its way cannot go back."""
    half = sa.text(f"SELECT 1 FROM {TABLE} WHERE state = 'undoing' LIMIT 1")
    if op.get_bind().execute(half).first() is not None:
        raise RuntimeError("A settlement report is being taken back; wait until it is done.")
    op.execute(sa.text(f"UPDATE {TABLE} SET state = 'discarded' WHERE state = 'undone'"))
    _drop_indexes()
    with op.batch_alter_table(TABLE) as table:
        table.drop_constraint(op.f("ck_settlement_imports_state"), type_="check")
        table.create_check_constraint(op.f("ck_settlement_imports_state"), f"state IN ({BEFORE})")
        table.drop_column("undo_reason")
        table.drop_column("undone_by")
        table.drop_column("lines_undone")
    _create_indexes("'reading', 'comparing'", "'uploading', 'discarded'")


def _drop_indexes() -> None:
    for name in ("uq_settlement_imports_file", "uq_settlement_imports_running"):
        op.drop_index(name, table_name=TABLE)


def _create_indexes(running: str, not_kept: str) -> None:
    op.create_index(
        "uq_settlement_imports_running",
        TABLE,
        ["provider_code"],
        unique=True,
        **_where(f"state IN ({running})"),
    )
    op.create_index(
        "uq_settlement_imports_file",
        TABLE,
        ["provider_code", "file_hash"],
        unique=True,
        **_where(f"state NOT IN ({not_kept}) AND lines_bad = 0"),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
