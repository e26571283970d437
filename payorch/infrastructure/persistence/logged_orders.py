"""Rows of first submissions as logged orders: shape, decision, path.

A million orders have only a few kinds of each, so each kind is made once and shared; what is done
per order is looking them up.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from json import loads
from typing import Any, NamedTuple

from sqlalchemy import Row

from payorch.application.configuration import RoutingPolicyRepository
from payorch.domain.payment_method import LeftOut, PaymentMethodVO
from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    TransactionStatus,
)
from payorch.domain.policy_replay import LoggedDecision, LoggedOrder, OrderShape, Path, Step
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.tier_list import PolicyEntry

LEFT_OUT_BY_POLICY = frozenset({LeftOut.PROVIDER_LIMIT, LeftOut.NOT_IN_RULE, LeftOut.NOT_IN_POLICY})
"""These could have taken the order under another policy; the others could not."""


class LoggedAttempt(NamedTuple):
    """One row of replay_history.py's statement, in its order."""

    submission: int
    at: datetime
    preferred: str | None
    version: int
    rule: str | None
    candidate_of: int | None
    candidates: str
    left_out: str
    currency: str
    country: str
    amount_minor: int
    provider: str
    status: TransactionStatus
    scheme: str | None
    code: str | None
    advice: str | None
    reason: str | None
    latency_ms: int | None
    brand: str | None
    card_bin: str | None


class OrderReading:
    """Remembers what it has made in one reading."""

    def __init__(
        self,
        methods: Mapping[str, PaymentMethodVO],
        policies: RoutingPolicyRepository,
        candidate_of: Callable[[int], RoutingPolicy | None],
        goes_on: Callable[[LoggedAttempt, frozenset[str]], bool],
    ) -> None:
        self._methods = methods
        self._policies = policies
        self._candidate_of = candidate_of
        self._goes_on = goes_on
        self._decisions: dict[tuple[Any, ...], tuple[LoggedDecision, int]] = {}
        self._same_decisions: dict[LoggedDecision, LoggedDecision] = {}
        self._shapes: dict[tuple[Any, ...], OrderShape] = {}
        self._paths: dict[Path, Path] = {}
        self._entries: dict[tuple[int, str | None, int | None], tuple[PolicyEntry, ...] | None] = {}
        self._declines: dict[tuple[Any, ...], bool] = {}

    def order(self, rows: Sequence[Row[Any]]) -> LoggedOrder | None:
        """None for a submission that is still open."""
        attempts = [LoggedAttempt._make(row) for row in rows]
        if any(attempt.status in OPEN_TRANSACTION_STATUSES for attempt in attempts):
            return None
        first = attempts[0]
        decision, candidates = self._decision(first)
        path = tuple(
            (attempt.provider, self._step(place, attempts, candidates))
            for place, attempt in enumerate(attempts)
        )
        return LoggedOrder(
            first.at,
            self._shape(first),
            first.amount_minor,
            decision,
            self._paths.setdefault(path, path),
            tuple(-1 if a.latency_ms is None else a.latency_ms for a in attempts),
        )

    def _step(self, place: int, attempts: Sequence[LoggedAttempt], candidates: int) -> Step:
        """Of the attempt at `place`; where no further candidate was left, whether one might have
        been tried is asked.
        """
        attempt = attempts[place]
        went_on = place + 1 < len(attempts)
        is_last = place + 1 == candidates
        if attempt.status in CHARGED_TRANSACTION_STATUSES:
            return Step.APPROVED
        if attempt.status is TransactionStatus.DECLINED:
            goes_on = went_on or (is_last and self._may_go_on(attempt, attempts[:place]))
            return Step.FALLS_BACK if goes_on else Step.REFUSED
        if attempt.status is TransactionStatus.NOT_SENT and (went_on or is_last):
            return Step.NOT_SENT
        return Step.LOST

    def _may_go_on(self, attempt: LoggedAttempt, earlier: Sequence[LoggedAttempt]) -> bool:
        """A reason lets another provider try once only."""
        reasons = frozenset(other.reason for other in earlier if other.reason)
        key = (attempt.scheme, attempt.code, attempt.advice, attempt.at.date(), reasons)
        if key not in self._declines:
            self._declines[key] = self._goes_on(attempt, reasons)
        return self._declines[key]

    def _shape(self, attempt: LoggedAttempt) -> OrderShape:
        key = (
            attempt.currency,
            attempt.country,
            attempt.provider,
            attempt.brand,
            attempt.card_bin,
        )
        shape = self._shapes.get(key)
        if shape is None:
            method = self._methods.get(attempt.provider)
            shape = self._shapes[key] = OrderShape(
                attempt.currency,
                attempt.country,
                None if method is None else method.kind,
                attempt.brand,
                attempt.card_bin,
            )
        return shape

    def _decision(self, attempt: LoggedAttempt) -> tuple[LoggedDecision, int]:
        """The decision, and how many candidates it had."""
        key = (
            attempt.candidates,
            attempt.left_out,
            attempt.preferred,
            attempt.version,
            attempt.rule,
            attempt.candidate_of,
        )
        found = self._decisions.get(key)
        if found is None:
            found = self._decisions[key] = self._read_decision(attempt)
        return found

    def _read_decision(self, attempt: LoggedAttempt) -> tuple[LoggedDecision, int]:
        candidates = loads(attempt.candidates)
        codes = {candidate["provider"] for candidate in candidates}
        chances = sorted(
            (candidate["provider"], float(candidate["propensity"])) for candidate in candidates
        )
        others = {
            left["provider"]
            for left in loads(attempt.left_out)
            if left["because"] in LEFT_OUT_BY_POLICY
            and self._takes_like(left["provider"], attempt.provider)
        }
        decision = LoggedDecision(
            # Which of them came first by chance is in the path; here equal chances are equal.
            tuple(chances),
            frozenset(codes | others),
            attempt.preferred if attempt.preferred in codes else None,
            self._entries_of(attempt),
        )
        return self._same_decisions.setdefault(decision, decision), len(candidates)

    def _takes_like(self, code: str, other: str) -> bool:
        """Whether a provider takes what was paid with at the other one."""
        one, two = self._methods.get(code), self._methods.get(other)
        return (
            one is not None
            and two is not None
            and one.kind is two.kind
            and one.takes_typed_card == two.takes_typed_card
        )

    def _entries_of(self, attempt: LoggedAttempt) -> tuple[PolicyEntry, ...] | None:
        key = (attempt.version, attempt.rule, attempt.candidate_of)
        if key not in self._entries:
            policy = self._policy_of(attempt)
            order = None if policy is None else policy.order_named(attempt.rule)
            self._entries[key] = None if order is None else order.entries
        return self._entries[key]

    def _policy_of(self, attempt: LoggedAttempt) -> RoutingPolicy | None:
        if attempt.candidate_of is not None:
            return self._candidate_of(attempt.candidate_of)
        published = self._policies.version(attempt.version)
        return None if published is None else published.policy
