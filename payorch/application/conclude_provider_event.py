"""A person of the staff has dealt with an event that needed one, and says how."""

from payorch.application.ports import Clock
from payorch.application.provider_events import EventInbox
from payorch.application.staff_reason import checked_reason


class ConcludeProviderEventUseCase:
    def __init__(self, inbox: EventInbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock

    def execute(self, key: int, *, actor: str, reason: str) -> bool:
        """Take the event off the queue, journalled. False when it is not on it (any more).

        It changes no payment. Raises ReasonRequired.
        """
        return self._inbox.conclude(
            key, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )
