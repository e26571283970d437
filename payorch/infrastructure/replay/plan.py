"""What a policy would do with each row of traffic, and which rows it treats alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from payorch.application.configuration import Segment
from payorch.domain.adaptive_shares import AdaptiveMode, Shares
from payorch.domain.policy_replay import LoggedDecision, OrderShape
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.tier_list import first_place_propensities
from payorch.infrastructure.replay.policy_tree import Treatment
from payorch.infrastructure.replay.traffic import Floats, Ints, Numbered, Rows, Traffic, counted
from payorch.infrastructure.replay.weighing import Group

AdaptiveShares = Mapping[Segment, Shares]
"""By which the first provider is drawn in adaptive mode, as they are now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows of equal treatment, kind of order, time, decision and path.

    `cell` counts the pairs of segment and block that occur; `cell_segment` and `cell_block` say
    which ones they are.
    """

    treatments: list[Treatment]
    groups: list[Group]
    decision: Ints
    path: Ints
    treatment: Ints
    cell: Ints
    cell_segment: Ints
    cell_block: Ints
    n: Floats
    sum_amount: Floats
    sum_square: Floats

    @property
    def rows(self) -> int:
        return len(self.n)


def plan_for(traffic: Traffic, policy: RoutingPolicy, shares: AdaptiveShares) -> Plan:
    kinds, amounts = _kinds_of_amounts(traffic, policy)
    rows, kind = traffic.rows(kinds)
    treatment_of, treatments = _treatments(
        traffic, policy, shares, rows=rows, kind=kind, amounts=amounts
    )
    return _counted_together(traffic, rows, treatment_of, treatments)


def _kinds_of_amounts(
    traffic: Traffic, policy: RoutingPolicy
) -> tuple[Ints | None, Mapping[int, int]]:
    """Which orders the policy's rules tell apart by amount, and an amount of each kind."""
    cuts: set[int] = set()
    for rule in policy.rules:
        if (amount := rule.conditions.amount) is not None:
            cuts |= {amount.min_minor} if amount.min_minor is not None else set()
            cuts |= {amount.max_minor + 1} if amount.max_minor is not None else set()
    if not cuts:
        return None, {0: 1}
    borders = sorted(cuts)
    kinds = np.searchsorted(np.array(borders, dtype=np.float64), traffic.amounts, side="right")
    return kinds.astype(np.int64), {0: borders[0] - 1} | {
        number + 1: border for number, border in enumerate(borders)
    }


def _treatments(
    traffic: Traffic,
    policy: RoutingPolicy,
    shares: AdaptiveShares,
    *,
    rows: Rows,
    kind: Ints,
    amounts: Mapping[int, int],
) -> tuple[Ints, list[Treatment]]:
    sizes = (len(traffic.shapes), len(traffic.decisions), len(amounts))
    keys = np.ravel_multi_index((rows.shape, rows.decision, kind), sizes)
    unique, inverse = np.unique(keys, return_inverse=True)
    numbered: Numbered[Treatment] = Numbered()
    numbers = [
        numbered.number_of(
            treatment_of(
                policy, shares, traffic.shapes[shape], traffic.decisions[decision], amounts[number]
            )
        )
        for shape, decision, number in zip(
            *(part.tolist() for part in np.unravel_index(unique, sizes)), strict=True
        )
    ]
    return np.array(numbers, dtype=np.int64)[inverse], numbered.things


def treatment_of(
    policy: RoutingPolicy,
    shares: AdaptiveShares,
    shape: OrderShape,
    decision: LoggedDecision,
    amount_minor: int,
) -> Treatment:
    """The policy's chances and tier list for an order like this, among who could take it then."""
    order = policy.order_for(shape.facts(amount_minor))
    taking_part = tuple(e for e in order.entries if e.provider_code in decision.eligible)
    eligible = frozenset(entry.provider_code for entry in taking_part)
    if decision.preferred in eligible:
        return Treatment(((str(decision.preferred), 1.0),), taking_part, eligible)
    first_shares = None
    if policy.adaptive.mode is AdaptiveMode.ON and order.rule is None and shape.kind is not None:
        first_shares = shares.get(Segment(shape.currency, shape.kind))
    chances = first_place_propensities(taking_part, policy.exploration_share, first_shares)
    return Treatment(tuple(chances.items()), taking_part, eligible)


def _counted_together(
    traffic: Traffic, rows: Rows, treatment: Ints, treatments: list[Treatment]
) -> Plan:
    segment = traffic.segment_of[rows.shape]
    columns = (treatment, rows.decision, rows.path, segment, rows.block)
    sizes = (
        len(treatments),
        len(traffic.decisions),
        len(traffic.paths),
        len(traffic.segments),
        traffic.blocks,
    )
    unique, inverse = np.unique(np.ravel_multi_index(columns, sizes), return_inverse=True)
    treatment, decision, path, segment, block = (
        part.astype(np.int64) for part in np.unravel_index(unique, sizes)
    )
    cells, cell = np.unique(segment * traffic.blocks + block, return_inverse=True)
    return Plan(
        treatments=treatments,
        groups=_groups(traffic, (treatment, decision, path), cell.astype(np.int64)),
        decision=decision,
        path=path,
        treatment=treatment,
        cell=cell.astype(np.int64),
        cell_segment=cells // traffic.blocks,
        cell_block=cells % traffic.blocks,
        n=counted(inverse, rows.n, len(unique)),
        sum_amount=counted(inverse, rows.sum_amount, len(unique)),
        sum_square=counted(inverse, rows.sum_square, len(unique)),
    )


def _groups(traffic: Traffic, columns: Sequence[Ints], cell: Ints) -> list[Group]:
    """Rows come sorted by treatment, decision and path, so a group is a stretch of them."""
    if not len(cell):
        return []
    changes = np.any([np.diff(column) != 0 for column in columns], axis=0)
    starts = np.concatenate([[0], np.nonzero(changes)[0] + 1, [len(cell)]])
    groups = []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        treatment, decision, path = (int(column[start]) for column in columns)
        groups.append(
            Group(
                treatment,
                traffic.decisions[decision],
                traffic.paths[path],
                np.arange(start, end),
                cell[start:end],
            )
        )
    return groups
