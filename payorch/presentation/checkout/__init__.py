"""The customer's pages: the checkout and the page of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payorch.presentation.checkout.order_views import orders
from payorch.presentation.checkout.views import checkout
from payorch.presentation.csrf import csrf

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    # The form checks its own token, so that a page that was open for too long is shown again
    # with everything the customer typed instead of an error page.
    csrf.exempt(checkout)
    app.register_blueprint(checkout)
    app.register_blueprint(orders)
