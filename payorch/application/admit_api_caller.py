"""Who may call the API: the holder of a key, or of the configured token.

Costs one look-up by an index. A key that does not exist and one with a wrong secret are refused
alike, after the same work: only who holds a secret is told that it was revoked or has ended.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique

from payorch.application.api_keys import ApiKeyBook, ApiKeySecrets, StoredKey
from payorch.application.ports import Clock
from payorch.domain.api_key import ALL_SCOPES, ApiKey, KeyMode, KeyState, Scope
from payorch.domain.api_key_text import KeyText, MistypedKey, read_key

USE_IS_NOTED_EVERY = timedelta(minutes=1)

TOKEN_ACTOR = "api"  # noqa: S105 - a name in the journal
"""The token belongs to the installation, not to one of its servers."""


@unique
class Refusal(StrEnum):
    MISSING = "missing"
    UNKNOWN = "unknown"
    MISTYPED = "mistyped"
    OTHER_MODE = "other_mode"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ADDRESS = "address"


_HAS_ENDED = {KeyState.REVOKED: Refusal.REVOKED, KeyState.EXPIRED: Refusal.EXPIRED}


@dataclass(frozen=True, slots=True)
class Admitted:
    """`actor` is who it was in the journal. `noted_key_id`: its use is to be written down."""

    actor: str
    scopes: frozenset[Scope]
    noted_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class ApiEntrance:
    """How this installation is entered. `token` has every scope.

    `is_open_without_keys`: nobody is asked while there is neither a token nor a key.
    """

    mode: KeyMode
    token: str | None
    is_open_without_keys: bool


class AdmitApiCallerUseCase:
    def __init__(
        self, book: ApiKeyBook, secrets: ApiKeySecrets, clock: Clock, entrance: ApiEntrance
    ) -> None:
        self._book = book
        self._secrets = secrets
        self._clock = clock
        self._entrance = entrance
        self._is_never_open = not entrance.is_open_without_keys or entrance.token is not None

    def execute(self, presented: str | None, *, address: str) -> Admitted | Refusal:
        """`presented` is the bearer's text, None without one; `address` the caller's.

        Raises LedgerUnavailable.
        """
        if self._bears_token(presented) or self._is_open():
            return Admitted(TOKEN_ACTOR, ALL_SCOPES)
        if not presented:
            return Refusal.MISSING
        try:
            text = read_key(presented)
        except MistypedKey:
            return Refusal.MISTYPED
        if text is None:
            return Refusal.UNKNOWN
        if text.mode is not self._entrance.mode:
            return Refusal.OTHER_MODE
        return self._by_key(text, address)

    def note_use(self, key_id: str) -> None:
        """Call it when the answer is on its way. Raises LedgerUnavailable."""
        now = self._clock.now()
        self._book.note_use(key_id, at=now, unless_since=now - USE_IS_NOTED_EVERY)

    def _bears_token(self, presented: str | None) -> bool:
        token = self._entrance.token
        if token is None or presented is None:
            return False
        # Compared as bytes: compare_digest refuses text beyond ASCII.
        return hmac.compare_digest(presented.encode(), token.encode())

    def _is_open(self) -> bool:
        """Closed for good by the first key: revoking the last one must not open the API."""
        if not self._is_never_open:
            self._is_never_open = self._book.has_any()
        return not self._is_never_open

    def _by_key(self, text: KeyText, address: str) -> Admitted | Refusal:
        stored = self._book.find(text.id)
        is_right = self._secrets.is_right(text.text, stored.digest if stored else None)
        if stored is None or not is_right:
            return Refusal.UNKNOWN
        return self._admitted(stored, address)

    def _admitted(self, stored: StoredKey, address: str) -> Admitted | Refusal:
        key, now = stored.key, self._clock.now()
        state = key.state(now)
        if state is not KeyState.ACTIVE:
            return _HAS_ENDED[state]
        if not key.may_come_from(address):
            return Refusal.ADDRESS
        used = key.last_used_at
        is_due = used is None or now - used >= USE_IS_NOTED_EVERY
        return Admitted(actor_of(key), key.scopes, key.id if is_due else None)


def actor_of(key: ApiKey) -> str:
    return f"api key {key.label}"
