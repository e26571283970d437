"""the place of an attempt, and who was tried just before, in the per-minute rollup

The rollup is a cache: its table is made anew with the wider key, and counted again by the next
run. Until then the numbers are read from the transactions.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
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
)
_KEY = ("minute", "provider_code", "attempt_kind", "currency")


def upgrade() -> None:
    _make_anew(
        (*_KEY, "place", "after_provider"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("after_provider", sa.String(40), nullable=False),
    )


def downgrade() -> None:
    _make_anew(_KEY)


def _make_anew(key: tuple[str, ...], *more: sa.Column) -> None:
    op.drop_table("provider_minutes")
    op.create_table(
        "provider_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(40), nullable=False),
        sa.Column("attempt_kind", sa.String(10), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *more,
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTERS),
        sa.Column("approved_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("latency", sa.JSON(), nullable=False),
        sa.Column("declines", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_provider_minutes")),
        sa.CheckConstraint(
            "attempt_kind IN ('first', 'fallback')",
            name=op.f("ck_provider_minutes_attempt_kind"),
        ),
    )
    op.create_index(
        "ix_provider_minutes_provider_code_minute", "provider_minutes", ["provider_code", "minute"]
    )
    op.execute("DELETE FROM rollup_state")
