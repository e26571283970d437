"""Many stories at once, their figures in one line, and how to tell one of them again."""

import multiprocessing
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.world import Story, Theatre, tell_story

MOST_FINDINGS_SHOWN = 10


@dataclass(slots=True)
class Tally:
    seeds: int = 0
    crashes: int = 0
    orders: int = 0
    charges: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, story: Story) -> None:
        self.seeds += 1
        self.crashes += story.crashes
        self.orders += story.orders
        self.charges += story.charges
        self.findings += findings_of(story)

    def join(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.crashes += other.crashes
        self.orders += other.orders
        self.charges += other.charges
        self.findings += other.findings

    def line(self, took_s: float) -> str:
        return (
            f"simulation: {self.seeds} stories, {self.crashes} crashes, {self.orders} orders, "
            f"{self.charges} payments at providers, {len(self.findings)} findings, "
            f"{took_s:.1f} s ({self.seeds / took_s:.0f} stories/s)"
        )

    def report(self) -> str:
        """For a failed assertion: what was found, and how to see it."""
        return "\n".join(self.findings[:MOST_FINDINGS_SHOWN])


def findings_of(story: Story) -> list[str]:
    return [
        f"seed {story.seed}: {finding}\n    {replay_command(story)}" for finding in story.findings
    ]


def replay_command(story: Story) -> str:
    crash = "" if story.crash_at is None else f" --crash-at {story.crash_at}"
    return f"python -m tests.simulation --seeds 1 --start {story.seed}{crash} --trace"


def tell(theatre: Theatre, seeds: Iterable[int]) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.add(tell_story(theatre, seed))
    return tally


def crash_everywhere(theatre: Theatre, seeds: Iterable[int], *, every: int = 1) -> Tally:
    """Each seed once without a crash, and then with one at each of its seams.

    `every` n looks at each n-th seam only, starting at another one for each seed.
    """
    tally = Tally()
    for seed in seeds:
        calm = tell_story(theatre, seed, crash_at=0)
        tally.add(calm)
        for place in range(1 + seed % every, calm.points + 1, every):
            tally.add(tell_story(theatre, seed, crash_at=place))
    return tally


def tell_in_processes(seeds: range, *, processes: int) -> Tally:
    """Half of the seeds, or a third, in each process."""
    shares = [seeds[n::processes] for n in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return _joined(pool.map(_tell_share, shares))


def crash_in_processes(seeds: range, *, processes: int, every: int = 1) -> Tally:
    shares = [seeds[n::processes] for n in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return _joined(pool.map(partial(_crash_share, every=every), shares))


def publish(tally: Tally, began: float) -> None:
    """The run's figures in one line; `began` is of perf_counter."""
    print(tally.line(time.perf_counter() - began))  # noqa: T201 - pytest -s and the nights show it


def _tell_share(seeds: range) -> Tally:
    return tell(Theatre(), seeds)


def _crash_share(seeds: range, *, every: int) -> Tally:
    return crash_everywhere(Theatre(), seeds, every=every)


def _joined(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.join(tally)
    return whole
