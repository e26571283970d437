"""`python -m tests.simulation`: tells stories and prints what was found. See the package."""

import argparse
import sys
import time

from tests.simulation.runs import Tally, findings_of
from tests.simulation.world import Theatre, tell_story


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000, help="how many stories")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--crash-at", type=int, help="one crash, at this seam, and no other")
    parser.add_argument("--trace", action="store_true", help="print each story")
    arguments = parser.parse_args()

    theatre = Theatre()
    tally = Tally()
    began = time.perf_counter()
    for seed in range(arguments.start, arguments.start + arguments.seeds):
        story = tell_story(theatre, seed, crash_at=arguments.crash_at, is_traced=arguments.trace)
        tally.add(story)
        _say(*story.trace)
        _say(*findings_of(story))
    _say(tally.line(time.perf_counter() - began))
    return 1 if tally.findings else 0


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
