"""Counts of trials: all orders from one index, and the latest payments for the rest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from payorch.application.policy_trials import ArmSample
from payorch.domain.attempt_stats import Tally
from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
)
from payorch.domain.policy_trial import TrialArm
from payorch.domain.trial_evidence import ArmCounts, Look, TrialCounts
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    PolicyTrialRow,
    SubmissionRow,
    TransactionRow,
    TrialLookRow,
)

_COUNTED_AS = {
    PaymentStatus.PAID: "paid",
    PaymentStatus.EXPIRED: "unpaid",
    PaymentStatus.CANCELLED: "unpaid",
    PaymentStatus.FAILED: "failed",
    PaymentStatus.PENDING: "underway",
    PaymentStatus.PROCESSING: "underway",
}
"""FAILED is no end: until the order expires the customer may try again, and be charged."""


class SqlAlchemyTrialFigures:
    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, number: int) -> TrialCounts:
        statement = (
            select(OrderRow.trial_arm, OrderRow.status, func.count())
            .where(OrderRow.trial_number == number)
            .group_by(OrderRow.trial_arm, OrderRow.status)
        )
        counted: dict[TrialArm, Counter[str]] = {arm: Counter() for arm in TrialArm}
        with self._database.read() as connection:
            for arm, status, orders in connection.execute(statement):
                counted[TrialArm(str(arm))][_COUNTED_AS[status]] += orders
        return TrialCounts(
            ArmCounts(**counted[TrialArm.CONTROL]), ArmCounts(**counted[TrialArm.CANDIDATE])
        )

    def looks(self, number: int) -> Sequence[Look]:
        statement = (
            select(TrialLookRow.at, TrialLookRow.counts)
            .join(PolicyTrialRow, PolicyTrialRow.id == TrialLookRow.trial_id)
            .where(PolicyTrialRow.number == number)
            .order_by(TrialLookRow.at)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [
            Look(
                row.at,
                TrialCounts(
                    ArmCounts(**row.counts[TrialArm.CONTROL]),
                    ArmCounts(**row.counts[TrialArm.CANDIDATE]),
                ),
            )
            for row in rows
        ]

    def keep(self, number: int, look: Look) -> None:
        dialect = sqlite if self._database.is_sqlite else postgresql
        with self._database.tx() as connection:
            key = connection.scalar(
                select(PolicyTrialRow.id).where(PolicyTrialRow.number == number)
            )
            counts = {arm.value: asdict(look.counts.of(arm)) for arm in TrialArm}
            connection.execute(
                dialect.insert(TrialLookRow)
                .values(trial_id=key, at=look.at, counts=counts)
                .on_conflict_do_nothing()
            )

    def sample(self, number: int, *, latest: int) -> dict[TrialArm, ArmSample]:
        submitted = (
            select(SubmissionRow.id, SubmissionRow.order_id, SubmissionRow.trial_arm)
            .where(SubmissionRow.trial_number == number)
            .order_by(SubmissionRow.id.desc())
            .limit(latest)
            .subquery()
        )
        is_first = TransactionRow.attempt_number == 1
        is_approved = TransactionRow.status.in_(sorted(CHARGED_TRANSACTION_STATUSES))
        is_open = TransactionRow.status.in_(sorted(OPEN_TRANSACTION_STATUSES))
        statement = (
            select(
                submitted.c.trial_arm,
                func.count(submitted.c.id.distinct()),
                func.count(submitted.c.order_id.distinct()),
                func.count(TransactionRow.id),
                func.count(case((is_first & ~is_open, 1))),
                func.count(case((is_first & is_approved, 1))),
            )
            .join(TransactionRow, TransactionRow.submission_id == submitted.c.id)
            .group_by(submitted.c.trial_arm)
        )
        samples = {arm: ArmSample() for arm in TrialArm}
        with self._database.read() as connection:
            for arm, presses, orders, attempts, finished, approved in connection.execute(statement):
                tally = Tally(approved=approved, finished=finished)
                samples[TrialArm(arm)] = ArmSample(presses, orders, attempts, tally)
        return samples
