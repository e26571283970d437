"""A provider's fees: what is in force, the form for the next one, and what its attempts cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payorch.application.metrics_window import MetricsWindow
from payorch.application.payment_metrics import SUMMARY_LENGTH
from payorch.application.provider_costs import ProviderCost
from payorch.application.provider_figures import MetricsQuery
from payorch.domain.errors import InvalidFee, InvalidMoney
from payorch.domain.money import Money
from payorch.domain.provider_fees import (
    ProviderFee,
    newest_first,
    percent_ppm,
    percent_text,
)
from payorch.presentation.backoffice.routing.typed_times import typed, utc_moment
from payorch.presentation.money_format import format_money
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class FeeForm:
    """As typed: a percentage, amounts of the currency, and a date and time in UTC."""

    currency: str = ""
    percent: str = ""
    fixed: str = ""
    attempt: str = ""
    valid_from: str = ""
    reason: str = ""

    @classmethod
    def posted(cls, form: Mapping[str, str]) -> "FeeForm":
        names = ("currency", "percent", "fixed", "attempt", "valid_from", "reason")
        return cls(*(form.get(name, "") for name in names))

    def fee(self, provider_code: str) -> ProviderFee:
        """Raises InvalidFee and InvalidMoney."""
        currency = self.currency.strip().upper()
        return ProviderFee(
            provider_code=provider_code,
            currency=currency,
            valid_from=self._valid_from(),
            percent_ppm=percent_ppm(self.percent or "0"),
            fixed_minor=_amount(self.fixed, currency),
            attempt_minor=_amount(self.attempt, currency),
        )

    def _valid_from(self) -> datetime:
        try:
            return utc_moment(self.valid_from)
        except ValueError:
            raise InvalidFee("Give a date and a time in UTC from which it is valid.") from None


@dataclass(frozen=True, slots=True)
class FeeLine:
    currency: str
    valid_from: datetime
    percent: str
    fixed: str
    attempt: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class CostLine:
    currency: str
    approved: str
    cost: str
    share: str


def fee_context(code: str, form: FeeForm | None = None, problem: str = "") -> dict[str, Any]:
    now = services().clock.now()
    schedule = services().fees.schedule()
    fees = newest_first(fee for fee in schedule.fees if fee.provider_code == code)
    window = MetricsWindow.until(now, SUMMARY_LENGTH)
    query = MetricsQuery(window=window, providers=frozenset({code}))
    return {
        "fees": [
            _line(fee, now, is_in_force=fee == schedule.in_force(code, fee.currency, now))
            for fee in fees
        ],
        "costs": [_cost_line(cost) for cost in services().metrics.costs(query)],
        "fee_form": form or FeeForm(valid_from=typed(now)),
        "fee_problem": problem,
    }


def _line(fee: ProviderFee, now: datetime, *, is_in_force: bool) -> FeeLine:
    state, tone = ("In force", "success") if is_in_force else ("Replaced", "neutral")
    if fee.valid_from > now:
        state, tone = "Coming", "info"
    return FeeLine(
        currency=fee.currency,
        valid_from=fee.valid_from,
        percent=f"{percent_text(fee.percent_ppm)} %",
        fixed=format_money(fee.fixed_minor, fee.currency),
        attempt=format_money(fee.attempt_minor, fee.currency),
        state=state,
        tone=tone,
    )


def _cost_line(cost: ProviderCost) -> CostLine:
    known = cost.cost_minor is not None
    return CostLine(
        currency=cost.currency,
        approved=f"{cost.approved:,} of {cost.billed_attempts:,}, "
        + format_money(cost.approved_minor, cost.currency),
        cost=format_money(cost.cost_minor or 0, cost.currency) if known else "no fee is set",
        share="-" if cost.share is None else f"{cost.share:.2%}",
    )


def _amount(text: str, currency: str) -> int:
    """Minor units of a plain decimal; nothing typed is nothing charged."""
    if not text.strip(" 0."):
        return 0
    try:
        return Money.from_decimal_text(text, currency).amount_minor
    except InvalidMoney as error:
        raise InvalidFee(error.message) from None
