"""The checkout's form. Everything is checked here on the server; scripts only save a round trip."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from payorch.presentation.checkout.amounts import read_amount
from payorch.presentation.checkout.card_fields import CardFields
from payorch.presentation.checkout.country_field import CountryField
from payorch.presentation.checkout.customer_fields import EXTRA_PREFIX, extra_label
from payorch.presentation.checkout.lean_rendering import LeanRendering
from payorch.presentation.checkout.submit_key import read_submit_key
from payorch.presentation.checkout.typed_text import one_line
from payorch.presentation.countries import is_country
from payorch.presentation.services import services, settings

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup
    from wtforms import Field

    from payorch.domain.money import Money
    from payorch.domain.payment_order import Customer
    from payorch.presentation.checkout.payment_options import PaymentOptions

F = TypeVar("F", bound="CheckoutForm")

_PAGE_ORDER = (
    *("csrf_token", "submit_key", "amount", "currency", "description"),
    *("name", "email", "country", "provider", EXTRA_PREFIX),
    *("card_number", "card_expiry", "card_cvc", "card_holder"),
)
_LONGEST = Length(max=100, message=_("At most 100 characters."))


class CheckoutForm(CardFields, FlaskForm):
    """Pays one order. `options` and `purpose` are set right after it is made."""

    class Meta(LeanRendering, FlaskForm.Meta):
        pass

    options: PaymentOptions
    purpose: str
    money: Money | None
    refusal: str | None = None
    refusal_url: str | None = None

    submit_key = HiddenField()
    country = CountryField(_("Country"), filters=[one_line])
    provider = RadioField(_("How do you want to pay?"), validate_choice=False)
    name = StringField(
        _("Your name"),
        filters=[one_line],
        validators=[DataRequired(_("Enter your name.")), _LONGEST],
    )
    email = EmailField(
        _("E-mail"),
        filters=[one_line],
        validators=[DataRequired(_("Enter your e-mail address.")), Length(max=254)],
    )

    @property
    def needs_card(self) -> bool:
        return self.options.needs_card(self.provider.data)

    @property
    def today(self) -> datetime:
        return services().clock.now()

    @property
    def signed_key(self) -> str | None:
        """The key inside of the submit key; None when it is not one of ours for this form."""
        return read_submit_key(settings(), self.submit_key.data or "", self.purpose)

    def validate(self, extra_validators: Any = None) -> bool:
        fields_are_fine = super().validate(extra_validators)  # type: ignore[no-untyped-call]  # WTForms has no types
        return self._extra_fields_are_filled() and fields_are_fine

    def validate_submit_key(self, _field: Field) -> None:
        if self.signed_key is None:
            raise ValidationError(gettext("This page was out of date. Please press Pay again."))

    def validate_country(self, field: Field) -> None:
        if not is_country(field.data or ""):
            raise ValidationError(gettext("Choose a country."))

    def validate_provider(self, field: Field) -> None:
        if not self.options.methods:
            raise ValidationError(self.options.summary())
        if field.data and self.options.by_code(field.data) is None:
            raise ValidationError(
                gettext("This option does not take such a payment. Choose another one.")
            )

    def validate_email(self, field: Field) -> None:
        try:
            validate_email(field.data or "", check_deliverability=False)
        except EmailNotValidError:
            raise ValidationError(
                gettext("Write an e-mail address such as ana@example.com.")
            ) from None

    def extra_field(self, code: str) -> Field:
        field: Field = self[EXTRA_PREFIX + code]
        return field

    @property
    def filled_extras(self) -> dict[str, str]:
        """The extra fields the customer has filled, by their code."""
        return {
            name.removeprefix(EXTRA_PREFIX): field.data
            for name, field in self._fields.items()
            if name.startswith(EXTRA_PREFIX) and field.data
        }

    @property
    def errors_in_page_order(self) -> list[tuple[str, str]]:
        """(field name, its first error), top of the page first."""
        found = [(name, field.errors[0]) for name, field in self._fields.items() if field.errors]
        return sorted(found, key=lambda error: _place_on_page(error[0]))

    @property
    def first_invalid(self) -> str | None:
        return next((name for name, _error in self.errors_in_page_order), None)

    def control(self, field: Field, hint: str, attributes: dict[str, Any]) -> Markup:
        """The field's control, tied to its hint and its error for screen readers."""
        attributes = dict(attributes)
        described_by = [f"{field.id}-hint"] if hint else []
        if field.errors:
            described_by.append(f"{field.id}-error")
            attributes |= {"aria-invalid": "true", "autofocus": self.first_invalid == field.name}
        if described_by:
            attributes["aria-describedby"] = " ".join(described_by)
        rendered: Markup = field(**attributes)
        return rendered

    def refuse(self, message: str, *, url: str | None = None) -> None:
        """Say above the form why it was not taken, with a way on."""
        self.refusal, self.refusal_url = message, url

    def _extra_fields_are_filled(self) -> bool:
        """The chosen provider has its fields; for "best available" one such provider is enough."""
        chosen = self.options.by_code(self.provider.data)
        methods = self.options.best_available if chosen is None else (chosen,)
        missing = [[c for c in m.required_fields if c not in self.filled_extras] for m in methods]
        if not missing or [] in missing:
            return True
        for code in missing[0]:
            field = self.extra_field(code)
            field.errors = (*field.errors, gettext("This provider needs it. Please fill it in."))
        return False


class OpenCheckoutForm(CheckoutForm):
    """Makes the order too: the customer (or the payment link) says what is paid."""

    amount = StringField(
        _("Amount"), filters=[one_line], validators=[DataRequired(_("Enter the amount."))]
    )
    currency = SelectField(_("Currency"), validate_choice=False)
    description = StringField(
        _("What is it for?"),
        filters=[one_line],
        validators=[
            DataRequired(_("Say what the payment is for, such as an invoice number.")),
            Length(max=200, message=_("At most 200 characters.")),
        ],
    )

    def validate_amount(self, field: Field) -> None:
        if self.currency_is_known:
            self.money = read_amount(
                field.data, self.currency.data, max_amount_minor=settings().max_amount_minor
            )

    def validate_currency(self, _field: Field) -> None:
        if not self.currency_is_known:
            raise ValidationError(gettext("Choose a currency."))

    @property
    def currency_is_known(self) -> bool:
        return self.currency.data in {code for code, _name in self.currency.choices}


@lru_cache(maxsize=64)
def with_extra_fields(form_class: type[F], codes: tuple[str, ...]) -> type[F]:
    """`form_class` with a text field for each extra field that some provider requires.

    Kept: making a class, and finding its fields, costs more than a form of it.
    """
    extras = {
        EXTRA_PREFIX + code: StringField(
            extra_label(code), filters=[one_line], validators=[_LONGEST]
        )
        for code in codes
    }
    return type(form_class.__name__, (form_class,), extras)


def _place_on_page(field_name: str) -> int:
    is_extra = field_name.startswith(EXTRA_PREFIX)
    return _PAGE_ORDER.index(EXTRA_PREFIX if is_extra else field_name)


def customer_values(customer: Customer | None) -> dict[str, str]:
    """Form values that keep what the customer has typed before."""
    if customer is None:
        return {}
    extras = {EXTRA_PREFIX + code: value for code, value in customer.fields.items()}
    return {"name": customer.name, "email": customer.email, **extras}
