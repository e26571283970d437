"""Sending one written notice, and writing down what became of it."""

from payorch.application.jobs import RetryLater
from payorch.application.notices import (
    TOKEN_PLACE,
    Delivery,
    Letter,
    Mail,
    Mailer,
    MailRefused,
    MailUnavailable,
    Notice,
    NoticeBook,
)
from payorch.application.ports import Clock, OrderTokens


class DeliverNotice:
    def __init__(
        self, *, book: NoticeBook, mailer: Mailer, tokens: OrderTokens, clock: Clock
    ) -> None:
        self._book = book
        self._mailer = mailer
        self._tokens = tokens
        self._clock = clock

    def deliver(self, notice: Notice) -> None:
        """Send it unless it was sent. Raises RetryLater when the mail server cannot take it now."""
        if not notice.is_queued:
            return
        if not notice.recipient:
            self._book.finish(notice.id, Delivery.KEPT, at=self._clock.now())
            return
        try:
            delivery = self._mailer.send(self._mail(notice))
        except MailRefused as refusal:
            self._book.fail(notice.id, str(refusal))
        except MailUnavailable as problem:
            self._book.note_error(notice.id, str(problem))
            raise RetryLater(str(problem)) from problem
        else:
            self._book.finish(notice.id, delivery, at=self._clock.now())

    def _mail(self, notice: Notice) -> Mail:
        letter = notice.letter
        if notice.order_id is not None:
            token = self._tokens.token_for(notice.order_id)
            letter = Letter(
                letter.subject,
                letter.text.replace(TOKEN_PLACE, token),
                letter.html.replace(TOKEN_PLACE, token),
            )
        return Mail(notice.id, notice.recipient, letter, notice.created_at)
