"""customers' personal data is sealed, found by blind indexes, and can be erased

Rows of before stay in the clear until the job `seal_personal_data` has sealed them. There is no
way back once there are sealed rows: this schema's former release could not read them.

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_USE = sa.text("retired_at IS NULL")
EMAIL_IN_CLEAR = sa.text("customer_email IS NOT NULL")
LETTER_IN_CLEAR = sa.text("body <> ''")
ORDER_SEALED = sa.text("customer_key_id IS NOT NULL")
LETTER_SEALED = sa.text("key_id IS NOT NULL")


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
    )
    op.create_index(
        "uq_data_keys_in_use",
        "data_keys",
        ["purpose"],
        unique=True,
        sqlite_where=IN_USE,
        postgresql_where=IN_USE,
    )
    for column in (
        sa.Column("customer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("customer_key_id", BIG_KEY, nullable=True),
        sa.Column("customer_email_index", sa.String(length=32), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_by", sa.String(length=254), nullable=True),
    ):
        op.add_column("orders", column)
    for column in (
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", BIG_KEY, nullable=True),
        sa.Column("recipient_index", sa.String(length=32), nullable=True),
    ):
        op.add_column("notices", column)
    op.drop_index("ix_orders_customer_email_id", table_name="orders")
    _partial_index("ix_orders_in_clear", "orders", ["customer_email", "id"], EMAIL_IN_CLEAR)
    _partial_index("ix_orders_customer_key_id", "orders", ["customer_key_id", "id"], ORDER_SEALED)
    op.create_index("ix_orders_customer_email_index_id", "orders", ["customer_email_index", "id"])
    _partial_index("ix_notices_in_clear", "notices", ["id"], LETTER_IN_CLEAR)
    _partial_index("ix_notices_key_id", "notices", ["key_id", "id"], LETTER_SEALED)
    op.create_index("ix_notices_recipient_index_id", "notices", ["recipient_index", "id"])


def downgrade() -> None:
    bind = op.get_bind()
    for table in ("orders", "notices"):
        column = "customer_key_id" if table == "orders" else "key_id"
        sealed = sa.text(f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL LIMIT 1")
        if bind.execute(sealed).first() is not None:
            raise RuntimeError(
                "Personal data is sealed: the release of before cannot read it. "
                "Restore a backup of before the upgrade instead."
            )
    for index in ("ix_notices_recipient_index_id", "ix_notices_key_id", "ix_notices_in_clear"):
        op.drop_index(index, table_name="notices")
    for index in (
        "ix_orders_customer_email_index_id",
        "ix_orders_customer_key_id",
        "ix_orders_in_clear",
    ):
        op.drop_index(index, table_name="orders")
    op.create_index("ix_orders_customer_email_id", "orders", ["customer_email", "id"])
    for column in ("recipient_index", "key_id", "sealed"):
        op.drop_column("notices", column)
    for column in (
        "erased_by",
        "erased_at",
        "customer_email_index",
        "customer_key_id",
        "customer_sealed",
    ):
        op.drop_column("orders", column)
    op.drop_table("data_keys")
