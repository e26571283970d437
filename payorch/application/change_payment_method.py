"""Switch a payment method on or off. Takes effect at the next order in every process."""

from payorch.application.configuration import PaymentMethodRepository
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason


class ChangePaymentMethodUseCase:
    def __init__(self, methods: PaymentMethodRepository, clock: Clock) -> None:
        self._methods = methods
        self._clock = clock

    def set_enabled(self, code: str, *, is_enabled: bool, actor: str, reason: str) -> bool:
        """Journalled with `actor` and `reason`. False when the method already was so.

        Attempts already sent are not touched: they are still looked up and settled.
        Raises ReasonRequired and PaymentMethodNotFound.
        """
        return self._methods.set_enabled(
            code,
            is_enabled=is_enabled,
            actor=actor,
            reason=checked_reason(reason),
            at=self._clock.now(),
        )
