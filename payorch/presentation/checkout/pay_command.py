"""Turns a valid checkout form into the command that pays: one press of "Pay"."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from flask import request

from payorch.application.commands import CreateOrder, PayOrder
from payorch.domain.payment_order import Customer
from payorch.presentation.checkout.forms import OpenCheckoutForm
from payorch.presentation.page_context import page_locale

if TYPE_CHECKING:
    from payorch.domain.instrument import CardInstrument
    from payorch.domain.payment_order import PaymentOrder
    from payorch.presentation.checkout.forms import CheckoutForm


def pay_command(form: CheckoutForm, order: PaymentOrder | None) -> PayOrder:
    """The command of a validated `form`; without an order it makes one from an open form."""
    name = form.name.data
    card = form.card(default_holder=name) if form.needs_card else None
    customer = Customer(name=name, email=form.email.data, fields=form.filled_extras)
    idempotency_key = f"checkout:{form.signed_key}"
    request_hash = _request_hash(form, card)
    new_order = None
    if isinstance(form, OpenCheckoutForm) and form.money is not None:
        new_order = CreateOrder(
            money=form.money,
            description=form.description.data,
            country=form.country.data,
            customer=customer,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
        )
    return PayOrder(
        idempotency_key=idempotency_key,
        request_hash=request_hash,
        order_id=None if order is None else order.id,
        new_order=new_order,
        customer=customer,
        country=form.country.data,
        preferred_provider=form.provider.data or None,
        language=page_locale(),
        client_address=request.remote_addr,
        instrument=card,
    )


def _request_hash(form: CheckoutForm, card: CardInstrument | None) -> str:
    """SHA-256 of what was sent. Of the card only what may be kept: number and code are left out."""
    sent = {
        "purpose": form.purpose,
        "amount_minor": form.money.amount_minor if form.money else None,
        "currency": form.money.currency if form.money else None,
        "description": form.description.data if isinstance(form, OpenCheckoutForm) else None,
        "country": form.country.data,
        "provider": form.provider.data,
        "name": form.name.data,
        "email": form.email.data,
        "extras": form.filled_extras,
        "card": None
        if card is None
        else [card.summary().brand, card.summary().last4, card.exp_month, card.exp_year],
    }
    text = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
