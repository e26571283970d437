"""the rollup by the hour, and the orders that each cell tried first

The rollup is a cache: its rows lack the orders, so they go and are counted again by the next run.
Until then the numbers are read from the transactions.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_COUNTERS = (
    "approved",
    "voided",
    "declined_issuer",
    "declined_customer_data",
    "not_sent",
    "unknown",
    "abandoned",
    "still_open",
    "orders",
    "paid_orders",
)
_CELL = ("provider_code", "attempt_kind", "currency", "place", "after_provider")


def upgrade() -> None:
    _forget()
    with op.batch_alter_table("provider_minutes") as table:
        table.add_column(sa.Column("orders", sa.Integer(), nullable=False))
        table.add_column(sa.Column("paid_orders", sa.Integer(), nullable=False))
    op.create_table(
        "provider_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("attempt_kind", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("after_provider", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS),
        sa.Column("approved_amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", *_CELL, name=op.f("pk_provider_hours")),
        sa.CheckConstraint(
            "attempt_kind IN ('first', 'fallback')", name=op.f("ck_provider_hours_attempt_kind")
        ),
    )
    op.create_table(
        "provider_hour_spreads",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("latency", sa.LargeBinary(), nullable=False),
        sa.Column("declines", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "provider_code", "currency", name=op.f("pk_provider_hour_spreads")
        ),
    )


def downgrade() -> None:
    _forget()
    op.drop_table("provider_hour_spreads")
    op.drop_table("provider_hours")
    with op.batch_alter_table("provider_minutes") as table:
        table.drop_column("paid_orders")
        table.drop_column("orders")


def _forget() -> None:
    op.execute("DELETE FROM provider_minutes")
    op.execute("DELETE FROM rollup_state")
