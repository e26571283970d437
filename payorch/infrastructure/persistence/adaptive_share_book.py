"""Adaptive shares as rows: one per segment, replaced by each step."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from payorch.application.adapt_routing import Arm, SegmentShares
from payorch.application.configuration import Segment
from payorch.domain.adaptive_shares import Shares
from payorch.domain.payment_method import MethodKind
from payorch.infrastructure.persistence.configuration_revision import bump_revision
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import AdaptiveShareRow

NOTICEABLE = 0.0005
"""A smaller change of a share is not worth a new configuration in every process."""

_ALL = select(AdaptiveShareRow.__table__).order_by(AdaptiveShareRow.currency, AdaptiveShareRow.kind)


class SqlAlchemyAdaptiveShareBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def all(self) -> Sequence[SegmentShares]:
        with self._transactions.read() as connection:
            return _stored(connection)

    def store(self, shares: Sequence[SegmentShares], *, is_in_force: bool, at: datetime) -> None:
        with self._transactions.write() as connection:
            before = _stored(connection)
            connection.execute(delete(AdaptiveShareRow))
            if shares:
                connection.execute(insert(AdaptiveShareRow), [_values(one, at) for one in shares])
            if is_in_force and _differ(before, shares):
                bump_revision(connection)


def shares_in_force(connection: Connection, policy_version: int) -> Mapping[Segment, Shares]:
    """Those of this policy: another one's were worked out for other providers or from others."""
    return {
        stored.segment: stored.shares
        for stored in _stored(connection)
        if stored.policy_version == policy_version
    }


def _stored(connection: Connection) -> Sequence[SegmentShares]:
    return [_shares(row) for row in connection.execute(_ALL).mappings()]


def _shares(row: RowMapping) -> SegmentShares:
    return SegmentShares(
        Segment(row["currency"], MethodKind(row["kind"])),
        row["policy_version"],
        {code: Arm(**arm) for code, arm in row["arms"].items()},
        row["updated_at"],
    )


def _values(shares: SegmentShares, at: datetime) -> dict[str, Any]:
    return {
        "currency": shares.segment.currency,
        "kind": shares.segment.kind.value,
        "policy_version": shares.policy_version,
        "arms": {code: asdict(arm) for code, arm in shares.arms.items()},
        "updated_at": at,
    }


def _differ(before: Sequence[SegmentShares], after: Sequence[SegmentShares]) -> bool:
    known = {(kept.segment, kept.policy_version): kept.shares for kept in before}
    if len(before) != len(after):
        return True
    for new in after:
        old = known.get((new.segment, new.policy_version))
        if old is None or old.keys() != new.shares.keys():
            return True
        if any(abs(old[code] - share) > NOTICEABLE for code, share in new.shares.items()):
            return True
    return False
