"""What is counted of attempts: the cells of the rollup, the tail and every chart.

One function, `count_attempts`, turns attempts into counts; the rollup, its check and the part
that is not rolled up yet all use it, so that they can never disagree about a definition.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple, assert_never

from payorch.domain.attempt_stats import Tally
from payorch.domain.decline_terms import DeclineClass
from payorch.domain.latency_histogram import LatencyHistogram, bin_of
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus

UNKNOWN_REASON = "unknown"
"""A decline that staff concluded, or that came without a code."""


class AttemptKind(StrEnum):
    """First attempts of a submission, and those made after another provider failed or declined.

    Never put into one rate: fallback traffic is pre-selected to fail, so the mixed rate slanders
    whoever is second.
    """

    FIRST = "first"
    FALLBACK = "fallback"


class CellKey(NamedTuple):
    """What a cell counts: attempts that started in [at, at + one minute or one bucket).

    `place` is their number in the submission and `after` the provider that was tried just before;
    0 and "" where attempts of several places are counted together.
    """

    at: datetime
    provider_code: str
    kind: AttemptKind
    currency: str
    place: int = 0
    after: str = ""


class AttemptFact(NamedTuple):
    """The part of a transaction that is counted. `minute` is when it started, on the minute.

    `after` is the provider of the attempt before it in its submission, "" for a first one.
    `opens_order` marks the first attempt of all at its order, `is_order_paid` whether that order
    is paid by now, by whichever attempt.
    """

    minute: datetime
    provider_code: str
    attempt_number: int
    currency: str
    status: TransactionStatus
    decline_class: str | None
    decline_reason: str | None
    amount_minor: int
    latency_ms: int | None
    after: str = ""
    opens_order: bool = False
    is_order_paid: bool = False
    country: str = ""
    card_brand: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCounts:
    """Attempts by how they stand now. The states exclude each other; their sum is `attempts`.

    `approved` are those that are not voided; a provider is judged by `charged`, which has both.
    So has `approved_amount_minor`, as it also has what was refunded. `orders` are the orders
    that were tried for the first time by one of these attempts, `paid_orders` those of them that
    are paid now.
    """

    approved: int = 0
    voided: int = 0
    declined_issuer: int = 0
    declined_customer_data: int = 0
    not_sent: int = 0
    unknown: int = 0
    abandoned: int = 0
    still_open: int = 0
    approved_amount_minor: int = 0
    orders: int = 0
    paid_orders: int = 0

    def by_name(self) -> dict[str, int]:
        """As dataclasses.asdict, which copies each number and takes ten times as long."""
        return dict(zip(COUNTERS, _VALUES(self), strict=True))

    @property
    def charged(self) -> int:
        """Attempts in CHARGED_TRANSACTION_STATUSES: approved by the provider, voided or not."""
        return self.approved + self.voided

    @property
    def finished(self) -> int:
        """Attempts in a final state, customer-data declines included; not unknown, not open."""
        return (
            self.charged
            + self.declined_issuer
            + self.declined_customer_data
            + self.not_sent
            + self.abandoned
        )

    @property
    def attempts(self) -> int:
        return self.finished + self.unknown + self.still_open

    @property
    def approval(self) -> Tally:
        """Approval rate: approved / finished attempts, voided ones approved."""
        return Tally(approved=self.charged, finished=self.finished)

    @property
    def conversion(self) -> Tally:
        """Order conversion: paid orders / orders, each at its very first attempt."""
        return Tally(approved=self.paid_orders, finished=self.orders)

    @property
    def technical_failures(self) -> int:
        """NOT_SENT + UNKNOWN: the provider could not be reached, or did not answer for sure."""
        return self.not_sent + self.unknown


class Cell(NamedTuple):
    """`latency` holds all attempts that were answered or cut, whatever the answer was.

    `declines` are the declined ones by their normalised reason.
    """

    counts: AttemptCounts
    latency: LatencyHistogram
    declines: Mapping[str, int] = MappingProxyType({})


COUNTERS = tuple(f.name for f in fields(AttemptCounts))
"""Names of the counters, in the order of the rollup's columns."""

_VALUES = attrgetter(*COUNTERS)


def merge_counts(counts: Iterable[AttemptCounts]) -> AttemptCounts:
    """The counts of all the attempts together."""
    every = list(counts)
    if len(every) == 1:
        return every[0]
    # A dashboard adds up thousands of them: columns at once, not counter by counter.
    sums = map(sum, zip(*map(_VALUES, every), strict=True))
    return AttemptCounts(**dict(zip(COUNTERS, sums, strict=False)))


def count_attempts(facts: Iterable[AttemptFact]) -> dict[CellKey, Cell]:
    """Counts by the minute an attempt started in, provider, kind, currency, place and who was
    tried just before.
    """
    tallies: dict[CellKey, Counter[str]] = defaultdict(Counter)
    latencies: dict[CellKey, Counter[int]] = defaultdict(Counter)
    declines: dict[CellKey, Counter[str]] = defaultdict(Counter)
    for fact in facts:
        key = CellKey(
            fact.minute,
            fact.provider_code,
            kind_of(fact),
            fact.currency,
            fact.attempt_number,
            fact.after,
        )
        add_to_tally(tallies[key], fact)
        if fact.status is TransactionStatus.DECLINED:
            declines[key][fact.decline_reason or UNKNOWN_REASON] += 1
        if fact.latency_ms is not None:
            latencies[key][bin_of(fact.latency_ms)] += 1
    return {
        key: Cell(AttemptCounts(**tally), LatencyHistogram(latencies[key]), dict(declines[key]))
        for key, tally in tallies.items()
    }


def kind_of(fact: AttemptFact) -> AttemptKind:
    return AttemptKind.FIRST if fact.attempt_number == 1 else AttemptKind.FALLBACK


def add_to_tally(tally: Counter[str], fact: AttemptFact) -> None:
    """Count the attempt in `tally`, whose keys are names of AttemptCounts."""
    tally[_counter_of(fact)] += 1
    if fact.status in CHARGED_TRANSACTION_STATUSES:
        tally["approved_amount_minor"] += fact.amount_minor
    if fact.opens_order:
        tally["orders"] += 1
        tally["paid_orders"] += fact.is_order_paid


def _counter_of(fact: AttemptFact) -> str:
    match fact.status:
        case TransactionStatus.APPROVED:
            return "approved"
        case TransactionStatus.VOIDED:
            return "voided"
        case TransactionStatus.DECLINED:
            is_customers = fact.decline_class == DeclineClass.CUSTOMER_DATA
            return "declined_customer_data" if is_customers else "declined_issuer"
        case TransactionStatus.NOT_SENT:
            return "not_sent"
        case TransactionStatus.UNKNOWN:
            return "unknown"
        case TransactionStatus.ABANDONED:
            return "abandoned"
        case (
            TransactionStatus.STARTED
            | TransactionStatus.REQUIRES_ACTION
            | TransactionStatus.PENDING
        ):
            return "still_open"
        case _:
            assert_never(fact.status)
