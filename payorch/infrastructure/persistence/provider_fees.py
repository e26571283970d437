"""Fees as rows, each with its journal entry."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from payorch.domain.provider_fees import FeeSchedule, ProviderFee
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.tables import ProviderFeeRow

_COLUMNS = (
    "provider_code",
    "currency",
    "valid_from",
    "percent_ppm",
    "fixed_minor",
    "attempt_minor",
)
_FEES = select(*(getattr(ProviderFeeRow, name) for name in _COLUMNS))


class SqlAlchemyProviderFees:
    def __init__(self, database: Database) -> None:
        self._database = database

    def schedule(self) -> FeeSchedule:
        with self._database.read() as connection:
            rows = connection.execute(_FEES).mappings().all()
        return FeeSchedule(tuple(ProviderFee(**row) for row in rows))

    def add(self, fee: ProviderFee, *, actor: str, reason: str, at: datetime) -> bool:
        dialect = sqlite if self._database.is_sqlite else postgresql
        values = asdict(fee) | {"created_at": at, "created_by": actor, "reason": reason}
        statement = (
            dialect.insert(ProviderFeeRow)
            .values(values)
            .on_conflict_do_nothing()
            .returning(ProviderFeeRow.id)
        )
        with self._database.tx() as connection:
            is_new = connection.scalar(statement) is not None
            if is_new:
                insert_entry(
                    connection,
                    actor=actor,
                    action="set_provider_fee",
                    subject=f"payment_method_fee:{fee.provider_code}",
                    reason=reason,
                    before=None,
                    after=_journalled(fee),
                    at=at,
                )
        return is_new


def _journalled(fee: ProviderFee) -> dict[str, Any]:
    return asdict(fee) | {"valid_from": fee.valid_from.isoformat()}
