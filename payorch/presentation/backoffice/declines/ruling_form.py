"""The form in which staff say what a code means, as it was typed, and the command it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from payorch.application.rule_on_decline import RuleOnDecline
from payorch.domain.decline_row import DeclineRow, InvalidDeclinePolicy
from payorch.domain.decline_ruling import CHOICES_OF_FAILOVER, CodeKey
from payorch.domain.decline_terms import CustomerText, DeclineClass, FailoverNow, RetryLater

MAX_DIGITS = 9

_Term = TypeVar("_Term", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class RulingForm:
    """An unseen code starts as strict as it is treated now: no other provider is tried."""

    meaning: str = ""
    decline_class: str = DeclineClass.ISSUER_DECLINE.value
    failover: str = FailoverNow.NO.value
    retry_later: str = RetryLater.NOT_AUTOMATIC.value
    wait_h: str = ""
    customer_text: str = CustomerText.GENERIC_DECLINE.value
    reason: str = ""
    seen: str = "0"

    @classmethod
    def of(cls, row: DeclineRow | None, seen: int) -> "RulingForm":
        """Filled with what the code means now."""
        if row is None:
            return cls(seen=str(seen))
        is_choice = row.failover in CHOICES_OF_FAILOVER
        return cls(
            meaning=row.reason,
            decline_class=row.decline_class.value,
            failover=row.failover.value if is_choice else FailoverNow.NO.value,
            retry_later=row.retry_later.value,
            wait_h="" if row.wait_h is None else str(row.wait_h),
            customer_text=row.customer_text.value,
            seen=str(seen),
        )

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> "RulingForm":
        names = (
            "meaning",
            "decline_class",
            "failover",
            "retry_later",
            "wait_h",
            "customer_text",
            "reason",
            "seen",
        )
        return cls(*(form.get(name, "") for name in names))

    def command(self, key: CodeKey, actor: str) -> RuleOnDecline:
        """Raises InvalidDeclinePolicy for what cannot be read."""
        retry_later = _term(self.retry_later, RetryLater)
        waits = retry_later is RetryLater.AFTER_WAIT
        return RuleOnDecline(
            key=key,
            meaning=self.meaning,
            decline_class=_term(self.decline_class, DeclineClass),
            failover=_term(self.failover, FailoverNow),
            retry_later=retry_later,
            wait_h=_number(self.wait_h, "Give the wait in whole hours.") if waits else None,
            customer_text=_term(self.customer_text, CustomerText),
            seen_number=self.seen_number(),
            actor=actor,
            reason=self.reason,
        )

    def seen_number(self) -> int:
        return _number(self.seen, "The form names no ruling it is based on. Load the page again.")


def _term(text: str, kind: type[_Term]) -> _Term:
    try:
        return kind(text)
    except ValueError:
        raise InvalidDeclinePolicy("Choose one of the answers that the form offers.") from None


def _number(text: str, problem: str) -> int:
    typed = text.strip()
    if not (typed.isascii() and typed.isdecimal()) or len(typed) > MAX_DIGITS:
        raise InvalidDeclinePolicy(problem)
    return int(typed)
