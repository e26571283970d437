"""Staff rule what a decline code means; every ruling is a new one, the last counts.

The shipped table stays as it is: a ruling is put beside it (see `ruled_policy`), and taking it
back puts the table in force again. In force in every process at its next order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_row import DeclineRow, InvalidDeclinePolicy
from payorch.domain.decline_ruling import (
    CHOICES_OF_FAILOVER,
    NO_RULINGS,
    CodeKey,
    DeclineRuling,
    RulingsInForce,
    ruled_policy,
    why_not,
)
from payorch.domain.decline_terms import (
    CustomerText,
    DeclineClass,
    FailoverNow,
    RetryLater,
    SignalKind,
)
from payorch.domain.decline_verdict import DeclineSettings
from payorch.domain.errors import PayorchError

MAX_WAIT_H = 24 * 90
MAX_REASON_NAME = 60


class RuledMeanwhile(PayorchError):
    """Somebody else ruled on this code since the page was loaded."""

    code = "ruled_meanwhile"


class DeclineRulings(Protocol):
    """Each method is one transaction."""

    def history(self, key: CodeKey) -> Sequence[DeclineRuling]:
        """All rulings on a code, the newest first."""

    def add(self, ruling: DeclineRuling, *, withdraws: DeclineRow | None = None) -> bool:
        """Stored, journalled, and the configuration's revision is raised. False, and nothing
        done, when there is a ruling of this number already. A ruling without a row `withdraws`
        the one that was in force.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOnDecline:
    """`seen_number`: of the newest ruling that was on the page, 0 for none."""

    key: CodeKey
    meaning: str
    decline_class: DeclineClass
    failover: FailoverNow
    retry_later: RetryLater
    wait_h: int | None
    customer_text: CustomerText
    seen_number: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRuling:
    key: CodeKey
    seen_number: int
    actor: str
    reason: str


class DeclinePolicyInForce:
    """The shipped table with the rulings in it; put together once for each version of them."""

    def __init__(
        self,
        shipped: DeclinePolicy,
        settings: DeclineSettings,
        registry: PaymentMethodRegistry,
    ) -> None:
        self.shipped = shipped
        self.settings = settings
        self._registry = registry
        self._made: tuple[RulingsInForce, DeclinePolicy] = (NO_RULINGS, shipped)

    def __call__(self) -> DeclinePolicy:
        """As of the latest configuration that this process has seen."""
        rulings, policy = self._made
        current = self._registry.at_hand().rulings
        if current.version != rulings.version:
            policy = ruled_policy(self.shipped, current)
            self._made = (current, policy)
        return policy


class RuleOnDeclineUseCase:
    def __init__(self, rulings: DeclineRulings, shipped: DeclinePolicy, clock: Clock) -> None:
        self._rulings = rulings
        self._shipped = shipped
        self._clock = clock

    def execute(self, command: RuleOnDecline) -> DeclineRuling:
        """Raises ReasonRequired, RuledMeanwhile, and InvalidDeclinePolicy for a ruling that
        contradicts itself or loosens what the table forbids.
        """
        reason, now = checked_reason(command.reason), self._clock.now()
        row = _row(command, now.date())
        problem = why_not(row, self._shipped)
        if problem is not None:
            raise InvalidDeclinePolicy(problem)
        ruling = DeclineRuling(
            key=command.key,
            number=command.seen_number + 1,
            row=row,
            ruled_by=command.actor,
            ruled_at=now,
            reason=reason,
        )
        return self._stored(ruling)

    def withdraw(self, command: WithdrawRuling) -> DeclineRuling:
        """The table counts again. Raises ReasonRequired, and RuledMeanwhile also where the
        ruling was withdrawn already.
        """
        reason = checked_reason(command.reason)
        newest = self._newest(command.key)
        if newest is None or newest.row is None:
            raise RuledMeanwhile("There is no ruling on this code to take back.")
        ruling = DeclineRuling(
            key=command.key,
            number=command.seen_number + 1,
            row=None,
            ruled_by=command.actor,
            ruled_at=self._clock.now(),
            reason=reason,
        )
        return self._stored(ruling, withdraws=newest.row)

    def _newest(self, key: CodeKey) -> DeclineRuling | None:
        return next(iter(self._rulings.history(key)), None)

    def _stored(
        self, ruling: DeclineRuling, *, withdraws: DeclineRow | None = None
    ) -> DeclineRuling:
        newest = self._newest(ruling.key)
        is_next = ruling.number == 1 + (0 if newest is None else newest.number)
        if not is_next or not self._rulings.add(ruling, withdraws=withdraws):
            raise RuledMeanwhile(
                "Somebody else ruled on this code meanwhile. Look at that ruling first."
            )
        return ruling


def _row(command: RuleOnDecline, on: date) -> DeclineRow:
    meaning = command.meaning.strip().casefold().replace(" ", "_")
    if len(meaning) > MAX_REASON_NAME or not meaning.replace("_", "").isalnum():
        raise InvalidDeclinePolicy(
            f"Name what the code means in up to {MAX_REASON_NAME} letters, such as do_not_honor."
        )
    if command.failover not in CHOICES_OF_FAILOVER:
        raise InvalidDeclinePolicy("A ruling says itself whether the next provider is tried.")
    if command.wait_h is not None and command.wait_h > MAX_WAIT_H:
        raise InvalidDeclinePolicy(f"The wait is at most {MAX_WAIT_H} hours.")
    return DeclineRow(
        signal=command.key.signal,
        scheme=command.key.scheme,
        code=command.key.code,
        reason=meaning,
        decline_class=command.decline_class,
        failover=command.failover,
        retry_later=command.retry_later,
        customer_text=command.customer_text,
        source=f"ruling of {on.isoformat()}",
        effective_from=on,
        # An advice changes the timing; the response code beside it keeps naming the reason.
        keeps_reason=command.key.signal is SignalKind.ADVICE,
        wait_h=command.wait_h,
    )
