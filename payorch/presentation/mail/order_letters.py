"""What customers are written about an order: the receipt, how a confirming ended, a refund.

Nothing of a provider's own words, nothing about the person: what was bought, how much, when.
"""

from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from typing import assert_never

from babel.dates import format_date

from payorch.application.notices import TOKEN_PLACE, NoticeEvent, OrderFacts, RefundFacts
from payorch.presentation.mail.letter_parts import LetterParts
from payorch.presentation.money_format import format_money


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWriter:
    """One language, and what all letters of the shop share."""

    translations: NullTranslations
    language: str
    merchant_name: str
    base_url: str

    def gettext(self, text: str, **values: str) -> str:
        """`text` in this language, with its %(placeholders)s filled in."""
        return self.translations.gettext(text) % values

    def money(self, amount_minor: int, currency: str) -> str:
        return format_money(amount_minor, currency, self.language)

    def time(self, at: datetime) -> str:
        return f"{format_date(at, 'long', locale=self.language)}, {at:%H:%M} UTC"


def order_letter(
    writer: LetterWriter,
    event: NoticeEvent,
    order: OrderFacts,
    refund: RefundFacts | None,
    *,
    is_payable: bool,
) -> LetterParts:
    """Raises ValueError for a letter about a refund without one."""
    match event:
        case NoticeEvent.PAID | NoticeEvent.SETTLED_PAID:
            return _receipt(writer, order, was_confirming=event is NoticeEvent.SETTLED_PAID)
        case NoticeEvent.SETTLED_NOT_CHARGED:
            return _not_charged(writer, order, is_payable=is_payable)
        case NoticeEvent.REFUNDED:
            if refund is None:
                raise ValueError("A letter about a refund needs the refund.")
            if refund.is_guard:
                return _given_back(writer, order, refund)
            return _refunded(writer, order, refund)
        case NoticeEvent.CANCELLED:
            return _cancelled(writer, order)
    assert_never(event)


def _receipt(writer: LetterWriter, order: OrderFacts, *, was_confirming: bool) -> LetterParts:
    _ = writer.gettext
    amount = writer.money(order.money.amount_minor, order.money.currency)
    paragraphs = [_("You paid %(amount)s to %(merchant)s.", amount=amount, **_merchant(writer))]
    if was_confirming:
        paragraphs.append(
            _(
                "Confirming it took longer than usual. It is confirmed now: you were charged "
                "once and need not do anything."
            )
        )
    paid = order.paid
    facts = [(_("Amount"), amount), (_("For"), order.description)]
    if paid is not None:
        if paid.card_last4:
            brand = (paid.card_brand or "").capitalize()
            facts.append((_("Paid with"), f"{brand} •••• {paid.card_last4}".strip()))
        facts.append((_("Date"), writer.time(paid.at)))
    return LetterParts(
        language=writer.language,
        subject=_("Your receipt from %(merchant)s: %(amount)s", amount=amount, **_merchant(writer)),
        heading=_("Thank you, your payment arrived"),
        paragraphs=paragraphs,
        facts=[*facts, (_("Order"), order.id)],
        links=[(_("See your order"), _order_link(writer))],
        sender=writer.merchant_name,
    )


def _not_charged(writer: LetterWriter, order: OrderFacts, *, is_payable: bool) -> LetterParts:
    """Says "you were not charged" only where nothing speaks against it."""
    _ = writer.gettext
    amount = writer.money(order.money.amount_minor, order.money.currency)
    names = {"amount": amount, **_merchant(writer)}
    if order.is_flagged:
        heading = _("Your payment did not go through")
        certain = _(
            "We were still confirming your payment of %(amount)s to %(merchant)s. Now it is "
            "certain: it did not go through. If a charge for it shows up on your statement, it is "
            "given back to you. Should that take more than a few days, ask the shop.",
            **names,
        )
    else:
        heading = _("You were not charged")
        certain = _(
            "We were still confirming your payment of %(amount)s to %(merchant)s. Now it is "
            "certain: it did not go through, and you were not charged.",
            **names,
        )
    paragraphs = [certain]
    if is_payable:
        paragraphs.append(_("If you still want to pay, open your order and try again."))
    return LetterParts(
        language=writer.language,
        subject=_("Your payment to %(merchant)s did not go through", **_merchant(writer)),
        heading=heading,
        paragraphs=paragraphs,
        facts=[(_("Amount"), amount), (_("For"), order.description), (_("Order"), order.id)],
        links=[(_("See your order"), _order_link(writer))],
        sender=writer.merchant_name,
    )


def _cancelled(writer: LetterWriter, order: OrderFacts) -> LetterParts:
    """Nothing about charges that nobody knows of: what is certain stands on the order's page."""
    _ = writer.gettext
    amount = writer.money(order.money.amount_minor, order.money.currency)
    return LetterParts(
        language=writer.language,
        subject=_("%(merchant)s has cancelled your order", **_merchant(writer)),
        heading=_("Your order was cancelled"),
        paragraphs=[
            _(
                "%(merchant)s has cancelled your order of %(amount)s. It can no longer be paid, "
                "and you need not do anything.",
                amount=amount,
                **_merchant(writer),
            ),
            _("Did you not expect this, or do you still want to pay? Please ask the shop."),
        ],
        facts=[(_("Amount"), amount), (_("For"), order.description), (_("Order"), order.id)],
        links=[(_("See your order"), _order_link(writer))],
        sender=writer.merchant_name,
    )


def _refunded(writer: LetterWriter, order: OrderFacts, refund: RefundFacts) -> LetterParts:
    _ = writer.gettext
    amount = writer.money(refund.money.amount_minor, refund.money.currency)
    left_minor = max(order.money.amount_minor - order.refunded_minor, 0)
    facts = [(_("Refunded now"), amount)]
    if order.refunded_minor > refund.money.amount_minor:
        in_all = writer.money(order.refunded_minor, order.money.currency)
        facts.append((_("Refunded in all"), in_all))
    facts += [
        (_("Still paid"), writer.money(left_minor, order.money.currency)),
        (_("For"), order.description),
        (_("Date"), writer.time(refund.at)),
        (_("Order"), order.id),
    ]
    return LetterParts(
        language=writer.language,
        subject=_("Your refund from %(merchant)s: %(amount)s", amount=amount, **_merchant(writer)),
        heading=_("Your refund is on its way"),
        paragraphs=[
            _(
                "%(merchant)s has sent %(amount)s back the way you paid.",
                amount=amount,
                **_merchant(writer),
            ),
            _("When it shows on your account depends on your bank: it may take some days."),
        ],
        facts=facts,
        links=[(_("See your order"), _order_link(writer))],
        sender=writer.merchant_name,
    )


def _given_back(writer: LetterWriter, order: OrderFacts, refund: RefundFacts) -> LetterParts:
    """A charge that should not have been: its amount has nothing to do with what is paid."""
    _ = writer.gettext
    amount = writer.money(refund.money.amount_minor, refund.money.currency)
    return LetterParts(
        language=writer.language,
        subject=_("%(merchant)s has given %(amount)s back", amount=amount, **_merchant(writer)),
        heading=_("A charge that was too much has been given back"),
        paragraphs=[
            _(
                "For this order you were charged %(amount)s too much. We noticed, and sent it "
                "back the way it came. You need not do anything.",
                amount=amount,
            ),
            _("When it shows on your account depends on your bank: it may take some days."),
        ],
        facts=[
            (_("Given back"), amount),
            (_("For"), order.description),
            (_("Date"), writer.time(refund.at)),
            (_("Order"), order.id),
        ],
        links=[(_("See your order"), _order_link(writer))],
        sender=writer.merchant_name,
    )


def _order_link(writer: LetterWriter) -> str:
    return f"{writer.base_url}/orders/{TOKEN_PLACE}?lang={writer.language}"


def _merchant(writer: LetterWriter) -> dict[str, str]:
    return {"merchant": writer.merchant_name}
