"""How long customers would have waited: the attempts' times, added up along each way of trying.

Each provider's times are those that were measured, apart for attempts that ended it and for those
after which the next was tried; how often each way is gone is the model's.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from payorch.domain.attempt_stats import Interval
from payorch.domain.policy_replay import LoggedDecision, ReplayedFigure
from payorch.infrastructure.replay.outcome_model import PRIOR
from payorch.infrastructure.replay.plan import Plan
from payorch.infrastructure.replay.policy_tree import Tables, Treatment
from payorch.infrastructure.replay.traffic import GRID_MS, Floats, Traffic
from payorch.infrastructure.replay.weighing import logged_chance

LONGEST_MS = 60_000
SHARE = 0.95
_Z_95 = 1.959963984540054
_STEPS = LONGEST_MS // GRID_MS

Ways = defaultdict[tuple[str, ...], float]
"""How often the attempts of a submission were these."""


def times_to_result(
    traffic: Traffic,
    plan: Plan,
    among: NDArray[np.bool_],
    *,
    tables: Tables,
    numbers: Mapping[str, int],
    most: int,
) -> ReplayedFigure:
    """The 95th percentile in milliseconds; the interval is of a sample of this size."""
    was: Ways = defaultdict(float)
    will: Ways = defaultdict(float)
    reached = [np.zeros((tables.log_odds.shape[1], 1)) for _ in plan.treatments]
    for group in plan.groups:
        rows = among[group.rows]
        count = float(plan.n[group.rows[rows]].sum())
        way = tuple(code for code, _ in group.path)
        was[way] += count
        if _is_treated_alike(plan.treatments[group.treatment], group.decision, most):
            will[way] += count
        else:
            np.add.at(reached[group.treatment][:, 0], group.cells[rows], plan.n[group.rows[rows]])
    for treatment, orders in zip(plan.treatments, reached, strict=True):
        if orders.any():
            _follow(
                treatment, (), orders * PRIOR, tables=tables, numbers=numbers, most=most, ways=will
            )
    times = _measured(traffic)
    before, _, _ = _percentile(was, times, traffic)
    after, low, high = _percentile(will, times, traffic)
    if _same(was, will):
        return ReplayedFigure(before, before, Interval(0.0, 0.0))
    return ReplayedFigure(before, after, Interval(low - before, high - before))


def _is_treated_alike(treatment: Treatment, decision: LoggedDecision, most: int) -> bool:
    """Whether the policy would surely have tried the same providers in the same order."""
    if decision.entries is None:
        return False
    tried: tuple[str, ...] = ()
    while len(tried) < most:
        chances = {c: p for c, p in treatment.next_chances(tried).items() if p > 0}
        if not chances:
            break
        if len(chances) > 1:
            return False
        code = next(iter(chances))
        if logged_chance(decision, tried, code, otherwise=0.0) < 1:
            return False
        tried = (*tried, code)
    return True


def _follow(
    treatment: Treatment,
    tried: tuple[str, ...],
    reached: Floats,
    *,
    tables: Tables,
    numbers: Mapping[str, int],
    most: int,
    ways: Ways,
) -> None:
    """Adds up how often each way is gone; `reached` counts orders by cell and readiness."""
    for code, chance in treatment.next_chances(tried).items():
        if chance <= 0:
            continue
        number = numbers[code]
        going_on = tables.going_on(number, tables.approval(number))
        here = (*tried, code)
        is_last = len(here) == most or not treatment.next_chances(here)
        staying = np.ones_like(going_on) if is_last else 1 - going_on
        ways[here] += float((chance * reached * staying).sum())
        if not is_last:
            _follow(
                treatment,
                here,
                chance * reached * going_on,
                tables=tables,
                numbers=numbers,
                most=most,
                ways=ways,
            )


def _measured(traffic: Traffic) -> dict[tuple[str, bool], Floats]:
    """Shares of the attempts by time, per provider and whether the next was tried."""
    times = {}
    for key, counts in traffic.latencies.items():
        shares = np.zeros(_STEPS)
        for step, count in counts.items():
            shares[min(step, _STEPS - 1)] += count
        times[key] = shares / shares.sum()
    return times


def _percentile(
    ways: Ways, times: Mapping[tuple[str, bool], Floats], traffic: Traffic
) -> tuple[float, float, float]:
    total = np.zeros(_STEPS)
    everything = sum(ways.values())
    spread = 0.0
    for way, count in ways.items():
        spent = None
        for place, code in enumerate(way):
            one = _time_of(code, times, goes_on=place + 1 < len(way))
            spent = one if spent is None else _added(spent, one)
        if spent is not None and everything:
            total += count / everything * spent
    for code in {code for way in ways for code in way}:
        measured = sum(counts.total() for (c, _), counts in traffic.latencies.items() if c == code)
        part = sum(count for way, count in ways.items() if code in way) / max(everything, 1e-9)
        spread += part**2 / max(measured, 1)
    reach = _Z_95 * float(np.sqrt(SHARE * (1 - SHARE) * spread))
    below = np.cumsum(total)

    def at(share: float) -> float:
        return float(np.searchsorted(below, min(share, below[-1] - 1e-12)) + 0.5) * GRID_MS

    return at(SHARE), at(SHARE - reach), at(min(SHARE + reach, 0.999))


def _time_of(code: str, times: Mapping[tuple[str, bool], Floats], *, goes_on: bool) -> Floats:
    """Of a provider that was never measured so: however else it was measured, else nothing."""
    nothing = np.zeros(_STEPS)
    nothing[0] = 1.0
    return times.get((code, goes_on), times.get((code, not goes_on), nothing))


def _added(one: Floats, other: Floats) -> Floats:
    size = 2 * _STEPS
    spent = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size), size)
    result = np.maximum(spent[:_STEPS], 0.0)
    result[-1] += max(1.0 - float(result.sum()), 0.0)
    return np.asarray(result)


def _same(one: Ways, other: Ways) -> bool:
    return all(abs(one[way] - other[way]) < 1e-6 for way in {*one, *other})
