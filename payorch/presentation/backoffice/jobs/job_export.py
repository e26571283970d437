"""What the files of the background jobs hold of each: not what a job carries, which its page shows.

A payload may name what belongs to one person; how a job went belongs to nobody.
"""

from collections.abc import Callable, Mapping

from payorch.infrastructure.persistence.tables.jobs import JobRow
from payorch.presentation.export_cells import Cell, text_cell, time_cell

JOB_CELLS: Mapping[str, Callable[[JobRow], Cell]] = {
    "job": lambda row: str(row.id),
    "kind": lambda row: row.kind,
    "queue": lambda row: row.queue,
    "destination": lambda row: text_cell(row.destination),
    "state": lambda row: row.state.value,
    "attempts": lambda row: row.attempts,
    "max_attempts": lambda row: row.max_attempts,
    "created_at": lambda row: time_cell(row.created_at),
    "run_at": lambda row: time_cell(row.run_at),
    "finished_at": lambda row: time_cell(row.finished_at),
    "dedup_key": lambda row: text_cell(row.dedup_key),
    "last_error": lambda row: text_cell(row.last_error),
}
