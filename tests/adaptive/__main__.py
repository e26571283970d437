"""Adaptive routing against a fixed order, the best one in hindsight, and a sliding window.

python -m tests.adaptive --help
"""

from statistics import mean

import click

from payorch.domain.adaptive_shares import AdaptiveSettings
from tests.adaptive.strategies import ORDER, Adaptive, Fixed, LastOutcomes
from tests.adaptive.world import SCENARIOS, Scenario, Score, Strategy, best_in_hindsight, play


def contestants(scenario: Scenario, settings: AdaptiveSettings) -> tuple[Strategy, ...]:
    best = best_in_hindsight(scenario)
    return (
        Fixed(ORDER[0]),
        Fixed(best, f"best in hindsight ({best})"),
        LastOutcomes(settings),
        Adaptive(settings),
    )


def compare(scenario: Scenario, seeds: range) -> dict[str, list[Score]]:
    """The scores of each contestant, by its name."""
    settings = AdaptiveSettings()
    scores: dict[str, list[Score]] = {}
    for seed in seeds:
        for strategy in contestants(scenario, settings):
            scores.setdefault(strategy.name, []).append(play(scenario, strategy, seed))
    return scores


@click.command(help=__doc__)
@click.option("--seeds", default=5, show_default=True, help="Runs of each scenario.")
def main(seeds: int) -> None:
    click.echo(f"{'':28}{'regret':>9}{'wrong leader':>14}{'reaction':>10}")
    click.echo(f"{'':28}{'/ 1,000':>9}{'of minutes':>14}{'min':>10}")
    for scenario in SCENARIOS:
        click.echo(scenario.name)
        for name, scores in compare(scenario, range(seeds)).items():
            reactions = [score.reaction_min for score in scores]
            reaction = "" if scenario.outage is None else "never"
            if scenario.outage is not None and None not in reactions:
                reaction = f"{mean(r for r in reactions if r is not None):.1f}"
            click.echo(
                f"  {name:26}{mean(s.regret for s in scores):9.2f}"
                f"{mean(s.wrong_leader for s in scores):14.1%}{reaction:>10}"
            )


if __name__ == "__main__":
    main()
