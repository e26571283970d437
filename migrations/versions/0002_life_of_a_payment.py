"""life of a payment: jobs, inbox of events, refunds, reviews, notices, safe mode

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queue", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=True),
        sa.Column("destination", sa.String(length=120), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "ready",
                "running",
                "done",
                "dead",
                name="job_state",
                native_enum=False,
                create_constraint=True,
                length=10,
            ),
            nullable=False,
        ),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_jobs_dedup_key")),
    )
    op.create_index("ix_jobs_kind_id", "jobs", ["kind", "id"], unique=False)
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"], unique=False)
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["queue", "run_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('ready', 'running')"),
        postgresql_where=sa.text("state IN ('ready', 'running')"),
    )
    op.create_table(
        "job_counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_counters")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=120), nullable=False),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("our_reference", sa.String(length=120), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "applied",
                "no_change",
                "orphan",
                "alerted",
                name="event_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=300), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
        sa.UniqueConstraint(
            "provider_code", "event_id", name=op.f("uq_webhook_events_provider_code_event_id")
        ),
    )
    op.create_index(
        "ix_webhook_events_provider_code_id",
        "webhook_events",
        ["provider_code", "id"],
        unique=False,
    )
    op.create_index(
        "ix_webhook_events_provider_reference",
        "webhook_events",
        ["provider_reference"],
        unique=False,
    )
    op.create_index("ix_webhook_events_state_id", "webhook_events", ["state", "id"], unique=False)
    op.create_index(
        "ix_webhook_events_our_reference", "webhook_events", ["our_reference"], unique=False
    )
    op.create_index(
        "ix_webhook_events_received_at_id", "webhook_events", ["received_at", "id"], unique=False
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sent",
                "kept",
                "failed",
                name="notice_state",
                native_enum=False,
                create_constraint=True,
                length=10,
            ),
            nullable=False,
        ),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_notices_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("dedup_key", name=op.f("uq_notices_dedup_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notices_public_id")),
    )
    op.create_index("ix_notices_created_at_id", "notices", ["created_at", "id"], unique=False)
    op.create_index("ix_notices_kind_id", "notices", ["kind", "id"], unique=False)
    op.create_index(op.f("ix_notices_order_id"), "notices", ["order_id"], unique=False)
    op.create_index("ix_notices_recipient_id", "notices", ["recipient", "id"], unique=False)
    op.create_index("ix_notices_state_id", "notices", ["state", "id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
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
        sa.Column("is_guard", sa.Boolean(), nullable=False),
        sa.Column("provider_code", sa.String(length=40), nullable=False),
        sa.Column("payment_reference", sa.String(length=120), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "started",
                "pending",
                "unknown",
                "succeeded",
                "failed",
                name="refund_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_reference", sa.String(length=120), nullable=True),
        sa.Column("failure_code", sa.String(length=60), nullable=True),
        sa.Column("technical_reason", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("requested_by", sa.String(length=254), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("request_hash", sa.String(length=64), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("review_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_refunds_currency_length")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_refunds_transaction_id_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_refunds_idempotency_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_refunds_public_id")),
    )
    op.create_index(
        "ix_refunds_open",
        "refunds",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'started', 'unknown')"),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"], unique=False)
    op.create_index("ix_refunds_requested_at_id", "refunds", ["requested_at", "id"], unique=False)
    op.create_index("ix_refunds_status_id", "refunds", ["status", "id"], unique=False)
    op.create_index("ix_refunds_transaction_id", "refunds", ["transaction_id"], unique=False)
    op.create_index(
        "uq_refunds_guarded_charge",
        "refunds",
        ["provider_code", "payment_reference", "kind"],
        unique=True,
        sqlite_where=sa.text("is_guard"),
        postgresql_where=sa.text("is_guard"),
    )
    op.create_index(
        "uq_refunds_provider_reference",
        "refunds",
        ["provider_code", "provider_reference"],
        unique=True,
        sqlite_where=sa.text("provider_reference IS NOT NULL"),
        postgresql_where=sa.text("provider_reference IS NOT NULL"),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
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
            "conclusion IN ('charged', 'not_charged')", name=op.f("ck_reviews_conclusion")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_reviews_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_reviews_transaction_id_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index("ix_reviews_transaction_id", "reviews", ["transaction_id"], unique=False)
    op.create_index(
        "uq_reviews_one_open_per_transaction",
        "reviews",
        ["transaction_id"],
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index(
        "ix_orders_may_expire",
        "orders",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('failed', 'pending')"),
        postgresql_where=sa.text("status IN ('failed', 'pending')"),
    )
    op.add_column("submissions", sa.Column("client_hash", sa.String(length=64), nullable=True))
    op.add_column("submissions", sa.Column("language", sa.String(length=8), nullable=True))
    op.create_index(
        "ix_submissions_client_hash_created_at",
        "submissions",
        ["client_hash", "created_at"],
        unique=False,
        sqlite_where=sa.text("client_hash IS NOT NULL"),
        postgresql_where=sa.text("client_hash IS NOT NULL"),
    )
    op.add_column(
        "transactions", sa.Column("card_fingerprint", sa.String(length=64), nullable=True)
    )
    op.create_index(
        "ix_transactions_card_bin_started_at",
        "transactions",
        ["card_bin", "started_at"],
        unique=False,
        sqlite_where=sa.text("card_bin IS NOT NULL"),
        postgresql_where=sa.text("card_bin IS NOT NULL"),
    )
    op.create_index(
        "ix_transactions_card_fingerprint_started_at",
        "transactions",
        ["card_fingerprint", "started_at"],
        unique=False,
        sqlite_where=sa.text("card_fingerprint IS NOT NULL"),
        postgresql_where=sa.text("card_fingerprint IS NOT NULL"),
    )
    op.create_index(
        "ix_transaction_evidence_not_applied",
        "transaction_evidence",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("NOT was_applied"),
        postgresql_where=sa.text("NOT was_applied"),
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index("ix_verifications_started_at", "verifications", ["started_at"], unique=False)
    with op.batch_alter_table("configuration") as table:
        table.add_column(
            sa.Column("mode", sa.String(length=10), server_default="normal", nullable=False)
        )
        table.add_column(sa.Column("mode_since", sa.DateTime(timezone=True), nullable=True))
        table.create_check_constraint(op.f("ck_configuration_mode"), "mode IN ('normal', 'safe')")


def downgrade() -> None:
    with op.batch_alter_table("configuration") as table:
        table.drop_constraint(op.f("ck_configuration_mode"), type_="check")
        table.drop_column("mode_since")
        table.drop_column("mode")
    op.drop_index("ix_verifications_started_at", table_name="verifications")
    op.drop_table("verifications")
    op.drop_index(
        "ix_transaction_evidence_not_applied",
        table_name="transaction_evidence",
        sqlite_where=sa.text("NOT was_applied"),
        postgresql_where=sa.text("NOT was_applied"),
    )

    op.drop_index(
        "ix_transactions_card_fingerprint_started_at",
        table_name="transactions",
        sqlite_where=sa.text("card_fingerprint IS NOT NULL"),
        postgresql_where=sa.text("card_fingerprint IS NOT NULL"),
    )
    op.drop_index(
        "ix_transactions_card_bin_started_at",
        table_name="transactions",
        sqlite_where=sa.text("card_bin IS NOT NULL"),
        postgresql_where=sa.text("card_bin IS NOT NULL"),
    )
    op.drop_index(
        "ix_submissions_client_hash_created_at",
        table_name="submissions",
        sqlite_where=sa.text("client_hash IS NOT NULL"),
        postgresql_where=sa.text("client_hash IS NOT NULL"),
    )
    op.drop_index(
        "ix_orders_may_expire",
        table_name="orders",
        sqlite_where=sa.text("status IN ('failed', 'pending')"),
        postgresql_where=sa.text("status IN ('failed', 'pending')"),
    )
    op.drop_index(
        "uq_reviews_one_open_per_transaction",
        table_name="reviews",
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.drop_index("ix_reviews_transaction_id", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index(
        "uq_refunds_provider_reference",
        table_name="refunds",
        sqlite_where=sa.text("provider_reference IS NOT NULL"),
        postgresql_where=sa.text("provider_reference IS NOT NULL"),
    )
    op.drop_index(
        "uq_refunds_guarded_charge",
        table_name="refunds",
        sqlite_where=sa.text("is_guard"),
        postgresql_where=sa.text("is_guard"),
    )
    op.drop_index("ix_refunds_transaction_id", table_name="refunds")
    op.drop_index("ix_refunds_status_id", table_name="refunds")
    op.drop_index("ix_refunds_requested_at_id", table_name="refunds")
    op.drop_index("ix_refunds_order_id", table_name="refunds")
    op.drop_index(
        "ix_refunds_open",
        table_name="refunds",
        sqlite_where=sa.text("status IN ('pending', 'started', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'started', 'unknown')"),
    )
    op.drop_table("refunds")
    op.drop_index("ix_notices_state_id", table_name="notices")
    op.drop_index("ix_notices_recipient_id", table_name="notices")
    op.drop_index(op.f("ix_notices_order_id"), table_name="notices")
    op.drop_index("ix_notices_kind_id", table_name="notices")
    op.drop_index("ix_notices_created_at_id", table_name="notices")
    op.drop_table("notices")
    op.drop_index("ix_webhook_events_received_at_id", table_name="webhook_events")
    op.drop_index("ix_webhook_events_our_reference", table_name="webhook_events")
    op.drop_index("ix_webhook_events_state_id", table_name="webhook_events")
    op.drop_index("ix_webhook_events_provider_reference", table_name="webhook_events")
    op.drop_index("ix_webhook_events_provider_code_id", table_name="webhook_events")
    op.drop_table("webhook_events")
    op.drop_table("job_counters")
    op.drop_index(
        "ix_jobs_waiting",
        table_name="jobs",
        sqlite_where=sa.text("state IN ('ready', 'running')"),
        postgresql_where=sa.text("state IN ('ready', 'running')"),
    )
    op.drop_index("ix_jobs_state_id", table_name="jobs")
    op.drop_index("ix_jobs_kind_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_column("transactions", "card_fingerprint")
    op.drop_column("submissions", "language")
    op.drop_column("submissions", "client_hash")
