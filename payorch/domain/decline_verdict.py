"""Question and answer of the decline policy, and how rows are weighed into one answer.

Weighing never loosens: the next provider is tried only if every deciding row allows it, and the
strictest row says when the card may be tried again.
"""

from dataclasses import dataclass, field

from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_terms import (
    CustomerText,
    DeclineClass,
    DeclineSetting,
    FailoverNow,
    RetryLater,
)


@dataclass(frozen=True, slots=True)
class DeclineSignal:
    """What the provider said, in its own spelling."""

    scheme: str | None
    code: str
    advice_code: str | None = None
    # True when the next provider can be given the card number itself, not a network token.
    has_card_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineSettings:
    """A merchant's choices where the table leaves one. Scheme prohibitions are not among them."""

    insufficient_funds_falls_back: bool = False
    do_not_honor_falls_back: bool = True
    restricted_falls_back: bool = False
    call_issuer_falls_back: bool = False

    def allows(self, setting: DeclineSetting) -> bool:
        choices = {
            DeclineSetting.INSUFFICIENT_FUNDS_FALLS_BACK: self.insufficient_funds_falls_back,
            DeclineSetting.DO_NOT_HONOR_FALLS_BACK: self.do_not_honor_falls_back,
            DeclineSetting.RESTRICTED_FALLS_BACK: self.restricted_falls_back,
            DeclineSetting.CALL_ISSUER_FALLS_BACK: self.call_issuer_falls_back,
        }
        return choices[setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineVerdict:
    """What a decline leads to. `explanation` is English, for staff, and names its source."""

    reason: str
    decline_class: DeclineClass
    may_try_next: bool
    retry_later: RetryLater
    customer_text_key: CustomerText
    is_customer_data: bool
    is_classified: bool
    alerts_ops: bool
    explanation: str
    retry_after_h: int | None = None
    max_tries: int | None = None


def unclassified(signal: DeclineSignal, version: str) -> DeclineVerdict:
    """Fail closed: a code that nobody has read yet could be a prohibition to try again."""
    return DeclineVerdict(
        reason="unclassified",
        decline_class=DeclineClass.UNCLASSIFIED,
        may_try_next=False,
        retry_later=RetryLater.NOT_AUTOMATIC,
        customer_text_key=CustomerText.GENERIC_DECLINE,
        is_customer_data=False,
        is_classified=False,
        alerts_ops=True,
        explanation=(
            f"Code {signal.code!r} of {signal.scheme or 'an unnamed scheme'} has no row in "
            f"policy {version}: no other provider is tried until it is classified."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The rows that speak about one signal, and the circumstances they are weighed under.

    `row` is the response code's row; `deciding` holds the rows that decide, the response's
    before the advice's.
    """

    row: DeclineRow
    deciding: tuple[DeclineRow, ...]
    is_advice_unknown: bool
    signal: DeclineSignal
    settings: DeclineSettings
    already_fallen_back_for: frozenset[str] = field(default_factory=frozenset)
    version: str

    def verdict(self) -> DeclineVerdict:
        speaker = self._speaker()
        strictest = max(reversed(self.deciding), key=lambda row: row.retry_later.strictness)
        refusals = self._refusals(speaker)
        retry_later = strictest.retry_later
        if self.is_advice_unknown:
            retry_later = max(retry_later, RetryLater.NOT_AUTOMATIC, key=lambda it: it.strictness)
        decline_class = speaker.decline_class
        if self.row.decline_class is DeclineClass.FRAUD_OR_STOLEN:
            decline_class = DeclineClass.FRAUD_OR_STOLEN
        return DeclineVerdict(
            reason=speaker.reason,
            decline_class=decline_class,
            may_try_next=not refusals,
            retry_later=retry_later,
            customer_text_key=self._customer_text(speaker),
            is_customer_data=decline_class is DeclineClass.CUSTOMER_DATA,
            is_classified=decline_class is not DeclineClass.UNCLASSIFIED,
            alerts_ops=self.is_advice_unknown or any(row.alerts_ops for row in self.deciding),
            explanation=self._explanation(speaker, refusals),
            retry_after_h=strictest.wait_h if retry_later is RetryLater.AFTER_WAIT else None,
            max_tries=speaker.max_tries,
        )

    def _speaker(self) -> DeclineRow:
        """The row that names the reason and addresses the customer."""
        first, last = self.deciding[0], self.deciding[-1]
        is_code_final = (
            first.retry_later is RetryLater.NEVER
            or first.decline_class is DeclineClass.FRAUD_OR_STOLEN
        )
        return first if last.keeps_reason or is_code_final else last

    def _customer_text(self, speaker: DeclineRow) -> CustomerText:
        is_folded = self.row.failover is FailoverNow.BY_ADVICE
        is_fraud = self.row.decline_class is DeclineClass.FRAUD_OR_STOLEN
        if is_folded and (is_fraud or not self.signal.advice_code or self.is_advice_unknown):
            return self.row.customer_text
        return speaker.customer_text

    def _refusals(self, speaker: DeclineRow) -> tuple[str, ...]:
        """Why the next provider is not tried; empty when it may be."""
        said = [self._refusal(row, speaker.reason) for row in self.deciding]
        if self.is_advice_unknown:
            said.append(f"advice code {self.signal.advice_code!r} has no row")
        return tuple(refusal for refusal in said if refusal)

    def _refusal(self, row: DeclineRow, reason: str) -> str:
        is_again = bool({row.reason, reason} & self.already_fallen_back_for)
        spent = f"{row.reason} has already fallen back once" if is_again else ""
        setting_off = f"the setting {row.setting} is off"
        if row.setting is not None and self.settings.allows(row.setting):
            setting_off = ""
        token_only = "" if self.signal.has_card_number else "only a network token is at hand"
        refusals = {
            FailoverNow.NEVER: f"{row.label} forbids any further try",
            FailoverNow.NO: f"{row.label} does not fall back",
            FailoverNow.YES: "",
            FailoverNow.YES_ONCE: spent,
            FailoverNow.SETTING: setting_off,
            FailoverNow.SETTING_ONCE: setting_off or spent,
            FailoverNow.WITH_CARD_NUMBER: token_only,
            FailoverNow.BY_ADVICE: f"{row.label} leaves it to an advice code",
        }
        return refusals[row.failover]

    def _explanation(self, speaker: DeclineRow, refusals: tuple[str, ...]) -> str:
        decision = (
            f"no other provider is tried: {'; '.join(refusals)}"
            if refusals
            else "the next provider may be tried"
        )
        subject = " with ".join(dict.fromkeys(row.label for row in (self.row, *self.deciding)))
        sources = "; ".join(dict.fromkeys(row.source for row in (self.row, *self.deciding)))
        notes = " ".join(dict.fromkeys(row.note for row in self.deciding if row.note))
        return (
            f"{subject} is {speaker.reason}; {decision}. "
            f"{notes + ' ' if notes else ''}Policy {self.version}, source: {sources}."
        )
