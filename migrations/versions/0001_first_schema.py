"""first schema

Revision: 0001
Follows:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_configuration_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration")),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index(op.f("ix_journal_created_at"), "journal", ["created_at"], unique=False)
    op.create_index("ix_journal_subject_id", "journal", ["subject", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("request_hash", sa.String(length=64), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("customer_name", sa.String(length=120), nullable=True),
        sa.Column("customer_email", sa.String(length=254), nullable=True),
        sa.Column("customer_fields", sa.JSON(), nullable=False),
        sa.Column("merchant_reference", sa.String(length=120), nullable=True),
        sa.Column("order_metadata", sa.JSON(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "processing",
                "paid",
                "failed",
                "expired",
                "cancelled",
                name="order_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "paid_transaction_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("flag", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_transaction_id IS NOT NULL)",
            name=op.f("ck_orders_paid_has_transaction"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_orders_amount_positive")),
        sa.CheckConstraint("length(country) = 2", name=op.f("ck_orders_country_length")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_orders_currency_length")),
        sa.ForeignKeyConstraint(
            ["id", "paid_transaction_id"],
            ["transactions.order_id", "transactions.id"],
            name="fk_orders_paid_transaction",
            use_alter=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_orders_idempotency_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_orders_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_orders_token_hash")),
    )
    op.create_index("ix_orders_created_at_id", "orders", ["created_at", "id"], unique=False)
    op.create_index("ix_orders_customer_email_id", "orders", ["customer_email", "id"], unique=False)
    op.create_index(
        "ix_orders_flagged",
        "orders",
        ["id"],
        unique=False,
        sqlite_where=sa.text("flag IS NOT NULL"),
        postgresql_where=sa.text("flag IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_merchant_reference_id", "orders", ["merchant_reference", "id"], unique=False
    )
    op.create_index("ix_orders_status_id", "orders", ["status", "id"], unique=False)
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "card",
                "wallet",
                "bank_redirect",
                "crypto",
                name="method_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("connector", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("countries", sa.JSON(), nullable=False),
        sa.Column("currencies", sa.JSON(), nullable=False),
        sa.Column("amount_limits", sa.JSON(), nullable=False),
        sa.Column("required_fields", sa.JSON(), nullable=False),
        sa.Column("capabilities", sa.JSON(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("max_concurrency", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "max_concurrency > 0", name=op.f("ck_payment_methods_max_concurrency_positive")
        ),
        sa.CheckConstraint("timeout_ms > 0", name=op.f("ck_payment_methods_timeout_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
        sa.UniqueConstraint("code", name=op.f("uq_payment_methods_code")),
    )
    op.create_table(
        "provider_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("attempt_kind", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("voided", sa.Integer(), nullable=False),
        sa.Column("declined_issuer", sa.Integer(), nullable=False),
        sa.Column("declined_customer_data", sa.Integer(), nullable=False),
        sa.Column("not_sent", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("still_open", sa.Integer(), nullable=False),
        sa.Column("approved_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("latency", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "attempt_kind IN ('first', 'fallback')", name=op.f("ck_provider_minutes_attempt_kind")
        ),
        sa.PrimaryKeyConstraint(
            "minute", "provider_code", "attempt_kind", "currency", name=op.f("pk_provider_minutes")
        ),
    )
    op.create_index(
        "ix_provider_minutes_provider_code_minute",
        "provider_minutes",
        ["provider_code", "minute"],
        unique=False,
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("permissions", sa.UnicodeText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_state")),
        sa.UniqueConstraint("name", name=op.f("uq_rollup_state_name")),
    )
    op.create_table(
        "routing_policies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("based_on_version", sa.Integer(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_policies")),
        sa.UniqueConstraint("version", name=op.f("uq_routing_policies_version")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("create_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_staff_fs_uniquifier")),
    )
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_staff_roles_role_id_roles")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_roles_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("staff_id", "role_id", name=op.f("pk_staff_roles")),
    )
    op.create_table(
        "submissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("preferred_provider", sa.String(length=40), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_submissions_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_submissions_idempotency_key")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_submissions_order_id_number")),
    )
    op.create_index(
        "ix_submissions_order_id_created_at",
        "submissions",
        ["order_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("chosen_because", sa.String(length=40), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "requires_action",
                "pending",
                "unknown",
                "approved",
                "declined",
                "not_sent",
                "abandoned",
                "voided",
                name="transaction_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("redirect_url", sa.String(length=500), nullable=True),
        sa.Column("decline_scheme", sa.String(length=20), nullable=True),
        sa.Column("decline_code", sa.String(length=60), nullable=True),
        sa.Column("decline_advice", sa.String(length=20), nullable=True),
        sa.Column("decline_reason", sa.String(length=60), nullable=True),
        sa.Column("decline_class", sa.String(length=40), nullable=True),
        sa.Column("technical_reason", sa.String(length=60), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("card_brand", sa.String(length=20), nullable=True),
        sa.Column("card_bin", sa.String(length=8), nullable=True),
        sa.Column("card_last4", sa.String(length=4), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("review_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transactions_amount_positive")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_transactions_currency_length")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_transactions_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_transactions_submission_id_submissions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("order_id", "id", name=op.f("uq_transactions_order_id_id")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_transactions_order_id_sequence")),
        sa.UniqueConstraint("public_id", name=op.f("uq_transactions_public_id")),
    )
    op.create_index("ix_transactions_changed_at", "transactions", ["changed_at"], unique=False)
    op.create_index(
        "ix_transactions_open",
        "transactions",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
    )
    op.create_index(
        "ix_transactions_provider_code_id", "transactions", ["provider_code", "id"], unique=False
    )
    op.create_index(
        "ix_transactions_provider_reference", "transactions", ["provider_reference"], unique=False
    )
    op.create_index(
        "ix_transactions_started_at_id", "transactions", ["started_at", "id"], unique=False
    )
    op.create_index("ix_transactions_status_id", "transactions", ["status", "id"], unique=False)
    op.create_index(
        op.f("ix_transactions_submission_id"), "transactions", ["submission_id"], unique=False
    )
    op.create_index(
        "uq_transactions_one_approved_per_order",
        "transactions",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("status = 'approved'"),
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_index(
        "uq_transactions_one_open_per_order",
        "transactions",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
    )
    op.create_index(
        "uq_transactions_provider_reference",
        "transactions",
        ["provider_code", "provider_reference"],
        unique=True,
        sqlite_where=sa.text("provider_reference IS NOT NULL"),
        postgresql_where=sa.text("provider_reference IS NOT NULL"),
    )
    op.create_table(
        "transaction_evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("was_applied", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_transaction_evidence_transaction_id_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction_evidence")),
    )
    op.create_index(
        op.f("ix_transaction_evidence_transaction_id"),
        "transaction_evidence",
        ["transaction_id"],
        unique=False,
    )
    # The circle orders -> transactions -> orders: SQLite has the key inline, above; PostgreSQL
    # can only add it once both tables exist.
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_orders_paid_transaction",
            "orders",
            "transactions",
            ["id", "paid_transaction_id"],
            ["order_id", "id"],
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_orders_paid_transaction", "orders", type_="foreignkey")
    op.drop_index(op.f("ix_transaction_evidence_transaction_id"), table_name="transaction_evidence")
    op.drop_table("transaction_evidence")
    op.drop_index(
        "uq_transactions_provider_reference",
        table_name="transactions",
        sqlite_where=sa.text("provider_reference IS NOT NULL"),
        postgresql_where=sa.text("provider_reference IS NOT NULL"),
    )
    op.drop_index(
        "uq_transactions_one_open_per_order",
        table_name="transactions",
        sqlite_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
    )
    op.drop_index(
        "uq_transactions_one_approved_per_order",
        table_name="transactions",
        sqlite_where=sa.text("status = 'approved'"),
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.drop_index(op.f("ix_transactions_submission_id"), table_name="transactions")
    op.drop_index("ix_transactions_status_id", table_name="transactions")
    op.drop_index("ix_transactions_started_at_id", table_name="transactions")
    op.drop_index("ix_transactions_provider_reference", table_name="transactions")
    op.drop_index("ix_transactions_provider_code_id", table_name="transactions")
    op.drop_index(
        "ix_transactions_open",
        table_name="transactions",
        sqlite_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'requires_action', 'started', 'unknown')"),
    )
    op.drop_index("ix_transactions_changed_at", table_name="transactions")
    op.drop_table("transactions")
    op.drop_index("ix_submissions_order_id_created_at", table_name="submissions")
    op.drop_table("submissions")
    op.drop_table("staff_roles")
    op.drop_table("staff")
    op.drop_table("routing_policies")
    op.drop_table("rollup_state")
    op.drop_table("roles")
    op.drop_index("ix_provider_minutes_provider_code_minute", table_name="provider_minutes")
    op.drop_table("provider_minutes")
    op.drop_table("payment_methods")
    op.drop_index("ix_orders_status_id", table_name="orders")
    op.drop_index("ix_orders_merchant_reference_id", table_name="orders")
    op.drop_index(
        "ix_orders_flagged",
        table_name="orders",
        sqlite_where=sa.text("flag IS NOT NULL"),
        postgresql_where=sa.text("flag IS NOT NULL"),
    )
    op.drop_index("ix_orders_customer_email_id", table_name="orders")
    op.drop_index("ix_orders_created_at_id", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_journal_subject_id", table_name="journal")
    op.drop_index(op.f("ix_journal_created_at"), table_name="journal")
    op.drop_table("journal")
    op.drop_table("configuration")
