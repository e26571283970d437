"""Logged orders as columns: equal orders are counted together, so that size hardly matters."""

from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from payorch.domain.policy_replay import LoggedDecision, LoggedOrder, OrderShape, Path

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_SEGMENTS = 40
"""Kinds of orders told apart by the model; the rarer ones of a currency share one."""

MOST_BLOCKS = 7
"""Stretches of time told apart: the days of a week."""

GRID_MS = 25
"""Latencies are added up, which takes steps of one size."""

T = TypeVar("T", bound=Hashable)


def counted(places: Ints, weights: Floats, size: int) -> Floats:
    """The sum of the weights at each place 0..size."""
    return np.asarray(np.bincount(places, weights, minlength=size), dtype=np.float64)


class Numbered(Generic[T]):
    """Things in the order of their first appearance."""

    def __init__(self) -> None:
        self.things: list[T] = []
        self._numbers: dict[T, int] = {}

    def number_of(self, thing: T) -> int:
        number = self._numbers.get(thing)
        if number is None:
            number = self._numbers[thing] = len(self.things)
            self.things.append(thing)
        return number


@dataclass(frozen=True, slots=True)
class Rows:
    """Orders that do not differ, counted together. `sum_amount` and `sum_square` are of amounts."""

    shape: Ints
    decision: Ints
    path: Ints
    block: Ints
    n: Floats
    sum_amount: Floats
    sum_square: Floats


@dataclass(frozen=True, slots=True)
class Traffic:
    """All finished orders of a window. `segment_of` and `segments` are by number of shape.

    `latencies`: counts by (provider, whether the attempt went on) over latencies in GRID_MS.
    """

    providers: tuple[str, ...]
    shapes: list[OrderShape]
    decisions: list[LoggedDecision]
    paths: list[Path]
    segment_of: Ints
    segments: list[tuple[str, ...]]
    blocks: int
    order_shape: Ints
    order_decision: Ints
    order_path: Ints
    order_block: Ints
    amounts: Floats
    latencies: dict[tuple[str, bool], Counter[int]]
    _plain_rows: list[tuple[Rows, Ints]] = field(default_factory=list)
    """Counted once: most policies do not look at amounts."""

    @property
    def orders(self) -> int:
        return len(self.amounts)

    def rows(self, kinds: Ints | None = None) -> tuple[Rows, Ints]:
        """The orders counted together, and the kind of each row.

        `kinds` tells orders apart that a policy treats differently for their amounts.
        """
        if kinds is None:
            if not self._plain_rows:
                self._plain_rows.append(self._counted_rows(np.zeros(self.orders, dtype=np.int64)))
            return self._plain_rows[0]
        return self._counted_rows(kinds)

    def _counted_rows(self, kinds: Ints) -> tuple[Rows, Ints]:
        columns = [
            self.order_shape,
            self.order_decision,
            self.order_path,
            self.order_block,
            kinds,
        ]
        sizes = [int(column.max()) + 1 if len(column) else 1 for column in columns]
        keys = np.ravel_multi_index(columns, sizes)
        unique, inverse = np.unique(keys, return_inverse=True)
        shape, decision, path, block, kind = np.unravel_index(unique, sizes)
        count = len(unique)
        rows = Rows(
            shape=shape.astype(np.int64),
            decision=decision.astype(np.int64),
            path=path.astype(np.int64),
            block=block.astype(np.int64),
            n=np.bincount(inverse, minlength=count).astype(np.float64),
            sum_amount=counted(inverse, self.amounts, count),
            sum_square=counted(inverse, self.amounts**2, count),
        )
        return rows, kind.astype(np.int64)


class TrafficBuilder:
    """Takes logged orders one by one."""

    def __init__(self) -> None:
        self._shapes: Numbered[OrderShape] = Numbered()
        self._decisions: Numbered[LoggedDecision] = Numbered()
        self._paths: Numbered[Path] = Numbered()
        self._columns = tuple(array("q") for _ in range(4))
        self._times = array("d")
        self._latencies: dict[tuple[str, bool], Counter[int]] = {}

    def add(self, order: LoggedOrder) -> None:
        shape, decision, path, amount = self._columns
        shape.append(self._shapes.number_of(order.shape))
        decision.append(self._decisions.number_of(order.decision))
        path.append(self._paths.number_of(order.path))
        amount.append(order.amount_minor)
        self._times.append(order.at.timestamp())
        for (provider, step), latency_ms in zip(order.path, order.latencies_ms, strict=True):
            if latency_ms >= 0:
                counts = self._latencies.setdefault((provider, step.goes_on), Counter())
                counts[latency_ms // GRID_MS] += 1

    def traffic(self) -> Traffic:
        shape, decision, path, amount = (np.array(c, dtype=np.int64) for c in self._columns)
        providers = {code for path in self._paths.things for code, _ in path}
        for logged in self._decisions.things:
            providers |= logged.eligible
        segment_of, segments = _segments(self._shapes.things, shape)
        return Traffic(
            providers=tuple(sorted(providers)),
            shapes=self._shapes.things,
            decisions=self._decisions.things,
            paths=self._paths.things,
            segment_of=segment_of,
            segments=segments,
            blocks=MOST_BLOCKS,
            order_shape=shape,
            order_decision=decision,
            order_path=path,
            order_block=_blocks(np.array(self._times)),
            amounts=amount.astype(np.float64),
            latencies=self._latencies,
        )


def traffic_of(orders: Iterable[LoggedOrder]) -> Traffic:
    builder = TrafficBuilder()
    for order in orders:
        builder.add(order)
    return builder.traffic()


def _segments(
    shapes: Sequence[OrderShape], order_shape: Ints
) -> tuple[Ints, list[tuple[str, ...]]]:
    """The most frequent kinds of orders, and one for the rest of each currency."""
    counts = np.bincount(order_shape, minlength=len(shapes))
    by_key: Counter[tuple[str, ...]] = Counter()
    keys = [(s.currency, str(s.kind), s.card_brand or "", s.country) for s in shapes]
    for key, count in zip(keys, counts, strict=True):
        by_key[key] += int(count)
    currencies = {shape.currency for shape in shapes}
    room = max(MOST_SEGMENTS - len(currencies), 0)
    named = {key for key, _ in by_key.most_common(room)}
    numbered: Numbered[tuple[str, ...]] = Numbered()
    numbers = [numbered.number_of(key if key in named else (key[0],)) for key in keys]
    return np.array(numbers, dtype=np.int64), numbered.things


def _blocks(times: Floats) -> Ints:
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    start, end = times.min(), times.max()
    share = (times - start) / max(end - start, 1.0)
    return np.asarray(np.minimum((share * MOST_BLOCKS).astype(np.int64), MOST_BLOCKS - 1))
