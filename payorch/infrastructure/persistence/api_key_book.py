"""API keys as rows. A change and its journal entry are one transaction; a hash is never journalled.

The two places of a name (see ApiKeyRow) are given out under the row locks of PostgreSQL and the
one writer of SQLite; where that is not enough, the unique constraint decides.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.api_keys import ApiKeyNotFound, ApiKeyRefused, StoredKey
from payorch.domain.api_key import ApiKey, KeyMode, KeyState, Scope
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import ApiKeyRow

_KEYS = select(ApiKeyRow.__table__)
_BY_ID = _KEYS.where(ApiKeyRow.public_id == bindparam("key_id"))
"""Built once: it is on the way of every payment."""

_SLOTS = (1, 2)


class SqlAlchemyApiKeyBook:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def find(self, key_id: str) -> StoredKey | None:
        with self._transactions.read() as connection:
            row = connection.execute(_BY_ID, {"key_id": key_id}).mappings().one_or_none()
        return None if row is None else StoredKey(_key(row), row["digest"])

    def has_any(self) -> bool:
        with self._transactions.read() as connection:
            return connection.scalar(select(ApiKeyRow.id).limit(1)) is not None

    def all(self) -> Sequence[ApiKey]:
        with self._transactions.read() as connection:
            rows = connection.execute(_KEYS.order_by(ApiKeyRow.id.desc()))
            return [_key(row) for row in rows.mappings()]

    def add(self, key: ApiKey, digest: str, *, reason: str) -> None:
        taken = ApiKeyRefused(
            f"There is an active key with the name “{key.name}”. Rotate that one, or revoke it."
        )
        with _third_key_is(taken), self._transactions.write() as connection:
            if _taken_slots(connection, key.name, key.created_at):
                raise taken
            _insert(connection, key, digest, _SLOTS[0])
            insert_entry(
                connection,
                actor=key.created_by,
                action="create_api_key",
                subject=f"api_key:{key.label}",
                reason=reason,
                before=None,
                after=_journalled(key),
                at=key.created_at,
            )

    def replace(
        self, key_id: str, successor: ApiKey, digest: str, *, ends_at: datetime, reason: str
    ) -> None:
        full = ApiKeyRefused(
            f"Two keys with the name “{successor.name}” are active. Revoke the older one first."
        )
        at = successor.created_at
        with _third_key_is(full), self._transactions.write() as connection:
            old = _locked(connection, key_id)
            if old.state(at) is not KeyState.ACTIVE:
                raise ApiKeyRefused(f"The key is {old.state(at)}. Create a new one instead.")
            free = set(_SLOTS) - _taken_slots(connection, old.name, at)
            if not free:
                raise full
            ends_at = ends_at if old.expires_at is None else min(ends_at, old.expires_at)
            _update(connection, key_id, {"expires_at": ends_at, "replaced_by": successor.id})
            _insert(connection, successor, digest, min(free))
            insert_entry(
                connection,
                actor=successor.created_by,
                action="rotate_api_key",
                subject=f"api_key:{old.label}",
                reason=reason,
                before=_journalled(old),
                after={
                    **_journalled(successor),
                    "key": successor.label,
                    "old_ends_at": _iso(ends_at),
                },
                at=at,
            )

    def revoke(self, key_id: str, *, actor: str, reason: str, at: datetime) -> ApiKey:
        with self._transactions.write() as connection:
            old = _locked(connection, key_id)
            if old.revoked_at is not None:
                raise ApiKeyRefused("The key is revoked already.")
            _update(
                connection,
                key_id,
                {"revoked_at": at, "revoked_by": actor, "revoke_reason": reason, "slot": None},
            )
            insert_entry(
                connection,
                actor=actor,
                action="revoke_api_key",
                subject=f"api_key:{old.label}",
                reason=reason,
                before=_journalled(old),
                after={"name": old.name, "revoked": True},
                at=at,
            )
        return old

    def note_use(self, key_id: str, *, at: datetime, unless_since: datetime) -> None:
        statement = (
            update(ApiKeyRow)
            .where(
                ApiKeyRow.public_id == key_id,
                or_(ApiKeyRow.last_used_at.is_(None), ApiKeyRow.last_used_at <= unless_since),
            )
            .values(last_used_at=at)
        )
        with self._transactions.write() as connection:
            connection.execute(statement)


@contextmanager
def _third_key_is(refusal: ApiKeyRefused) -> Iterator[None]:
    """Somebody else took the place at the same moment: the constraint says so."""
    try:
        yield
    except IntegrityError:
        raise refusal from None


def _locked(connection: Connection, key_id: str) -> ApiKey:
    row = connection.execute(_BY_ID.with_for_update(), {"key_id": key_id}).mappings().one_or_none()
    if row is None:
        raise ApiKeyNotFound("There is no such API key.")
    return _key(row)


def _taken_slots(connection: Connection, name: str, at: datetime) -> set[int]:
    """Places of keys that are active; those that have expired give theirs back here."""
    has_slot = (ApiKeyRow.name == name, ApiKeyRow.slot.is_not(None))
    connection.execute(
        update(ApiKeyRow).where(*has_slot, ApiKeyRow.expires_at <= at).values(slot=None)
    )
    return set(connection.scalars(select(ApiKeyRow.slot).where(*has_slot)))


def _insert(connection: Connection, key: ApiKey, digest: str, slot: int) -> None:
    connection.execute(
        insert(ApiKeyRow).values(
            public_id=key.id,
            digest=digest,
            mode=key.mode.value,
            name=key.name,
            slot=slot,
            scopes=sorted(key.scopes),
            networks=list(key.networks),
            created_at=key.created_at,
            created_by=key.created_by,
            expires_at=key.expires_at,
        )
    )


def _update(connection: Connection, key_id: str, values: dict[str, object]) -> None:
    connection.execute(update(ApiKeyRow).where(ApiKeyRow.public_id == key_id).values(values))


def _journalled(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "networks": list(key.networks),
        "expires_at": _iso(key.expires_at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["public_id"],
        mode=KeyMode(row["mode"]),
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        networks=tuple(row["networks"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        replaced_by=row["replaced_by"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        revoke_reason=row["revoke_reason"],
    )
