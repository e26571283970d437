"""`python -m tests.replay --runs 400`: the replay's intervals against a known truth."""

import argparse
import time

from tests.replay.coverage import SCENARIOS, coverage_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.replay")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{chosen.runs} runs each; shares of 95 % intervals that hold the truth")  # noqa: T201
    for scenario in SCENARIOS:
        began = time.monotonic()
        result = coverage_of(scenario, chosen.runs, seed=chosen.seed)
        covered = ", ".join(f"{name} {share:.1%}" for name, share in result.covered.items())
        bias = ", ".join(f"{name} {value:+.1f}" for name, value in result.bias_in_errors.items())
        print(f"{scenario.name}: {covered}")  # noqa: T201
        print(  # noqa: T201
            f"  first attempts: truth {result.truth:+.2%}, replay {result.estimate:+.2%} "
            f"+-{result.half_width:.2%}, bare rates {result.naive:+.2%}; "
            f"mean error in its standard errors: {bias}; {time.monotonic() - began:.0f} s"
        )


if __name__ == "__main__":
    main()
