"""settlement reports of the providers, and what they and the books do not agree on

Revision: 0023
Follows: 0022
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "settlement_mappings",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("delimiter", sa.String(length=1), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_mappings")),
        sa.UniqueConstraint(
            "provider_code", "version", name=op.f("uq_settlement_mappings_provider_code_version")
        ),
    )
    op.create_table(
        "settlement_imports",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=True),
        sa.Column("size_bytes", _BIG, nullable=False),
        sa.Column("mapping_id", _BIG, nullable=True),
        sa.Column("bytes_read", _BIG, nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("lines_new", sa.Integer(), nullable=False),
        sa.Column("lines_known", sa.Integer(), nullable=False),
        sa.Column("lines_bad", sa.Integer(), nullable=False),
        sa.Column("lines_matched", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("currencies", sa.JSON(), nullable=False),
        sa.Column("uploaded_by", sa.String(length=254), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploading', 'uploaded', 'reading', 'comparing', 'done', 'discarded')",
            name=op.f("ck_settlement_imports_state"),
        ),
        sa.ForeignKeyConstraint(
            ["mapping_id"],
            ["settlement_mappings.id"],
            name=op.f("fk_settlement_imports_mapping_id_settlement_mappings"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_imports")),
    )
    op.create_index(
        "uq_settlement_imports_file",
        "settlement_imports",
        ["provider_code", "file_hash"],
        unique=True,
        **_where("state NOT IN ('uploading', 'discarded') AND lines_bad = 0"),
    )
    op.create_index(
        "uq_settlement_imports_running",
        "settlement_imports",
        ["provider_code"],
        unique=True,
        **_where("state IN ('reading', 'comparing')"),
    )
    op.create_table(
        "settlement_bad_lines",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("import_id", _BIG, nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["settlement_imports.id"],
            name=op.f("fk_settlement_bad_lines_import_id_settlement_imports"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_bad_lines")),
    )
    op.create_index(
        "ix_settlement_bad_lines_import_id", "settlement_bad_lines", ["import_id", "id"]
    )
    op.create_table(
        "settlement_pieces",
        sa.Column("import_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["settlement_imports.id"],
            name=op.f("fk_settlement_pieces_import_id_settlement_imports"),
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_settlement_pieces")),
    )
    op.create_table(
        "settlement_lines",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("import_id", _BIG, nullable=False),
        sa.Column("seen_in", _BIG, nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=True),
        sa.Column("our_reference", sa.String(length=120), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", _BIG, nullable=True),
        sa.Column("net_minor", _BIG, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=False),
        sa.Column("payout_id", sa.String(length=120), nullable=True),
        sa.Column("order_id", _BIG, nullable=True),
        sa.Column("transaction_id", _BIG, nullable=True),
        sa.Column("refund_id", _BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["settlement_imports.id"],
            name=op.f("fk_settlement_lines_import_id_settlement_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_settlement_lines_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_settlement_lines_refund_id_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_settlement_lines_transaction_id_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_lines")),
        sa.UniqueConstraint(
            "provider_code",
            "identity",
            "occurrence",
            name=op.f("uq_settlement_lines_provider_code_identity_occurrence"),
        ),
    )
    op.create_index("ix_settlement_lines_import_id", "settlement_lines", ["import_id"])
    op.create_index(
        "ix_settlement_lines_order_id",
        "settlement_lines",
        ["order_id"],
        **_where("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_settlement_lines_refund_id",
        "settlement_lines",
        ["refund_id"],
        **_where("refund_id IS NOT NULL"),
    )
    op.create_index(
        "ix_settlement_lines_transaction_id",
        "settlement_lines",
        ["transaction_id"],
        **_where("transaction_id IS NOT NULL"),
    )
    op.create_table(
        "settlement_differences",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("import_id", _BIG, nullable=False),
        sa.Column("line_id", _BIG, nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("there_minor", _BIG, nullable=True),
        sa.Column("here_minor", _BIG, nullable=True),
        sa.Column("here_currency", sa.String(length=3), nullable=True),
        sa.Column("here_status", sa.String(length=20), nullable=True),
        sa.Column("order_id", _BIG, nullable=True),
        sa.Column("transaction_id", _BIG, nullable=True),
        sa.Column("refund_id", _BIG, nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(length=254), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "(state = 'resolved') = (resolved_at IS NOT NULL)",
            name=op.f("ck_settlement_differences_resolved"),
        ),
        sa.CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'paid_there', 'settled_twice', "
            "'other_amount', 'other_currency', 'other_fee')",
            name=op.f("ck_settlement_differences_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'resolved')", name=op.f("ck_settlement_differences_state")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["settlement_imports.id"],
            name=op.f("fk_settlement_differences_import_id_settlement_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["settlement_lines.id"],
            name=op.f("fk_settlement_differences_line_id_settlement_lines"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_settlement_differences_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_settlement_differences_refund_id_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_settlement_differences_transaction_id_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_differences")),
        sa.UniqueConstraint("line_id", "kind", name=op.f("uq_settlement_differences_line_id_kind")),
    )
    op.create_index(
        "ix_settlement_differences_import_id", "settlement_differences", ["import_id", "id"]
    )
    op.create_index("ix_settlement_differences_kind_id", "settlement_differences", ["kind", "id"])
    op.create_index(
        "ix_settlement_differences_open",
        "settlement_differences",
        ["id"],
        **_where("state = 'open'"),
    )
    op.create_index(
        "ix_settlement_differences_order_id",
        "settlement_differences",
        ["order_id"],
        **_where("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_settlement_differences_provider_code_id",
        "settlement_differences",
        ["provider_code", "id"],
    )
    op.create_index(
        "uq_settlement_differences_missing_payment",
        "settlement_differences",
        ["transaction_id"],
        unique=True,
        **_where("kind = 'missing_there' AND refund_id IS NULL"),
    )
    op.create_index(
        "uq_settlement_differences_missing_refund",
        "settlement_differences",
        ["refund_id"],
        unique=True,
        **_where("kind = 'missing_there' AND refund_id IS NOT NULL"),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    for table in (
        "settlement_differences",
        "settlement_lines",
        "settlement_pieces",
        "settlement_bad_lines",
        "settlement_imports",
        "settlement_mappings",
    ):
        op.drop_table(table)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
