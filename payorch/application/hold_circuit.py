"""Staff decide instead of a provider's circuit breaker, for a while and with a reason."""

from dataclasses import dataclass
from datetime import datetime

from payorch.application.circuit_board import CircuitHolds
from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import InvalidHold
from payorch.domain.shared_circuit import MAX_HOLD, Hold, HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCircuit:
    """`seen_version` is the circuit's version on the page on which it was decided."""

    provider_code: str
    kind: HoldKind
    until: datetime
    seen_version: int
    actor: str
    reason: str


class HoldCircuitUseCase:
    def __init__(self, holds: CircuitHolds, registry: PaymentMethodRegistry, clock: Clock) -> None:
        self._holds = holds
        self._registry = registry
        self._clock = clock

    def execute(self, command: HoldCircuit) -> Hold:
        """In force in every process at its next order; ends by itself at `until`.

        Raises PaymentMethodNotFound, ReasonRequired, InvalidHold and CircuitChangedMeanwhile.
        """
        hold = self.checked(command)
        self._holds.hold(command.provider_code, hold, seen_version=command.seen_version)
        return hold

    def checked(self, command: HoldCircuit) -> Hold:
        """What `execute` would do, without doing it: for the page that asks once more."""
        self._registry.method(command.provider_code)
        now = self._clock.now()
        if not now < command.until <= now + MAX_HOLD:
            raise InvalidHold(f"A hold ends in the future, within {MAX_HOLD.days} days.")
        reason = checked_reason(command.reason)
        return Hold(command.kind, now, command.until, reason, command.actor)

    def release(self, provider_code: str, *, actor: str, reason: str) -> bool:
        """The breaker decides again. False when nothing was held any more.

        Raises PaymentMethodNotFound and ReasonRequired.
        """
        self._registry.method(provider_code)
        return self._holds.release(
            provider_code, actor=actor, reason=checked_reason(reason), at=self._clock.now()
        )
