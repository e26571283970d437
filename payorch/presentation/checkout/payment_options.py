"""What a customer may choose from for one amount, currency and country."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import ngettext

from payorch.domain.payment_method import LeftOut, MethodKind
from payorch.presentation.countries import country_name
from payorch.presentation.page_context import page_locale
from payorch.presentation.services import services

if TYPE_CHECKING:
    from payorch.application.configuration import Configuration
    from payorch.domain.money import Money
    from payorch.domain.payment_method import PaymentMethodVO

BEST_AVAILABLE = ""
"""Value of the preselected option: no preference, the routing policy decides."""


@dataclass(frozen=True)
class PaymentOptions:
    """Eligible methods in the policy's order. `money` None: the amount is not known yet."""

    money: Money | None
    country: str
    methods: tuple[PaymentMethodVO, ...]

    @cached_property
    def takes_typed_card(self) -> bool:
        return any(method.takes_typed_card for method in self.methods)

    @property
    def best_available(self) -> tuple[PaymentMethodVO, ...]:
        """Those that no preference can mean: the card methods, when there is one."""
        cards = tuple(method for method in self.methods if method.takes_typed_card)
        return cards or self.methods

    @property
    def extra_fields(self) -> tuple[str, ...]:
        """Codes of all fields that some option requires, in a stable order."""
        codes = dict.fromkeys(code for m in self.methods for code in m.required_fields)
        return tuple(codes)

    def by_code(self, code: str | None) -> PaymentMethodVO | None:
        return next((method for method in self.methods if method.code == code), None)

    def needing(self, field_code: str) -> tuple[PaymentMethodVO, ...]:
        return tuple(method for method in self.methods if field_code in method.required_fields)

    def needs_card(self, choice: str | None) -> bool:
        """Whether this choice is paid with a card typed on our page."""
        chosen = self.by_code(choice)
        return self.takes_typed_card if chosen is None else chosen.takes_typed_card

    def summary(self) -> str:
        """One sentence for the customer, read aloud when the options change."""
        if self.money is None:
            return str(_("Enter an amount to see how you can pay."))
        country = country_name(self.country, page_locale())
        if self.methods:
            return str(
                ngettext(
                    "%(num)d way to pay in %(country)s.",
                    "%(num)d ways to pay in %(country)s.",
                    len(self.methods),
                    country=country,
                )
            )
        return _nothing_text(self.money, self.country, country)


def options_for(money: Money | None, country: str, configuration: Configuration) -> PaymentOptions:
    if money is None:
        return PaymentOptions(None, country, ())
    methods = services().registry.options(money, country, configuration=configuration)
    return PaymentOptions(money, country, methods)


def kind_text(method: PaymentMethodVO) -> str:
    """What happens when the customer chooses this method."""
    if method.takes_typed_card:
        return str(_("Pay by card on this page."))
    match method.kind:
        case MethodKind.CARD:
            return str(_("Pay by card on the provider's page."))
        case MethodKind.WALLET:
            return str(_("You confirm the payment in your wallet."))
        case MethodKind.BANK_REDIRECT:
            return str(_("You confirm the payment at your bank."))
        case MethodKind.CRYPTO:
            return str(_("You pay from your crypto wallet."))


def _nothing_text(money: Money, country_code: str, country: str) -> str:
    """Why there is no option, naming what the customer can change."""
    reasons = set(services().registry.left_out(money, country_code).values())
    if LeftOut.AMOUNT_TOO_SMALL in reasons:
        return str(
            _("This amount is too small for any way to pay in %(country)s.", country=country)
        )
    if LeftOut.AMOUNT_TOO_LARGE in reasons:
        return str(
            _("This amount is too large for any way to pay in %(country)s.", country=country)
        )
    if LeftOut.CURRENCY in reasons:
        return str(
            _(
                "There is no way to pay in %(currency)s in %(country)s yet.",
                currency=money.currency,
                country=country,
            )
        )
    return str(_("There is no way to pay in %(country)s yet.", country=country))
