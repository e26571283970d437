"""Uploaded settlement reports and their mappings, on SQL."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.jobs import IMPORT_SETTLEMENT, UNDO_SETTLEMENT, NewJob
from payorch.application.settlement_reports import (
    RUNNING_STATES,
    ImportState,
    SettlementImport,
    StoredMapping,
    mapping_document,
    mapping_from,
)
from payorch.domain.errors import SettlementImportChanged
from payorch.domain.settlement_mapping import SettlementMapping
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import (
    SettlementImportRow,
    SettlementMappingRow,
    SettlementPieceRow,
)

PIECES_DROPPED_AT_ONCE = 20
"""About 5 MB: a large file goes in many short transactions, so that payments need not wait."""

_Import, _Mapping, _Piece = SettlementImportRow, SettlementMappingRow, SettlementPieceRow
_FOUND = (
    select(_Import, _Mapping.delimiter, _Mapping.document)
    .outerjoin(_Mapping, _Mapping.id == _Import.mapping_id)
    .with_only_columns(*_Import.__table__.columns, _Mapping.delimiter, _Mapping.document)
)
_NOT_KEPT = (ImportState.UPLOADING, ImportState.DISCARDED, ImportState.UNDONE)


class SqlAlchemySettlementFiles:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def known_file(self, provider_code: str, file_hash: str) -> int | None:
        statement = select(_Import.id).where(
            _Import.provider_code == provider_code,
            _Import.file_hash == file_hash,
            _Import.state.not_in(_NOT_KEPT),
            _Import.lines_bad == 0,
        )
        with self._transactions.read() as connection:
            return connection.scalar(statement)

    def begin_upload(self, provider_code: str, *, file_name: str, actor: str, at: datetime) -> int:
        values = {
            "provider_code": provider_code,
            "state": ImportState.UPLOADING,
            "file_name": file_name,
            "uploaded_by": actor,
            "uploaded_at": at,
        }
        with self._transactions.write() as connection:
            made = insert(_Import).values(values).returning(_Import.id)
            return int(connection.execute(made).scalar_one())

    def add_piece(self, import_id: int, number: int, content: bytes) -> None:
        values = {"import_id": import_id, "number": number, "content": content}
        with self._transactions.write() as connection:
            connection.execute(insert(_Piece).values(values))

    def finish_upload(self, import_id: int, *, file_hash: str, size_bytes: int) -> bool:
        values = {"state": ImportState.UPLOADED, "file_hash": file_hash, "size_bytes": size_bytes}
        try:
            with self._transactions.write() as connection:
                connection.execute(update(_Import).where(_Import.id == import_id).values(values))
        except IntegrityError:
            drop_pieces(self._transactions, import_id)
            with self._transactions.write() as connection:
                connection.execute(delete(_Import).where(_Import.id == import_id))
            return False
        return True

    def drop_stale_uploads(self, *, before: datetime) -> None:
        stale = select(_Import.id).where(
            _Import.state == ImportState.UPLOADING, _Import.uploaded_at < before
        )
        with self._transactions.read() as connection:
            found = list(connection.scalars(stale))
        for import_id in found:
            drop_pieces(self._transactions, import_id)
            with self._transactions.write() as connection:
                connection.execute(delete(_Import).where(_Import.id == import_id))

    def pieces(self, import_id: int) -> Iterator[bytes]:
        number = 0
        while True:
            statement = select(_Piece.content).where(
                _Piece.import_id == import_id, _Piece.number == number
            )
            with self._transactions.read() as connection:
                content = connection.scalar(statement)
            if content is None:
                return
            yield content
            number += 1

    def find(self, import_id: int) -> SettlementImport | None:
        with self._transactions.read() as connection:
            row = connection.execute(_FOUND.where(_Import.id == import_id)).mappings().first()
        if row is None:
            return None
        return SettlementImport(
            id=row["id"],
            provider_code=row["provider_code"],
            state=ImportState(row["state"]),
            delimiter=row["delimiter"],
            mapping=None if row["document"] is None else mapping_from(row["document"]),
            rows_read=row["rows_read"],
            period_start=row["period_start"],
            period_end=row["period_end"],
            currencies=frozenset(row["currencies"]),
        )

    def latest_mapping(self, provider_code: str) -> StoredMapping | None:
        with self._transactions.read() as connection:
            row = _latest(connection, provider_code)
        if row is None:
            return None
        return StoredMapping(row["version"], row["delimiter"], mapping_from(row["document"]))

    def start(
        self,
        import_id: int,
        mapping: SettlementMapping,
        *,
        delimiter: str,
        actor: str,
        at: datetime,
    ) -> None:
        document = mapping_document(mapping)
        try:
            with self._transactions.write() as connection:
                found = _find(connection, import_id, (ImportState.UPLOADED,))
                kept = {"document": document, "delimiter": delimiter, "created_by": actor}
                mapping_key = _kept_mapping(connection, found.provider_code, kept, at)
                connection.execute(
                    update(_Import)
                    .where(_Import.id == import_id)
                    .values(state=ImportState.READING, mapping_id=mapping_key, progressed_at=at)
                )
                _journal(connection, "settlement_import_started", found, actor, at)
                insert_jobs(connection, [_job(import_id)], at=at)
        except IntegrityError:
            raise SettlementImportChanged(
                "Another report of this provider is being read. Start this one after it."
            ) from None

    def run_again(self, import_id: int, *, actor: str, at: datetime) -> None:
        with self._transactions.write() as connection:
            found = _find(connection, import_id, tuple(RUNNING_STATES))
            _journal(connection, "settlement_import_run_again", found, actor, at)
            kind = UNDO_SETTLEMENT if found.state == ImportState.UNDOING else IMPORT_SETTLEMENT
            insert_jobs(connection, [NewJob(kind, {"import": import_id})], at=at)

    def discard(self, import_id: int, *, actor: str, at: datetime) -> None:
        with self._transactions.write() as connection:
            found = _find(connection, import_id, (ImportState.UPLOADED,))
            connection.execute(
                update(_Import)
                .where(_Import.id == import_id)
                .values(state=ImportState.DISCARDED, finished_at=at)
            )
            _journal(connection, "settlement_import_discarded", found, actor, at)
        drop_pieces(self._transactions, import_id)


def drop_pieces(transactions: LedgerTransactions, import_id: int) -> None:
    """The file of an import that needs it no more. May be repeated."""
    some = (
        select(_Piece.number)
        .where(_Piece.import_id == import_id)
        .limit(PIECES_DROPPED_AT_ONCE)
        .scalar_subquery()
    )
    statement = delete(_Piece).where(_Piece.import_id == import_id, _Piece.number.in_(some))
    while True:
        with transactions.write() as connection:
            if not connection.execute(statement).rowcount:
                return


def _find(connection: Connection, import_id: int, states: tuple[ImportState, ...]) -> Any:
    """Locked, so that it is in one of `states` until the commit. Raises SettlementImportChanged."""
    table = _Import.__table__
    statement = select(table).where(_Import.id == import_id).with_for_update()
    found = connection.execute(statement).first()
    if found is None or found.state not in states:
        raise SettlementImportChanged("This report was started, ended or discarded meanwhile.")
    return found


def _latest(connection: Connection, provider_code: str) -> Any:
    statement = (
        select(_Mapping.__table__)
        .where(_Mapping.provider_code == provider_code)
        .order_by(_Mapping.version.desc())
        .limit(1)
    )
    return connection.execute(statement).mappings().first()


def _kept_mapping(
    connection: Connection, provider_code: str, kept: Mapping[str, Any], at: datetime
) -> int:
    """The key of the mapping, which is a new version when it is not as the latest one."""
    latest = _latest(connection, provider_code)
    if latest and all(latest[name] == kept[name] for name in ("document", "delimiter")):
        return int(latest["id"])
    version = latest["version"] + 1 if latest else 1
    values = {**kept, "provider_code": provider_code, "version": version, "created_at": at}
    made = insert(_Mapping).values(values).returning(_Mapping.id)
    key = int(connection.execute(made).scalar_one())
    insert_entry(
        connection,
        actor=kept["created_by"],
        action="set_settlement_mapping",
        subject=f"settlement_mapping:{provider_code}",
        reason=f"Version {version}",
        before=latest["document"] if latest else None,
        after=kept["document"],
        at=at,
    )
    return key


def _job(import_id: int) -> NewJob:
    key = f"settlement:{import_id}:0"
    return NewJob(IMPORT_SETTLEMENT, {"import": import_id}, dedup_key=key)


def _journal(connection: Connection, action: str, found: Any, actor: str, at: datetime) -> None:
    insert_entry(
        connection,
        actor=actor,
        action=action,
        subject=f"settlement_import:{found.id}",
        reason=f"File {found.file_name}",
        before=None,
        after={"provider": found.provider_code, "sha256": found.file_hash},
        at=at,
    )
