"""Journal entries that come with no other change: logins, refusals, and what was taken away."""

from datetime import datetime

from payorch.application.journal_archive import ExportJournal
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions

VISITOR = "visitor"
NO_ACCOUNT = "staff:no account"
MAX_SUBJECT = 120
"""What the journal's column holds."""


class SqlAlchemyAccessJournal:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def logged_in(
        self, staff: str, *, address: str, at: datetime, factor: str | None = None
    ) -> None:
        after = {"address": address}
        if factor is not None:
            after["second_factor"] = factor
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=staff,
                action="logged_in",
                subject=_subject(f"staff:{staff}"),
                reason="the password was right",
                before=None,
                after=after,
                at=at,
            )

    def login_failed(
        self, staff: str | None, *, address: str, at: datetime, of_code: bool = False
    ) -> None:
        reason = "wrong code" if of_code else "wrong password, or closed account"
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=VISITOR,
                action="login_failed",
                subject=NO_ACCOUNT if staff is None else _subject(f"staff:{staff}"),
                reason="no such account" if staff is None else reason,
                before=None,
                after={"address": address},
                at=at,
            )

    def login_locked(
        self, staff: str | None, *, until: datetime, address: str, at: datetime
    ) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=VISITOR,
                action="login_locked",
                subject=NO_ACCOUNT if staff is None else _subject(f"staff:{staff}"),
                reason="too many tries",
                before=None,
                after={"address": address, "until": until.isoformat()},
                at=at,
            )

    def sender_locked(self, address: str, *, until: datetime, at: datetime) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=VISITOR,
                action="login_sender_locked",
                subject=_subject(f"sender:{address}"),
                reason="too many failed logins",
                before=None,
                after={"until": until.isoformat()},
                at=at,
            )

    def logged_out(self, staff: str, *, address: str, at: datetime) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=staff,
                action="logged_out",
                subject=_subject(f"staff:{staff}"),
                reason="at their own wish",
                before=None,
                after={"address": address},
                at=at,
            )

    def refused(self, staff: str, *, method: str, page: str, address: str, at: datetime) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=staff,
                action="access_refused",
                subject=_subject(f"page:{page}"),
                reason="the role does not allow it",
                before=None,
                after={"address": address, "method": method},
                at=at,
            )

    def figures_exported(
        self, staff: str, *, chart: str, query: str, address: str, at: datetime
    ) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=staff,
                action="figures_exported",
                subject=_subject(f"chart:{chart}"),
                reason="no reason is asked for figures",
                before=None,
                after={"address": address, "filters": query},
                at=at,
            )

    def customer_revealed(
        self, order_id: OrderId, *, actor: str, reason: str, address: str, at: datetime
    ) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=actor,
                action="customer_revealed",
                subject=_subject(f"order:{order_id}"),
                reason=reason,
                before=None,
                after={"address": address},
                at=at,
            )

    def customers_exported(
        self, name: str, *, filters: str, actor: str, reason: str, address: str, at: datetime
    ) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=actor,
                action="customers_exported",
                subject=_subject(f"chart:{name}"),
                reason=reason,
                before=None,
                after={"address": address, "filters": filters},
                at=at,
            )

    def journal_export(self, command: ExportJournal, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            insert_entry(
                connection,
                actor=command.actor,
                action="journal_exported",
                subject="journal",
                reason=command.reason,
                before=None,
                after={
                    "since": _iso(command.since),
                    "until": _iso(command.until),
                    "format": command.form,
                },
                at=at,
            )


def _subject(text: str) -> str:
    return text.replace("\0", "")[:MAX_SUBJECT]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
