"""What changes from one routing order to another, in words."""

from collections.abc import Mapping, Sequence

from payorch.domain.routing_policy import PolicyEntry


def difference(
    before: Sequence[PolicyEntry], after: Sequence[PolicyEntry], names: Mapping[str, str]
) -> list[str]:
    """One sentence per provider whose tier or weight changes, in the new order."""
    old = {entry.provider_code: entry for entry in before}
    sentences = []
    for entry in sorted(after, key=lambda e: e.tier):
        sentence = _change(old.get(entry.provider_code), entry)
        if sentence:
            sentences.append(f"{names.get(entry.provider_code, entry.provider_code)}: {sentence}")
    kept = {entry.provider_code for entry in after}
    sentences += [f"{names.get(code, code)}: removed" for code in old if code not in kept]
    return sentences


def in_words(entries: Sequence[PolicyEntry], names: Mapping[str, str]) -> list[str]:
    """One line per tier: "Alpha", or "Beta (60%), Gamma (40%)" where weights split it."""
    lines = []
    for tier in sorted({entry.tier for entry in entries}):
        members = [entry for entry in entries if entry.tier == tier]
        shares = shares_of(members)
        lines.append(
            ", ".join(
                names.get(e.provider_code, e.provider_code)
                + (f" ({shares[e.provider_code]})" if len(members) > 1 else "")
                for e in members
            )
        )
    return lines


def shares_of(tier: Sequence[PolicyEntry]) -> dict[str, str]:
    """Which share of a tier's orders each of its providers gets first, as text."""
    total = sum(entry.weight for entry in tier)
    if total == 0:
        return {entry.provider_code: "as listed" for entry in tier}
    return {
        entry.provider_code: f"{entry.weight / total:.0%}" if entry.weight else "last"
        for entry in tier
    }


def _change(old: PolicyEntry | None, new: PolicyEntry) -> str:
    if old is None:
        return f"new, in tier {new.tier}"
    parts = []
    if old.tier != new.tier:
        parts.append(f"tier {old.tier} → {new.tier}")
    if old.weight != new.weight:
        parts.append(f"weight {old.weight} → {new.weight}")
    return ", ".join(parts)
