"""Medians, the machine, and a table that says what it compares."""

import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `goal` is performance.md's floor and aim, as text."""

    id: str
    what: str
    value: str
    goal: str


def table(figures: Sequence[Figure]) -> str:
    rows = [("#", "what", "measured", "floor / aim"), ("---", "---", "---", "---")]
    rows += [(figure.id, figure.what, figure.value, figure.goal) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def spread(values: Sequence[float]) -> str:
    """Lowest to highest of the rounds, so that a noisy run shows itself."""
    return f"{min(values):,.0f}-{max(values):,.0f}"


def times_ms(run: Callable[[], object], rounds: int) -> list[float]:
    """Of each round, after one that is not counted."""
    run()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1000)
    return times


def median_and_p95(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f} / {sorted(times)[ceil(len(times) * 0.95) - 1]:.0f}"


def machine() -> str:
    return (
        f"{os.cpu_count()} cores ({_processor()}), load {os.getloadavg()[0]:.1f} at the start, "
        f"Linux {platform.release()}, Python {sys.version.split()[0]}, "
        f"SQLite {sqlite3.sqlite_version}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
