"""Who the customer of an order is: asked for with a reason, shown on that answer only.

Nothing is kept for later looks: the next one asks, and is journalled, again. The answer to a form
stands in no address, no history and no cache.
"""

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.domain.errors import PayorchError
from payorch.domain.payment_order import OrderId
from payorch.presentation.backoffice.payments.order_action_pages import (
    ActionForm,
    OrderActionPages,
)
from payorch.presentation.backoffice.payments.payment_columns import order_address
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

NO_NAMES = "Why? Kept in the journal for ever: write no name and no address."

_SAYS = (
    (
        "Name, e-mail address and all else that the customer typed are shown once, on the next "
        "page. That you looked, and why, is journalled."
    ),
    "Look only where your work with this customer needs it.",
)


class RevealPages(OrderActionPages):
    """Mixed into the view of orders like the other actions."""

    @expose("/<public_id>/customer")
    def reveal_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.REVEAL_CUSTOMERS)
        shown = shown_customer(order)
        if shown.name is None:
            return self._back(order, shown.because or "This order names no customer.")
        return self._form(
            order,
            ActionForm(
                title="Show the customer of this order?",
                says=_SAYS,
                button="Show customer data",
                label=NO_NAMES,
            ),
        )

    @expose("/<public_id>/customer", methods=["POST"])
    def reveal(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.REVEAL_CUSTOMERS)
        if (question := identity_question(self)) is not None:
            return question
        try:
            customer = services().reveal_customers.of_order(
                OrderId(public_id),
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
                address=request.remote_addr or "",
            )
        except PayorchError as error:
            flash(f"{error.message} Nothing was shown.", "error")
            return redirect(order_address(public_id), code=303)
        if customer is None:
            return self._back(order, "This order names no customer.")
        page: str = self.render(
            "backoffice/revealed_customer.html",
            order=order,
            customer=customer,
            back=order_address(public_id),
        )
        return page
