"""trials of routing policies: a candidate, each order's arm, and the counts over time

Revision: 0024
Follows: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_COUNTED = "trial_number IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "policy_trials",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("control_version", sa.Integer(), nullable=False),
        sa.Column("candidate", sa.JSON(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("is_running", sa.Boolean(), nullable=False),
        sa.Column("started_by", sa.String(length=254), nullable=False),
        sa.Column("start_reason", sa.String(length=500), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(length=254), nullable=True),
        sa.Column("end_reason", sa.String(length=500), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("adopted_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_trials")),
        sa.UniqueConstraint("number", name=op.f("uq_policy_trials_number")),
    )
    op.create_index(
        "uq_policy_trials_one_running",
        "policy_trials",
        ["is_running"],
        unique=True,
        sqlite_where=sa.text("is_running"),
        postgresql_where=sa.text("is_running"),
    )
    op.create_table(
        "trial_looks",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("trial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["policy_trials.id"], name=op.f("fk_trial_looks_trial_id_policy_trials")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial_looks")),
        sa.UniqueConstraint("trial_id", "at", name=op.f("uq_trial_looks_trial_id_at")),
    )
    for table in ("orders", "submissions"):
        op.add_column(table, sa.Column("trial_number", sa.Integer(), nullable=True))
        op.add_column(table, sa.Column("trial_arm", sa.String(length=10), nullable=True))
    op.create_index(
        "ix_orders_trial",
        "orders",
        ["trial_number", "trial_arm", "status"],
        sqlite_where=sa.text(_COUNTED),
        postgresql_where=sa.text(_COUNTED),
    )
    op.create_index(
        "ix_submissions_trial_number_id",
        "submissions",
        ["trial_number", "id"],
        sqlite_where=sa.text(_COUNTED),
        postgresql_where=sa.text(_COUNTED),
    )


def downgrade() -> None:
    op.drop_index("ix_submissions_trial_number_id", table_name="submissions")
    op.drop_index("ix_orders_trial", table_name="orders")
    for table in ("submissions", "orders"):
        op.drop_column(table, "trial_arm")
        op.drop_column(table, "trial_number")
    op.drop_table("trial_looks")
    op.drop_index("uq_policy_trials_one_running", table_name="policy_trials")
    op.drop_table("policy_trials")
