"""the rollup of segments: countries, card brands and bands of amounts

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
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
_CELL = ("provider_code", "attempt_kind", "currency")


def upgrade() -> None:
    _create("segment_hours", "hour", ("dimension", "value", "hour", *_CELL))
    _create("segment_days", "day", ("dimension", "day", "value", *_CELL))


def _create(table: str, start: str, key: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column(start, sa.DateTime(timezone=True), nullable=False),
        sa.Column("dimension", sa.String(10), nullable=False),
        sa.Column("value", sa.String(20), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("attempt_kind", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS),
        sa.Column("approved_amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
        sa.CheckConstraint(
            "attempt_kind IN ('first', 'fallback')", name=op.f(f"ck_{table}_attempt_kind")
        ),
    )
    op.create_index(op.f(f"ix_{table}_{start}"), table, [start])


def downgrade() -> None:
    op.drop_table("segment_days")
    op.drop_table("segment_hours")
    op.execute("DELETE FROM rollup_state WHERE name = 'segment_hours'")
