"""Port to the imported settlement reports: files, mappings, lines and differences.

Every method is one short transaction, and all that writes raises LedgerUnavailable. A report is
read in batches; each names the row it goes on at, so that a batch is booked once, however often
and by however many processes it is tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from payorch.application.jobs import NewJob
from payorch.domain.settlement_amount import AmountStyle
from payorch.domain.settlement_line import LineKind, SettlementLine
from payorch.domain.settlement_mapping import DateStyle, SettlementMapping
from payorch.domain.settlement_matching import BookState, DifferenceKind


class ImportState(StrEnum):
    """UPLOADED waits for somebody to say what its columns mean. One per provider is READING,
    COMPARING or UNDOING at a time. UNDONE: it was taken back, and nothing of it is left.
    """

    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    READING = "reading"
    COMPARING = "comparing"
    DONE = "done"
    DISCARDED = "discarded"
    UNDOING = "undoing"
    UNDONE = "undone"


RUNNING_STATES = frozenset({ImportState.READING, ImportState.COMPARING, ImportState.UNDOING})


class DifferenceState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementImport:
    """`rows_read` counts every record after the header, also those that could not be read."""

    id: int
    provider_code: str
    state: ImportState
    delimiter: str | None
    mapping: SettlementMapping | None
    rows_read: int
    period_start: date | None
    period_end: date | None
    currencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoredMapping:
    version: int
    delimiter: str
    mapping: SettlementMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedThing:
    """The payment or refund of ours that a line is about, with its keys in the database.

    `amount_minor` is what should have been settled; `started_at` decides which fee is in force.
    """

    provider_code: str
    order_key: int
    order_id: str
    transaction_key: int
    transaction_id: str
    refund_key: int | None
    state: BookState
    status: str
    amount_minor: int
    currency: str
    reference: str | None
    started_at: datetime
    settled_before: int


@dataclass(frozen=True, slots=True)
class LookedUp:
    """`is_known`: the line was imported before, from this file or another one, as `known_key`.

    `occurrence` counts equal lines of one file, from 1.
    """

    occurrence: int
    is_known: bool
    known_key: int | None
    thing: BookedThing | None


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line that is new. `thing` None: it matches nothing of ours."""

    line: SettlementLine
    occurrence: int
    thing: BookedThing | None
    kinds: Sequence[DifferenceKind]
    expected_fee_minor: int | None


@dataclass(frozen=True, slots=True)
class BadLine:
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows `first_row` to `first_row + rows` of an import, judged; `bytes_read` is for people.

    `known` counts lines that were imported before, `seen` are the keys of those. `jobs` are
    enqueued with it.
    """

    import_id: int
    provider_code: str
    first_row: int
    rows: int
    bytes_read: int
    lines: Sequence[JudgedLine]
    known: int
    seen: Sequence[int]
    bad: Sequence[BadLine]
    period: tuple[date, date] | None
    currencies: frozenset[str]
    jobs: Sequence[NewJob] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What reports of one provider and currency cover: payments that started in between and are
    in none of them are missing there.
    """

    provider_codes: Sequence[str]
    currency: str
    since: datetime
    until: datetime


class SettlementFiles(Protocol):
    """Uploading, choosing the columns, and reading what was uploaded."""

    def known_file(self, provider_code: str, file_hash: str) -> int | None:
        """The import of the same bytes, unless it was discarded, taken back or left lines out."""

    def begin_upload(
        self, provider_code: str, *, file_name: str, actor: str, at: datetime
    ) -> int: ...

    def add_piece(self, import_id: int, number: int, content: bytes) -> None: ...

    def finish_upload(self, import_id: int, *, file_hash: str, size_bytes: int) -> bool:
        """False when the same file came from somebody else meanwhile: this one is discarded."""

    def drop_stale_uploads(self, *, before: datetime) -> None:
        """Uploads that broke off."""

    def pieces(self, import_id: int) -> Iterator[bytes]: ...

    def find(self, import_id: int) -> SettlementImport | None: ...

    def latest_mapping(self, provider_code: str) -> StoredMapping | None: ...

    def start(
        self,
        import_id: int,
        mapping: SettlementMapping,
        *,
        delimiter: str,
        actor: str,
        at: datetime,
    ) -> None:
        """The mapping is kept as a new version when it differs from the latest one; journalled,
        and the job enqueued. Raises SettlementImportChanged.
        """

    def run_again(self, import_id: int, *, actor: str, at: datetime) -> None:
        """Enqueue the job of a running import once more. Raises SettlementImportChanged."""

    def discard(self, import_id: int, *, actor: str, at: datetime) -> None:
        """Of a file that was not read yet. Raises SettlementImportChanged."""


class SettlementBook(Protocol):
    """What the job that reads a report needs."""

    def look_up(
        self, import_id: int, provider_code: str, lines: Sequence[SettlementLine]
    ) -> Sequence[LookedUp]:
        """One for each line, in their order."""

    def record(self, batch: Batch, *, at: datetime) -> bool:
        """Book a batch, with its differences and alerts; what came late settles its difference.

        False when the import is not at `first_row` any more: another process goes on with it.
        """

    def end_reading(self, import_id: int, *, rows_read: int, at: datetime) -> bool: ...

    def coverages(self, import_id: int) -> Sequence[Coverage]:
        """Of each currency of the import, with an overlap into what was compared before; of all
        payment methods that share the account.
        """

    def find_missing(
        self,
        import_id: int,
        coverage: Coverage,
        *,
        after: tuple[datetime, int] | None,
        limit: int,
        at: datetime,
    ) -> tuple[datetime, int] | None:
        """List payments that no line names, at most `limit`; where to go on, or None."""

    def find_missing_refunds(
        self,
        import_id: int,
        coverage: Coverage,
        *,
        after: tuple[datetime, int] | None,
        limit: int,
        at: datetime,
    ) -> tuple[datetime, int] | None: ...

    def close_settled(self, provider_code: str, *, limit: int, at: datetime) -> int:
        """Differences "paid there" whose payment the books say is paid by now are over."""

    def unknown_here(self, import_id: int) -> int:
        """Open differences "missing here" of the import."""

    def end(self, import_id: int, *, jobs: Sequence[NewJob], at: datetime) -> None:
        """Done: the file goes, its lines stay."""

    def continue_later(self, import_id: int, *, part: str, at: datetime) -> None:
        """Enqueue the next part of the import."""


class DifferenceDesk(Protocol):
    """Each is one transaction with its journal entry. Raises DifferenceChanged."""

    def resolve(self, difference_id: int, *, actor: str, reason: str, at: datetime) -> None: ...

    def reopen(self, difference_id: int, *, actor: str, reason: str, at: datetime) -> None: ...


def mapping_document(mapping: SettlementMapping) -> Mapping[str, object]:
    """The mapping as JSON; `mapping_from` reads it back."""
    return {
        **{name: getattr(mapping, name) for name in _PLAIN_FIELDS},
        "kinds": {value: kind.value for value, kind in sorted(mapping.kinds.items())},
        "amount_style": mapping.amount_style.value,
        "date_style": mapping.date_style.value,
    }


_PLAIN_FIELDS = (
    *("amount_column", "currency_column", "settled_on_column", "reference_column"),
    *("our_reference_column", "kind_column", "fee_column", "net_column", "payout_column"),
    *("line_id_column", "settling_delay_days", "fee_tolerance_minor"),
)


def mapping_from(document: Mapping[str, Any]) -> SettlementMapping:
    return SettlementMapping(
        **{name: document[name] for name in _PLAIN_FIELDS},
        kinds={value: LineKind(kind) for value, kind in document["kinds"].items()},
        amount_style=AmountStyle(document["amount_style"]),
        date_style=DateStyle(document["date_style"]),
    )
