"""A routing order that is being edited: what the form holds before anything is published.

All rules of moving live here and not in the script, so that dragging, arrow keys, buttons and
numbers lead to the same order, with and without JavaScript.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import MAX_WEIGHT, PolicyEntry, RoutingPolicy

MAX_TIER = 99
DEFAULT_WEIGHT = 1


@dataclass(frozen=True, slots=True)
class RoutingDraft:
    """`entries` are in the order shown; tiers are dense: 1, 2, 3 ... without gaps."""

    based_on_version: int
    entries: tuple[PolicyEntry, ...]

    @classmethod
    def of(cls, policy: RoutingPolicy, methods: Sequence[PaymentMethodVO]) -> Self:
        """The policy in force, with the providers that it does not know yet at its end."""
        return cls.from_entries(policy.version, policy.entries, methods)

    @classmethod
    def from_entries(
        cls,
        based_on_version: int,
        entries: Iterable[PolicyEntry],
        methods: Sequence[PaymentMethodVO],
    ) -> Self:
        """`entries` fitted to today's providers: unknown ones go, missing ones come last."""
        known = [method.code for method in methods]
        kept = [entry for entry in entries if entry.provider_code in known]
        last = max((entry.tier for entry in kept), default=0)
        named = {entry.provider_code for entry in kept}
        missing = [code for code in known if code not in named]
        kept += [
            PolicyEntry(code, last + number, DEFAULT_WEIGHT)
            for number, code in enumerate(missing, start=1)
        ]
        return cls(based_on_version, dense(kept))

    def moved(self, code: str, to: int) -> Self:
        """`code` at place `to` (0 is first; places beyond the ends mean the ends).

        Between two providers of one tier it joins them; anywhere else it is a tier of its own.
        """
        moving = next((e for e in self.entries if e.provider_code == code), None)
        if moving is None:
            return self
        others = [entry for entry in self.entries if entry is not moving]
        place = max(0, min(to, len(others)))
        before, after = others[:place], others[place:]
        if before and after and before[-1].tier == after[0].tier:
            tier = before[-1].tier
        else:
            # Room for one more tier between those before and those after.
            after = [replace(entry, tier=entry.tier + 2) for entry in after]
            tier = (before[-1].tier if before else 0) + 1
        return replace(self, entries=dense([*before, replace(moving, tier=tier), *after]))

    def place_of(self, code: str) -> int:
        return next(
            (index for index, entry in enumerate(self.entries) if entry.provider_code == code), -1
        )

    def differs_from(self, policy: RoutingPolicy) -> bool:
        return set(self.entries) != set(dense(policy.entries))


@dataclass(frozen=True, slots=True)
class PostedBoard:
    """The board's form as it came. `problems` are by field name; `texts` hold what was typed."""

    draft: RoutingDraft
    problems: Mapping[str, str]
    texts: Mapping[str, str]

    @classmethod
    def read(
        cls, form: Mapping[str, str], codes: Sequence[str], methods: Sequence[PaymentMethodVO]
    ) -> Self:
        """`codes` are the providers in the order of the page."""
        problems: dict[str, str] = {}
        texts: dict[str, str] = {}

        def number(name: str, low: int, high: int, otherwise: int) -> int:
            text = form.get(name, "").strip()
            texts[name] = text[:12]
            if text.isascii() and text.isdecimal() and len(text) <= 6 and low <= int(text) <= high:
                return int(text)
            problems[name] = f"A whole number from {low} to {high}."
            return otherwise

        entries = [
            PolicyEntry(
                code,
                number(f"tier-{code}", 1, MAX_TIER, place),
                number(f"weight-{code}", 0, MAX_WEIGHT, DEFAULT_WEIGHT),
            )
            for place, code in enumerate(dict.fromkeys(codes), start=1)
        ]
        version = form.get("version", "")
        base = int(version) if version.isascii() and version.isdecimal() else 0
        if problems:
            # While a number is wrong the rows stay where they are, else the page would jump.
            entries = [replace(entry, tier=n) for n, entry in enumerate(entries, start=1)]
        return cls(RoutingDraft.from_entries(base, entries, methods), problems, texts)


def dense(entries: Iterable[PolicyEntry]) -> tuple[PolicyEntry, ...]:
    """Sorted by tier, tiers renumbered 1, 2, 3 ...; equal tiers stay equal."""
    by_tier = sorted(entries, key=lambda entry: entry.tier)
    number = {tier: n for n, tier in enumerate(sorted({e.tier for e in by_tier}), start=1)}
    return tuple(replace(entry, tier=number[entry.tier]) for entry in by_tier)
