"""Finds an order by the token in a customer's link. Unknown and expired links look the same."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request

from payorch.application.request_limits import Limited
from payorch.domain.errors import OrderNotFound
from payorch.presentation.services import services

if TYPE_CHECKING:
    from payorch.application.order_views import OrderView
    from payorch.domain.payment_order import PaymentOrder

LINK_LIFETIME = timedelta(days=30)
"""Links to orders end then: they show a name and an e-mail address to whoever holds them."""


def order_view(token: str) -> OrderView:
    """The order of this link. Raises OrderNotFound, which is shown as a plain 404.

    Only links to nothing are counted: who has a link looks at it as often as they like.
    Raises TooManyRequests for an address that tries too many of them.
    """
    known = services()
    address = request.remote_addr or ""
    known.limit_requests.refuse_if_over(Limited.LOOKUP_ADDRESS, address)
    view = known.orders.by_token_hash(
        known.tokens.hash_of(token), created_after=known.clock.now() - LINK_LIFETIME
    )
    if view is None:
        known.limit_requests.count(Limited.LOOKUP_ADDRESS, address)
        raise OrderNotFound("There is no such order.")
    return view


def token_of(order: PaymentOrder) -> str:
    return services().tokens.token_for(order.id)
