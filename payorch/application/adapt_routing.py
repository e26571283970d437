"""Works out the adaptive shares, once a minute: what the evidence says, and how far it may lead.

It only looks at first attempts, which the shares themselves have spread over the providers; what
came after a decline says nothing about who should be first. It may run twice or in two processes:
the leash goes by the time since the stored shares.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey
from payorch.application.configuration import Configuration, Segment
from payorch.application.metrics_rollup import ProviderMetricsRepository
from payorch.application.metrics_window import MINUTE, MetricsWindow
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.domain.adaptive_shares import (
    NO_EVIDENCE,
    AdaptiveMode,
    Evidence,
    Shares,
    chances_of_best,
    discounted,
    is_in_outage,
    next_shares,
)
from payorch.domain.attempt_stats import Tally
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.tier_list import first_place_propensities

EVIDENCE_HALF_LIVES = 6
"""What is older weighs less than 2 %."""

HOUR = timedelta(hours=1)
OUTAGE_LOOKS = (5 * MINUTE, 15 * MINUTE, HOUR)
LONGEST_STEP = HOUR
"""After a pause of the workers the shares start where they were; the pause is not made up for."""

BySegment = Mapping[Segment, Mapping[str, Sequence[tuple[float, Tally]]]]


@dataclass(frozen=True, slots=True)
class Arm:
    """One provider of a segment. `finished` first attempts count, discounted."""

    share: float
    policy_share: float
    finished: float
    approved: float
    chance_of_best: float
    is_demoted: bool


@dataclass(frozen=True, slots=True)
class SegmentShares:
    """The shares of one segment as they stand; worked out under `policy_version`."""

    segment: Segment
    policy_version: int
    arms: Mapping[str, Arm] = field(default_factory=dict)
    updated_at: datetime | None = None

    @property
    def shares(self) -> Shares:
        return {code: arm.share for code, arm in self.arms.items()}

    @property
    def demoted(self) -> frozenset[str]:
        return frozenset(code for code, arm in self.arms.items() if arm.is_demoted)


class AdaptiveShareBook(Protocol):
    """Both raise LedgerUnavailable."""

    def all(self) -> Sequence[SegmentShares]: ...

    def store(self, shares: Sequence[SegmentShares], *, is_in_force: bool, at: datetime) -> None:
        """Replace all that is stored; every process follows at its next order if in force."""


class AdaptRoutingUseCase:
    def __init__(
        self,
        *,
        registry: PaymentMethodRegistry,
        repository: ProviderMetricsRepository,
        book: AdaptiveShareBook,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._book = book
        self._clock = clock

    def execute(self) -> None:
        """One step of every segment that has orders; none when the mode is off."""
        configuration = self._registry.configuration()
        settings = configuration.policy.adaptive
        if settings.mode is AdaptiveMode.OFF:
            return
        now = self._clock.now()
        kinds = {method.code: method for method in configuration.methods if method.is_enabled}
        history = _by_segment(
            self._counts(now, EVIDENCE_HALF_LIVES * settings.half_life_h * HOUR, HOUR), kinds, now
        )
        latest = [
            _by_segment(self._counts(now, length, length), kinds, now) for length in OUTAGE_LOOKS
        ]
        stored = {kept.segment: kept for kept in self._book.all()}
        stepped = []
        for segment, counts in history.items():
            step = _Step(configuration, segment, counts=counts, latest=latest, now=now)
            if step.has_a_choice:
                stepped.append(step.from_(stored.get(segment)))
        self._book.store(stepped, is_in_force=settings.mode is AdaptiveMode.ON, at=now)

    def _counts(
        self, now: datetime, length: timedelta, bucket: timedelta
    ) -> Mapping[CellKey, AttemptCounts]:
        window = MetricsWindow.until(now, length, bucket=bucket)
        return self._repository.counts(
            window, providers=frozenset(), currency=None, tells_currencies=True
        ).series


class _Step:
    """One segment's step: the same evidence, whatever was stored before."""

    def __init__(
        self,
        configuration: Configuration,
        segment: Segment,
        *,
        counts: Mapping[str, Sequence[tuple[float, Tally]]],
        latest: Sequence[BySegment],
        now: datetime,
    ) -> None:
        self._version = configuration.policy.version
        self._settings = settings = configuration.policy.adaptive
        self._segment = segment
        self._now = now
        self._policy_shares = _policy_shares(configuration, segment)
        self._evidence = {
            code: discounted(counts.get(code, ()), half_life_h=settings.half_life_h)
            for code in self._policy_shares
        }
        self._latest = {
            code: [_total(look.get(segment, {}).get(code, ())) for look in latest]
            for code in self._policy_shares
        }

    @property
    def has_a_choice(self) -> bool:
        return len(self._policy_shares) > 1

    def from_(self, kept: SegmentShares | None) -> SegmentShares:
        """After another policy was published the shares start from that policy's own.

        A provider that was switched on meanwhile starts at the floor; the share of one that was
        switched off goes to the others in proportion.
        """
        if kept is not None and kept.policy_version != self._version:
            kept = None
        current = self._policy_shares
        if kept is not None and any(kept.shares.get(code) for code in current):
            current = {code: kept.shares.get(code, 0.0) for code in current}
        was_out = frozenset() if kept is None else kept.demoted
        passed = timedelta(0)
        if kept is not None and kept.updated_at is not None:
            passed = min(max(self._now - kept.updated_at, timedelta(0)), LONGEST_STEP)
        out = self._in_outage(was_out)
        shares = next_shares(
            current, self._evidence, self._settings, hours=passed / HOUR, demoted=out
        )
        chances = chances_of_best(self._evidence)
        arms = {
            code: Arm(
                share=share,
                policy_share=self._policy_shares[code],
                finished=self._evidence[code].finished,
                approved=self._evidence[code].approved,
                chance_of_best=chances[code],
                is_demoted=code in out,
            )
            for code, share in shares.items()
        }
        return SegmentShares(self._segment, self._version, arms, self._now)

    def _in_outage(self, was_out: Collection[str]) -> frozenset[str]:
        usual = self._evidence
        return frozenset(
            code
            for code, latest in self._latest.items()
            if usual.get(code, NO_EVIDENCE).finished >= self._settings.min_sample
            and is_in_outage(latest, _without_latest(usual[code], latest), was=code in was_out)
        )


def _policy_shares(configuration: Configuration, segment: Segment) -> dict[str, float]:
    """How often the policy's default order would put each provider of the segment first."""
    takes = {
        method.code
        for method in configuration.methods
        if method.is_enabled
        and method.kind is segment.kind
        and (not method.currencies or segment.currency in method.currencies)
    }
    policy = configuration.policy
    entries = [entry for entry in policy.entries if entry.provider_code in takes]
    return first_place_propensities(entries, policy.exploration_share)


def _by_segment(
    counts: Mapping[CellKey, AttemptCounts],
    methods: Mapping[str, PaymentMethodVO],
    now: datetime,
) -> dict[Segment, dict[str, list[tuple[float, Tally]]]]:
    """First attempts with their age in hours."""
    result: dict[Segment, dict[str, list[tuple[float, Tally]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for key, cell in counts.items():
        method = methods.get(key.provider_code)
        if key.kind is AttemptKind.FIRST and method is not None and cell.finished:
            segment = Segment(key.currency, method.kind)
            result[segment][method.code].append(((now - key.at) / HOUR, cell.approval))
    return result


def _total(counts: Sequence[tuple[float, Tally]]) -> Tally:
    total = Tally()
    for _, tally in counts:
        total = total.merged(tally)
    return total


def _without_latest(evidence: Evidence, latest: Sequence[Tally]) -> Evidence:
    """What was usual before the longest look, so that an outage does not become usual itself."""
    longest = latest[-1]
    finished = max(evidence.finished - longest.finished, 0.0)
    return Evidence(min(max(evidence.approved - longest.approved, 0.0), finished), finished)
