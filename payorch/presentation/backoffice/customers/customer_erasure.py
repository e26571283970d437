"""Erasing a customer from all orders that are over: the page that says what it means, doing it."""

from collections.abc import Sequence

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.erase_customer import Erasure
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import PayorchError, SecretUnreadable
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.payments.payment_columns import customer_address
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

MOST_REFUSED = 5
"""Orders that are named when they stay; a message is no list."""


class CustomerErasurePages(KeysetListView):
    """Mixed into the view of customers."""

    def _orders_of(self, key: str) -> Sequence[OrderRow]:
        raise NotImplementedError("The view of customers knows them.")

    @expose("/<key>/erase")
    def erase_page(self, key: str) -> ResponseReturnValue:
        orders = self._erasable(key)
        page: str = self.render(
            "backoffice/customer_erase.html",
            customer=shown_customer(orders[0]),
            back=customer_address(key),
            most=MAX_REASON_LENGTH,
        )
        return page

    @expose("/<key>/erase", methods=["POST"])
    def erase(self, key: str) -> ResponseReturnValue:
        orders = self._erasable(key)
        if (question := identity_question(self)) is not None:
            return question
        try:
            erasure = services().erase_customer.of_email(
                _email_in(orders),
                actor=current_staff().email,
                reason=request.form.get("reason", ""),
            )
        except PayorchError as error:
            flash(f"{error.message} Nothing was erased.", "error")
            return redirect(customer_address(key), code=303)
        flash(_told(erasure), "warning" if erasure.refused else "success")
        address = customer_address(key) if erasure.refused else url_for(".index_view")
        return redirect(address, code=303)

    def _erasable(self, key: str) -> Sequence[OrderRow]:
        if not staff_may(Permission.ERASE_CUSTOMERS):
            abort(403)
        return self._orders_of(key)


def _email_in(orders: Sequence[OrderRow]) -> str:
    """The address of the newest order that can be read. Raises SecretUnreadable."""
    for order in orders:
        try:
            customer = services().personal_data.customer_of(order)
        except SecretUnreadable:
            continue
        if customer is not None:
            return customer.email
    raise SecretUnreadable("None of the newest orders can be read: erase them one by one.")


def _told(erasure: Erasure) -> str:
    text = f"Erased from {len(erasure.erased)} {'order' if len(erasure.erased) == 1 else 'orders'}."
    for stays in erasure.refused[:MOST_REFUSED]:
        text += f" {stays.id} stays: {stays.why_not}"
    if (more := len(erasure.refused) - MOST_REFUSED) > 0:
        text += f" So do {more} more."
    return text
