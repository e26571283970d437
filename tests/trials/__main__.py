"""`python -m tests.trials --runs 2000`: how trials end that are looked at every day."""

import argparse
import time

from payorch.domain.trial_evidence import orders_needed
from tests.trials.operating_characteristics import outcomes_of
from tests.trials.world import World, drifting, steady

WORLDS = (
    World(name="A/A, 10 %", share=0.1, orders_per_day=1000, conversion=steady),
    World(name="A/A, 50 %", share=0.5, orders_per_day=1000, conversion=steady),
    World(name="A/A, 50 orders a day", share=0.5, orders_per_day=50, conversion=steady),
    World(name="A/A, drift", share=0.1, orders_per_day=1000, conversion=drifting),
    *(
        World(
            name=f"{difference:+.0%} at {share:.0%}, {about}",
            share=share,
            orders_per_day=1000,
            conversion=conversion,
            difference=difference,
        )
        for difference in (0.01, 0.02, 0.03, -0.03)
        for share in (0.1, 0.5)
        for about, conversion in (("steady", steady), ("drift", drifting))
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.trials")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.runs} trials each, looked at daily for 60 days")  # noqa: T201
    for world in WORLDS:
        began = time.monotonic()
        found = outcomes_of(world, chosen.runs, seed=chosen.seed)
        guess = "-"
        if world.difference:
            guess = str(orders_needed(0.82, world.difference, world.share))
        print(  # noqa: T201
            f"{world.name}: winner {found.named:.1%} (wrong {found.named_wrongly:.1%}), daily "
            f"z-test {found.named_by_z_test:.1%}, interval held {found.interval_held:.1%}, "
            f"median day {found.days}, settled {found.settled}, said for 4 of 5: {guess}; "
            f"{time.monotonic() - began:.0f} s"
        )


if __name__ == "__main__":
    main()
