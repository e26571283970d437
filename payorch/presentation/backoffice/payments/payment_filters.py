"""Filters that the lists of orders and transactions share."""

from collections.abc import Sequence
from typing import Any

from payorch.domain.money import payment_currencies
from payorch.presentation.backoffice.shell.exact_filters import (
    AmountFilter,
    ChoiceFilter,
    ExactFilter,
    TimeFilter,
    typed,
)
from payorch.presentation.services import services

CURRENCY_CHOICES = tuple((code, code) for code in payment_currencies())


def time_filters(column: Any) -> tuple[TimeFilter, TimeFilter]:
    return (
        TimeFilter(name="since", label="From (UTC)", column=column, bound="from", is_extra=True),
        TimeFilter(name="until", label="Before (UTC)", column=column, bound="to", is_extra=True),
    )


def amount_filters(currency: Any, amount_minor: Any) -> Sequence[ExactFilter]:
    return (
        ChoiceFilter(
            name="currency",
            label="Currency",
            choices=lambda: CURRENCY_CHOICES,
            where=lambda code: typed(currency == code),
            is_extra=True,
        ),
        AmountFilter(
            name="at_least", label="At least", column=amount_minor, bound="from", is_extra=True
        ),
        AmountFilter(
            name="at_most", label="At most", column=amount_minor, bound="to", is_extra=True
        ),
    )


def start_of_today() -> str:
    """Midnight UTC as the time filters write it."""
    return services().clock.now().strftime("%Y-%m-%dT00:00")
