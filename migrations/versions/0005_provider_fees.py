"""what providers charge

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_fees",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("percent_ppm", sa.Integer(), nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), nullable=False),
        sa.Column("attempt_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "percent_ppm BETWEEN 0 AND 1000000", name=op.f("ck_provider_fees_percent")
        ),
        sa.CheckConstraint(
            "fixed_minor >= 0 AND attempt_minor >= 0", name=op.f("ck_provider_fees_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_fees")),
        sa.UniqueConstraint(
            "provider_code",
            "currency",
            "valid_from",
            name=op.f("uq_provider_fees_provider_code_currency_valid_from"),
        ),
    )


def downgrade() -> None:
    op.drop_table("provider_fees")
