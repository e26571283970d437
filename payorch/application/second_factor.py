"""The second factor of a login: a code of an app on the person's phone, or a recovery code.

A code is accepted once, however many times it arrives at the same moment. The secret of the app is
never stored in the clear, and nothing of it can be read back once it is set up. Passkeys stand
beside the app (passkeys.py) and are its equals; the recovery codes are of both.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Protocol

from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import SecondFactorRefused, SecretUnreadable
from payorch.domain.one_time_code import DIGITS, matching_step

RECOVERY_CODES = 10
RECOVERY_CODE_LENGTH = 16


@unique
class NextStep(StrEnum):
    """What a right password leads to."""

    COME_IN = "come_in"
    CODE = "code"
    ENROL = "enrol"


@unique
class FactorUsed(StrEnum):
    CODE = "code"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"


@unique
class Removal(StrEnum):
    DONE = "done"
    WAS_NONE = "was_none"
    IS_LAST = "is_last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """What may be shown of one."""

    public_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorState:
    """`enrolled_at` is the app's; None: there are passkeys only."""

    enrolled_at: datetime | None
    recovery_codes_left: int
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFactor:
    """`last_step` is that of the last code that was accepted."""

    public_id: str
    sealed: bytes = field(repr=False)
    last_step: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A secret that is shown, and not in force yet. `sealed` may go through a browser's form."""

    secret: bytes = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """`keep_session` is the one open session that stays; `replaces` an earlier factor."""

    staff: str
    public_id: str
    sealed: bytes = field(repr=False)
    last_step: int
    code_hashes: Sequence[str] = field(repr=False)
    keep_session: str | None
    replaces: bool
    at: datetime


class SecondFactorBook(Protocol):
    """All raise LedgerUnavailable; what changes a factor is journalled with it."""

    def state(self, staff: str) -> FactorState | None:
        """None: neither an app nor a passkey."""

    def factor_of(self, staff: str) -> StoredFactor | None:
        """The app's."""

    def take_step(self, public_id: str, step: int) -> bool:
        """Whether this is the first code of this step or a later one."""

    def take_recovery_code(self, staff: str, code_hash: str, *, at: datetime) -> bool:
        """Whether it was there and is used up now."""

    def enrol(self, enrolment: Enrolment) -> bool:
        """False when there is a factor already, and it is not to be replaced."""

    def renew_codes(self, staff: str, code_hashes: Sequence[str], *, at: datetime) -> bool:
        """False when the person has no factor."""

    def remove(
        self, staff: str, *, by: str, reason: str, keep_session: str | None, at: datetime
    ) -> bool:
        """All factors, the recovery codes, all sessions but one; False when there was none."""

    def remove_app(
        self, staff: str, *, may_be_last: bool, reason: str, keep_session: str | None, at: datetime
    ) -> Removal:
        """One's own app; the recovery codes go with the last factor only."""


class SecretBox(Protocol):
    """Encrypts for one purpose: what was sealed `about` one thing opens about nothing else."""

    def seal(self, secret: bytes, *, about: str) -> bytes: ...

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Raises SecretUnreadable."""


class FactorChance(Protocol):
    def new_id(self) -> str: ...

    def new_secret(self) -> bytes: ...

    def new_recovery_code(self) -> str: ...

    def hash_of(self, recovery_code: str, *, staff: str) -> str: ...


class SecondFactorsUseCase:
    def __init__(
        self,
        book: SecondFactorBook,
        box: SecretBox,
        chance: FactorChance,
        clock: Clock,
        *,
        is_required: bool,
    ) -> None:
        self._book = book
        self._box = box
        self._chance = chance
        self._clock = clock
        self.is_required = is_required

    def state(self, staff: str) -> FactorState | None:
        """None: this person has no second factor."""
        return self._book.state(staff)

    def next_step(self, staff: str) -> NextStep:
        if self.state(staff) is not None:
            return NextStep.CODE
        return NextStep.ENROL if self.is_required else NextStep.COME_IN

    def check(self, staff: str, typed: str) -> FactorUsed | None:
        """What was typed, used up by this; None when it is not right, or was used before."""
        text = _without_gaps(typed)
        if len(text) == DIGITS:
            return FactorUsed.CODE if self._is_right_code(staff, text) else None
        if len(text) != RECOVERY_CODE_LENGTH:
            return None
        code_hash = self._chance.hash_of(text, staff=staff)
        is_right = self._book.take_recovery_code(staff, code_hash, at=self._clock.now())
        return FactorUsed.RECOVERY_CODE if is_right else None

    def draft(self, staff: str) -> Draft:
        """A new secret to show. Nothing is stored until its first code is typed."""
        secret = self._chance.new_secret()
        sealed = self._box.seal(secret, about=_draft_of(staff))
        return Draft(secret, base64.urlsafe_b64encode(sealed).decode())

    def draft_again(self, staff: str, sealed: str) -> Draft:
        """The draft that was shown before. Raises SecretUnreadable when it is not this person's."""
        try:
            opened = base64.urlsafe_b64decode(sealed.encode("ascii", "replace"))
        except (binascii.Error, ValueError):
            raise SecretUnreadable("The form was changed on its way.") from None
        return Draft(self._box.open(opened, about=_draft_of(staff)), sealed)

    def enrol(
        self, staff: str, draft: Draft, typed: str, *, keep_session: str | None, replaces: bool
    ) -> tuple[str, ...]:
        """The new factor is in force: its recovery codes, to be shown this once.

        Raises SecondFactorRefused for a wrong code, and when there is a factor already.
        """
        now = self._clock.now()
        step = matching_step(draft.secret, _without_gaps(typed), now, after=-1)
        if step is None:
            raise SecondFactorRefused("This is not the code that the app shows now.")
        public_id = self._chance.new_id()
        codes, code_hashes = self.made_recovery_codes(staff)
        is_enrolled = self._book.enrol(
            Enrolment(
                staff=staff,
                public_id=public_id,
                sealed=self._box.seal(draft.secret, about=_factor(public_id)),
                last_step=step,
                code_hashes=code_hashes,
                keep_session=keep_session,
                replaces=replaces,
                at=now,
            )
        )
        if not is_enrolled:
            raise SecondFactorRefused("There is a second factor already: log in with it.")
        return codes

    def new_recovery_codes(self, staff: str) -> tuple[str, ...]:
        """Ten others; the former ones are void. Raises SecondFactorRefused without a factor."""
        codes, code_hashes = self.made_recovery_codes(staff)
        if not self._book.renew_codes(staff, code_hashes, at=self._clock.now()):
            raise SecondFactorRefused("There is no second factor that they could stand in for.")
        return codes

    def remove(self, staff: str, *, by: str, reason: str, keep_session: str | None) -> bool:
        """One's own app, or all factors of somebody else; False when there was none.

        Raises ReasonRequired, and SecondFactorRefused for one's own last that is required.
        """
        why, now = checked_reason(reason), self._clock.now()
        if by != staff:
            return self._book.remove(staff, by=by, reason=why, keep_session=keep_session, at=now)
        removal = self._book.remove_app(
            staff,
            may_be_last=not self.is_required,
            reason=why,
            keep_session=keep_session,
            at=now,
        )
        if removal is Removal.IS_LAST:
            raise SecondFactorRefused("A second factor is required here: set up another one.")
        return removal is Removal.DONE

    def made_recovery_codes(self, staff: str) -> tuple[tuple[str, ...], Sequence[str]]:
        """Ten codes and their hashes, not in force yet."""
        codes = tuple(self._chance.new_recovery_code() for _ in range(RECOVERY_CODES))
        return codes, [self._chance.hash_of(_without_gaps(code), staff=staff) for code in codes]

    def _is_right_code(self, staff: str, code: str) -> bool:
        found = self._book.factor_of(staff)
        if found is None:
            return False
        try:
            secret = self._box.open(found.sealed, about=_factor(found.public_id))
        except SecretUnreadable:
            # Sealed with a secret key that is gone. Recovery codes still let the person in.
            return False
        step = matching_step(secret, code, self._clock.now(), after=found.last_step)
        return step is not None and self._book.take_step(found.public_id, step)


def _without_gaps(typed: str) -> str:
    """As it is compared: people copy blanks and dashes, and type capitals."""
    return "".join(typed.split()).replace("-", "").lower()


def _factor(public_id: str) -> str:
    return f"staff_factors.sealed:{public_id}"


def _draft_of(staff: str) -> str:
    return f"enrolment:{staff}"
