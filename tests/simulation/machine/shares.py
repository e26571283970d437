"""The machine in several processes at once, each with a share of the examples and a database."""

from __future__ import annotations

import multiprocessing
import random
import traceback
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import open_database
from tests.simulation.machine.payment_machine import machine_on
from tests.simulation.world import quick_and_quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payorch.infrastructure.persistence.database import Database

QUIET = list(HealthCheck)


def run_machine(
    database: Database,
    examples: int,
    steps: int,
    *,
    chance: int | None = None,
    phases: Sequence[Phase] = tuple(Phase),
) -> None:
    """Raises what went wrong. `chance` is the seed of the examples; None: the same ones again."""
    machine = machine_on(database)
    with quick_and_quiet():
        run_state_machine_as_test(
            machine if chance is None else seed(chance)(machine),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=chance is None,
                phases=phases,
                report_multiple_bugs=False,
                suppress_health_check=QUIET,
            ),
        )


def run_shares(urls: list[str], examples: int, steps: int, *, is_repeatable: bool) -> list[str]:
    """What went wrong, one text for each share in which something did.

    Each database gets `examples` of its own; with `is_repeatable` they are the same each time.
    """
    first = 0 if is_repeatable else random.SystemRandom().getrandbits(48)
    shares = [(url, examples, steps, first + place) for place, url in enumerate(urls)]
    with multiprocessing.get_context("spawn").Pool(len(urls)) as pool:
        return [text for text in pool.starmap(_run_share, shares) if text is not None]


def _run_share(url: str, examples: int, steps: int, chance: int) -> str | None:
    try:
        with open_database(url) as database:
            run_machine(database, examples, steps, chance=chance)
    except Exception:  # noqa: BLE001 - told to the test, as text: not every error can be sent
        return traceback.format_exc()
    return None
