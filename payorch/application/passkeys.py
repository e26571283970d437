"""Passkeys as second factors: registered with a name, renamed, used after the password, removed.

The browser signs a challenge of ours for our address only, so nothing can be typed into a page of
somebody else. A challenge counts once, for a few minutes, and only for the session that asked for
it: an answer that was overheard or comes from elsewhere is worth nothing, not even the first time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Protocol

from payorch.application.ports import Clock
from payorch.application.second_factor import Removal, SecondFactorsUseCase
from payorch.domain.login_errors import PasskeyRefused

CHALLENGE_LIVES = timedelta(minutes=5)
"""Time to fetch a key from a drawer; browsers ask for two minutes at most."""

MAX_NAME = 60
MAX_PASSKEYS = 20
MAX_ANSWER = 16_384


@unique
class Purpose(StrEnum):
    REGISTER = "register"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What an authenticator made. The public key proves answers, and helps nobody to make one."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """`code_hashes` are for the case that it is the person's first factor."""

    staff: str
    name: str
    credential: Credential
    code_hashes: Sequence[str] = field(repr=False)
    must_be_first: bool
    keep_session: str | None
    at: datetime


@unique
class Registered(StrEnum):
    FIRST = "first"
    ANOTHER = "another"
    NOT = "not"


class PasskeyBook(Protocol):
    """All raise LedgerUnavailable; registering and removing is journalled with it."""

    def credentials_of(self, staff: str) -> Sequence[Credential]: ...

    def keep_challenge(self, staff: str, challenge_hash: str, *, at: datetime) -> None:
        """Also forgets those that are over."""

    def take_challenge(self, staff: str, challenge_hash: str, *, since: datetime) -> bool:
        """Whether it was there, made at `since` or later, and is used up now."""

    def register(self, registration: Registration) -> Registered:
        """FIRST: recovery codes are in force, and other sessions ended.

        NOT: the credential is known already, or there is a factor and there must be none.
        """

    def note_use(self, credential_id: bytes, *, before: int, after: int, at: datetime) -> bool:
        """False when the sign count is not `before` any more, or the passkey is gone."""

    def rename(self, staff: str, public_id: str, name: str, *, at: datetime) -> bool:
        """False when this person has no such passkey. The name it has already is no change."""

    def remove(
        self,
        staff: str,
        public_id: str,
        *,
        may_be_last: bool,
        keep_session: str | None,
        at: datetime,
    ) -> Removal: ...


class PasskeyCeremony(Protocol):
    """WebAuthn for the one address of this payorch. All `answer`s are JSON of a browser."""

    @property
    def problem(self) -> str:
        """Why no browser could use a passkey at this address; empty: they can."""

    def new_challenge(self) -> bytes: ...

    def creation_options(
        self, staff: str, challenge: bytes, known: Sequence[Credential]
    ) -> str: ...

    def request_options(self, challenge: bytes, known: Sequence[Credential]) -> str: ...

    def challenge_in(self, answer: str) -> bytes:
        """Raises PasskeyRefused when there is none to be read."""

    def credential_id_in(self, answer: str) -> bytes:
        """Raises PasskeyRefused when there is none to be read."""

    def created(self, answer: str, challenge: bytes) -> Credential:
        """Raises PasskeyRefused unless it is for this challenge and address, by a verified user."""

    def new_sign_count(self, answer: str, challenge: bytes, credential: Credential) -> int:
        """Raises PasskeyRefused like `created`, and for a count that has not gone up."""


class PasskeysUseCase:
    def __init__(
        self,
        book: PasskeyBook,
        ceremony: PasskeyCeremony,
        factors: SecondFactorsUseCase,
        clock: Clock,
    ) -> None:
        self._book = book
        self._ceremony = ceremony
        self._factors = factors
        self._clock = clock

    @property
    def problem(self) -> str:
        """Why nobody could use a passkey here; empty: they can."""
        return self._ceremony.problem

    def options_to_register(self, staff: str, *, session: str) -> str:
        """What the browser is to be asked. Raises PasskeyRefused where that cannot work."""
        known = self._book.credentials_of(staff)
        if self.problem:
            raise PasskeyRefused(self.problem)
        if len(known) >= MAX_PASSKEYS:
            raise PasskeyRefused(f"There are {MAX_PASSKEYS} passkeys already: remove one first.")
        challenge = self._challenge(staff, Purpose.REGISTER, session)
        return self._ceremony.creation_options(staff, challenge, known)

    def register(
        self,
        staff: str,
        name: str,
        answer: str,
        *,
        session: str,
        keep_session: str | None,
        must_be_first: bool = False,
    ) -> tuple[str, ...]:
        """Recovery codes, to be shown this once, if it is the first factor; else none.

        `session` is what the challenge was given to. Raises PasskeyRefused.
        """
        challenge = self._taken(staff, Purpose.REGISTER, answer, session)
        credential = self._ceremony.created(answer, challenge)
        codes, code_hashes = self._factors.made_recovery_codes(staff)
        registered = self._book.register(
            Registration(
                staff=staff,
                name=checked_name(name),
                credential=credential,
                code_hashes=code_hashes,
                must_be_first=must_be_first,
                keep_session=keep_session,
                at=self._clock.now(),
            )
        )
        if registered is Registered.NOT:
            raise PasskeyRefused("This passkey, or another second factor, is there already.")
        return codes if registered is Registered.FIRST else ()

    def options_to_use(self, staff: str, *, session: str) -> str:
        """What the browser is to be asked. Raises PasskeyRefused for who has no passkey."""
        known = self._book.credentials_of(staff)
        if not known:
            raise PasskeyRefused("There is no passkey to use.")
        if self.problem:
            raise PasskeyRefused(self.problem)
        challenge = self._challenge(staff, Purpose.USE, session)
        return self._ceremony.request_options(challenge, known)

    def check(self, staff: str, answer: str, *, session: str) -> bool:
        """Whether it is a right answer to a challenge of this session, used up by this."""
        try:
            challenge = self._taken(staff, Purpose.USE, answer, session)
            named = self._ceremony.credential_id_in(answer)
            known = self._book.credentials_of(staff)
            credential = next((one for one in known if one.credential_id == named), None)
            if credential is None:
                return False
            after = self._ceremony.new_sign_count(answer, challenge, credential)
        except PasskeyRefused:
            return False
        # Two answers at the same moment, of a key and its copy: one of them is too late.
        return self._book.note_use(
            named, before=credential.sign_count, after=after, at=self._clock.now()
        )

    def rename(self, staff: str, public_id: str, name: str) -> bool:
        """False when this person has no such passkey. Raises PasskeyRefused for such a name."""
        return self._book.rename(staff, public_id, checked_name(name), at=self._clock.now())

    def remove(self, staff: str, public_id: str, *, keep_session: str | None) -> bool:
        """False when it was gone. Raises PasskeyRefused for the last factor that is required."""
        removal = self._book.remove(
            staff,
            public_id,
            may_be_last=not self._factors.is_required,
            keep_session=keep_session,
            at=self._clock.now(),
        )
        if removal is Removal.IS_LAST:
            raise PasskeyRefused("A second factor is required here: set up another one first.")
        return removal is Removal.DONE

    def _challenge(self, staff: str, purpose: Purpose, session: str) -> bytes:
        challenge = self._ceremony.new_challenge()
        self._book.keep_challenge(staff, _bound(challenge, purpose, session), at=self._clock.now())
        return challenge

    def _taken(self, staff: str, purpose: Purpose, answer: str, session: str) -> bytes:
        if len(answer) > MAX_ANSWER:
            raise PasskeyRefused("This is no answer of a browser.")
        challenge = self._ceremony.challenge_in(answer)
        since = self._clock.now() - CHALLENGE_LIVES
        if not self._book.take_challenge(staff, _bound(challenge, purpose, session), since=since):
            raise PasskeyRefused("That took too long, or was answered before. Try again.")
        return challenge


def checked_name(name: str) -> str:
    """Raises PasskeyRefused when nothing is left of it, or too much."""
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise PasskeyRefused(f"Give the passkey a name of 1 to {MAX_NAME} characters.")
    return text


def _bound(challenge: bytes, purpose: Purpose, session: str) -> str:
    """What is stored: it can only be found again for the same purpose and session."""
    return hashlib.sha256(f"{purpose}:{session}:".encode() + challenge).hexdigest()
