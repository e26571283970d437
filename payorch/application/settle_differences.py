"""Finance deals with what a settlement report and the books do not agree on.

A difference is resolved with a reason, and can be taken up again. That moves no money and
changes no payment: what has to be done is done where it belongs.
"""

from payorch.application.ports import Clock
from payorch.application.settlement_reports import DifferenceDesk
from payorch.application.staff_reason import checked_reason


class SettleDifferencesUseCase:
    def __init__(self, desk: DifferenceDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def resolve(self, difference_id: int, *, actor: str, reason: str) -> None:
        """Raises ReasonRequired and DifferenceChanged."""
        self._desk.resolve(
            difference_id, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )

    def reopen(self, difference_id: int, *, actor: str, reason: str) -> None:
        """Raises ReasonRequired and DifferenceChanged."""
        self._desk.reopen(
            difference_id, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )
