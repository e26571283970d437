"""The pages on which staff do something at one order: each asks why before anything happens."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from sqlalchemy.orm import selectinload

from payorch.application.resolve_transaction import Resolution
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.application.work_on_order import MAX_NOTE, CheckReport
from payorch.domain.errors import PayorchError
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.presentation.backoffice.payments.evidence_texts import answered_text, asked_text
from payorch.presentation.backoffice.payments.order_actions import (
    may_be_cancelled,
    may_deal_with_flag,
    may_reopen_flag,
    open_transaction,
)
from payorch.presentation.backoffice.payments.payment_columns import order_address
from payorch.presentation.backoffice.payments.payment_texts import flag_text
from payorch.presentation.backoffice.payments.shown_customer import shown_customer
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.provider_names import provider_names
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.money_format import format_money
from payorch.presentation.services import services

WHY = "Why? Kept in the journal; the customer does not see it."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionForm:
    """What the page says and asks. `hidden` goes with the form as it is."""

    title: str
    says: tuple[str, ...]
    button: str
    label: str = WHY
    is_harmful: bool = False
    is_long: bool = False
    max_length: int = MAX_REASON_LENGTH
    hidden: tuple[tuple[str, str], ...] = ()


class OrderActionPages(KeysetListView):
    """Mixed into the view of orders, so that the pages stand under the order's own address."""

    @expose("/<public_id>/check")
    def check_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.CHECK_PAYMENTS)
        waiting = open_transaction(order)
        if waiting is None:
            return self._back(order, "This order has no open payment: it is settled already.")
        provider = self._name(waiting.provider_code)
        return self._form(
            order,
            ActionForm(
                title=f"Check at {provider} now?",
                says=(
                    (
                        f"payorch asks {provider} what became of this payment, as it does by "
                        "itself from time to time. What it proves is booked; nothing is charged."
                    ),
                    (
                        "Where the provider allows it, a payment that nobody finishes any more is "
                        "cancelled, so that it cannot be charged later."
                    ),
                ),
                button="Check now",
            ),
        )

    @expose("/<public_id>/check", methods=["POST"])
    def check(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.CHECK_PAYMENTS)

        def work(reason: str) -> str:
            report = services().work_on_order.check_now(
                OrderId(public_id), actor=current_staff().email, reason=reason
            )
            return self._told(report)

        return self._done(order, work, "unknown")

    @expose("/<public_id>/cancel")
    def cancel_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.CANCEL_ORDERS)
        if not may_be_cancelled(order):
            return self._back(order, "This order cannot be cancelled as it stands.")
        email = shown_customer(order).email
        letter = (
            f"{email} is told so by e-mail."
            if email
            else "There is no e-mail address: the customer sees it on the order's page only."
        )
        amount = format_money(order.amount_minor, order.currency)
        return self._form(
            order,
            ActionForm(
                title=f"Cancel the order of {amount}?",
                says=("Nobody can pay it any more. This cannot be undone.", letter),
                button="Cancel the order for good",
                is_harmful=True,
            ),
        )

    @expose("/<public_id>/cancel", methods=["POST"])
    def cancel(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.CANCEL_ORDERS)

        def work(reason: str) -> str:
            services().end_order.cancel(
                OrderId(public_id), actor=current_staff().email, reason=reason
            )
            return "The order is cancelled."

        return self._done(order, work, "success")

    @expose("/<public_id>/note")
    def note_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.WRITE_NOTES)
        return self._form(
            order,
            ActionForm(
                title="Add a note",
                says=("The staff see it in the order's timeline, the customer does not.",),
                label="Note",
                button="Save the note",
                is_long=True,
                max_length=MAX_NOTE,
                # One key per page: a second press of the button is the same note.
                hidden=(("key", secrets.token_urlsafe(16)),),
            ),
        )

    @expose("/<public_id>/note", methods=["POST"])
    def note(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.WRITE_NOTES)
        key = request.form.get("key", "")
        if not 10 <= len(key) <= 40 or not key.isascii():
            abort(400)

        def work(text: str) -> str:
            services().work_on_order.add_note(
                OrderId(public_id),
                key=f"{public_id}:{key}",
                author=current_staff().email,
                text=text,
            )
            return "The note is saved."

        return self._done(order, work, "success")

    @expose("/<public_id>/flag")
    def flag_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.SETTLE_FLAGS)
        if not may_deal_with_flag(order):
            return self._back(order, "No flag of this order waits for anybody.")
        return self._form(
            order,
            ActionForm(
                title=f"“{flag_text(str(order.flag))}”: dealt with?",
                says=(
                    (
                        "The order leaves the work queue. The flag itself stays on its page as "
                        "evidence, and the next one puts the order back on the queue."
                    ),
                ),
                label="What did you find out, and what was done? Kept in the journal.",
                button="Dealt with",
                hidden=(("version", str(order.version)),),
            ),
        )

    @expose("/<public_id>/flag", methods=["POST"])
    def deal_with_flag(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.SETTLE_FLAGS)
        version = request.form.get("version", "")
        if not (version.isascii() and version.isdecimal() and len(version) < 10):
            abort(400)

        def work(note: str) -> str:
            services().work_on_order.deal_with_flag(
                OrderId(public_id),
                seen_version=int(version),
                actor=current_staff().email,
                note=note,
            )
            return "The flag is dealt with; the order is off the queue."

        return self._done(order, work, "success")

    @expose("/<public_id>/flag/reopen")
    def reopen_flag_page(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.SETTLE_FLAGS)
        if not may_reopen_flag(order):
            return self._back(order, "No flag of this order is dealt with.")
        return self._form(
            order,
            ActionForm(
                title=f"Take “{flag_text(str(order.flag))}” up again?",
                says=("The order goes back on the work queue.",),
                button="Take it up again",
            ),
        )

    @expose("/<public_id>/flag/reopen", methods=["POST"])
    def reopen_flag(self, public_id: str) -> ResponseReturnValue:
        order = self._order_for(public_id, Permission.SETTLE_FLAGS)

        def work(reason: str) -> str:
            services().work_on_order.reopen_flag(
                OrderId(public_id), actor=current_staff().email, reason=reason
            )
            return "The order is on the queue again."

        return self._done(order, work, "success")

    def _order_for(self, public_id: str, permission: Permission) -> OrderRow:
        if not staff_may(permission):
            abort(403)
        order = self.find_row(public_id, selectinload(OrderRow.transactions))
        if not isinstance(order, OrderRow):
            abort(404)
        return order

    def _form(self, order: OrderRow, form: ActionForm) -> str:
        page: str = self.render(
            "backoffice/order_action.html",
            order=order,
            form=form,
            back=order_address(order.public_id),
        )
        return page

    def _done(self, order: OrderRow, work: Callable[[str], str], tone: str) -> ResponseReturnValue:
        """Do it with the reason of the form, and say on the order's page what came of it."""
        try:
            flash(work(request.form.get("reason", "")), tone)
        except PayorchError as error:
            flash(f"{error.message} Nothing was changed.", "error")
        return redirect(order_address(order.public_id), code=303)

    def _back(self, order: OrderRow, why: str) -> ResponseReturnValue:
        flash(why, "warning")
        return redirect(order_address(order.public_id), code=303)

    def _told(self, report: CheckReport) -> str:
        """What was asked and answered, and what that means."""
        provider, checked = self._name(report.transaction.provider_code), report.checked
        parts = []
        climb = checked.climb
        if climb is not None:
            asked = asked_text(climb.step)
            if climb.answer is None:
                parts.append(f"{provider}: {asked}.")
            else:
                outcome = climb.answer.outcome
                because = getattr(outcome, "reason", None)
                answer = answered_text(type(outcome).__name__, because)
                parts.append(f"{provider}: {asked}. Answer: {answer}.")
        parts.append(_MEANING[checked.resolution])
        return " ".join(parts)

    def _name(self, code: str) -> str:
        return provider_names(self.session.session).get(code, code)


_MEANING: dict[Resolution, str] = {
    Resolution.SETTLED: "The payment is settled now.",
    Resolution.STILL_OPEN: "Nothing is proved yet; payorch goes on asking by itself.",
    Resolution.REVIEW: "Nobody can prove the outcome: two people of the staff have to conclude it.",
    Resolution.HELD: "Somebody is asking at this very moment. Look again in a minute.",
    Resolution.GONE: "The payment was settled meanwhile.",
}
