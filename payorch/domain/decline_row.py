"""One rule of the decline policy, and one retry cap, as values that check themselves.

A row that could leak a theft to the customer, or that leaves a decision open, cannot be built.
"""

from dataclasses import dataclass
from datetime import date

from payorch.domain.decline_terms import (
    CapCounts,
    CapScope,
    CapTrigger,
    CustomerText,
    DeclineClass,
    DeclineSetting,
    FailoverNow,
    RetryLater,
    SignalKind,
)
from payorch.domain.errors import PayorchError


class InvalidDeclinePolicy(PayorchError):
    """A row contradicts itself or another one; the policy that holds it must not be used."""

    code = "invalid_decline_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRow:
    """What one code means from `effective_from` on, at one scheme or at any."""

    signal: SignalKind = SignalKind.RESPONSE
    scheme: str
    code: str
    reason: str
    decline_class: DeclineClass
    failover: FailoverNow
    retry_later: RetryLater
    customer_text: CustomerText
    source: str
    effective_from: date
    setting: DeclineSetting | None = None
    # For BY_ADVICE rows: the code of scheme "any" whose row counts when no advice came.
    without_advice_as: str | None = None
    # For advice rows: they change the timing, and the response code keeps naming the reason.
    keeps_reason: bool = False
    wait_h: int | None = None
    # Tries of one card with this reason, the first one included.
    max_tries: int | None = None
    visa_category: int | None = None
    alerts_ops: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        for problem, is_present in self._problems():
            if is_present:
                raise InvalidDeclinePolicy(f"{self.label}: {problem}")

    def _problems(self) -> tuple[tuple[str, bool], ...]:
        has_setting = self.setting is not None
        needs_setting = self.failover in {FailoverNow.SETTING, FailoverNow.SETTING_ONCE}
        decides_by_advice = self.failover is FailoverNow.BY_ADVICE
        is_advice = self.signal is SignalKind.ADVICE
        is_hushed = self.decline_class is DeclineClass.FRAUD_OR_STOLEN
        return (
            ("scheme, code, reason and source must be filled", "" in self._required_texts()),
            ("a setting belongs to failover setting or setting_once", has_setting != needs_setting),
            (
                "without_advice_as belongs to failover by_advice",
                decides_by_advice != (self.without_advice_as is not None),
            ),
            ("an advice cannot wait for an advice", is_advice and decides_by_advice),
            ("keeps_reason belongs to an advice", self.keeps_reason and not is_advice),
            (
                "fraud and theft are told to nobody: the text must be generic_decline",
                is_hushed and self.customer_text is not CustomerText.GENERIC_DECLINE,
            ),
            (
                "wait_h belongs to retry_later after_wait",
                (self.wait_h is not None) != (self.retry_later is RetryLater.AFTER_WAIT),
            ),
            ("wait_h must be positive", self.wait_h is not None and self.wait_h < 1),
            ("max_tries must be positive", self.max_tries is not None and self.max_tries < 1),
            ("visa_category must be 1 to 4", self.visa_category not in {None, 1, 2, 3, 4}),
        )

    def _required_texts(self) -> tuple[str, ...]:
        return (self.scheme.strip(), self.code.strip(), self.reason.strip(), self.source.strip())

    @property
    def label(self) -> str:
        """How error messages and explanations name the row, e.g. "mastercard advice 03"."""
        kind = " advice" if self.signal is SignalKind.ADVICE else ""
        return f"{self.scheme}{kind} {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryCap:
    """At most `limit` retries or declines within `window_h` hours after the trigger.

    Counted per card, acceptor and amount (scope card), or over all cards of a merchant.
    `country` limits the cap to merchants there; None is everywhere else.
    """

    scheme: str
    trigger: CapTrigger
    scope: CapScope
    counts: CapCounts
    limit: int
    window_h: int
    source: str
    effective_from: date
    country: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.limit < 0 or self.window_h < 1:
            raise InvalidDeclinePolicy(
                f"{self.scheme} {self.trigger}: cap must be 0 or more per hours"
            )
        if not self.scheme.strip() or not self.source.strip():
            raise InvalidDeclinePolicy(
                f"{self.scheme} {self.trigger}: scheme and source are required"
            )
