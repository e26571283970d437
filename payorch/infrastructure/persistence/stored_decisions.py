"""Reads back why an order's submissions were routed as they were."""

from sqlalchemy import RowMapping, and_, select

from payorch.application.stored_decision import StoredCandidate, StoredDecision
from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import OrderId
from payorch.domain.policy_trial import TrialArm, TrialPlace
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow

_OF_ORDER = (
    select(
        SubmissionRow.number,
        SubmissionRow.created_at,
        SubmissionRow.policy_version,
        SubmissionRow.routing_rule,
        SubmissionRow.preferred_provider,
        SubmissionRow.candidates,
        SubmissionRow.left_out,
        SubmissionRow.trial_number,
        SubmissionRow.trial_arm,
        TransactionRow.card_brand,
        TransactionRow.card_bin,
        TransactionRow.card_last4,
    )
    .join(OrderRow, OrderRow.id == SubmissionRow.order_id)
    .outerjoin(
        TransactionRow,
        and_(TransactionRow.submission_id == SubmissionRow.id, TransactionRow.attempt_number == 1),
    )
    .order_by(SubmissionRow.number)
)


class SqlAlchemyStoredDecisions:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of_order(self, order_id: OrderId) -> tuple[StoredDecision, ...]:
        statement = _OF_ORDER.where(OrderRow.public_id == order_id)
        with self._database.read() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(
            StoredDecision(
                number=row["number"],
                at=row["created_at"],
                policy_version=row["policy_version"],
                rule_name=row["routing_rule"],
                preferred_provider=row["preferred_provider"],
                candidates=tuple(
                    StoredCandidate(c["provider"], c["because"], c["propensity"])
                    for c in row["candidates"]
                ),
                left_out={left["provider"]: left["because"] for left in row["left_out"]},
                card=_card(row),
                trial=_place(row),
            )
            for row in rows
        )


def _place(row: RowMapping) -> TrialPlace | None:
    number, arm = row["trial_number"], row["trial_arm"]
    return TrialPlace(number, TrialArm(arm)) if number is not None and arm else None


def _card(row: RowMapping) -> CardSummary | None:
    brand, card_bin, last4 = (row[name] for name in ("card_brand", "card_bin", "card_last4"))
    return CardSummary(brand, card_bin, last4) if brand and card_bin and last4 else None
