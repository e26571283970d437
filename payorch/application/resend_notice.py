"""Sending a letter to a customer once more: a copy of its own, with who asked for it and why."""

from payorch.application.notices import ALERT_KIND, CustomerErased, Notice, NoticeBook
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import NoticeNotFound

MAX_KEY_LENGTH = 64


class ResendNoticeUseCase:
    def __init__(self, book: NoticeBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def execute(self, notice_id: str, *, key: str, actor: str, reason: str) -> Notice:
        """The new notice, queued. `key` makes a second press of the button harmless.

        Raises ReasonRequired, and NoticeNotFound also for an alert to staff.
        """
        text = checked_reason(reason)
        found = self._book.find(notice_id)
        if found is None or found.kind == ALERT_KIND or not 0 < len(key) <= MAX_KEY_LENGTH:
            raise NoticeNotFound("There is no such letter to a customer.")
        try:
            again = self._book.write_again(
                notice_id,
                dedup_key=f"again:{notice_id}:{key}",
                actor=actor,
                reason=text,
                at=self._clock.now(),
            )
        except CustomerErased:
            again = None
        if again is None:
            raise NoticeNotFound("There is no such letter to a customer.")
        return again
