"""How kinds and states of letters read in the back office."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for

from payorch.application.notices import ALERT_KIND, NoticeEvent
from payorch.domain.errors import SecretUnreadable
from payorch.infrastructure.persistence.tables.notices import NoticeRow, NoticeState
from payorch.presentation.backoffice.masked_texts import masked_email, without_address
from payorch.presentation.backoffice.payments.payment_texts import Tone, worded
from payorch.presentation.backoffice.payments.shown_customer import ERASED, UNREADABLE
from payorch.presentation.services import services

LETTERS_ENDPOINT = "backoffice_letters"

KINDS: Mapping[str, str] = {
    NoticeEvent.PAID: "Receipt",
    NoticeEvent.SETTLED_PAID: "Receipt after confirming",
    NoticeEvent.SETTLED_NOT_CHARGED: "Not charged",
    NoticeEvent.REFUNDED: "Refund",
    NoticeEvent.CANCELLED: "Order cancelled",
    ALERT_KIND: "Staff alert",
}

STATES: Mapping[NoticeState, tuple[str, Tone]] = {
    NoticeState.QUEUED: ("Waiting", "warning"),
    NoticeState.SENT: ("Sent", "success"),
    NoticeState.KEPT: ("Kept, not sent", "neutral"),
    NoticeState.FAILED: ("Failed", "danger"),
}

NOBODY = "nobody"
"""Stands for the recipient of an alert when no address of staff is set."""


@dataclass(frozen=True, slots=True)
class ShownLetter:
    """A letter as pages show it: a customer's address is masked, the staff's own is not.

    `problem`: why there is none to show.
    """

    recipient: str
    subject: str
    text: str = ""
    html: str = ""
    problem: str | None = None


def shown_letter(row: NoticeRow) -> ShownLetter:
    if row.sealed is None and not row.body:
        return ShownLetter(ERASED, "Erased", problem="Erased with the customer's data.")
    try:
        found = services().personal_data.letter_of(row)
    except SecretUnreadable as error:
        problem = f"This letter cannot be read: {error.message}"
        return ShownLetter(UNREADABLE, "Cannot be read", problem=problem)
    letter, recipient = found.letter, found.recipient
    if row.kind == ALERT_KIND:
        return ShownLetter(recipient or NOBODY, letter.subject, letter.text, letter.html)
    return ShownLetter(
        masked_email(recipient),
        *(without_address(text, recipient) for text in (letter.subject, letter.text, letter.html)),
    )


def kind_text(kind: str) -> str:
    """A kind of another release is shown by its name."""
    return KINDS.get(kind) or worded(kind).capitalize()


def letter_address(letter: NoticeRow) -> str:
    return url_for(f"{LETTERS_ENDPOINT}.letter_page", public_id=letter.public_id)
