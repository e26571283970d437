"""The answer for a submission that came before: replays are free (domain.md, invariant 8)."""

from dataclasses import replace

from payorch.application.commands import PayOrder
from payorch.application.payment_ledger import PaymentLedger, StoredSubmission
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import IdempotencyKeyReused, PaymentInProgress, PayorchError
from payorch.domain.payment_order import OrderId


class SubmissionReplay:
    def __init__(self, ledger: PaymentLedger) -> None:
        self._ledger = ledger

    def stored_or_raise(self, command: PayOrder, refusal: PayorchError) -> PaymentResult:
        """The stored answer of this key; raises `refusal` when the key is new."""
        stored = self._ledger.find_submission(command.idempotency_key)
        if stored is None:
            raise refusal
        return self._answer(command, stored)

    def stored_or_in_progress(self, command: PayOrder, order_id: OrderId) -> PaymentResult:
        """The claim was lost: to an earlier try with this key, or to another submission."""
        stored = self._ledger.find_submission(command.idempotency_key)
        if stored is not None:
            return self._answer(command, stored)
        # A new order whose key is taken, but not by a submission: somebody created that order
        # without paying it, so this is another request under the same key.
        if command.new_order is not None:
            raise IdempotencyKeyReused("This idempotency key was used with another request.")
        raise _in_progress(order_id)

    def stored_or_confirming(self, command: PayOrder, order_id: OrderId) -> PaymentResult:
        """After our own transaction was settled by somebody else, or is being so."""
        stored = self._ledger.find_submission(command.idempotency_key)
        if stored is not None and stored.result is not None:
            return PaymentResult.from_json(stored.result)
        return PaymentResult(order_id, ResultKind.CONFIRMING, attempts=1)

    def _answer(self, command: PayOrder, stored: StoredSubmission) -> PaymentResult:
        is_other_order = command.order_id is not None and command.order_id != stored.order_id
        if stored.request_hash != command.request_hash or is_other_order:
            raise IdempotencyKeyReused(
                "This idempotency key was used with another request.",
                order_id=None if is_other_order else stored.order_id,
            )
        if stored.result is not None:
            return replace(PaymentResult.from_json(stored.result), is_replay=True)
        if stored.is_leased:
            raise _in_progress(stored.order_id)
        # Unknown, waiting for the customer, or its process died: the reconciler owns it now.
        return PaymentResult(
            stored.order_id,
            ResultKind.CONFIRMING if stored.redirect_url is None else ResultKind.ACTION_REQUIRED,
            attempts=1,
            redirect_url=stored.redirect_url,
            is_replay=True,
        )


def _in_progress(order_id: OrderId) -> PaymentInProgress:
    return PaymentInProgress("A payment for this order is being processed.", order_id=order_id)
