"""Whether somebody notices when payorch is broken: the control of the simulator itself."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.simulation import world
from tests.simulation.world import Theatre, tell_story

if TYPE_CHECKING:
    from tests.simulation.mutant import Mutant


@dataclass(frozen=True, slots=True)
class Catch:
    """The first story in which somebody noticed."""

    seed: int
    finding: str


def catch(mutant: Mutant, *, most_seeds: int) -> Catch | None:
    """The first seed whose story goes wrong with the mutant, and only with it."""
    theatre, healthy = Theatre(mutant.change_schema), Theatre()
    worked_out: dict[tuple[str, str], Any] = {}
    for seed in range(most_seeds):
        with patch.object(world, "_once", worked_out), (mutant.applied or nullcontext)():
            finding = _first_finding(theatre, seed)
        if finding is not None and _first_finding(healthy, seed) is None:
            return Catch(seed, finding)
    return None


def _first_finding(theatre: Theatre, seed: int) -> str | None:
    try:
        story = tell_story(theatre, seed)
    except Exception as error:  # noqa: BLE001 - broken code may break, too
        return f"broke: {error!r}"
    for finding in story.findings:
        if any(name in finding for name in ("TypeError", "AttributeError")):
            raise AssertionError(f"The mutant does not fit the code any more: {finding}")
    return story.findings[0] if story.findings else None
