"""Making, replacing and revoking API keys. Each needs a reason and is journalled.

Two active keys may share a name, and only as predecessor and successor: so that a server can be
given the new one before the old one ends, and nobody keeps a drawer full of forgotten ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.application.api_keys import (
    ApiKeyBook,
    ApiKeyNotFound,
    ApiKeyRefused,
    ApiKeySecrets,
    NewKey,
)
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.api_key import (
    ApiKey,
    InvalidApiKey,
    KeyMode,
    checked_lifetime,
    checked_name,
    checked_networks,
    checked_scopes,
)

DEFAULT_OVERLAP = timedelta(days=7)
MAX_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    """`lifetime` None: it never expires. `networks` empty: it may be used from anywhere."""

    name: str
    scopes: Sequence[str]
    actor: str
    reason: str
    lifetime: timedelta | None = None
    networks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateApiKey:
    """`overlap`: how long the old key still works."""

    key_id: str
    actor: str
    reason: str
    overlap: timedelta = DEFAULT_OVERLAP


class ManageApiKeysUseCase:
    def __init__(
        self, book: ApiKeyBook, secrets: ApiKeySecrets, clock: Clock, mode: KeyMode
    ) -> None:
        self._book = book
        self._secrets = secrets
        self._clock = clock
        self.mode = mode

    def all(self) -> Sequence[ApiKey]:
        """Every key, the newest first."""
        return self._book.all()

    def key(self, key_id: str) -> ApiKey:
        """Raises ApiKeyNotFound."""
        stored = self._book.find(key_id)
        if stored is None:
            raise ApiKeyNotFound("There is no such API key.")
        return stored.key

    def create(self, command: CreateApiKey) -> NewKey:
        """Raises InvalidApiKey, ReasonRequired, and ApiKeyRefused when the name is in use."""
        reason = checked_reason(command.reason)
        now, lifetime = self._clock.now(), checked_lifetime(command.lifetime)
        text = self._secrets.make(self.mode)
        key = ApiKey(
            id=text.id,
            mode=self.mode,
            name=checked_name(command.name),
            scopes=checked_scopes(command.scopes),
            networks=checked_networks(command.networks),
            created_at=now,
            created_by=command.actor,
            expires_at=None if lifetime is None else now + lifetime,
        )
        self._book.add(key, self._secrets.digest_of(text.text), reason=reason)
        return NewKey(key, text.text)

    def rotate(self, command: RotateApiKey) -> NewKey:
        """A successor with the same name, scopes, networks and length of life.

        Raises InvalidApiKey, ReasonRequired, ApiKeyNotFound and ApiKeyRefused.
        """
        reason = checked_reason(command.reason)
        if not timedelta(0) <= command.overlap <= MAX_OVERLAP:
            raise InvalidApiKey(f"The old key works on for at most {MAX_OVERLAP.days} days.")
        old, now = self.key(command.key_id), self._clock.now()
        if old.mode is not self.mode:
            raise ApiKeyRefused(f"A {old.mode} key opens nothing here. Create a new one instead.")
        text = self._secrets.make(self.mode)
        successor = ApiKey(
            id=text.id,
            mode=self.mode,
            name=old.name,
            scopes=old.scopes,
            networks=old.networks,
            created_at=now,
            created_by=command.actor,
            expires_at=_same_lifetime(old, now),
        )
        self._book.replace(
            old.id,
            successor,
            self._secrets.digest_of(text.text),
            ends_at=now + command.overlap,
            reason=reason,
        )
        return NewKey(successor, text.text)

    def revoke(self, key_id: str, *, actor: str, reason: str) -> ApiKey:
        """Raises ReasonRequired, ApiKeyNotFound, and ApiKeyRefused when it is revoked already."""
        return self._book.revoke(
            key_id, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )


def _same_lifetime(old: ApiKey, now: datetime) -> datetime | None:
    """Counted anew: a successor that ends with its predecessor would be of no use."""
    return None if old.expires_at is None else now + (old.expires_at - old.created_at)
