"""What another routing policy would have done to the orders of the last days.

The log of a window is read once and kept for a while, because whoever edits a draft asks again
after each change; a draft then takes a fraction of a second.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from payorch.application.configuration import Segment
from payorch.application.metrics_window import MetricsWindow, floor_to_minute
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.domain.adaptive_shares import Shares
from payorch.domain.policy_replay import LoggedOrder, PolicyReplay
from payorch.domain.provider_fees import FeeSchedule, ProviderFee
from payorch.domain.routing_policy import RoutingPolicy

MAX_DAYS = 31
READ_AGAIN_AFTER = timedelta(minutes=10)

Progress = Callable[[int, int], None]
"""Told how many orders were read, and of how many."""


class ReplayHistory(Protocol):
    """Both raise LedgerUnavailable."""

    def count(self, window: MetricsWindow) -> int:
        """About how many orders there are, for showing progress."""

    def orders(self, window: MetricsWindow) -> Iterator[LoggedOrder | None]:
        """First submissions made in the window, streamed; None for one that is still open."""


class PolicyReplayer(Protocol):
    def replay(
        self,
        policy: RoutingPolicy,
        *,
        shares: Mapping[Segment, Shares],
        fees: Mapping[tuple[str, str], ProviderFee],
    ) -> PolicyReplay: ...


class ReplayEngine(Protocol):
    def __call__(self, orders: Iterable[LoggedOrder], *, most: int) -> PolicyReplayer:
        """`most` is how many providers are tried for one submission."""


@dataclass(frozen=True, slots=True)
class AnsweredReplay:
    """`unfinished` orders of the window are in no figure. `new_providers` are in the policy but
    never took part in the window, so that nothing is known of them.
    """

    window: MetricsWindow
    replay: PolicyReplay
    unfinished: int
    new_providers: tuple[str, ...]
    has_long_bins: bool


@dataclass(frozen=True, slots=True)
class _Read:
    days: int
    window: MetricsWindow
    most: int
    replayer: PolicyReplayer
    unfinished: int
    providers: frozenset[str]


class ReplayPolicyUseCase:
    def __init__(
        self,
        *,
        history: ReplayHistory,
        engine: ReplayEngine,
        registry: PaymentMethodRegistry,
        fees: Callable[[], FeeSchedule],
        clock: Clock,
    ) -> None:
        self._history = history
        self._engine = engine
        self._registry = registry
        self._fees = fees
        self._clock = clock
        self._lock = Lock()
        self._read: _Read | None = None

    def execute(
        self, policy: RoutingPolicy, *, days: int = 7, progress: Progress = lambda _done, _of: None
    ) -> AnsweredReplay:
        """Replay `policy` on the last `days` (1..31). Raises ValueError, LedgerUnavailable."""
        if not 1 <= days <= MAX_DAYS:
            raise ValueError(f"1 to {MAX_DAYS} days can be replayed, not {days}")
        read = self._log_of(days, progress)
        replay = read.replayer.replay(
            policy,
            shares=self._registry.configuration().adaptive_shares,
            fees=self._fees_at(policy, read),
        )
        in_policy = {entry.provider_code for entry in policy.entries}
        return AnsweredReplay(
            read.window,
            replay,
            read.unfinished,
            tuple(sorted(in_policy - read.providers)),
            any(len(p) > BIN_DIGITS_KEPT for r in policy.rules for p in r.conditions.bin_prefixes),
        )

    def _log_of(self, days: int, progress: Progress) -> _Read:
        """One at a time: two people who ask at once would only read the same twice."""
        with self._lock:
            now = self._clock.now()
            most = self._registry.max_providers
            read = self._read
            if (
                read is None
                or (read.days, read.most) != (days, most)
                or now - read.window.end >= READ_AGAIN_AFTER
            ):
                read = self._read = self._fresh(days, most, now, progress)
            return read

    def _fresh(self, days: int, most: int, now: datetime, progress: Progress) -> _Read:
        end = floor_to_minute(now)
        window = MetricsWindow(end - timedelta(days=days), end)
        counting = _Counting(self._history.orders(window), self._history.count(window), progress)
        replayer = self._engine(counting, most=most)
        return _Read(
            days, window, most, replayer, counting.unfinished, frozenset(counting.providers)
        )

    def _fees_at(self, policy: RoutingPolicy, read: _Read) -> dict[tuple[str, str], ProviderFee]:
        """Today's, for what was as for what would have been: the question is what to do next."""
        schedule = self._fees()
        providers = read.providers | {entry.provider_code for entry in policy.entries}
        found = {}
        for code in providers:
            for currency in {fee.currency for fee in schedule.fees}:
                fee = schedule.in_force(code, currency, read.window.end)
                if fee is not None:
                    found[(code, currency)] = fee
        return found


BIN_DIGITS_KEPT = 6
"""The books keep no more of a card, so rules that ask for more do not fit in a replay."""


class _Counting:
    """Finished orders on their way into the engine, told of and counted."""

    def __init__(
        self, orders: Iterator[LoggedOrder | None], expected: int, progress: Progress
    ) -> None:
        self._orders = orders
        self._expected = expected
        self._progress = progress
        self.unfinished = 0
        self.providers: set[str] = set()

    def __iter__(self) -> Iterator[LoggedOrder]:
        step = max(self._expected // 100, 1)
        decision = None
        for number, order in enumerate(self._orders, start=1):
            if number % step == 0:
                self._progress(number, max(self._expected, number))
            if order is None:
                self.unfinished += 1
                continue
            if order.decision is not decision:
                decision = order.decision
                self.providers |= decision.eligible
            yield order
