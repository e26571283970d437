"""staff work on orders: notes, flags that were dealt with, the list of reviews

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = "flag IS NOT NULL AND flag_dealt_at IS NULL"
_REVIEWED = "review_since IS NOT NULL"


def upgrade() -> None:
    op.add_column("orders", sa.Column("flag_dealt_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_orders_flag_waits",
        "orders",
        ["id"],
        sqlite_where=sa.text(_WAITS),
        postgresql_where=sa.text(_WAITS),
    )
    op.create_index(
        "ix_transactions_reviewed",
        "transactions",
        ["id"],
        sqlite_where=sa.text(_REVIEWED),
        postgresql_where=sa.text(_REVIEWED),
    )
    op.create_table(
        "order_notes",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("order_id", _BIG, nullable=False),
        sa.Column("dedup_key", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_notes_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_notes")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_order_notes_dedup_key")),
    )
    op.create_index(op.f("ix_order_notes_order_id"), "order_notes", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_order_notes_order_id"), table_name="order_notes")
    op.drop_table("order_notes")
    op.drop_index(
        "ix_transactions_reviewed",
        table_name="transactions",
        sqlite_where=sa.text(_REVIEWED),
        postgresql_where=sa.text(_REVIEWED),
    )
    op.drop_index(
        "ix_orders_flag_waits",
        table_name="orders",
        sqlite_where=sa.text(_WAITS),
        postgresql_where=sa.text(_WAITS),
    )
    op.drop_column("orders", "flag_dealt_at")
