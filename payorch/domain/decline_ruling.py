"""What staff rule that a code means, where the shipped table is silent or does not fit a shop.

A ruling is a row of the decline policy like any other, and it may make the table stricter in any
way. It may never loosen what a scheme forbids, reveal a theft, or charge again where a first
charge may exist: such a ruling cannot be made, and one that a later table contradicts is passed
over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_terms import (
    ANY_SCHEME,
    TRANSPORT_SCHEME,
    DeclineClass,
    FailoverNow,
    RetryLater,
    SignalKind,
)

CHOICES_OF_FAILOVER = (
    FailoverNow.NO,
    FailoverNow.YES_ONCE,
    FailoverNow.YES,
    FailoverNow.NEVER,
)
"""The others hang on settings and advice codes; they are the table's own."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CodeKey:
    """A code as the policy looks it up: without case and outer blanks."""

    scheme: str
    code: str
    signal: SignalKind = SignalKind.RESPONSE

    @classmethod
    def of(
        cls, scheme: str | None, code: str, signal: SignalKind = SignalKind.RESPONSE
    ) -> "CodeKey":
        """`scheme` None: the provider did not name one, so the code is read at any scheme."""
        return cls(
            scheme=(scheme or "").strip().casefold() or ANY_SCHEME,
            code=code.strip().casefold(),
            signal=signal,
        )

    @classmethod
    def of_row(cls, row: DeclineRow) -> "CodeKey":
        return cls.of(row.scheme, row.code, row.signal)

    def __str__(self) -> str:
        """Such as "visa 05", or "mastercard advice 03"."""
        kind = "advice " if self.signal is SignalKind.ADVICE else ""
        return f"{self.scheme} {kind}{self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRuling:
    """The `number`-th ruling on a code, 1 for the first. `row` None took the one before it back."""

    key: CodeKey
    number: int
    row: DeclineRow | None
    ruled_by: str
    ruled_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RulingsInForce:
    """The newest ruling on each code; `version` grows with every ruling, 0 before the first."""

    version: int = 0
    rows: tuple[DeclineRow, ...] = ()


NO_RULINGS = RulingsInForce()


def ruled_policy(shipped: DeclinePolicy, rulings: RulingsInForce) -> DeclinePolicy:
    """The shipped table with staff's rows in it, under a version that names both.

    Of a ruling and a row of the table the one with the later `effective_from` counts; on the
    same day it is the ruling. A ruling keeps the Visa category that its code has in the table:
    how often a card may be tried is the scheme's to say.
    """
    if rulings.version == 0:
        return shipped
    used = [_with_visa_category(row, shipped) for row in rulings.rows if not _loosens(row, shipped)]
    same_day = {(CodeKey.of_row(row), row.effective_from) for row in used}
    kept = [
        row for row in shipped.rows if (CodeKey.of_row(row), row.effective_from) not in same_day
    ]
    version = f"{shipped.version}+{rulings.version}"
    return DeclinePolicy(version, (*kept, *used), shipped.caps)


def why_not(row: DeclineRow, shipped: DeclinePolicy) -> str | None:
    """Why `row` cannot be ruled beside the shipped table; None when it can be."""
    if row.scheme == TRANSPORT_SCHEME:
        return "What happened to a request of ours is not for staff to rule on."
    return next(_loosened(row, shipped), None)


def _loosens(row: DeclineRow, shipped: DeclinePolicy) -> bool:
    return why_not(row, shipped) is not None


def _loosened(ruling: DeclineRow, shipped: DeclinePolicy) -> Iterator[str]:
    """What each row of the table that speaks about the same code forbids, and `ruling` does not.

    Rows that are yet to come into force count too, and so does the row of any scheme for a ruling
    on one of them: a prohibition stays one until the table itself drops it.
    """
    for row in _same_code(ruling, shipped):
        if row.failover is FailoverNow.BY_ADVICE:
            yield f"{row.label} says nothing by itself: its advice code decides."
        if row.failover is FailoverNow.NEVER and ruling.failover is not FailoverNow.NEVER:
            yield f"{row.label} forbids any further try: next provider must stay “never”."
        is_other_time = ruling.retry_later is not row.retry_later
        if row.retry_later is RetryLater.AFTER_LOOKUP and is_other_time:
            yield f"After {row.label} a charge may exist: it must be looked up first."
        if row.retry_later is RetryLater.NEVER and is_other_time:
            yield f"{row.label} may never be tried again: that must stay so."
        is_hushed = row.decline_class is DeclineClass.FRAUD_OR_STOLEN
        if is_hushed and ruling.decline_class is not DeclineClass.FRAUD_OR_STOLEN:
            yield f"{row.label} speaks of fraud or theft, and must be kept as that."


def _same_code(ruling: DeclineRow, shipped: DeclinePolicy) -> Iterator[DeclineRow]:
    key = CodeKey.of_row(ruling)
    for row in shipped.rows:
        other = CodeKey.of_row(row)
        overlaps = other.scheme in {key.scheme, ANY_SCHEME}
        if overlaps and (key.signal, key.code) == (other.signal, other.code):
            yield row


def _with_visa_category(ruling: DeclineRow, shipped: DeclinePolicy) -> DeclineRow:
    categories = [row.visa_category for row in _same_code(ruling, shipped) if row.visa_category]
    return replace(ruling, visa_category=min(categories)) if categories else ruling
