"""Some days of the demo's past, so that charts are not empty: orders as they would have gone.

Plays customers, routing and providers without calling anybody. Declines are judged by the real
decline policy and routing is the real one, so that history obeys the rules the product obeys.
Nothing in it is open: the practice provider knows none of these payments.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from payorch.domain.decline_policy import DeclinePolicy, DeclineSettings, DeclineSignal
from payorch.domain.decline_verdict import DeclineVerdict
from payorch.domain.payment_method import LeftOut, MethodKind, PaymentMethodVO
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.routing_policy import Ranked, RoutingPolicy
from payorch.infrastructure.demo_characters import CHARACTERS, Character
from payorch.infrastructure.demo_shop import BANK_SHARE, WALLET_SHARE, DemoOrder, draw_order

MOST_ATTEMPTS = 3
OWN_CHOICE_SHARE = 0.3
"""Customers who pick a provider themselves, so that each one gets first attempts to compare."""

OUTAGE_PROVIDER = "alpha"
OUTAGE_LASTS = timedelta(minutes=45)
OUTAGE_FAILURE_SHARE = 0.85

# Orders per hour of the day (UTC), relative: quiet nights, a lunch peak and an evening peak.
_HOURLY = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 13, 12, 11, 11, 12, 13, 14, 15, 14, 11, 7, 4)
_WEEKEND_FACTOR = 1.25

# Live traffic is many times denser than a week of history can be; the last minutes lead up to it,
# so that charts of the last hour do not start empty.
_RUN_UP = timedelta(minutes=90)
_RUN_UP_WEIGHT = 150


@dataclass(frozen=True, slots=True)
class PastAttempt:
    provider: Ranked
    status: TransactionStatus
    started_at: datetime
    latency_ms: int
    verdict: DeclineVerdict | None = None
    signal: DeclineSignal | None = None
    technical_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order that is over: paid by its last attempt, or failed."""

    order: DemoOrder
    created_at: datetime
    card_brand: str | None
    preferred_provider: str | None
    policy_version: int
    candidates: tuple[Ranked, ...]
    left_out: dict[str, LeftOut]
    attempts: tuple[PastAttempt, ...]

    @property
    def is_paid(self) -> bool:
        return self.attempts[-1].status is TransactionStatus.APPROVED


class DemoPast:
    """Plays `orders` orders between `start` and `end`, in the order of time."""

    def __init__(
        self,
        *,
        methods: tuple[PaymentMethodVO, ...],
        policy_at: Callable[[datetime], RoutingPolicy],
        declines: DeclinePolicy,
        seed: int,
    ) -> None:
        self._methods = {method.code: method for method in methods}
        self._policy_at = policy_at
        self._declines = declines
        self._random = Random(seed)  # noqa: S311 - made-up customers, nothing secret

    def play(self, *, start: datetime, end: datetime, orders: int) -> Iterator[PastOrder]:
        outage_start = _outage_start(end)
        for at in self._arrivals(start, end, orders):
            is_outage = outage_start <= at < outage_start + OUTAGE_LASTS
            played = self._order(at, is_outage=is_outage)
            if played is not None:
                yield played

    def _arrivals(self, start: datetime, end: datetime, count: int) -> list[datetime]:
        minutes = [
            start + timedelta(minutes=n) for n in range(int((end - start).total_seconds()) // 60)
        ]
        weights = list(accumulate(_traffic_at(m) + _run_up(end - m) for m in minutes))
        chosen = self._random.choices(minutes, cum_weights=weights, k=count)
        return sorted(minute + timedelta(seconds=self._random.uniform(0, 60)) for minute in chosen)

    def _order(self, at: datetime, *, is_outage: bool) -> PastOrder | None:
        order = draw_order(self._random)
        kind = self._kind()
        left_out = self._left_out(order, kind)
        eligible = [code for code in self._methods if code not in left_out]
        preferred = None
        if eligible and self._random.random() < OWN_CHOICE_SHARE:
            preferred = self._random.choice(eligible)
        policy = self._policy_at(at)
        ranked = policy.rank(eligible, preferred=preferred, random=self._random.random)
        candidates = tuple(ranked[:MOST_ATTEMPTS])
        if not candidates:
            return None
        brand = None
        if kind is MethodKind.CARD:
            brand = self._random.choices(("visa", "mastercard"), weights=(62, 38))[0]
        return PastOrder(
            order=order,
            created_at=at,
            card_brand=brand,
            preferred_provider=preferred,
            policy_version=policy.version,
            candidates=candidates,
            left_out=left_out | {r.provider_code: LeftOut.PROVIDER_LIMIT for r in ranked[3:]},
            attempts=self._attempts(candidates, brand, at, is_outage=is_outage),
        )

    def _kind(self) -> MethodKind:
        wish = self._random.random()
        if wish < WALLET_SHARE:
            return MethodKind.WALLET
        return MethodKind.BANK_REDIRECT if wish < WALLET_SHARE + BANK_SHARE else MethodKind.CARD

    def _left_out(self, order: DemoOrder, kind: MethodKind) -> dict[str, LeftOut]:
        fields = frozenset(order.customer_fields)
        reasons = {}
        for code, method in self._methods.items():
            reason = method.left_out_because(order.money, order.country, fields)
            if reason is None and method.kind is not kind:
                reason = LeftOut.KIND
            if reason is not None:
                reasons[code] = reason
        return reasons

    def _attempts(
        self,
        candidates: tuple[Ranked, ...],
        brand: str | None,
        at: datetime,
        *,
        is_outage: bool,
    ) -> tuple[PastAttempt, ...]:
        attempts: list[PastAttempt] = []
        fallen_back_for: frozenset[str] = frozenset()
        is_suspect = False
        for candidate in candidates:
            attempt = self._attempt(
                candidate,
                brand,
                at,
                is_suspect=is_suspect,
                is_down=is_outage and candidate.provider_code == OUTAGE_PROVIDER,
                fallen_back_for=fallen_back_for,
            )
            attempts.append(attempt)
            if attempt.verdict is not None:
                is_suspect = True
                fallen_back_for |= {attempt.verdict.reason}
            is_over = attempt.status is TransactionStatus.APPROVED or (
                attempt.verdict is not None and not attempt.verdict.may_try_next
            )
            if is_over:
                break
            at = at + timedelta(milliseconds=attempt.latency_ms + 12)
        return tuple(attempts)

    def _attempt(
        self,
        candidate: Ranked,
        brand: str | None,
        at: datetime,
        *,
        is_suspect: bool,
        is_down: bool,
        fallen_back_for: frozenset[str],
    ) -> PastAttempt:
        character = CHARACTERS[candidate.provider_code]
        technical = OUTAGE_FAILURE_SHARE if is_down else character.technical_rate
        latency_ms = character.latency_ms(self._random, 0.9 + _traffic_at(at) / 60)
        if self._random.random() < technical:
            reason = "not_processed" if self._random.random() < 0.7 else "connection_refused"
            return PastAttempt(
                candidate,
                TransactionStatus.NOT_SENT,
                at,
                self._random.randint(2, 40),
                technical_reason=reason,
            )
        approval = character.rescue_rate if is_suspect else character.approval_rate
        if self._random.random() < approval:
            return PastAttempt(candidate, TransactionStatus.APPROVED, at, latency_ms)
        signal = self._signal(character, brand)
        verdict = self._declines.classify(signal, DeclineSettings(), at.date(), fallen_back_for)
        return PastAttempt(
            candidate, TransactionStatus.DECLINED, at, latency_ms, verdict=verdict, signal=signal
        )

    def _signal(self, character: Character, brand: str | None) -> DeclineSignal:
        return DeclineSignal(brand or "any", character.decline_code(self._random))


def _outage_start(end: datetime) -> datetime:
    """The last late afternoon (UTC) that was over two hours before `end`: many orders, and
    within the last day or so, where charts look first.
    """
    latest = end - timedelta(hours=2) - OUTAGE_LASTS
    at = latest.replace(hour=17, minute=20, second=0, microsecond=0)
    return at if at <= latest else at - timedelta(days=1)


def _run_up(left: timedelta) -> float:
    """What is added to the traffic when `left` is the time until the live customers come."""
    return max(0.0, 1 - left / _RUN_UP) * _RUN_UP_WEIGHT


def _traffic_at(at: datetime) -> float:
    """Relative number of orders in the minute `at`, gliding from hour to hour."""
    here, there = _HOURLY[at.hour], _HOURLY[(at.hour + 1) % 24]
    # A cosine between the hours' values: steps on the hour would look drawn with a ruler.
    glide = (1 - math.cos(math.pi * at.minute / 60)) / 2
    weekend = _WEEKEND_FACTOR if at.weekday() >= 5 else 1.0
    return (here + (there - here) * glide) * weekend
