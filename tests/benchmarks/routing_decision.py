"""What a routing decision costs, with many rules, against one without any in the same process.

    python -m tests.benchmarks.routing_decision --help

Decides in memory, as a payment does after its order was read: no database, no provider. The
order is one that only the last rule admits, so that all of them are looked at.
"""

import timeit
from collections.abc import Callable
from random import Random
from statistics import median

import click

from payorch.application.configuration import Configuration
from payorch.application.payment_method_registry import PaymentMethodRegistry, RoutingQuestion
from payorch.domain.money import Money
from payorch.domain.payment_method import MethodKind, PaymentMethodVO
from payorch.domain.routing_policy import MAX_RULES, PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from tests.benchmarks.figures import Figure, machine, table

PROVIDERS = 8
BIN_PREFIXES = 200
GOAL_US = 1000


class ClosedCircuits:
    """No provider fails."""

    def follow(self, _revision: int) -> None:
        """Nobody changes anything."""

    def is_held_open(self, _code: str) -> bool:
        return False

    def is_open(self, _code: str) -> bool:
        return False

    def recent_failure_share(self, _code: str) -> float:
        return 0.0


class OneConfiguration:
    def __init__(self, policy: RoutingPolicy) -> None:
        methods = tuple(
            PaymentMethodVO(code, code.title(), MethodKind.CARD, "sandbox", code)
            for code in _codes()
        )
        self._configuration = Configuration(1, methods, policy)

    def load_configuration(self) -> Configuration:
        return self._configuration


def _codes() -> list[str]:
    return [f"provider{number}" for number in range(PROVIDERS)]


def _policy(rules: int) -> RoutingPolicy:
    entries = tuple(PolicyEntry(code, 1 + n // 2, 50) for n, code in enumerate(_codes()))
    return RoutingPolicy(1, entries, 0.02, tuple(_rule(n, rules) for n in range(rules)))


def _rule(number: int, rules: int) -> RoutingRule:
    """Each is refused by its last condition; the last one admits the order."""
    prefixes = frozenset(str(42_000_000 + number * BIN_PREFIXES + n) for n in range(BIN_PREFIXES))
    is_last = number == rules - 1
    return RoutingRule(
        f"Rule {number}",
        RuleConditions(
            currencies=frozenset({"EUR", "USD"}),
            countries=frozenset({"DE", "FR", "ES"}),
            amount=AmountRange("EUR", 100, 1_000_000),
            bin_prefixes=frozenset({"42424242"}) if is_last else prefixes,
        ),
        tuple(PolicyEntry(code, 1 + n // 3, 30) for n, code in enumerate(reversed(_codes()))),
    )


def _decision(policy: RoutingPolicy) -> Callable[[], object]:
    registry = PaymentMethodRegistry(
        repository=OneConfiguration(policy),
        current_revision=lambda: 1,
        circuits=ClosedCircuits(),
        is_connected=lambda _method: True,
        random=Random(1).random,
        allow_direct_cards=False,
        max_providers=3,
    )
    question = RoutingQuestion(
        Money(2500, "EUR"),
        "DE",
        frozenset(),
        has_typed_card=True,
        preferred_provider=None,
        card_brand="visa",
        card_bin="42424242",
    )
    return lambda: registry.decide(question, revision=1)


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=15, type=click.IntRange(1))
@click.option("--decisions", default=2000, type=click.IntRange(1), help="In each round.")
@click.option("--rules", default=MAX_RULES, type=click.IntRange(1, MAX_RULES))
@click.option("--smoke", is_flag=True, help="One short round: does it still run?")
def main(*, rounds: int, decisions: int, rules: int, smoke: bool) -> None:
    """Microseconds per decision, without rules and with many."""
    if smoke:
        rounds, decisions = 1, 20
    plain, ruled = _decision(_policy(0)), _decision(_policy(rules))
    without, within = [], []
    for _ in range(rounds):
        without.append(timeit.timeit(plain, number=decisions) / decisions * 1e6)
        within.append(timeit.timeit(ruled, number=decisions) / decisions * 1e6)
    ratio = median(b / a for a, b in zip(without, within, strict=True))
    click.echo(f"machine: {machine()}")
    click.echo(f"{PROVIDERS} providers, {rounds} rounds of {decisions} decisions\n")
    click.echo(
        table(
            [
                Figure("", "decision without rules, us", f"{median(without):.0f}", ""),
                Figure(
                    "",
                    f"decision by the last of {rules} rules, us",
                    f"{median(within):.0f}",
                    f"<= {GOAL_US}",
                ),
                Figure("", "with rules / without", f"{ratio:.2f}", ""),
            ]
        )
    )


if __name__ == "__main__":
    main()
