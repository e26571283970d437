"""What providers charge: set by staff with a reason, valid from a moment on, never edited."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.metrics_window import floor_to_minute
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import InvalidFee
from payorch.domain.provider_fees import FeeSchedule, ProviderFee

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
"""Beyond these a date is a slip of the hand, and not every database can read it back."""


class ProviderFeeRepository(Protocol):
    def schedule(self) -> FeeSchedule: ...

    def add(self, fee: ProviderFee, *, actor: str, reason: str, at: datetime) -> bool:
        """Stored and journalled. False when one is valid from that moment on already."""


@dataclass(frozen=True, slots=True)
class ChangeProviderFee:
    fee: ProviderFee
    actor: str
    reason: str


class ChangeProviderFeesUseCase:
    def __init__(
        self, fees: ProviderFeeRepository, registry: PaymentMethodRegistry, clock: Clock
    ) -> None:
        self._fees = fees
        self._registry = registry
        self._clock = clock

    def execute(self, command: ChangeProviderFee) -> None:
        """Past dates are allowed: costs are counted when asked, so a late entry corrects them.

        Raises PaymentMethodNotFound, ReasonRequired and InvalidFee.
        """
        fee = command.fee
        self._registry.method(fee.provider_code)
        reason = checked_reason(command.reason)
        if fee.valid_from != floor_to_minute(fee.valid_from):
            raise InvalidFee("A fee is valid from a full minute on.")
        if not EARLIEST_YEAR <= fee.valid_from.year <= LATEST_YEAR:
            raise InvalidFee(f"A fee is valid from {EARLIEST_YEAR} to {LATEST_YEAR}.")
        if not self._fees.add(fee, actor=command.actor, reason=reason, at=self._clock.now()):
            raise InvalidFee(
                "There is a fee in this currency from that moment on already. It stays as it is: "
                "a correction is valid from another minute."
            )
