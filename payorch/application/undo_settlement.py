"""Takes the import of a settlement report back, as if it had never been.

For a report of the wrong provider, or one that was read with the wrong columns. Its lines and
differences go in batches, each together with how far it got; what its lines had settled of
earlier reports is open again. No payment is changed: the import changed none either.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from payorch.application.import_settlement import BATCH_ROWS, PART_S, list_missing
from payorch.application.jobs import GiveUp, Job
from payorch.application.ports import Checkpoint, Clock
from payorch.application.settlement_reports import ImportState, SettlementBook, SettlementFiles
from payorch.application.staff_reason import checked_reason


class SettlementUndo(Protocol):
    """Every method is one short transaction. All raise LedgerUnavailable."""

    def start(self, import_id: int, *, actor: str, reason: str, at: datetime) -> None:
        """UNDOING from now on, journalled, with its job.

        Raises SettlementImportChanged when it is not imported, when another report of the account
        is being read, or when something rests on this one that would be wrong without it.
        """

    def drop_lines(self, import_id: int, *, limit: int, at: datetime) -> int:
        """Lines with their differences, and how many they were; 0 when there are none left.

        What they had settled of other reports is open again.
        """

    def drop_rest(self, import_id: int, *, limit: int, at: datetime) -> int:
        """Differences and bad lines that have no line; 0 when there are none left."""

    def later_reports(self, import_id: int) -> Sequence[int]:
        """Imports of the account that came after it and are done."""

    def end(self, import_id: int, *, at: datetime) -> None:
        """UNDONE: the same file may come again."""

    def continue_later(self, import_id: int, *, at: datetime) -> None:
        """Enqueue the next part."""


class UndoSettlementUseCase:
    """`handle` is the handler of UNDO_SETTLEMENT. The payload is {"import": its key}."""

    def __init__(
        self,
        *,
        undo: SettlementUndo,
        files: SettlementFiles,
        book: SettlementBook,
        clock: Clock,
        checkpoint: Checkpoint,
    ) -> None:
        self._undo = undo
        self._files = files
        self._book = book
        self._clock = clock
        self._checkpoint = checkpoint

    def start(self, import_id: int, *, actor: str, reason: str) -> None:
        """Raises ReasonRequired and SettlementImportChanged."""
        self._undo.start(
            import_id, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )

    def handle(self, job: Job) -> None:
        import_id = int(str(job.payload.get("import", 0)))
        report = self._files.find(import_id)
        if report is None:
            raise GiveUp("There is no such settlement report.")
        if report.state is not ImportState.UNDOING:
            return
        until_s = self._clock.monotonic() + PART_S
        for drop in (self._undo.drop_lines, self._undo.drop_rest):
            while drop(import_id, limit=BATCH_ROWS, at=self._clock.now()):
                self._checkpoint("settlement_batch_dropped")
                if self._clock.monotonic() >= until_s:
                    self._undo.continue_later(import_id, at=self._clock.now())
                    return
        # What both found missing was listed under this one only.
        for later in self._undo.later_reports(import_id):
            for coverage in self._book.coverages(later):
                list_missing(self._book, later, coverage, self._clock, self._checkpoint)
        self._undo.end(import_id, at=self._clock.now())
