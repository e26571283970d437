"""Reads an uploaded settlement report in batches, and compares it with the books.

A batch is booked together with how far it got, or not at all: a process may die anywhere, and
another one goes on at the same row. Nothing here changes the outcome of a payment.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from payorch.application.change_provider_fees import ProviderFeeRepository
from payorch.application.jobs import GiveUp, Job, NewJob
from payorch.application.ports import Checkpoint, Clock
from payorch.application.settlement_file import Row, rows_of
from payorch.application.settlement_reports import (
    BadLine,
    Batch,
    BookedThing,
    Coverage,
    ImportState,
    JudgedLine,
    LookedUp,
    SettlementBook,
    SettlementFiles,
    SettlementImport,
)
from payorch.application.staff_alerts import alert_job
from payorch.domain.money import Money
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.provider_fees import FeeSchedule
from payorch.domain.settlement_line import MATCHED_KINDS, LineKind, SettlementLine
from payorch.domain.settlement_mapping import RowReader, SettlementMapping, UnreadableLine
from payorch.domain.settlement_matching import BookEntry, BookState, DifferenceKind, differences

BATCH_ROWS = 500
PART_S = 120.0
"""A run ends after that and enqueues the next one, long before it is taken to hang."""


class ImportSettlementUseCase:
    """Handler of IMPORT_SETTLEMENT. The payload is {"import": its key}."""

    def __init__(
        self,
        *,
        files: SettlementFiles,
        book: SettlementBook,
        fees: ProviderFeeRepository,
        clock: Clock,
        checkpoint: Checkpoint,
    ) -> None:
        self._files = files
        self._book = book
        self._fees = fees
        self._clock = clock
        self._checkpoint = checkpoint

    def execute(self, job: Job) -> None:
        import_id = int(str(job.payload.get("import", 0)))
        report = self._files.find(import_id)
        if report is None:
            raise GiveUp("There is no such settlement report.")
        until_s = self._clock.monotonic() + PART_S
        is_read = report.state is ImportState.COMPARING
        if report.state is ImportState.READING:
            is_read = self._read(report, until_s)
        if is_read:
            self._compare(report)

    def _read(self, report: SettlementImport, until_s: float) -> bool:
        """True when this process has come to the end of the file."""
        if report.mapping is None or report.delimiter is None:
            raise GiveUp("The report was started without a mapping.")
        pieces = _CountedPieces(self._files.pieces(report.id))
        rows = rows_of(pieces, report.delimiter)
        reader = RowReader(report.mapping, [cell.strip() for cell in _header(rows).cells])
        judge = _Judge(self._book, report, report.mapping, self._fees.schedule())
        at_row = report.rows_read
        for _ in islice(rows, at_row):
            pass
        while batch_rows := list(islice(rows, BATCH_ROWS)):
            batch = judge.batch(batch_rows, reader, first_row=at_row, bytes_read=pieces.bytes_read)
            batch = judge.with_alerts(batch, at=self._clock.now())
            self._checkpoint("settlement_batch_judged")
            if not self._book.record(batch, at=self._clock.now()):
                return False
            at_row += len(batch_rows)
            self._checkpoint("settlement_batch_booked")
            if self._clock.monotonic() >= until_s:
                self._book.continue_later(report.id, part=str(at_row), at=self._clock.now())
                return False
        return self._book.end_reading(report.id, rows_read=at_row, at=self._clock.now())

    def _compare(self, report: SettlementImport) -> None:
        """May be repeated: what is listed already is not listed again."""
        for coverage in self._book.coverages(report.id):
            list_missing(self._book, report.id, coverage, self._clock, self._checkpoint)
        while self._book.close_settled(
            report.provider_code, limit=BATCH_ROWS, at=self._clock.now()
        ):
            pass
        self._checkpoint("settlement_compared")
        unknown = self._book.unknown_here(report.id)
        now = self._clock.now()
        facts = {
            "settlement_import": str(report.id),
            "provider": report.provider_code,
            "lines": str(unknown),
        }
        jobs = [alert_job("settled_there_unknown_here", facts, at=now)] if unknown else []
        self._book.end(report.id, jobs=jobs, at=now)


def list_missing(
    book: SettlementBook,
    import_id: int,
    coverage: Coverage,
    clock: Clock,
    checkpoint: Checkpoint,
) -> None:
    """May be repeated: what is listed already is not listed again."""
    for find in (book.find_missing, book.find_missing_refunds):
        after = find(import_id, coverage, after=None, limit=BATCH_ROWS, at=clock.now())
        while after is not None:
            checkpoint("settlement_missing_listed")
            after = find(import_id, coverage, after=after, limit=BATCH_ROWS, at=clock.now())


class _CountedPieces:
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.bytes_read = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.bytes_read += len(piece)
            yield piece


def _header(rows: Iterator[Row]) -> Row:
    header = next(rows, None)
    if header is None or header.problem is not None:
        raise GiveUp("The report has no header.")
    return header


class _Judge:
    """Rows of one report, turned into lines and held against the books."""

    def __init__(
        self,
        book: SettlementBook,
        report: SettlementImport,
        mapping: SettlementMapping,
        fees: FeeSchedule,
    ) -> None:
        self._book = book
        self._report = report
        self._mapping = mapping
        self._fees = fees

    def batch(
        self, rows: Sequence[Row], reader: RowReader, *, first_row: int, bytes_read: int
    ) -> Batch:
        lines, bad = _lines(rows, reader)
        found = self._book.look_up(self._report.id, self._report.provider_code, lines)
        pairs = list(zip(lines, found, strict=True))
        days = [line.settled_on for line in lines if line.kind in MATCHED_KINDS]
        return Batch(
            import_id=self._report.id,
            provider_code=self._report.provider_code,
            first_row=first_row,
            rows=len(rows),
            bytes_read=bytes_read,
            lines=self._judged(pairs),
            known=sum(it.is_known for it in found),
            seen=[it.known_key for it in found if it.known_key is not None],
            bad=bad,
            period=(min(days), max(days)) if days else None,
            currencies=frozenset(line.currency for line in lines if line.kind in MATCHED_KINDS),
        )

    def with_alerts(self, batch: Batch, *, at: datetime) -> Batch:
        return replace(batch, jobs=[self._alert(it, at) for it in batch.lines if _is_alarming(it)])

    def _judged(self, pairs: Sequence[tuple[SettlementLine, LookedUp]]) -> Sequence[JudgedLine]:
        judged = []
        in_batch: Counter[tuple[LineKind, int, int | None]] = Counter()
        for line, found in pairs:
            if found.is_known:
                continue
            thing, entry, fee = found.thing, None, None
            if thing is not None:
                key = (line.kind, thing.transaction_key, thing.refund_key)
                fee = self._expected_fee(thing)
                entry = BookEntry(
                    state=thing.state,
                    amount_minor=thing.amount_minor,
                    currency=thing.currency,
                    reference=thing.reference,
                    expected_fee_minor=fee,
                    settled_before=thing.settled_before + in_batch[key],
                )
            kinds = differences(line, entry, fee_tolerance_minor=self._mapping.fee_tolerance_minor)
            if thing is not None and DifferenceKind.MISSING_HERE not in kinds:
                in_batch[key] += 1
            judged.append(JudgedLine(line, found.occurrence, thing, kinds, fee))
        return judged

    def _expected_fee(self, thing: BookedThing) -> int | None:
        return self._fees.fee_of(
            thing.provider_code,
            TransactionStatus.APPROVED,
            Money(thing.amount_minor, thing.currency),
            thing.started_at,
        )

    def _alert(self, judged: JudgedLine, at: datetime) -> NewJob:
        line, thing = judged.line, judged.thing
        facts = {
            "provider": self._report.provider_code,
            "provider_reference": line.reference or "",
            "amount_minor": str(line.amount_minor),
            "currency": line.currency,
            "settlement_import": str(self._report.id),
        }
        if thing is not None:
            facts |= {"order": thing.order_id, "transaction": thing.transaction_id}
        return alert_job("settled_there_not_here", facts, at=at)


def _is_alarming(judged: JudgedLine) -> bool:
    """The provider has the money, and the books say for certain that none moved."""
    return (
        DifferenceKind.PAID_THERE in judged.kinds
        and judged.thing is not None
        and judged.thing.state is BookState.NOT_MOVED
    )


def _lines(
    rows: Iterable[Row], reader: RowReader
) -> tuple[Sequence[SettlementLine], Sequence[BadLine]]:
    lines, bad = [], []
    for row in rows:
        if row.problem is not None:
            bad.append(BadLine(row.number, row.problem))
            continue
        try:
            lines.append(reader.line(row.cells, row.number))
        except UnreadableLine as problem:
            bad.append(BadLine(row.number, str(problem)))
    return lines, bad
