"""what staff ruled that decline codes mean

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "decline_rulings",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("signal", sa.String(length=10), nullable=False),
        sa.Column("scheme", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("decline_reason", sa.String(length=60), nullable=False),
        sa.Column("decline_class", sa.String(length=40), nullable=False),
        sa.Column("failover", sa.String(length=20), nullable=False),
        sa.Column("retry_later", sa.String(length=20), nullable=False),
        sa.Column("wait_h", sa.Integer(), nullable=True),
        sa.Column("customer_text", sa.String(length=40), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decline_rulings")),
        sa.UniqueConstraint(
            "signal",
            "scheme",
            "code",
            "number",
            name=op.f("uq_decline_rulings_signal_scheme_code_number"),
        ),
    )


def downgrade() -> None:
    op.drop_table("decline_rulings")
