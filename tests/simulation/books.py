"""What payorch's database holds, read past payorch's own code."""

from collections.abc import Sequence

from sqlalchemy import Engine, Row, text

OPEN = "('started', 'unknown', 'requires_action', 'pending')"


class Books:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def status_of(self, order_id: str | None) -> str | None:
        rows = self.rows("SELECT status FROM orders WHERE public_id = :id", id=order_id)
        return rows[0].status if rows else None

    def has_open(self) -> bool:
        """Whether a payment or a refund is."""
        return any(
            self.rows(f"SELECT id FROM {table} WHERE status IN {OPEN} LIMIT 1")
            for table in ("transactions", "refunds")
        )

    def is_work_left(self) -> bool:
        """A payment or refund is open, or a job waits to be done."""
        jobs = "SELECT id FROM jobs WHERE state IN ('ready', 'running') AND queue <> 'mail' LIMIT 1"
        return self.has_open() or bool(self.rows(jobs))

    def refunds(self) -> Sequence[Row]:
        return self.rows(
            "SELECT r.public_id, r.order_id, r.status, r.kind, r.amount_minor, r.is_guard,"
            " r.provider_code, r.payment_reference, r.provider_reference, r.review_since"
            " FROM refunds r ORDER BY r.id"
        )

    def has_alert(self, name: str) -> bool:
        wanted = f'%"alert": "{name}"%'
        statement = "SELECT id FROM jobs WHERE kind = 'alert_staff' AND payload LIKE :wanted"
        return bool(self.rows(statement, wanted=wanted))

    def dead_jobs(self) -> Sequence[Row]:
        return self.rows("SELECT kind, last_error FROM jobs WHERE state = 'dead'")

    def orders(self) -> Sequence[Row]:
        return self.rows(
            "SELECT id, public_id, status, amount_minor, currency, flag, paid_transaction_id"
            " FROM orders ORDER BY id"
        )

    def transactions(self) -> Sequence[Row]:
        return self.rows(
            "SELECT t.id, t.public_id, t.order_id, t.provider_code, t.provider_reference, t.status,"
            " t.review_since, s.idempotency_key AS submit_key FROM transactions t"
            " JOIN submissions s ON s.id = t.submission_id ORDER BY t.id"
        )

    def rows(self, statement: str, **parameters: object) -> Sequence[Row]:
        with self._engine.connect() as connection:
            return connection.execute(text(statement), parameters).all()
