"""From the form that holds a circuit to the command, and what the page says before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.application.hold_circuit import HoldCircuit
from payorch.domain.errors import InvalidHold
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.shared_circuit import HoldKind
from payorch.presentation.backoffice.routing.circuit_texts import duration
from payorch.presentation.backoffice.routing.typed_times import typed, utc_moment
from payorch.presentation.services import services

USUAL_LENGTH = timedelta(hours=1)
STEP = timedelta(minutes=5)
MAX_VERSION_DIGITS = 9

WHAT_HAPPENS: Mapping[HoldKind, str] = {
    HoldKind.OPEN: "Nothing is sent to it, not even when no other provider is left.",
    HoldKind.CLOSED: "Everything is sent to it, whatever fails: its breaker does not open.",
}


@dataclass(frozen=True, slots=True)
class HoldForm:
    """The form as it was typed. `until` is a date and time in UTC, to the minute."""

    kind: str = ""
    until: str = ""
    reason: str = ""
    version: str = ""

    @classmethod
    def empty(cls) -> "HoldForm":
        return cls(kind=HoldKind.OPEN.value, until=typed(_usual_end(services().clock.now())))

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> "HoldForm":
        return cls(*(form.get(name, "") for name in ("kind", "until", "reason", "version")))

    def command(self, provider_code: str, actor: str) -> HoldCircuit:
        """Raises InvalidHold for what no browser sends from the form."""
        if not (self.version.isascii() and self.version.isdecimal()):
            raise InvalidHold("The form names no version of the circuit. Load the page again.")
        try:
            kind = HoldKind(self.kind)
        except ValueError:
            raise InvalidHold("Say whether to hold it open or closed.") from None
        try:
            until = utc_moment(self.until)
        except ValueError:
            raise InvalidHold("Give the end as a date and a time in UTC.") from None
        return HoldCircuit(
            provider_code=provider_code,
            kind=kind,
            until=until,
            seen_version=int(self.version[:MAX_VERSION_DIGITS]),
            actor=actor,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """What the person is asked to confirm. `harm` is what customers will feel of it."""

    kind: HoldKind
    until: datetime
    lasts: str
    reason: str
    what_happens: str
    harm: str


def plan_of(command: HoldCircuit, method: PaymentMethodVO, now: datetime) -> HoldPlan:
    return HoldPlan(
        kind=command.kind,
        until=command.until,
        lasts=duration(round((command.until - now).total_seconds())),
        reason=command.reason.strip(),
        what_happens=WHAT_HAPPENS[command.kind],
        harm=_harm(command.kind, method, now),
    )


def _harm(kind: HoldKind, method: PaymentMethodVO, now: datetime) -> str:
    if kind is HoldKind.CLOSED:
        return (
            f"If it does fail, each customer waits up to {method.timeout_s:g} s for it before "
            "the next provider is tried, or for a payment whose outcome is unknown."
        )
    others = [
        other.display_name
        for other in services().registry.configuration().methods
        if other.code != method.code
        and other.is_enabled
        and not services().circuits.is_held_open(other.code)
    ]
    summary = services().metrics.provider_summaries(now).get(method.code)
    share = summary.share_of_traffic if summary is not None else None
    traffic = "" if share is None else f"It got {share:.0%} of the last 24 hours' orders first. "
    if not others:
        return f"{traffic}No other enabled provider is left: no payment can be taken."
    return f"{traffic}Left to try: {', '.join(others)}."


def _usual_end(now: datetime) -> datetime:
    """About an hour from now, on a round minute."""
    end = now + USUAL_LENGTH
    past_step = timedelta(minutes=end.minute % 5, seconds=end.second, microseconds=end.microsecond)
    return end - past_step + STEP
