"""Makes the form of a request: its fields, its options and what is filled in already."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flask import request
from wtforms.validators import ValidationError

from payorch.presentation.checkout.amounts import read_amount
from payorch.presentation.checkout.currencies import currency_choices
from payorch.presentation.checkout.forms import (
    CheckoutForm,
    OpenCheckoutForm,
    customer_values,
    with_extra_fields,
)
from payorch.presentation.checkout.payment_options import (
    BEST_AVAILABLE,
    PaymentOptions,
    options_for,
)
from payorch.presentation.checkout.submit_key import OPEN_CHECKOUT
from payorch.presentation.countries import is_country
from payorch.presentation.services import services, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from payorch.domain.money import Money
    from payorch.domain.payment_order import PaymentOrder

F = TypeVar("F", bound=CheckoutForm)


def open_form() -> OpenCheckoutForm:
    """The form that makes an order: posted, or filled from the payment link's query."""
    values = {
        "amount": request.args.get("amount", ""),
        "currency": request.args.get("currency", settings().default_currency).upper(),
        "description": request.args.get("description", ""),
        **_asked(settings().default_country),
    }
    form = _made(OpenCheckoutForm, values)
    form.currency.choices = [(code, code) for code in currency_choices(form.currency.data)]
    money = money_so_far(form.amount.data, form.currency.data)
    return _with_options(form, options_so_far(money, form.country.data), OPEN_CHECKOUT)


def order_form(order: PaymentOrder) -> CheckoutForm:
    """The form that pays `order`, with what is known of its customer."""
    form = _made(CheckoutForm, {**customer_values(order.customer), **_asked(order.country)})
    return _with_options(form, options_so_far(order.money, form.country.data), order.id)


def money_so_far(amount: str | None, currency: str | None) -> Money | None:
    """The amount as far as it is typed: None while it cannot be read."""
    if currency not in currency_choices(currency):
        return None
    try:
        return read_amount(
            amount or "", str(currency), max_amount_minor=settings().max_amount_minor
        )
    except ValidationError:
        return None


def options_so_far(money: Money | None, country: str | None) -> PaymentOptions:
    """The options for what is chosen so far; none for a country that does not exist."""
    known_country = country if country and is_country(country) else settings().default_country
    return options_for(money, known_country)


def _asked(usual_country: str) -> dict[str, str]:
    return {
        "country": request.args.get("country", usual_country).upper(),
        "provider": request.args.get("provider", BEST_AVAILABLE),
    }


def _made(form_class: type[F], values: Mapping[str, str]) -> F:
    methods = services().registry.configuration().methods
    codes = dict.fromkeys(code for method in methods for code in method.required_fields)
    return with_extra_fields(form_class, codes)(data=values)


def _with_options(form: F, options: PaymentOptions, purpose: str) -> F:
    form.options, form.purpose, form.money = options, purpose, options.money
    form.provider.choices = [(method.code, method.display_name) for method in options.methods]
    if request.method != "POST" and options.by_code(form.provider.data) is None:
        form.provider.data = BEST_AVAILABLE
    return form
