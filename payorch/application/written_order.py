"""The order as a submission leaves it, put together from what it wrote instead of read again.

For a new order whose attempts were all made and answered here, status and attempts in the books
are those at that commit. Where an attempt was looked up, or taken over by somebody else, nothing
is said. A flag that somebody else sets within these moments is seen by the next who reads.
"""

from dataclasses import dataclass, field, replace

from payorch.application.order_views import OrderView, TransactionView
from payorch.application.payment_ledger import Recording
from payorch.domain.payment_order import PaymentOrder


@dataclass(slots=True)
class WrittenOrder:
    """`order` as it was inserted. `is_known` stays true while every attempt was seen."""

    order: PaymentOrder
    is_known: bool
    _attempts: list[TransactionView] = field(default_factory=list)

    def note(self, recording: Recording | None, provider_name: str) -> None:
        """One attempt ended like this; None when more happened than that."""
        if recording is None:
            self.is_known = False
        else:
            self._attempts.append(_attempt(recording, provider_name))

    def after(self, last: Recording | None) -> OrderView | None:
        """The order after `last`, which ended the submission; None when that is not known."""
        if not self.is_known or last is None or last.result is None:
            return None
        order = replace(
            self.order,
            status=last.order_status,
            version=self.order.version + 1,
            flag=last.order_flag,
        )
        return OrderView(order, tuple(self._attempts), dict(last.result))


def _attempt(recording: Recording, provider_name: str) -> TransactionView:
    transaction, decline = recording.transaction, recording.decline
    return TransactionView(
        id=transaction.id,
        sequence=transaction.sequence,
        attempt_number=transaction.attempt_number,
        submission_number=1,
        provider_code=transaction.provider_code,
        provider_name=provider_name,
        status=recording.status,
        decline_reason=decline.reason if decline else None,
        decline_class=decline.decline_class if decline else None,
        technical_reason=recording.technical_reason,
        latency_ms=recording.latency_ms,
        card=transaction.card,
        redirect_url=recording.redirect_url,
        started_at=transaction.started_at,
        answered_at=recording.at,
    )
