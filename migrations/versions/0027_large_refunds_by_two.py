"""large refunds wait for a second person

Refunds that staff asked for before count as theirs; which limit was in force then nobody knows.

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state = 'open'")
WITH_REFUND = sa.text("refund_id IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "refunds",
        sa.Column("asked_by_staff", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("refunds", sa.Column("one_person_limit_minor", BIG_KEY, nullable=True))
    op.execute(
        sa.text(
            "UPDATE refunds SET asked_by_staff = true WHERE idempotency_key LIKE 'staff-refund:%'"
        )
    )
    op.create_table(
        "refund_proposals",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("order_id", BIG_KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "refund",
                "void",
                name="refund_kind",
                native_enum=False,
                create_constraint=True,
                length=10,
            ),
            nullable=False,
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("limit_minor", BIG_KEY, nullable=False),
        sa.Column("counted_minor", BIG_KEY, nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_by", sa.String(length=254), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=254), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=500), nullable=True),
        sa.Column("refund_id", BIG_KEY, nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'rejected', 'withdrawn', 'expired')",
            name=op.f("ck_refund_proposals_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_proposals_amount_positive")),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'rejected') "
            "OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name=op.f("ck_refund_proposals_two_people"),
        ),
        sa.CheckConstraint(
            "(state = 'approved') = (refund_id IS NOT NULL)",
            name=op.f("ck_refund_proposals_refund"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)", name=op.f("ck_refund_proposals_decided")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refund_proposals_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_refund_proposals_refund_id_refunds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_proposals")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_refund_proposals_idempotency_key")),
    )
    op.create_index("ix_refund_proposals_order_id", "refund_proposals", ["order_id"])
    op.create_index("ix_refund_proposals_proposed_at_id", "refund_proposals", ["proposed_at", "id"])
    op.create_index(
        "uq_refund_proposals_one_open_per_order",
        "refund_proposals",
        ["order_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "uq_refund_proposals_refund_id",
        "refund_proposals",
        ["refund_id"],
        unique=True,
        sqlite_where=WITH_REFUND,
        postgresql_where=WITH_REFUND,
    )


def downgrade() -> None:
    op.drop_table("refund_proposals")
    op.drop_column("refunds", "one_person_limit_minor")
    op.drop_column("refunds", "asked_by_staff")
