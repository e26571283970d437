"""The data keys of this process: read once, and looked at again when they may have changed.

A payment needs no statement for them. A rotation is seen within a minute: what is sealed with the
former key until then is sealed anew like all the rest, and that key lives for a day at least.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.ports import Clock
from payorch.domain.errors import LedgerUnavailable, SecretUnreadable
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import DataKeyRow
from payorch.infrastructure.security.sealed_secrets import KEY_BYTES, AesSecretBox, DataKey

PERSONAL_DATA = "personal_data"
EMAIL_INDEX = "email_index"
PURPOSES = (PERSONAL_DATA, EMAIL_INDEX)

FRESH_FOR_S = 60.0
_TRIES = 10

_ALL = select(
    DataKeyRow.id, DataKeyRow.purpose, DataKeyRow.wrapped, DataKeyRow.retired_at
).order_by(DataKeyRow.id)
_OF_PURPOSE = select(DataKeyRow.id).where(DataKeyRow.purpose == bindparam("of_purpose"))
_LAST_ID = select(func.coalesce(func.max(DataKeyRow.id), 0))
_RETIRE = (
    update(DataKeyRow)
    .where(DataKeyRow.purpose == bindparam("of_purpose"), DataKeyRow.retired_at.is_(None))
    .values(retired_at=bindparam("at", type_=UtcDateTime()))
)


@dataclass(frozen=True, slots=True)
class _Known:
    """`raw` are all keys that could be unwrapped; `in_use` the id of each purpose's own."""

    raw: Mapping[int, bytes]
    keys: Mapping[int, DataKey]
    in_use: Mapping[str, int]
    read_at: float


class DataKeys:
    """`box` wraps and unwraps the keys. Methods raise LedgerUnavailable, and SecretUnreadable."""

    def __init__(self, transactions: LedgerTransactions, box: AesSecretBox, clock: Clock) -> None:
        self._transactions = transactions
        self._box = box
        self._clock = clock
        self._known: _Known | None = None

    def in_use(self) -> DataKey:
        """The key to seal personal data with."""
        known = self._fresh()
        return known.keys[known.in_use[PERSONAL_DATA]]

    def with_id(self, key_id: int) -> DataKey:
        known = self._known or self._fresh()
        found = known.keys.get(key_id) or self._read().keys.get(key_id)
        if found is None:
            raise SecretUnreadable("The key that this was sealed with does not exist any more.")
        return found

    def index_key(self) -> bytes:
        """Never rotated, so any reading of it will do."""
        known = self._known or self._fresh()
        return known.raw[known.in_use[EMAIL_INDEX]]

    def forget(self) -> None:
        """Read them again at the next use."""
        self._known = None

    def prepare(self) -> None:
        """Make the first keys where there are none; every key has to be readable.

        Raises SecretUnreadable when the encryption key is not the one they were wrapped with.
        """
        rows = self._rows()
        for row in rows:
            self._unwrapped(row.id, row.wrapped)
        missing = set(PURPOSES) - {row.purpose for row in rows}
        for purpose in sorted(missing):
            self._make_first(purpose)
        self._read()

    def insert(self, connection: Connection, purpose: str) -> int:
        """A new key for `purpose`, in use from the commit on; the former one is retired."""
        at = self._clock.now()
        connection.execute(_RETIRE, {"of_purpose": purpose, "at": at})
        return self._insert(connection, purpose, at)

    def _make_first(self, purpose: str) -> None:
        """Processes that start together make one key: the others' is as good as one's own."""
        for _ in range(_TRIES):
            with suppress(IntegrityError), self._transactions.write() as connection:
                if connection.execute(_OF_PURPOSE, {"of_purpose": purpose}).first() is None:
                    self._insert(connection, purpose, self._clock.now())
                return
        raise LedgerUnavailable("Too many processes are making their first keys.")

    def _insert(self, connection: Connection, purpose: str, at: datetime) -> int:
        key_id = int(connection.execute(_LAST_ID).scalar_one()) + 1
        values: dict[str, Any] = {
            "id": key_id,
            "purpose": purpose,
            "wrapped": self.wrapped(key_id, secrets.token_bytes(KEY_BYTES)),
            "created_at": at,
        }
        connection.execute(insert(DataKeyRow), values)
        return key_id

    def wrapped(self, key_id: int, key: bytes) -> bytes:
        return self._box.seal(key, about=_about(key_id))

    def wrapped_anew(self, key_id: int, wrapped: bytes) -> bytes | None:
        """None when it is wrapped with the present encryption key already."""
        if self._box.is_of_first_key(wrapped, about=_about(key_id)):
            return None
        return self.wrapped(key_id, self._unwrapped(key_id, wrapped))

    def _fresh(self) -> _Known:
        known = self._known
        if known is not None and self._clock.monotonic() - known.read_at < FRESH_FOR_S:
            return known
        return self._read()

    def _read(self) -> _Known:
        before, rows = self._known, self._rows()
        if not {row.purpose for row in rows} >= set(PURPOSES):
            self.prepare()
            return self._known or self._read()
        raw: dict[int, bytes] = {}
        in_use = dict(before.in_use) if before else {}
        for row in rows:
            # While nodes are given a new encryption key one by one, those with the old one go on
            # with what they have.
            if before is not None and row.id in before.raw:
                raw[row.id] = before.raw[row.id]
            else:
                try:
                    raw[row.id] = self._unwrapped(row.id, row.wrapped)
                except SecretUnreadable:
                    continue
            if row.retired_at is None:
                in_use[row.purpose] = row.id
        if not all(in_use.get(purpose) in raw for purpose in PURPOSES):
            raise SecretUnreadable("The data keys cannot be opened with PAYORCH_ENCRYPTION_KEY.")
        keys = {key_id: DataKey(key_id, key) for key_id, key in raw.items()}
        self._known = _Known(raw, keys, in_use, self._clock.monotonic())
        return self._known

    def _rows(self) -> Sequence[Any]:
        with self._transactions.read() as connection:
            return connection.execute(_ALL).all()

    def _unwrapped(self, key_id: int, wrapped: bytes) -> bytes:
        return self._box.open(wrapped, about=_about(key_id))


def _about(key_id: int) -> str:
    return f"data_keys.wrapped:{key_id}"
