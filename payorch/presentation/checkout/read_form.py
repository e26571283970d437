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
    from collections.abc import Mapping, Sequence

    from payorch.application.configuration import Configuration
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
    configuration = services().registry.configuration()
    form = _made(OpenCheckoutForm, values, configuration)
    codes = currency_choices(configuration.methods, form.currency.data)
    form.currency.choices = [(code, code) for code in codes]
    money = money_so_far(form.amount.data, form.currency.data, codes)
    options = options_so_far(money, form.country.data, configuration)
    return _with_options(form, options, OPEN_CHECKOUT)


def order_form(order: PaymentOrder) -> CheckoutForm:
    """The form that pays `order`, with what is known of its customer."""
    values = {**customer_values(order.customer), **_asked(order.country)}
    configuration = services().registry.configuration()
    form = _made(CheckoutForm, values, configuration)
    options = options_so_far(order.money, form.country.data, configuration)
    return _with_options(form, options, order.id)


def money_so_far(
    amount: str | None, currency: str | None, currencies: Sequence[str]
) -> Money | None:
    """The amount as far as it is typed: None while it cannot be read."""
    if currency not in currencies:
        return None
    try:
        return read_amount(
            amount or "", str(currency), max_amount_minor=settings().max_amount_minor
        )
    except ValidationError:
        return None


def options_so_far(
    money: Money | None, country: str | None, configuration: Configuration
) -> PaymentOptions:
    """The options for what is chosen so far; none for a country that does not exist."""
    known_country = country if country and is_country(country) else settings().default_country
    return options_for(money, known_country, configuration)


def _asked(usual_country: str) -> dict[str, str]:
    return {
        "country": request.args.get("country", usual_country).upper(),
        "provider": request.args.get("provider", BEST_AVAILABLE),
    }


def _made(form_class: type[F], values: Mapping[str, str], configuration: Configuration) -> F:
    codes = dict.fromkeys(c for method in configuration.methods for c in method.required_fields)
    made: F = with_extra_fields(form_class, tuple(codes))(data=values)
    return made


def _with_options(form: F, options: PaymentOptions, purpose: str) -> F:
    form.options, form.purpose, form.money = options, purpose, options.money
    form.provider.choices = [(method.code, method.display_name) for method in options.methods]
    if request.method != "POST" and options.by_code(form.provider.data) is None:
        form.provider.data = BEST_AVAILABLE
    return form
