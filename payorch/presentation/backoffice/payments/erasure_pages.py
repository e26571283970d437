"""Erasing the customer of an order: the page that says what it means, and doing it."""

from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.domain.payment_order import OrderId
from payorch.presentation.backoffice.payments.order_action_pages import (
    ActionForm,
    OrderActionPages,
)
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

_SAYS = (
    (
        "Name, e-mail address and all else that the customer typed are overwritten for ever, here "
        "and in the letters of this order, and so is what the merchant's server sent along. Nobody "
        "can bring them back."
    ),
    "Amounts, references, description, payments and journal stay: the books stay whole.",
    (
        "Notes of the staff stay, too. Look through them for names, and look for other orders of "
        "this customer."
    ),
)


class ErasurePages(OrderActionPages):
    """Mixed into the view of orders like the other actions."""

    @expose("/<public_id>/erase")
    def erase_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.ERASE_CUSTOMERS)
        why_not = services().erase_customer.why_not(OrderId(public_id))
        if why_not is not None:
            return self._back(order, f"The customer of this order cannot be erased. {why_not}")
        return self._form(
            order,
            ActionForm(
                title="Erase the customer of this order?",
                says=_SAYS,
                button="Erase for ever",
                label="Why? Kept in the journal for ever: write no name and no address.",
                is_harmful=True,
            ),
        )

    @expose("/<public_id>/erase", methods=["POST"])
    def erase(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.ERASE_CUSTOMERS)
        if (question := identity_question(self)) is not None:
            return question

        def work(reason: str) -> str:
            services().erase_customer.of_order(
                OrderId(public_id), actor=current_staff().email, reason=reason
            )
            return "The customer of this order is erased."

        return self._done(order, work, "success")
