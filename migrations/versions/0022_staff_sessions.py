"""staff sessions are kept on the server, and second factors

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("former_key_hash", sa.String(length=64), nullable=True),
        sa.Column("staff_id", BIG_KEY, nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("has_second_factor", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.String(length=254), nullable=True),
        sa.Column(
            "revoked_why",
            sa.Enum(
                "logged_out",
                "idle",
                "too_old",
                "ended_by_owner",
                "ended_by_staff",
                "account_closed",
                "password_changed",
                "role_removed",
                "factor_changed",
                "factor_required",
                name="session_end",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_staff_sessions_key_hash")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_sessions_public_id")),
    )
    for column in ("former_key_hash", "staff_id", "created_at"):
        op.create_index(op.f(f"ix_staff_sessions_{column}"), "staff_sessions", [column])
    op.create_table(
        "staff_factors",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("staff_id", BIG_KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "totp", name="factor_kind", native_enum=False, create_constraint=True, length=10
            ),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_factors_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_factors")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staff_factors_public_id")),
        sa.UniqueConstraint("staff_id", "kind", name=op.f("uq_staff_factors_staff_id_kind")),
    )
    op.create_table(
        "staff_recovery_codes",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("staff_id", BIG_KEY, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_recovery_codes_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_recovery_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_staff_recovery_codes_code_hash")),
    )
    op.create_index(op.f("ix_staff_recovery_codes_staff_id"), "staff_recovery_codes", ["staff_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_staff_recovery_codes_staff_id"), table_name="staff_recovery_codes")
    op.drop_table("staff_recovery_codes")
    op.drop_table("staff_factors")
    for column in ("created_at", "staff_id", "former_key_hash"):
        op.drop_index(op.f(f"ix_staff_sessions_{column}"), table_name="staff_sessions")
    op.drop_table("staff_sessions")
