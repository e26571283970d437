"""Evidence per decline code, counted from the transactions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import RowMapping, and_, case, func, select
from sqlalchemy.orm import aliased

from payorch.application.decline_evidence import CodeEvidence
from payorch.domain.attempt_stats import Tally
from payorch.domain.decline_ruling import CodeKey
from payorch.domain.decline_terms import SignalKind
from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, TransactionStatus
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import TransactionRow

_NEXT = aliased(TransactionRow)
# A charge that was given back had been approved.
_APPROVED = (TransactionStatus.APPROVED, TransactionStatus.VOIDED)
_CODES = (
    TransactionRow.decline_scheme,
    TransactionRow.decline_code,
    TransactionRow.decline_advice,
    TransactionRow.provider_code,
)


class SqlAlchemyDeclineEvidence:
    def __init__(self, database: Database) -> None:
        self._database = database

    def by_code(self, since: datetime) -> Sequence[CodeEvidence]:
        statement = (
            select(
                *_CODES,
                func.count().label("declined"),
                func.max(TransactionRow.started_at).label("last_seen"),
                func.count(_NEXT.id).label("tried"),
                func.sum(case((_NEXT.status.in_(_APPROVED), 1), else_=0)).label("approved"),
            )
            .outerjoin(
                _NEXT,
                and_(
                    _NEXT.submission_id == TransactionRow.submission_id,
                    _NEXT.attempt_number == TransactionRow.attempt_number + 1,
                    _NEXT.status.not_in(OPEN_TRANSACTION_STATUSES),
                ),
            )
            .where(
                TransactionRow.status == TransactionStatus.DECLINED,
                TransactionRow.started_at >= since,
            )
            .group_by(*_CODES)
        )
        found: dict[CodeKey, _Sum] = {}
        with self._database.read() as connection:
            for row in connection.execute(statement).mappings():
                for key in _keys(row):
                    found.setdefault(key, _Sum(row["last_seen"])).add(row)
        evidence = [sum_.of(key) for key, sum_ in found.items()]
        return sorted(evidence, key=lambda it: (-it.declined, it.key))


def _keys(row: RowMapping) -> Sequence[CodeKey]:
    keys = [CodeKey.of(row["decline_scheme"], row["decline_code"] or "")]
    if row["decline_advice"]:
        keys.append(CodeKey.of(row["decline_scheme"], row["decline_advice"], SignalKind.ADVICE))
    return keys


@dataclass(slots=True)
class _Sum:
    """Providers spell codes freely, so rows of one key may differ in case."""

    last_seen: datetime
    declined: int = 0
    tried: int = 0
    approved: int = 0
    providers: set[str] = field(default_factory=set)

    def add(self, row: RowMapping) -> None:
        self.declined += row["declined"]
        self.tried += row["tried"]
        self.approved += row["approved"]
        self.providers.add(row["provider_code"])
        self.last_seen = max(self.last_seen, row["last_seen"])

    def of(self, key: CodeKey) -> CodeEvidence:
        return CodeEvidence(
            key=key,
            declined=self.declined,
            providers=tuple(sorted(self.providers)),
            last_seen=self.last_seen,
            after_fallback=Tally(approved=self.approved, finished=self.tried),
        )
