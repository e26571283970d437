"""Decides what a decline means: next provider now, again later, what the customer is told.

The rules are versioned data (`DeclineRow`), never code. A code without a row never falls back.
An advice code can only make the verdict on a response code stricter, except for the codes that
say nothing by themselves (Mastercard 79, 82, 83), where the advice decides alone.
This module must never be asked about an unknown outcome: that one is held, not classified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from payorch.domain.decline_row import DeclineRow, InvalidDeclinePolicy, RetryCap
from payorch.domain.decline_terms import (
    ANY_SCHEME,
    TRANSPORT_SCHEME,
    CustomerText,
    DeclineClass,
    DeclineSetting,
    FailoverNow,
    RetryLater,
    SignalKind,
)
from payorch.domain.decline_verdict import (
    DeclineSettings,
    DeclineSignal,
    DeclineVerdict,
    Judgement,
    unclassified,
)

__all__ = [
    "ANY_SCHEME",
    "TRANSPORT_SCHEME",
    "CustomerText",
    "DeclineClass",
    "DeclinePolicy",
    "DeclineRow",
    "DeclineSetting",
    "DeclineSettings",
    "DeclineSignal",
    "DeclineVerdict",
    "FailoverNow",
    "InvalidDeclinePolicy",
    "RetryCap",
    "RetryLater",
    "SignalKind",
]

# Advice codes 01..43 exist at Mastercard only, so an answer that names no scheme is read as its.
_ADVICE_HOME_SCHEME = "mastercard"

_Key = tuple[SignalKind, str, str]


@dataclass(frozen=True, slots=True)
class DeclinePolicy:
    """One version of the table. Raises InvalidDeclinePolicy when its rows contradict each other."""

    version: str
    rows: tuple[DeclineRow, ...]
    caps: tuple[RetryCap, ...] = ()
    _index: Mapping[_Key, tuple[DeclineRow, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", _indexed(self.rows))
        for row in self.rows:
            if row.without_advice_as is not None:
                self._row_without_advice(row, on=row.effective_from)

    def classify(
        self,
        signal: DeclineSignal,
        settings: DeclineSettings,
        on: date,
        already_fallen_back_for: frozenset[str] = frozenset(),
    ) -> DeclineVerdict:
        """What to do with a decline that came on the day `on` (UTC).

        `already_fallen_back_for` holds the `reason` of every verdict that led to the next
        provider earlier in this submission. Never raises: what is not known is unclassified.
        """
        row = self._response_row(signal, on)
        if row is None:
            return unclassified(signal, self.version)
        advice = self._advice_row(signal, on)
        is_advice_unknown = advice is None and bool(_normal(signal.advice_code))
        if row.failover is not FailoverNow.BY_ADVICE:
            deciding = (row,) if advice is None else (row, advice)
        else:
            deciding = (advice or self._row_without_advice(row, on=on),)
        return Judgement(
            row=row,
            deciding=deciding,
            is_advice_unknown=is_advice_unknown,
            signal=signal,
            settings=settings,
            already_fallen_back_for=already_fallen_back_for,
            version=self.version,
        ).verdict()

    def caps_for(
        self, scheme: str, *, on: date, country: str | None = None
    ) -> tuple[RetryCap, ...]:
        """Retry caps in force at a scheme; a cap for the merchant's country replaces the general.

        Of several with the same trigger, scope and window the latest `effective_from` counts.
        """
        in_force: dict[tuple[str, ...], RetryCap] = {}
        # Country caps sort after general ones, later dates after earlier: the last one stays.
        for cap in sorted(self.caps, key=lambda cap: (cap.country is not None, cap.effective_from)):
            is_ours = cap.scheme == _normal(scheme) and cap.country in {None, country}
            if is_ours and cap.effective_from <= on:
                in_force[(cap.trigger, cap.scope, str(cap.window_h))] = cap
        return tuple(in_force.values())

    def row_of(
        self, scheme: str, code: str, *, on: date, signal: SignalKind = SignalKind.RESPONSE
    ) -> DeclineRow | None:
        """The row that speaks about a code at a scheme, or at any; None for an unknown code."""
        return self._first_row(signal, _looked_up(_normal(scheme)), code, on)

    def visa_category(self, signal: DeclineSignal, on: date) -> int | None:
        """Visa's category of a decline, 1 ("never again") to 4; None for what has none."""
        row = self._response_row(signal, on)
        return None if row is None else row.visa_category

    def _response_row(self, signal: DeclineSignal, on: date) -> DeclineRow | None:
        schemes = _looked_up(_normal(signal.scheme))
        return self._first_row(SignalKind.RESPONSE, schemes, signal.code, on)

    def _advice_row(self, signal: DeclineSignal, on: date) -> DeclineRow | None:
        scheme = _normal(signal.scheme) or _ADVICE_HOME_SCHEME
        return self._first_row(
            SignalKind.ADVICE, (scheme, ANY_SCHEME), signal.advice_code or "", on
        )

    def _row_without_advice(self, row: DeclineRow, *, on: date) -> DeclineRow:
        stand_in = self._first_row(
            SignalKind.RESPONSE, (ANY_SCHEME,), row.without_advice_as or "", on
        )
        if stand_in is None or stand_in.failover is FailoverNow.BY_ADVICE:
            raise InvalidDeclinePolicy(
                f"{row.label}: without_advice_as {row.without_advice_as} has no usable row"
            )
        return stand_in

    def _first_row(
        self, kind: SignalKind, schemes: Sequence[str], code: str, on: date
    ) -> DeclineRow | None:
        for scheme in schemes:
            for row in self._index.get((kind, scheme, _normal(code)), ()):
                if row.effective_from <= on:
                    return row
        return None


def _looked_up(scheme: str) -> tuple[str, ...]:
    return (scheme,) if scheme == TRANSPORT_SCHEME else (scheme, ANY_SCHEME)


def _normal(text: str | None) -> str:
    """Schemes and codes compare without case and outer blanks: providers spell them freely."""
    return (text or "").strip().casefold()


def _indexed(rows: Sequence[DeclineRow]) -> Mapping[_Key, tuple[DeclineRow, ...]]:
    """Rows by key, the latest first, so that the first one in force is the right one."""
    index: dict[_Key, list[DeclineRow]] = {}
    for row in sorted(rows, key=lambda row: row.effective_from, reverse=True):
        same_key = index.setdefault((row.signal, _normal(row.scheme), _normal(row.code)), [])
        if any(other.effective_from == row.effective_from for other in same_key):
            raise InvalidDeclinePolicy(f"{row.label}: two rows from {row.effective_from}")
        same_key.append(row)
    return MappingProxyType({key: tuple(found) for key, found in index.items()})
