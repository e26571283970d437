"""Named facts that stop a use case. A decline is never one of them: it is a value (outcome.py).

Every error has a stable `code` for machines and a message for people. The HTTP status that
belongs to each lives in presentation/errors.py only.
"""

from collections.abc import Mapping


class PayorchError(Exception):
    """Root of all errors that payorch raises on purpose."""

    code = "payorch_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidMoney(PayorchError):
    code = "invalid_money"


class OrderNotFound(PayorchError):
    code = "order_not_found"


class OrderAlreadyPaid(PayorchError):
    code = "order_already_paid"


class OrderNotPayable(PayorchError):
    """The order is expired or cancelled; no payment can be taken for it any more."""

    code = "order_not_payable"


class PaymentInProgress(PayorchError):
    """Another submission holds the order; the caller should look at the order again shortly."""

    code = "payment_in_progress"

    def __init__(
        self, message: str, *, order_id: str | None = None, retry_after_s: int = 2
    ) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.retry_after_s = retry_after_s


class IdempotencyKeyReused(PayorchError):
    """The key came before with another body. Nothing was done; send a new key."""

    code = "idempotency_key_reused"

    def __init__(self, message: str, *, order_id: str | None = None) -> None:
        super().__init__(message)
        self.order_id = order_id


class NoProviderForOrder(PayorchError):
    """No payment method can take this order; `reasons` says why for each one."""

    code = "no_provider_for_order"

    def __init__(self, message: str, *, reasons: Mapping[str, str]) -> None:
        super().__init__(message)
        self.reasons = reasons


class TooManySubmissions(PayorchError):
    """Card testing guard: this order was tried too often within the hour."""

    code = "too_many_submissions"

    def __init__(self, message: str, *, retry_after_s: int = 3600) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyDeclines(PayorchError):
    """Somebody may be trying out cards: nothing more is tried for a while."""

    code = "too_many_declines"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyLogins(PayorchError):
    """Somebody may be trying out passwords: no login from there for a while."""

    code = "too_many_logins"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRequests(PayorchError):
    """Somebody asks too often for what costs us something. Nothing was done."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CardNotAcceptedNow(PayorchError):
    """The card's scheme does not want it tried again now; another card can be used at once."""

    code = "card_not_accepted_now"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PolicyChangedMeanwhile(PayorchError):
    """Somebody published another routing policy after this one was opened for editing."""

    code = "policy_changed_meanwhile"

    def __init__(self, message: str, *, current_version: int) -> None:
        super().__init__(message)
        self.current_version = current_version


class InvalidRoutingPolicy(PayorchError):
    code = "invalid_routing_policy"


class InvalidPolicyTrial(PayorchError):
    """A trial cannot be started like that; the message says why."""

    code = "invalid_policy_trial"


class TrialIsRunning(PayorchError):
    """While a trial runs its control stays in force, and no other trial can be started."""

    code = "trial_is_running"


class TrialNotRunning(PayorchError):
    """It was ended already, or never was."""

    code = "trial_not_running"


class InvalidHold(PayorchError):
    """A circuit cannot be held like that; the message says why."""

    code = "invalid_hold"


class CircuitChangedMeanwhile(PayorchError):
    """The circuit is no longer the one that was on the page when it was decided to hold it."""

    code = "circuit_changed_meanwhile"


class InvalidFee(PayorchError):
    """A provider's fee cannot be like that; the message says why."""

    code = "invalid_fee"


class PaymentMethodNotFound(PayorchError):
    code = "payment_method_not_found"


class ReasonRequired(PayorchError):
    """Changes by staff are journalled with a reason; an empty one says nothing."""

    code = "reason_required"


class NoticeNotFound(PayorchError):
    code = "notice_not_found"


class NothingToCheck(PayorchError):
    """The order has no open transaction, so there is nothing to ask a provider about."""

    code = "nothing_to_check"


class FlagNotOpen(PayorchError):
    """The flag was dealt with, raised anew or taken up again since the page was read."""

    code = "flag_not_open"


class ReviewNotPossible(PayorchError):
    """This conclusion cannot be proposed or decided now; the message says why."""

    code = "review_not_possible"


class OrderNotRefundable(PayorchError):
    """There is no payment to give back, nothing is left of it, or the provider cannot do it."""

    code = "order_not_refundable"


class RefundTooLarge(PayorchError):
    """More than is left; `refundable_minor` is the most that can be given back now."""

    code = "refund_too_large"

    def __init__(self, message: str, *, refundable_minor: int) -> None:
        super().__init__(message)
        self.refundable_minor = refundable_minor


class RefundNotFound(PayorchError):
    code = "refund_not_found"


class RefundInProgress(PayorchError):
    """The provider is still being asked; look at the refund again shortly."""

    code = "refund_in_progress"

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefundNotRetryable(PayorchError):
    """Only a failed refund can be tried again."""

    code = "refund_not_retryable"


class SecondFactorRefused(PayorchError):
    """A second factor cannot be set up, renewed or removed like that; the message says why."""

    code = "second_factor_refused"


class OrderNotErasable(PayorchError):
    """It is not over yet; the message says what is open."""

    code = "order_not_erasable"


class SecretUnreadable(PayorchError):
    """It was sealed with another key, about another thing, or changed since."""

    code = "secret_unreadable"


class InvalidSettlementMapping(PayorchError):
    """A settlement report cannot be read with these columns; the message says why."""

    code = "invalid_settlement_mapping"


class SettlementFileRefused(PayorchError):
    """The file is no settlement report that can be read. Nothing was kept of it."""

    code = "settlement_file_refused"


class SettlementImportChanged(PayorchError):
    """The import is not in the state that this needs any more: look at it again."""

    code = "settlement_import_changed"


class DifferenceChanged(PayorchError):
    """Somebody, or a later report, has dealt with this difference: look at it again."""

    code = "difference_changed"


class PaymentsPaused(PayorchError):
    """SAFE mode: the books are being checked against the providers. Nothing was sent."""

    code = "payments_paused"

    def __init__(self, message: str, *, retry_after_s: int = 60) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LedgerUnavailable(PayorchError):
    """The database did not take the write. Nothing was sent to a provider."""

    code = "ledger_unavailable"
