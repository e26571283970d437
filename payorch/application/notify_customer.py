"""The job behind an e-mail to a customer: write it once, then send it.

The books are read again when it is written: a letter never says what is not true by then, such as
"you were not charged, pay again" while another payment of the order runs or has been approved.
"""

from collections.abc import Mapping

from payorch.application.deliver_notice import DeliverNotice
from payorch.application.jobs import GiveUp, Job, RetryLater
from payorch.application.notices import (
    CustomerErased,
    Letters,
    NewNotice,
    Notice,
    NoticeBook,
    NoticeEvent,
    NoticeFacts,
    OrderFacts,
    RefundFacts,
)
from payorch.application.ports import Clock
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import RefundId, RefundStatus

_NOT_CHARGED = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.FAILED,
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELLED,
    }
)
_PAYABLE = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED})


class NotifyCustomerUseCase:
    """Handler of NOTIFY_CUSTOMER.

    The payload is {"order", "event", "refund" or "transaction" if it is about one}, or
    {"notice": id} to send one that is written already.
    """

    def __init__(
        self,
        *,
        facts: NoticeFacts,
        letters: Letters,
        book: NoticeBook,
        delivery: DeliverNotice,
        clock: Clock,
    ) -> None:
        self._facts = facts
        self._letters = letters
        self._book = book
        self._delivery = delivery
        self._clock = clock

    def execute(self, job: Job) -> None:
        """Raises RetryLater when it could not be sent now, GiveUp for a job that makes no sense."""
        if "notice" in job.payload:
            notice = self._book.find(_text(job.payload, "notice"))
            if notice is None:
                raise GiveUp("There is no such notice.")
        else:
            written = self._write(job.payload)
            if written is None:
                return
            notice = written
        self._delivery.deliver(notice)

    def _write(self, payload: Mapping[str, object]) -> Notice | None:
        """The notice of the event, written now or before; None when there is nothing to tell."""
        try:
            event = NoticeEvent(_text(payload, "event"))
        except ValueError:
            raise GiveUp("There is no such event.") from None
        order = self._facts.order(OrderId(_text(payload, "order")))
        if order is None:
            raise GiveUp("There is no such order.")
        refund = None
        if event is NoticeEvent.REFUNDED:
            refund = self._refund(order, RefundId(_text(payload, "refund")))
        if not order.email or not _is_still_true(event, order):
            return None
        subject = refund.id if refund is not None else payload.get("transaction", order.id)
        is_payable = order.status in _PAYABLE and self._clock.now() < order.expires_at
        new = NewNotice(
            dedup_key=f"{event}:{subject}",
            kind=event,
            recipient=order.email,
            letter=self._letters.about_order(event, order, refund, is_payable=is_payable),
            order_key=order.row_key,
        )
        try:
            return self._book.write(new, at=self._clock.now())
        except CustomerErased:
            return None

    def _refund(self, order: OrderFacts, refund_id: RefundId) -> RefundFacts:
        refund = self._facts.refund(order.id, refund_id)
        if refund is None:
            raise GiveUp("The order has no such refund.")
        if refund.status is RefundStatus.FAILED:
            raise GiveUp("The refund failed: there is nothing to tell the customer.")
        if refund.status is not RefundStatus.SUCCEEDED:
            raise RetryLater("The refund has not succeeded yet.")
        return refund


def _is_still_true(event: NoticeEvent, order: OrderFacts) -> bool:
    match event:
        case NoticeEvent.PAID | NoticeEvent.SETTLED_PAID:
            if order.paid is None:
                raise GiveUp("The order is not paid.")
            return True
        case NoticeEvent.SETTLED_NOT_CHARGED:
            # Paid or being paid again meanwhile: "not charged" would only confuse.
            return order.status in _NOT_CHARGED
        case NoticeEvent.REFUNDED:
            return True
        case NoticeEvent.CANCELLED:
            return order.status is PaymentStatus.CANCELLED


def _text(payload: Mapping[str, object], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise GiveUp(f"The job names no {name}.")
    return value
