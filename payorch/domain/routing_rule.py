"""A rule of the routing policy: for which orders another tier list is used, and which.

A condition that names nothing admits everything; all conditions of a rule must admit the order.
What is not known of an order (the brand of a card that is typed elsewhere) admits no condition
that names it: a rule is never used on a guess.
"""

import re
from dataclasses import dataclass

from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.instrument import card_brand
from payorch.domain.payment_method import MethodKind
from payorch.domain.tier_list import PolicyEntry, check_entries

MAX_NAME_LENGTH = 60
MAX_BIN_PREFIXES = 500

BIN_LENGTHS = (6, 7, 8)
"""An issuer identification number has eight digits, and had six. Source: ISO/IEC 7812-1:2017."""

_CODE = {"currencies": re.compile("[A-Z]{3}"), "countries": re.compile("[A-Z]{2}")}
_BIN_PREFIX = re.compile("[0-9]{6,8}")
_CARDS = frozenset({MethodKind.CARD})


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What rules can look at. None is "not known"; `card_bin` has at most eight digits."""

    currency: str
    amount_minor: int
    country: str
    kind: MethodKind | None = None
    card_brand: str | None = None
    card_bin: str | None = None


@dataclass(frozen=True, slots=True)
class AmountRange:
    """Inclusive bounds in minor units; None is unbounded. No other currency is admitted."""

    currency: str
    min_minor: int | None = None
    max_minor: int | None = None

    def admits(self, facts: OrderFacts) -> bool:
        return (
            facts.currency == self.currency
            and (self.min_minor is None or facts.amount_minor >= self.min_minor)
            and (self.max_minor is None or facts.amount_minor <= self.max_minor)
        )

    def covers(self, other: "AmountRange") -> bool:
        return (
            self.currency == other.currency
            and (self.min_minor is None or (other.min_minor or 0) >= self.min_minor)
            and (
                self.max_minor is None
                or (other.max_minor is not None and other.max_minor <= self.max_minor)
            )
        )


@dataclass(frozen=True, slots=True)
class RuleConditions:
    """Currencies and countries are ISO codes, brands as card_brand() names them."""

    currencies: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    amount: AmountRange | None = None
    kinds: frozenset[MethodKind] = frozenset()
    card_brands: frozenset[str] = frozenset()
    bin_prefixes: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        return self == RuleConditions()

    def admit(self, facts: OrderFacts) -> bool:
        return (
            (not self.currencies or facts.currency in self.currencies)
            and (not self.countries or facts.country in self.countries)
            and (self.amount is None or self.amount.admits(facts))
            and (not self.kinds or facts.kind in self.kinds)
            and (not self.card_brands or facts.card_brand in self.card_brands)
            and (not self.bin_prefixes or self._has_prefix_of(facts.card_bin or ""))
        )

    def cover(self, other: "RuleConditions") -> bool:
        """Whether every order that `other` admits is admitted by these conditions, too.

        False where that takes more than one look, such as at two amounts that adjoin.
        """
        return (
            _covers(self.currencies, other.implied_currencies)
            and _covers(self.countries, other.countries)
            and (
                self.amount is None
                or (other.amount is not None and self.amount.covers(other.amount))
            )
            and _covers(self.kinds, other.implied_kinds)
            and _covers(self.card_brands, other.implied_brands)
            and (
                not self.bin_prefixes
                or (
                    bool(other.bin_prefixes)
                    and all(self._has_prefix_of(prefix) for prefix in other.bin_prefixes)
                )
            )
        )

    @property
    def code_sets(self) -> tuple[frozenset[str], ...]:
        """All conditions but the amount."""
        return (
            self.currencies,
            self.countries,
            frozenset(kind.value for kind in self.kinds),
            self.card_brands,
            self.bin_prefixes,
        )

    @property
    def implied_currencies(self) -> frozenset[str]:
        return frozenset({self.amount.currency}) if self.amount else self.currencies

    @property
    def implied_kinds(self) -> frozenset[MethodKind]:
        return _CARDS if self.card_brands or self.bin_prefixes else self.kinds

    @property
    def implied_brands(self) -> frozenset[str]:
        return frozenset(card_brand(p) for p in self.bin_prefixes) or self.card_brands

    def _has_prefix_of(self, digits: str) -> bool:
        return any(
            digits[:length] in self.bin_prefixes for length in BIN_LENGTHS if length <= len(digits)
        )

    def check(self, where: str) -> None:
        """Raises InvalidRoutingPolicy for texts that are no codes, and for contradictions."""
        if self.is_empty:
            raise InvalidRoutingPolicy(
                f"{where} has no condition: give one, or change the default order instead."
            )
        for name, pattern in _CODE.items():
            for code in getattr(self, name):
                if not pattern.fullmatch(code):
                    raise InvalidRoutingPolicy(f"{where}: {code[:20]!r} is not among {name}.")
        self._check_amount(where)
        self._check_cards(where)

    def _check_amount(self, where: str) -> None:
        amount = self.amount
        if amount is None:
            return
        bounds = [bound for bound in (amount.min_minor, amount.max_minor) if bound is not None]
        if not bounds or min(bounds) < 0 or bounds != sorted(bounds):
            raise InvalidRoutingPolicy(
                f"{where}: an amount is from, to, or both, and from is not above to."
            )
        if self.currencies and amount.currency not in self.currencies:
            raise InvalidRoutingPolicy(
                f"{where} can never match: its amount is in {amount.currency}, "
                f"which is not among its currencies."
            )

    def _check_cards(self, where: str) -> None:
        if len(self.bin_prefixes) > MAX_BIN_PREFIXES:
            raise InvalidRoutingPolicy(f"{where}: at most {MAX_BIN_PREFIXES} BIN prefixes.")
        for prefix in sorted(self.bin_prefixes):
            if not _BIN_PREFIX.fullmatch(prefix):
                raise InvalidRoutingPolicy(f"{where}: a BIN prefix has six to eight digits.")
            if self.card_brands and card_brand(prefix) not in self.card_brands:
                raise InvalidRoutingPolicy(
                    f"{where}: {prefix} is {card_brand(prefix)}, which is not among its brands."
                )
        asks_for_card = self.card_brands or self.bin_prefixes
        if asks_for_card and self.kinds and MethodKind.CARD not in self.kinds:
            raise InvalidRoutingPolicy(
                f"{where} can never match: it asks for a card, but cards are not among its methods."
            )


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """`entries` is the rule's own tier list; `then_default`: the default order follows it.

    Without `then_default` no other provider is tried for these orders.
    """

    name: str
    conditions: RuleConditions
    entries: tuple[PolicyEntry, ...]
    then_default: bool = True

    def __post_init__(self) -> None:
        if not 0 < len(self.name.strip()) <= MAX_NAME_LENGTH or not self.name.isprintable():
            raise InvalidRoutingPolicy(f"A rule has a name of 1 to {MAX_NAME_LENGTH} letters.")
        if not self.entries:
            raise InvalidRoutingPolicy(f"{self} names no provider.")
        check_entries(self.entries, str(self))
        self.conditions.check(str(self))

    def __str__(self) -> str:
        return f"Rule “{self.name}”"


def _covers(these: frozenset[str], others: frozenset[str]) -> bool:
    return not these or (bool(others) and others <= these)
