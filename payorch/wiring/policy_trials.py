"""Trials of routing policies: their use cases, and one look an hour by whichever worker."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.jobs import HOUR_S, WATCH_TRIALS, Job, JobHandler, Schedule
from payorch.application.policy_trials import (
    EndPolicyTrialUseCase,
    StartPolicyTrialUseCase,
    WatchTrialsUseCase,
)
from payorch.application.trial_report import ReportTrialUseCase
from payorch.infrastructure.persistence.policy_trials import SqlAlchemyPolicyTrialBook
from payorch.infrastructure.persistence.trial_figures import SqlAlchemyTrialFigures
from payorch.wiring.base import Base

TRIALS_SCHEDULE = Schedule(WATCH_TRIALS, HOUR_S)
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class PolicyTrials:
    book: SqlAlchemyPolicyTrialBook
    start: StartPolicyTrialUseCase
    end: EndPolicyTrialUseCase
    report: ReportTrialUseCase
    handlers: Mapping[str, JobHandler]


def policy_trials(base: Base) -> PolicyTrials:
    book = SqlAlchemyPolicyTrialBook(base.database)
    figures = SqlAlchemyTrialFigures(base.database)
    watch = WatchTrialsUseCase(book, figures, base.clock)

    def run(_job: Job) -> None:
        watch.execute()

    return PolicyTrials(
        book,
        StartPolicyTrialUseCase(
            book, base.methods, base.clock, lambda: secrets.token_hex(_SALT_BYTES)
        ),
        EndPolicyTrialUseCase(book, base.methods, base.clock),
        ReportTrialUseCase(figures, base.clock),
        {WATCH_TRIALS.name: run},
    )
