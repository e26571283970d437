"""Where API keys are kept, and where their secrets come from.

Only a keyed hash of a key is stored. The text of a new key is passed on once, to be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from payorch.domain.api_key import ApiKey, KeyMode
from payorch.domain.api_key_text import KeyText
from payorch.domain.errors import PayorchError


class ApiKeyNotFound(PayorchError):
    """There is no key with this id."""

    code = "api_key_not_found"


class ApiKeyRefused(PayorchError):
    """The key cannot be made, replaced or revoked as things stand; the message says why."""

    code = "api_key_refused"


@dataclass(frozen=True, slots=True)
class StoredKey:
    key: ApiKey
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """`text` is in clear for the one time it is shown; it is never stored."""

    key: ApiKey
    text: str = field(repr=False)


class ApiKeySecrets(Protocol):
    def make(self, mode: KeyMode) -> KeyText:
        """A new key that nobody can guess."""

    def digest_of(self, text: str) -> str:
        """What is stored of a key."""

    def is_right(self, text: str, digest: str | None) -> bool:
        """Whether `digest` is of `text`; as much work for None, which nothing fits."""


class ApiKeyBook(Protocol):
    """Every change and its journal entry are one transaction. All raise LedgerUnavailable."""

    def find(self, key_id: str) -> StoredKey | None:
        """One look-up by the id's index."""

    def has_any(self) -> bool:
        """Whether a key was ever made; keys are never deleted."""

    def all(self) -> Sequence[ApiKey]:
        """Every key, the newest first."""

    def add(self, key: ApiKey, digest: str, *, reason: str) -> None:
        """Raises ApiKeyRefused while another active key has this name."""

    def replace(
        self, key_id: str, successor: ApiKey, digest: str, *, ends_at: datetime, reason: str
    ) -> None:
        """Add `successor`; the key itself ends at `ends_at` or earlier.

        Raises ApiKeyNotFound, and ApiKeyRefused when it is not active or two of its name are.
        """

    def revoke(self, key_id: str, *, actor: str, reason: str, at: datetime) -> ApiKey:
        """The key as it was. Raises ApiKeyNotFound, and ApiKeyRefused when it is revoked."""

    def note_use(self, key_id: str, *, at: datetime, unless_since: datetime) -> None:
        """Write down that it was used, unless that was written after `unless_since`."""
