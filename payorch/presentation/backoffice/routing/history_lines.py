"""The published versions as they are read: what each changed, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from payorch.application.configuration import PublishedPolicy
from payorch.application.policy_effect import PolicyEffect
from payorch.application.provider_figures import ComparedRate
from payorch.domain.routing_policy import RoutingPolicy
from payorch.presentation.backoffice.dashboard.metric_texts import (
    age_text,
    change_text,
    rate_basis_text,
    rate_text,
)
from payorch.presentation.backoffice.routing.policy_difference import policy_difference
from payorch.presentation.backoffice.routing.routing_draft import dense
from payorch.presentation.backoffice.routing.rule_words import PolicyWords, policy_in_words


@dataclass(frozen=True, slots=True)
class EffectRow:
    label: str
    before: str
    before_basis: str
    after: str
    after_basis: str
    change: str
    tone: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """`length` and `effects` are empty where nothing can be compared."""

    policy: PublishedPolicy
    changes: list[str]
    words: PolicyWords
    is_in_force: bool
    length: str = ""
    effects: tuple[EffectRow, ...] = ()


def history_lines(
    published: Sequence[PublishedPolicy],
    names: Mapping[str, str],
    version: int,
    effects: Mapping[int, PolicyEffect] | None = None,
) -> list[HistoryLine]:
    """One per policy of `published`, which is newest first; the oldest has nothing to differ from.

    So ask for one more than is to be shown.
    """
    by_version = {policy.version: policy for policy in published}
    lines = []
    for policy in published:
        before = by_version.get(policy.based_on_version or 0)
        effect = (effects or {}).get(policy.version)
        lines.append(
            HistoryLine(
                policy=policy,
                changes=_changes(before, policy, names),
                words=policy_in_words(policy.policy, names),
                is_in_force=policy.version == version,
                length=age_text(effect.length) if effect else "",
                effects=_effect_rows(effect) if effect else (),
            )
        )
    return lines


def _changes(
    before: PublishedPolicy | None, policy: PublishedPolicy, names: Mapping[str, str]
) -> list[str]:
    """Of the very first one, all of it."""
    if before is None:
        return policy_difference(RoutingPolicy(0, ()), policy.policy, names)
    old, new = (replace(p.policy, entries=dense(p.entries)) for p in (before, policy))
    return policy_difference(old, new, names)


def _effect_rows(effect: PolicyEffect) -> tuple[EffectRow, ...]:
    return (
        _effect_row("First-attempt approval", effect.first_approval),
        _effect_row("Order conversion", effect.order_conversion),
    )


def _effect_row(label: str, compared: ComparedRate) -> EffectRow:
    before = compared.before or compared.now
    tone = "neutral"
    if compared.is_clear and compared.delta is not None:
        tone = "success" if compared.delta > 0 else "danger"
    enough = compared.change is not None
    return EffectRow(
        label=label,
        before=rate_text(before),
        before_basis=rate_basis_text(before),
        after=rate_text(compared.now),
        after_basis=rate_basis_text(compared.now),
        change=(change_text(compared) or "") if enough else "Not enough data yet",
        tone=tone,
    )
