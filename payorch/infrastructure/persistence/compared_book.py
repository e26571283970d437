"""ComparedBook on SQL: short reads, by indexes, that disturb no payment."""

from collections.abc import Mapping, Sequence

from sqlalchemy import exists, select

from payorch.application.provider_events import EventState, EventSubject
from payorch.domain.outcome import Approved, Declined, NotSent
from payorch.domain.transaction import Transaction, TransactionId
from payorch.infrastructure.persistence.payment_rows import transaction_from
from payorch.infrastructure.persistence.recovery_book import SqlAlchemyRecoveryBook
from payorch.infrastructure.persistence.tables import EvidenceRow, TransactionRow, WebhookEventRow

_DEFINITIVE = tuple(outcome.__name__ for outcome in (Approved, Declined, NotSent))


class SqlAlchemyComparedBook(SqlAlchemyRecoveryBook):
    def transactions(self, references: Sequence[str]) -> Mapping[str, Transaction]:
        statement = select(TransactionRow.__table__).where(TransactionRow.public_id.in_(references))
        with self._transactions.read() as connection:
            rows = connection.execute(statement).mappings().all()
        return {row["public_id"]: transaction_from(row) for row in rows}

    def noticed_charges(
        self, provider_code: str, provider_references: Sequence[str]
    ) -> frozenset[str]:
        statement = select(WebhookEventRow.provider_reference).where(
            WebhookEventRow.provider_code == provider_code,
            WebhookEventRow.provider_reference.in_(provider_references),
            WebhookEventRow.subject == EventSubject.PAYMENT.value,
            # ALERTED: staff were told. NO_CHANGE: they have concluded it.
            WebhookEventRow.state.in_((EventState.ALERTED, EventState.NO_CHANGE)),
        )
        with self._transactions.read() as connection:
            return frozenset(filter(None, connection.scalars(statement)))

    def has_kept_contradiction(self, transaction_id: TransactionId) -> bool:
        statement = select(
            exists().where(
                EvidenceRow.transaction_id == TransactionRow.id,
                TransactionRow.public_id == transaction_id,
                ~EvidenceRow.was_applied,
                # Answers that prove nothing are kept, too: they explain no contradiction.
                EvidenceRow.outcome.in_(_DEFINITIVE),
            )
        )
        with self._transactions.read() as connection:
            return bool(connection.scalar(statement))
