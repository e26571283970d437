"""The real ledger, watched: each applied change is compared with the rules as it happens.

What people see in the end may be right although a rule was broken on the way; the next version
of the code would be less lucky.
"""

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, select

from payorch.application.payment_ledger import Recording
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.transaction import Transaction
from payorch.domain.transitions import may_transaction_become
from payorch.infrastructure.persistence.payment_ledger import SqlAlchemyPaymentLedger
from payorch.infrastructure.persistence.tables import TransactionRow

_BEFORE = select(TransactionRow.status, TransactionRow.token).where(
    TransactionRow.public_id == bindparam("watched")
)


def watched_ledger(find: Callable[[str], None]) -> type[SqlAlchemyPaymentLedger]:
    class WatchedLedger(SqlAlchemyPaymentLedger):
        def _record(self, connection: Connection, recording: Recording) -> Transaction | None:
            held = recording.transaction
            before = connection.execute(_BEFORE, {"watched": held.id}).one()
            stored = super()._record(connection, recording)
            if stored is None:
                return None
            if not may_transaction_become(before.status, recording.status):
                find(f"{held.id} went from {before.status} to {recording.status}")
            if recording.status is TransactionStatus.NOT_SENT and held.token != before.token:
                find(f"{held.id} is not_sent by a holder whose lease was taken over")
            return stored

    return WatchedLedger
