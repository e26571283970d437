"""The estimate of each row: the model's word, corrected by what was really seen.

Doubly robust and step by step: where the log left a choice to chance, the difference between
what happened and what the model expected counts by the inverse of that chance. The result is then
unbiased whatever the model believes; where chance had no part, the model stands alone.
Source: Jiang & Li 2016, "Doubly robust off-policy value evaluation", section 4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from payorch.domain.policy_replay import LoggedDecision, Path, Step
from payorch.infrastructure.replay.outcome_model import PRIOR
from payorch.infrastructure.replay.policy_tree import (
    Node,
    PolicyTree,
    Rewards,
    Tables,
    Treatment,
    next_chances,
)
from payorch.infrastructure.replay.traffic import Floats, Ints


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one treatment, decision and path; they differ by cell only."""

    treatment: int
    decision: LoggedDecision
    path: Path
    rows: Ints
    cells: Ints


def would_be(
    tables: Tables,
    rewards: Rewards,
    treatments: Iterable[Treatment],
    groups: Iterable[Group],
    *,
    numbers: Mapping[str, int],
    most: int,
    trusted: frozenset[str],
    rows: int,
) -> Floats:
    """Figures x rows. `trusted`: providers with enough chance in the log to be weighted by it."""
    tree = PolicyTree(tables, rewards, numbers, most)
    roots = [tree.grow(treatment) for treatment in treatments]
    approval = [tables.approval(number) for number in range(len(numbers))]
    estimate = np.zeros((len(rewards.first), rows))
    for group in groups:
        estimate[:, group.rows] = _weighed(
            roots[group.treatment],
            group,
            approval=approval,
            rewards=rewards,
            numbers=numbers,
            trusted=trusted,
        )
    return estimate


def as_it_was(
    rewards: Rewards, groups: Iterable[Group], numbers: Mapping[str, int], rows: int
) -> Floats:
    """Figures x rows, of what happened."""
    seen = np.zeros((len(rewards.first), rows))
    for group in groups:
        for place, (code, step) in enumerate(group.path):
            seen[:, group.rows] += rewards.observed(
                numbers[code], step, group.cells, is_first=place == 0
            )
    return seen


def _weighed(
    root: Node,
    group: Group,
    *,
    approval: list[Floats],
    rewards: Rewards,
    numbers: Mapping[str, int],
    trusted: frozenset[str],
) -> Floats:
    node = root
    belief = np.broadcast_to(PRIOR, (len(group.cells), len(PRIOR)))
    estimate = _under(belief, node.value[:, group.cells])
    weight = 1.0
    tried: tuple[str, ...] = ()
    for place, (code, step) in enumerate(group.path):
        branch = node.branches.get(numbers[code])
        logged = logged_chance(group.decision, tried, code)
        if branch is None or (logged < 1 and place == 0 and code not in trusted):
            break
        weight *= branch.chance / logged
        seen = rewards.observed(numbers[code], step, group.cells, is_first=place == 0)
        expected = _under(belief, branch.value[:, group.cells])
        if step in {Step.FALLS_BACK, Step.REFUSED}:
            belief = belief * (1 - approval[numbers[code]][group.cells])
            belief = belief / belief.sum(axis=1, keepdims=True)
        follows = np.zeros_like(seen)
        if step.goes_on and branch.after.branches:
            follows = _under(belief, branch.after.value[:, group.cells])
        estimate = estimate + weight * (seen + follows - expected)
        node = branch.after
        tried = (*tried, code)
    return np.asarray(estimate)


def logged_chance(
    decision: LoggedDecision, tried: tuple[str, ...], code: str, *, otherwise: float = 1.0
) -> float:
    """How likely the log was to try this provider now; `otherwise` where it had no chance or the
    policy of that time is not known. What happened had one, so chance had no part in it: 1.
    """
    if not tried:
        chance = dict(decision.first_chances).get(code, 0.0)
    elif decision.entries is None:
        chance = 0.0
    else:
        left = decision.eligible.difference(tried)
        chance = next_chances(decision.entries, left).get(code, 0.0)
    return chance if chance > 0 else otherwise


def _under(belief: Floats, value: Floats) -> Floats:
    """Figures x rows, from figures x rows x points."""
    return np.asarray(np.einsum("rq,frq->fr", belief, value))
