"""Ports for customers' personal data: what of it is shown, sealed anew, and erased.

Whoever reads it here may get SecretUnreadable: the data was tampered with, or its key is gone.
Money never waits for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.application.notices import Letter
from payorch.domain.payment_order import Customer, OrderId


class SealedOrder(Protocol):
    """An order as it is stored; what is in the clear is of rows from before the sealing."""

    @property
    def public_id(self) -> str: ...
    @property
    def customer_sealed(self) -> bytes | None: ...
    @property
    def customer_name(self) -> str | None: ...
    @property
    def customer_email(self) -> str | None: ...
    @property
    def customer_fields(self) -> dict[str, str]: ...


class SealedNotice(Protocol):
    @property
    def public_id(self) -> str: ...
    @property
    def sealed(self) -> bytes | None: ...
    @property
    def recipient(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def body_html(self) -> str: ...


@dataclass(frozen=True, slots=True)
class AddressedLetter:
    recipient: str
    letter: Letter


class PersonalDataReader(Protocol):
    """For pages. Both readings raise SecretUnreadable."""

    def customer_of(self, order: SealedOrder) -> Customer | None: ...

    def letter_of(self, notice: SealedNotice) -> AddressedLetter: ...

    def email_index(self, email: str) -> str:
        """What an e-mail address is found by: the same for all its spellings."""


class Sealed(StrEnum):
    """The tables with sealed data."""

    ORDERS = "orders"
    NOTICES = "notices"


@dataclass(frozen=True, slots=True)
class KeyState:
    """A data key, and the rows that need it."""

    id: int
    purpose: str
    created_at: datetime
    retired_at: datetime | None
    is_wrapped_anew: bool
    orders: int
    notices: int


@dataclass(frozen=True, slots=True)
class SealingState:
    """`in_clear` are rows that wait to be sealed for the first time."""

    keys: tuple[KeyState, ...]
    in_clear: int


@dataclass(frozen=True, slots=True)
class Step:
    """One batch. `last` None: there was nothing left after `after`."""

    last: int | None
    sealed: int
    unreadable: int


class SealingBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def former_keys(self) -> Sequence[int]:
        """The keys of personal data that nothing new is sealed with."""

    def seal_anew(self, table: Sealed, *, key_id: int | None, after: int, limit: int) -> Step:
        """Seal with the key in use what is sealed with `key_id`, or with none, beyond `after`.

        What changes meanwhile is left alone; what cannot be read stays as it is.
        """

    def rotate(self, *, actor: str, reason: str, at: datetime) -> int:
        """A new key for what is written from now on, with the job that seals the rest anew."""

    def wrap_anew(self) -> int:
        """Wrap data keys of a former encryption key with the present one; how many it were."""

    def destroy_unused(self, *, retired_before: datetime, at: datetime) -> Sequence[int]:
        """Destroy former keys that no row needs; journalled."""

    def state(self) -> SealingState: ...


@dataclass(frozen=True, slots=True)
class Erasable:
    """An order of a customer. `why_not` None: it may be erased."""

    id: OrderId
    why_not: str | None
    is_erased: bool


@dataclass(frozen=True, slots=True)
class OldOrder:
    id: OrderId
    created_at: datetime


class ErasureBook(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def of_order(self, order_id: OrderId) -> Erasable | None: ...

    def of_email(self, email: str) -> Sequence[Erasable]: ...

    def finished_before(
        self, moment: datetime, *, since: datetime | None, limit: int
    ) -> Sequence[OldOrder]:
        """Orders that may be erased, are not yet, and have not changed since `moment`.

        The oldest first, from those on that were created at `since`.
        """

    def erase(
        self, order_ids: Collection[OrderId], *, actor: str, reason: str, at: datetime
    ) -> Sequence[OrderId]:
        """Overwrite the personal data of those that may be erased still; journalled, each."""
