"""Stops whoever tries out stolen cards, and cards that their scheme does not want to see again.

Everything is counted from committed attempts, so it holds across processes. A limit needs both
many declines and hardly anything else: honest customers of a busy network are let through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from payorch.application.commands import PayOrder
from payorch.application.ports import Clock
from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.errors import CardNotAcceptedNow, TooManyDeclines
from payorch.domain.instrument import CardInstrument
from payorch.domain.retry_caps import LONGEST_WINDOW, PastDecline, barred_until

EMAIL_WINDOW = timedelta(hours=1)
BURST_WINDOW = timedelta(minutes=10)
DECLINED_SHARE = 0.8
"""With fewer declines among the attempts than this, it is a busy shop, not a card tester."""


@dataclass(frozen=True, slots=True)
class DeclineLimits:
    """Declined attempts after which nothing more is tried: per hour, or per ten minutes.

    `has_scheme_caps` off lets a card be tried however often; for practice only.
    """

    per_email: int
    per_bin: int
    per_address: int
    has_scheme_caps: bool = True


@dataclass(frozen=True, slots=True)
class Tally:
    """Finished attempts of one kind, and how many of them were declined."""

    attempts: int
    declined: int


@dataclass(frozen=True, slots=True)
class HistoryQuestion:
    """What to count by; None counts nothing. Hashes are keyed, never the thing itself."""

    email: str | None
    email_since: datetime
    card_bin: str | None
    client_hash: str | None
    burst_since: datetime
    card_fingerprint: str | None
    card_since: datetime


@dataclass(frozen=True, slots=True)
class RecentDeclines:
    """Declined attempts alone, each counted up to what makes no further difference: for almost
    every payment they say that nothing has to be looked at closely.

    `configuration_revision` comes along, because every submission needs it, too.
    """

    by_email: int
    by_bin: int
    by_address: int
    of_card: int
    configuration_revision: int


@dataclass(frozen=True, slots=True)
class History:
    by_email: Tally
    by_bin: Tally
    by_address: Tally
    card_declines: Sequence[PastDecline]


class AttemptHistory(Protocol):
    """Both are one statement, and raise LedgerUnavailable."""

    def recent_declines(self, question: HistoryQuestion) -> RecentDeclines: ...

    def ask(self, question: HistoryQuestion) -> History: ...


class KeyedHashes(Protocol):
    """Hashes that say nothing without the installation's secret key."""

    def of_card(self, number: str) -> str: ...

    def of_address(self, address: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Traces:
    """What an attempt leaves behind for these limits."""

    card_fingerprint: str | None
    client_hash: str | None


@dataclass(frozen=True, slots=True)
class CardRetries:
    """How a card stands with its scheme's caps. Without a `scheme` there is nothing to cap."""

    policy: DeclinePolicy
    scheme: str | None
    declines: tuple[PastDecline, ...] = ()

    def after(self, decline: PastDecline) -> "CardRetries":
        return replace(self, declines=(*self.declines, decline))

    def barred_until(self, now: datetime) -> datetime | None:
        """Until when the card must not be tried; None when it may be tried now."""
        if self.scheme is None:
            return None
        return barred_until(self.policy, self.scheme, self.declines, now=now)


@dataclass(frozen=True, slots=True)
class Allowed:
    """`configuration_revision` as of the look, and how the card stands for further attempts."""

    configuration_revision: int
    card_retries: CardRetries


class DeclineGuard:
    def __init__(
        self,
        *,
        history: AttemptHistory,
        hashes: KeyedHashes,
        policy: DeclinePolicy,
        limits: DeclineLimits,
        clock: Clock,
    ) -> None:
        self._history = history
        self._hashes = hashes
        self._policy = policy
        self._limits = limits
        self._clock = clock

    def traces_of(self, command: PayOrder) -> Traces:
        card, address = command.instrument, command.client_address
        return Traces(
            card_fingerprint=None if card is None else self._hashes.of_card(card.number),
            client_hash=None if address is None else self._hashes.of_address(address),
        )

    def require_allowed(self, command: PayOrder, email: str | None, traces: Traces) -> Allowed:
        """What was looked up for the submission, as of this moment.

        Raises TooManyDeclines or CardNotAcceptedNow; nothing may be sent then.
        """
        now = self._clock.now()
        card = command.instrument
        question = HistoryQuestion(
            email=email,
            email_since=now - EMAIL_WINDOW,
            card_bin=None if card is None else card.summary().bin,
            client_hash=traces.client_hash,
            burst_since=now - BURST_WINDOW,
            card_fingerprint=traces.card_fingerprint,
            card_since=now - LONGEST_WINDOW,
        )
        declines = self._history.recent_declines(question)
        history = self._history.ask(question) if self._may_matter(declines) else None
        retries = self._retries(card, () if history is None else history.card_declines)
        _require_card_allowed(retries, now)
        if history is not None:
            self._require_within_limits(history)
        return Allowed(declines.configuration_revision, retries)

    def _may_matter(self, declines: RecentDeclines) -> bool:
        """Every refusal needs one of these; what else was attempted can only acquit."""
        limits = self._limits
        return (
            (declines.of_card > 0 and limits.has_scheme_caps)
            or declines.by_email >= limits.per_email
            or declines.by_bin >= limits.per_bin
            or declines.by_address >= limits.per_address
        )

    def _require_within_limits(self, history: History) -> None:
        limits = self._limits
        for tally, limit, window in (
            (history.by_email, limits.per_email, EMAIL_WINDOW),
            (history.by_address, limits.per_address, BURST_WINDOW),
            (history.by_bin, limits.per_bin, BURST_WINDOW),
        ):
            if tally.declined >= limit and tally.declined >= DECLINED_SHARE * tally.attempts:
                raise TooManyDeclines(
                    "Too many payments were declined. Please come back later.",
                    retry_after_s=round(window.total_seconds()),
                )

    def _retries(self, card: CardInstrument | None, declines: Sequence[PastDecline]) -> CardRetries:
        if card is None or not self._limits.has_scheme_caps:
            return CardRetries(self._policy, None)
        return CardRetries(self._policy, card.summary().brand, tuple(declines))


def _require_card_allowed(retries: CardRetries, now: datetime) -> None:
    until = retries.barred_until(now)
    if until is not None:
        raise CardNotAcceptedNow(
            "This card was declined and must not be tried again now. Please use another card.",
            retry_after_s=max(1, round((until - now).total_seconds())),
        )
