"""circuits that all processes share, and the history of their openings and holds

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LASTS = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "provider_circuits",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_because", sa.String(length=20), nullable=True),
        sa.Column("opened_by", sa.String(length=254), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("open_for_s", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("probes_passed", sa.Integer(), nullable=False),
        sa.Column("probe_token", sa.Integer(), nullable=False),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_kind", sa.String(length=10), nullable=True),
        sa.Column("hold_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_reason", sa.String(length=500), nullable=True),
        sa.Column("held_by", sa.String(length=254), nullable=True),
        sa.CheckConstraint(
            "(opened_at IS NULL) = (open_until IS NULL)",
            name=op.f("ck_provider_circuits_open_has_an_end"),
        ),
        sa.CheckConstraint(
            "hold_kind IN ('open', 'closed')", name=op.f("ck_provider_circuits_hold_kind")
        ),
        sa.CheckConstraint(
            "(hold_kind IS NULL) = (hold_until IS NULL)",
            name=op.f("ck_provider_circuits_hold_has_an_end"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_circuits")),
        sa.UniqueConstraint("provider_code", name=op.f("uq_provider_circuits_provider_code")),
    )
    op.create_table(
        "circuit_incidents",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=20), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("failed_probes", sa.Integer(), nullable=False),
        sa.Column("begun_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "kind IN ('failures', 'rate_limited', 'held_open', 'held_closed')",
            name=op.f("ck_circuit_incidents_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circuit_incidents")),
    )
    op.create_index("ix_circuit_incidents_began_at", "circuit_incidents", ["began_at"])
    op.create_index(
        "ix_circuit_incidents_provider_code_id", "circuit_incidents", ["provider_code", "id"]
    )
    op.create_index(
        "ix_circuit_incidents_lasting",
        "circuit_incidents",
        ["provider_code"],
        sqlite_where=_LASTS,
        postgresql_where=_LASTS,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_circuit_incidents_lasting",
        table_name="circuit_incidents",
        sqlite_where=_LASTS,
        postgresql_where=_LASTS,
    )
    op.drop_index("ix_circuit_incidents_provider_code_id", table_name="circuit_incidents")
    op.drop_index("ix_circuit_incidents_began_at", table_name="circuit_incidents")
    op.drop_table("circuit_incidents")
    op.drop_table("provider_circuits")
