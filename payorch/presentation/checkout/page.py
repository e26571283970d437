"""Renders the checkout, and the part of it that the page's script asks for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, url_for

from payorch.presentation.checkout.customer_fields import EXTRA_PREFIX, extra_autocomplete
from payorch.presentation.checkout.order_lookup import token_of
from payorch.presentation.checkout.payment_options import BEST_AVAILABLE, kind_text
from payorch.presentation.checkout.practice_cards import PRACTICE_CARDS
from payorch.presentation.checkout.submit_key import mint_submit_key
from payorch.presentation.services import settings

if TYPE_CHECKING:
    from flask import Response

    from payorch.domain.payment_order import PaymentOrder
    from payorch.presentation.checkout.forms import CheckoutForm


def checkout_page(form: CheckoutForm, order: PaymentOrder | None, *, status: int = 200) -> Response:
    """The form on its own page; what a customer should not type again is kept."""
    html = render_template("checkout/checkout.html", **form_context(form, order))
    return make_response(html, status)


def options_part(form: CheckoutForm) -> str:
    return render_template("checkout/_options.html", **_options_context(form))


def form_context(form: CheckoutForm, order: PaymentOrder | None) -> dict[str, object]:
    """What the form's template needs, on the checkout and on the page of a declined order."""
    form.forget_card_secrets()
    if form.signed_key is None:
        form.submit_key.data = mint_submit_key(settings(), form.purpose)
    if form.options.by_code(form.provider.data) is None:
        form.provider.data = BEST_AVAILABLE
    if order is None:
        action, options_url = url_for("checkout.open_checkout"), url_for("checkout.open_options")
    else:
        token = token_of(order)
        action = url_for("checkout.order_checkout", token=token)
        options_url = url_for("checkout.order_options", token=token)
    return {
        "order": order,
        "action": action,
        "options_url": options_url,
        "may_type_card": settings().sandbox_url is not None or settings().allow_direct_cards,
        "practice_cards": PRACTICE_CARDS if settings().sandbox_url else (),
        **_options_context(form),
    }


def _options_context(form: CheckoutForm) -> dict[str, object]:
    return {
        "form": form,
        "options": form.options,
        "kind_text": kind_text,
        "extra_prefix": EXTRA_PREFIX,
        "extra_autocomplete": extra_autocomplete,
    }
