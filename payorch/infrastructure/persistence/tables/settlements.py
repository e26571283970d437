"""Settlement reports of the providers: files, mappings, lines, and what they do not agree on."""

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import (
    Base,
    BigKey,
    CurrencyCode,
    MoneyMinor,
    Pk,
    UtcTime,
)

RUNNING = "state IN ('reading', 'comparing', 'undoing')"
KEPT_WHOLE = "state NOT IN ('uploading', 'discarded', 'undone') AND lines_bad = 0"
DIFFERENCE_OPEN = "state = 'open'"
"""As the partial indexes have them; SQLite takes an index only for these very words."""

_MISSING_PAYMENT = "kind = 'missing_there' AND refund_id IS NULL"
_MISSING_REFUND = "kind = 'missing_there' AND refund_id IS NOT NULL"


class SettlementMappingRow(Base):
    """What a provider's columns mean. Append-only: a change is a new version."""

    __tablename__ = "settlement_mappings"
    __table_args__ = (UniqueConstraint("provider_code", "version"),)

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    delimiter: Mapped[str] = mapped_column(String(1))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(String(254))


class SettlementImportRow(Base):
    """One file. The counters grow with each batch; `rows_read` is where the next one begins.

    A file of which lines were not booked may come again, to be read with other columns, and so
    may one whose import was taken back. The counters stay as the import left them then.
    """

    __tablename__ = "settlement_imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('uploading', 'uploaded', 'reading', 'comparing', 'done', 'discarded', "
            "'undoing', 'undone')",
            name="state",
        ),
        Index(
            "uq_settlement_imports_running",
            "provider_code",
            unique=True,
            sqlite_where=text(RUNNING),
            postgresql_where=text(RUNNING),
        ),
        Index(
            "uq_settlement_imports_file",
            "provider_code",
            "file_hash",
            unique=True,
            sqlite_where=text(KEPT_WHOLE),
            postgresql_where=text(KEPT_WHOLE),
        ),
    )

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12))
    file_name: Mapped[str] = mapped_column(String(120))
    file_hash: Mapped[str | None] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigKey, default=0)
    mapping_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("settlement_mappings.id"))
    bytes_read: Mapped[int] = mapped_column(BigKey, default=0)
    rows_read: Mapped[int] = mapped_column(default=0)
    lines_new: Mapped[int] = mapped_column(default=0)
    lines_known: Mapped[int] = mapped_column(default=0)
    lines_bad: Mapped[int] = mapped_column(default=0)
    lines_matched: Mapped[int] = mapped_column(default=0)
    differences: Mapped[int] = mapped_column(default=0)
    period_start: Mapped[date | None]
    period_end: Mapped[date | None]
    currencies: Mapped[list[str]] = mapped_column(JSON, default=list)
    uploaded_by: Mapped[str] = mapped_column(String(254))
    uploaded_at: Mapped[UtcTime]
    progressed_at: Mapped[UtcTime | None]
    finished_at: Mapped[UtcTime | None]
    lines_undone: Mapped[int] = mapped_column(default=0, server_default="0")
    undone_by: Mapped[str | None] = mapped_column(String(254))
    undo_reason: Mapped[str | None] = mapped_column(String(500))

    def __str__(self) -> str:
        return f"settlement report {self.id}"


class SettlementPieceRow(Base):
    """A piece of an uploaded file, until it is read: any host's worker may read it."""

    __tablename__ = "settlement_pieces"

    import_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("settlement_imports.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class SettlementLineRow(Base):
    """A line of a report, once, however many files hold it.

    `identity` with `occurrence` tells equal lines apart. `seen_in` is the last import that had
    it, which is how equal lines of a file that overlaps another one are counted.
    """

    __tablename__ = "settlement_lines"
    __table_args__ = (
        UniqueConstraint("provider_code", "identity", "occurrence"),
        Index("ix_settlement_lines_import_id", "import_id"),
        Index(
            "ix_settlement_lines_order_id",
            "order_id",
            sqlite_where=text("order_id IS NOT NULL"),
            postgresql_where=text("order_id IS NOT NULL"),
        ),
        Index(
            "ix_settlement_lines_transaction_id",
            "transaction_id",
            sqlite_where=text("transaction_id IS NOT NULL"),
            postgresql_where=text("transaction_id IS NOT NULL"),
        ),
        Index(
            "ix_settlement_lines_refund_id",
            "refund_id",
            sqlite_where=text("refund_id IS NOT NULL"),
            postgresql_where=text("refund_id IS NOT NULL"),
        ),
    )

    id: Mapped[Pk]
    import_id: Mapped[int] = mapped_column(BigKey, ForeignKey("settlement_imports.id"))
    seen_in: Mapped[int] = mapped_column(BigKey)
    line_number: Mapped[int]
    provider_code: Mapped[str] = mapped_column(String(40))
    identity: Mapped[str] = mapped_column(String(64))
    occurrence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    reference: Mapped[str | None] = mapped_column(String(120))
    our_reference: Mapped[str | None] = mapped_column(String(120))
    amount_minor: Mapped[MoneyMinor]
    fee_minor: Mapped[int | None] = mapped_column(BigKey)
    net_minor: Mapped[int | None] = mapped_column(BigKey)
    currency: Mapped[CurrencyCode]
    settled_on: Mapped[date]
    payout_id: Mapped[str | None] = mapped_column(String(120))
    order_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("orders.id"))
    transaction_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("transactions.id"))
    refund_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("refunds.id"))


class SettlementBadLineRow(Base):
    """A line of a report that could not be booked, and why."""

    __tablename__ = "settlement_bad_lines"
    __table_args__ = (Index("ix_settlement_bad_lines_import_id", "import_id", "id"),)

    id: Mapped[Pk]
    import_id: Mapped[int] = mapped_column(BigKey, ForeignKey("settlement_imports.id"))
    line_number: Mapped[int]
    reason: Mapped[str] = mapped_column(String(300))


class SettlementDifferenceRow(Base):
    """What a report and the books do not agree on.

    `there_minor` and `here_minor` are amounts, or fees where the kind is about fees; None where
    one side has nothing. `currency` is the provider's where it has a line. `resolved_by` is
    "payorch" where a later report has settled it.
    """

    __tablename__ = "settlement_differences"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'paid_there', 'settled_twice', "
            "'other_amount', 'other_currency', 'other_fee')",
            name="kind",
        ),
        CheckConstraint("state IN ('open', 'resolved')", name="state"),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved"),
        UniqueConstraint("line_id", "kind"),
        Index(
            "uq_settlement_differences_missing_payment",
            "transaction_id",
            unique=True,
            sqlite_where=text(_MISSING_PAYMENT),
            postgresql_where=text(_MISSING_PAYMENT),
        ),
        Index(
            "uq_settlement_differences_missing_refund",
            "refund_id",
            unique=True,
            sqlite_where=text(_MISSING_REFUND),
            postgresql_where=text(_MISSING_REFUND),
        ),
        Index(
            "ix_settlement_differences_open",
            "id",
            sqlite_where=text(DIFFERENCE_OPEN),
            postgresql_where=text(DIFFERENCE_OPEN),
        ),
        Index("ix_settlement_differences_import_id", "import_id", "id"),
        Index("ix_settlement_differences_provider_code_id", "provider_code", "id"),
        Index("ix_settlement_differences_kind_id", "kind", "id"),
        Index(
            "ix_settlement_differences_order_id",
            "order_id",
            sqlite_where=text("order_id IS NOT NULL"),
            postgresql_where=text("order_id IS NOT NULL"),
        ),
    )

    id: Mapped[Pk]
    import_id: Mapped[int] = mapped_column(BigKey, ForeignKey("settlement_imports.id"))
    line_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("settlement_lines.id"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    provider_code: Mapped[str] = mapped_column(String(40))
    currency: Mapped[CurrencyCode]
    there_minor: Mapped[int | None] = mapped_column(BigKey)
    here_minor: Mapped[int | None] = mapped_column(BigKey)
    here_currency: Mapped[str | None] = mapped_column(String(3))
    here_status: Mapped[str | None] = mapped_column(String(20))
    order_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("orders.id"))
    transaction_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("transactions.id"))
    refund_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("refunds.id"))
    found_at: Mapped[UtcTime]
    resolved_at: Mapped[UtcTime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(254))
    reason: Mapped[str | None] = mapped_column(String(500))
