"""Reads first submissions back for a replay, streamed day by day."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Select, String, case, cast, func, select

from payorch.application.configuration import Configuration, RoutingPolicyRepository
from payorch.application.metrics_window import MetricsWindow
from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_verdict import DeclineSettings, DeclineSignal
from payorch.domain.policy_replay import LoggedOrder
from payorch.domain.policy_trial import TrialArm
from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.logged_orders import LoggedAttempt, OrderReading
from payorch.infrastructure.persistence.policy_trials import SqlAlchemyPolicyTrialBook
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow

ROWS_AT_A_TIME = 5000
AT_A_TIME = timedelta(days=1)
LONGEST_SUBMISSION = timedelta(hours=1)
"""Attempts of a submission start within this time of it."""


class SqlAlchemyReplayHistory:
    """`decline_policy` is the one in force: whether a decline lets another provider try is asked
    of it where no other one was left, and so none was tried.
    """

    def __init__(
        self,
        database: Database,
        *,
        policies: RoutingPolicyRepository,
        configuration: Callable[[], Configuration],
        decline_policy: Callable[[], DeclinePolicy],
        decline_settings: DeclineSettings,
    ) -> None:
        self._database = database
        self._policies = policies
        self._configuration = configuration
        self._decline_policy = decline_policy
        self._decline_settings = decline_settings

    def count(self, window: MetricsWindow) -> int:
        statement = (
            select(func.count())
            .select_from(TransactionRow)
            .where(
                TransactionRow.started_at >= window.start,
                TransactionRow.started_at < window.end,
                TransactionRow.attempt_number == 1,
            )
        )
        with self._database.look_up() as connection:
            return int(connection.execute(statement).scalar_one())

    def orders(self, window: MetricsWindow) -> Iterator[LoggedOrder | None]:
        reading = OrderReading(
            {method.code: method for method in self._configuration().methods},
            self._policies,
            self._candidate_of,
            self._goes_on,
        )
        # Day by day: no statement sorts a month, and none is near the server's time limit.
        start = window.start
        while start < window.end:
            end = min(start + AT_A_TIME, window.end)
            yield from self._orders_within(start, end, reading)
            start = end

    def _orders_within(
        self, start: datetime, end: datetime, reading: "OrderReading"
    ) -> Iterator[LoggedOrder | None]:
        with (
            self._database.read() as connection,
            connection.execute(
                _statement(start, end), execution_options={"yield_per": ROWS_AT_A_TIME}
            ) as rows,
        ):
            for _, attempts in groupby(rows, key=itemgetter(0)):
                yield reading.order(list(attempts))

    def _candidate_of(self, trial: int) -> RoutingPolicy | None:
        stored = SqlAlchemyPolicyTrialBook(self._database).trial(trial)
        return None if stored is None else stored.trial.candidate

    def _goes_on(self, declined: "LoggedAttempt", earlier: frozenset[str]) -> bool:
        verdict = self._decline_policy().classify(
            DeclineSignal(declined.scheme, declined.code or "", declined.advice),
            self._decline_settings,
            declined.at.date(),
            earlier,
        )
        return verdict.may_try_next


def _statement(start: datetime, end: datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            TransactionRow.submission_id,
            SubmissionRow.created_at,
            SubmissionRow.preferred_provider,
            SubmissionRow.policy_version,
            SubmissionRow.routing_rule,
            case((SubmissionRow.trial_arm == TrialArm.CANDIDATE.value, SubmissionRow.trial_number)),
            # As text: equal decisions are recognised without being read again.
            cast(SubmissionRow.candidates, String),
            cast(SubmissionRow.left_out, String),
            OrderRow.currency,
            OrderRow.country,
            OrderRow.amount_minor,
            TransactionRow.provider_code,
            TransactionRow.status,
            TransactionRow.decline_scheme,
            TransactionRow.decline_code,
            TransactionRow.decline_advice,
            TransactionRow.decline_reason,
            TransactionRow.latency_ms,
            TransactionRow.card_brand,
            TransactionRow.card_bin,
        )
        .join(SubmissionRow, SubmissionRow.id == TransactionRow.submission_id)
        .join(OrderRow, OrderRow.id == TransactionRow.order_id)
        .where(
            TransactionRow.started_at >= start,
            TransactionRow.started_at < end + LONGEST_SUBMISSION,
            SubmissionRow.created_at >= start,
            SubmissionRow.created_at < end,
            SubmissionRow.number == 1,
        )
        .order_by(TransactionRow.submission_id, TransactionRow.attempt_number)
    )
