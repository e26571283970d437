"""Notices: e-mails to customers and staff, as the use cases see them, and the ports to send them.

A notice is written down before it is sent, under a `dedup_key` that says what it is about, so
that a job that runs twice writes one. Sending is at least once: a process that dies between the
mail server's yes and our own note sends again, under the same Message-ID.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.refund import RefundId, RefundStatus


class NoticeEvent(StrEnum):
    """What happened to an order. SETTLED_...: after the page had said "we are confirming"."""

    PAID = "paid"
    SETTLED_PAID = "settled_paid"
    SETTLED_NOT_CHARGED = "settled_not_charged"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


ALERT_KIND = "alert"
"""Kind of the notices to staff; the others are named after their event."""

RECEIPT_KINDS = frozenset({NoticeEvent.PAID, NoticeEvent.SETTLED_PAID})

TOKEN_PLACE = "{token}"  # noqa: S105 - the place where the token goes, not a token
"""Stands in a written letter for the token of the order's link, which is put in when it is sent:
of tokens the database holds nothing but hashes, so that a copy of it opens no order.
"""


@dataclass(frozen=True, slots=True)
class PaidFacts:
    """The approved payment of an order. `card_...` are None when it was not paid by card."""

    at: datetime
    card_brand: str | None
    card_last4: str | None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a letter may say about an order. `refunded_minor` is what has really gone back.

    `is_flagged`: a provider may have charged what the books do not have as paid; it goes back.
    `row_key` is opaque. `language` is the one the customer last paid in, if that is known.
    """

    row_key: int
    id: OrderId
    money: Money
    status: PaymentStatus
    description: str
    email: str | None
    language: str | None
    expires_at: datetime
    paid: PaidFacts | None
    refunded_minor: int
    is_flagged: bool


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """`is_guard`: a surplus charge that was given back, which the order never counted as paid."""

    id: RefundId
    money: Money
    status: RefundStatus
    is_guard: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is written; `html` says the same as `text`."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class NewNotice:
    """`recipient` "" is nobody: the notice is only shown in the back office."""

    dedup_key: str
    kind: str
    recipient: str
    letter: Letter
    order_key: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as stored. `order_id` None for one that belongs to no order."""

    id: str
    kind: str
    recipient: str
    letter: Letter
    is_queued: bool
    created_at: datetime
    order_id: OrderId | None


@dataclass(frozen=True, slots=True)
class Mail:
    """What goes out. `id` names the message the same way each time it is sent."""

    id: str
    recipient: str
    letter: Letter
    written_at: datetime


class Delivery(StrEnum):
    """What became of a mail. KEPT: it left nothing but a row, because no mail server is set."""

    SENT = "sent"
    KEPT = "kept"


class MailRefused(Exception):
    """This recipient will never get this mail; sending it again cannot help."""


class MailUnavailable(Exception):
    """The mail did not go out now. Whether the server took it may be open; send it again."""


class CustomerErased(Exception):
    """The customer of the order was erased in this moment: nothing is written about them."""


class Mailer(Protocol):
    def send(self, mail: Mail) -> Delivery:
        """Raises MailRefused and MailUnavailable."""
        ...


class NoticeFacts(Protocol):
    def order(self, order_id: OrderId) -> OrderFacts | None: ...

    def refund(self, order_id: OrderId, refund_id: RefundId) -> RefundFacts | None: ...


class NoticeBook(Protocol):
    """The notices. Each method is one short transaction; none runs while a mail is being sent."""

    def write(self, new: NewNotice, *, at: datetime) -> Notice:
        """Insert it as queued; the one that has its dedup_key already comes back instead.

        Raises CustomerErased.
        """
        ...

    def find(self, notice_id: str) -> Notice | None: ...

    def finish(self, notice_id: str, delivery: Delivery, *, at: datetime) -> None: ...

    def fail(self, notice_id: str, error: str) -> None:
        """For good: the recipient was refused."""
        ...

    def note_error(self, notice_id: str, error: str) -> None:
        """It stays queued; the error is shown until it is sent."""
        ...

    def write_again(
        self, notice_id: str, *, dedup_key: str, actor: str, reason: str, at: datetime
    ) -> Notice | None:
        """A copy to send, its journal row and its job, in one transaction.

        None when there is no such notice. With a dedup_key that exists nothing is added. Raises
        CustomerErased.
        """
        ...


class Letters(Protocol):
    """Writes letters in the language of their reader."""

    def about_order(
        self, event: NoticeEvent, order: OrderFacts, refund: RefundFacts | None, *, is_payable: bool
    ) -> Letter: ...

    def alert(self, name: str, facts: dict[str, str]) -> Letter: ...
