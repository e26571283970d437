"""reviews of refunds

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UNDECIDED = "decided_at IS NULL"


def upgrade() -> None:
    big_key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "refund_reviews",
        sa.Column("refund_id", big_key, nullable=False),
        sa.Column("id", big_key, nullable=False),
        sa.Column("conclusion", sa.String(length=20), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("evidence", sa.String(length=1000), nullable=False),
        sa.Column("proposed_by", sa.String(length=254), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=254), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.Column("decision_reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "conclusion IN ('given_back', 'not_given_back')",
            name=op.f("ck_refund_reviews_conclusion"),
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by",
            name=op.f("ck_refund_reviews_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_refund_reviews_refund_id_refunds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_reviews")),
    )
    op.create_index("ix_refund_reviews_refund_id", "refund_reviews", ["refund_id"])
    op.create_index(
        "uq_refund_reviews_one_open_per_refund",
        "refund_reviews",
        ["refund_id"],
        unique=True,
        sqlite_where=sa.text(_UNDECIDED),
        postgresql_where=sa.text(_UNDECIDED),
    )


def downgrade() -> None:
    op.drop_table("refund_reviews")
