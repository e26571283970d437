"""Cells that the lists of orders and transactions share."""

from flask import url_for
from markupsafe import Markup

from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.payments.payment_texts import Tone
from payorch.presentation.backoffice.payments.shown_customer import shown_customer

ORDERS_ENDPOINT = "backoffice_orders"
CUSTOMERS_ENDPOINT = "backoffice_customers"


def badge(text: str, tone: Tone) -> Markup:
    return Markup('<span class="status status-{}">{}</span>').format(tone, text)


def with_small_print(text: str, small_print: str | None) -> Markup:
    """A first line, and a quieter second one if there is something to say."""
    if not small_print:
        return Markup("{}").format(text)
    return Markup('{}<br><small class="muted" title="{}">{}</small>').format(
        text, small_print, small_print
    )


def link(text: str, address: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, text)


def order_address(order_public_id: str, transaction_public_id: str | None = None) -> str:
    return url_for(
        f"{ORDERS_ENDPOINT}.order_page",
        public_id=order_public_id,
        _anchor=transaction_public_id,
    )


def order_link(order: OrderRow) -> Markup:
    return link(order.public_id, order_address(order.public_id))


def customer_address(key: str) -> str:
    """`key` is the index of the e-mail address: it tells nobody the address."""
    return url_for(f"{CUSTOMERS_ENDPOINT}.customer_page", key=key)


def customer(order: OrderRow) -> Markup:
    shown = shown_customer(order)
    if shown.note is not None:
        return Markup('<small class="muted" title="{}">{}</small>').format(
            shown.because, shown.note
        )
    if shown.name:
        return with_small_print(shown.name, shown.email)
    if shown.email:
        return Markup('<small title="{}">{}</small>').format(shown.email, shown.email)
    return Markup("-")


def description(order: OrderRow) -> Markup:
    return with_small_print(order.description, order.merchant_reference)
