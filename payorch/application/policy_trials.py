"""Trials of routing policies: start one on a draft, end it, and read what it shows.

One runs at a time, and while it runs nothing else is published: its control has to stay what it
is. Nothing ends by itself, however clear the evidence; a person decides, with a reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.change_routing_policy import check_providers
from payorch.application.configuration import PaymentMethodRepository
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.attempt_stats import Tally
from payorch.domain.errors import InvalidPolicyTrial, PolicyChangedMeanwhile
from payorch.domain.policy_trial import PolicyTrial, TrialArm
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.trial_evidence import Look, TrialCounts

SETTLES_WITHIN = timedelta(days=3)
"""So long after its end a trial is still looked at: its last orders expire or are paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrial:
    """`adopted_version`: the version that the candidate became at the end, if it did."""

    trial: PolicyTrial
    started_by: str
    start_reason: str
    started_at: datetime
    ended_by: str | None = None
    end_reason: str | None = None
    ended_at: datetime | None = None
    adopted_version: int | None = None

    @property
    def is_running(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class ArmSample:
    """Of the latest payments of an arm: `presses` of "Pay" of `orders`, `attempts` for them."""

    presses: int = 0
    orders: int = 0
    attempts: int = 0
    first_attempts: Tally = field(default_factory=Tally)


class PolicyTrialBook(Protocol):
    """Starting and ending are journalled, and in force in every process at its next order."""

    def start(self, trial: PolicyTrial, *, actor: str, reason: str, at: datetime) -> int:
        """Its number, whatever number `trial` has.

        Raises TrialIsRunning, and PolicyChangedMeanwhile when its control is not in force.
        """

    def end(
        self, number: int, *, adopts_candidate: bool, actor: str, reason: str, at: datetime
    ) -> int | None:
        """End it and, in the same transaction, publish its candidate. The new version, if so.

        Raises TrialNotRunning.
        """

    def trial(self, number: int) -> StoredTrial | None: ...

    def latest(self, *, limit: int, before: int | None = None) -> Sequence[StoredTrial]:
        """The newest first; only those with a number below `before`, if given."""

    def since(self, moment: datetime) -> Sequence[StoredTrial]:
        """Those that run, or ended after `moment`."""


class TrialFigures(Protocol):
    def counts(self, number: int) -> TrialCounts:
        """Of all orders of the trial, as they stand now."""

    def looks(self, number: int) -> Sequence[Look]:
        """The counts that were kept, the oldest first."""

    def keep(self, number: int, look: Look) -> None:
        """Kept once for each moment, however often it is asked for."""

    def sample(self, number: int, *, latest: int) -> dict[TrialArm, ArmSample]:
        """Of the `latest` submissions of the trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPolicyTrial:
    """`candidate.version` is the version that the draft was made from."""

    name: str
    candidate: RoutingPolicy
    share_percent: int
    actor: str
    reason: str


class StartPolicyTrialUseCase:
    def __init__(
        self,
        book: PolicyTrialBook,
        methods: PaymentMethodRepository,
        clock: Clock,
        new_salt: Callable[[], str],
    ) -> None:
        self._book = book
        self._methods = methods
        self._clock = clock
        self._new_salt = new_salt

    def execute(self, command: StartPolicyTrial) -> int:
        """The number of the trial, which is running from the next order of every process on.

        Raises ReasonRequired, InvalidPolicyTrial, InvalidRoutingPolicy, TrialIsRunning and
        PolicyChangedMeanwhile.
        """
        reason = checked_reason(command.reason)
        trial = PolicyTrial(
            number=0,
            name=command.name.strip(),
            control_version=command.candidate.version,
            candidate=command.candidate,
            share_percent=command.share_percent,
            salt=self._new_salt(),
        )
        present = self._methods.load_configuration()
        if present.policy.version != trial.control_version:
            raise PolicyChangedMeanwhile(
                f"Version {trial.control_version} is no longer in force.",
                current_version=present.policy.version,
            )
        if trial.candidate == present.policy:
            raise InvalidPolicyTrial("The draft is what is in force: there is nothing to try.")
        check_providers(trial.candidate, present.methods)
        return self._book.start(trial, actor=command.actor, reason=reason, at=self._clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPolicyTrial:
    number: int
    adopts_candidate: bool
    actor: str
    reason: str


class EndPolicyTrialUseCase:
    def __init__(
        self, book: PolicyTrialBook, methods: PaymentMethodRepository, clock: Clock
    ) -> None:
        self._book = book
        self._methods = methods
        self._clock = clock

    def execute(self, command: EndPolicyTrial) -> int | None:
        """The version that the candidate became, if it was adopted.

        Raises ReasonRequired, TrialNotRunning, and InvalidRoutingPolicy when the candidate may
        not be published any more, because there is another provider since.
        """
        reason = checked_reason(command.reason)
        stored = self._book.trial(command.number)
        if command.adopts_candidate and stored is not None and stored.is_running:
            check_providers(stored.trial.candidate, self._methods.load_configuration().methods)
        return self._book.end(
            command.number,
            adopts_candidate=command.adopts_candidate,
            actor=command.actor,
            reason=reason,
            at=self._clock.now(),
        )


class WatchTrialsUseCase:
    """Keeps the counts of trials from time to time, so that no peak of evidence is missed."""

    def __init__(self, book: PolicyTrialBook, figures: TrialFigures, clock: Clock) -> None:
        self._book = book
        self._figures = figures
        self._clock = clock

    def execute(self) -> None:
        """One look at each. It may run twice or in two processes."""
        now = self._clock.now()
        # To the minute: who comes twice finds it kept.
        at = now.replace(second=0, microsecond=0)
        for stored in self._book.since(now - SETTLES_WITHIN):
            number = stored.trial.number
            self._figures.keep(number, Look(at, self._figures.counts(number)))
