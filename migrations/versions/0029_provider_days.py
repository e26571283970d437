"""days of the rollup, which is what a month is read from

They are added up from the hours by the next runs of the rollup; until then the hours are read.

Revision: 0029
Follows: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
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


def upgrade() -> None:
    op.create_table(
        "provider_days",
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("attempt_kind", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("after_provider", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS),
        sa.Column("approved_amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day",
            "provider_code",
            "attempt_kind",
            "currency",
            "place",
            "after_provider",
            name=op.f("pk_provider_days"),
        ),
        sa.CheckConstraint(
            "attempt_kind IN ('first', 'fallback')", name=op.f("ck_provider_days_attempt_kind")
        ),
    )
    op.create_table(
        "provider_day_spreads",
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("latency", sa.LargeBinary(), nullable=False),
        sa.Column("declines", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "provider_code", "currency", name=op.f("pk_provider_day_spreads")
        ),
    )


def downgrade() -> None:
    op.drop_table("provider_day_spreads")
    op.drop_table("provider_days")
