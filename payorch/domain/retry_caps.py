"""How often a declined card may be tried again: the schemes' caps, counted per card.

The caps are versioned data (DeclinePolicy.caps_for). They are counted over all amounts, which is
never looser than the schemes' own counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.domain.decline_policy import DeclinePolicy
from payorch.domain.decline_row import RetryCap
from payorch.domain.decline_terms import CapCounts, CapScope, CapTrigger
from payorch.domain.decline_verdict import DeclineSignal

LONGEST_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PastDecline:
    at: datetime
    signal: DeclineSignal


def barred_until(
    policy: DeclinePolicy, scheme: str, declines: Sequence[PastDecline], *, now: datetime
) -> datetime | None:
    """Until when the card must not be tried; None when it may be tried now."""
    caps = policy.caps_for(scheme, on=now.date())
    ends = [_end_of(cap, policy, declines, now) for cap in caps if cap.scope is CapScope.CARD]
    return max((end for end in ends if end is not None), default=None)


def _end_of(
    cap: RetryCap, policy: DeclinePolicy, declines: Sequence[PastDecline], now: datetime
) -> datetime | None:
    window = timedelta(hours=cap.window_h)
    counted = sorted(
        decline.at
        for decline in declines
        if decline.at > now - window and _triggers(cap.trigger, decline, policy)
    )
    # A cap on retries allows the first try on top.
    allowed = cap.limit + 1 if cap.counts is CapCounts.RETRIES else cap.limit
    if len(counted) < allowed or not counted:
        return None
    # When this one leaves the window, there is room for one more.
    return counted[-allowed] + window


def _triggers(trigger: CapTrigger, decline: PastDecline, policy: DeclinePolicy) -> bool:
    match trigger:
        case CapTrigger.ANY_DECLINE:
            return True
        case CapTrigger.VISA_CATEGORY_1:
            return policy.visa_category(decline.signal, decline.at.date()) == 1
        case CapTrigger.VISA_CATEGORY_3:
            return policy.visa_category(decline.signal, decline.at.date()) == 3
        case CapTrigger.ADVICE_03 | CapTrigger.ADVICE_21:
            return decline.signal.advice_code == trigger.value.removeprefix("advice_")
