"""Port to the payment path's persistence, shaped by the flow's atomic steps, not by tables.

One method is one short transaction. `row_key`s are opaque to everybody but the ledger. No
method may be called while a provider is being called, and none holds a connection afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.application.jobs import NewJob
from payorch.application.surplus_charges import GiveBack
from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import Customer, OrderId, PaymentOrder
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.domain.policy_trial import TrialPlace
from payorch.domain.transaction import Transaction, TransactionId


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to insert. `idempotency_key` and `request_hash` let a replay find it again."""

    order: PaymentOrder
    token_hash: str
    idempotency_key: str | None
    request_hash: str | None


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """An order as read for a payment, with what was tried for it before, in one statement."""

    row_key: int | None
    order: PaymentOrder
    recent_submissions: int
    last_sequence: int
    last_submission_number: int


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """Why a provider is tried, as it is stored with the submission."""

    provider_code: str
    because: str
    propensity: float


@dataclass(frozen=True, slots=True)
class LeftOutRecord:
    provider_code: str
    because: str


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """`routing_rule`: the rule of the policy that applied; None is the default order.

    The first submission of an order decides whether a trial counts the order.
    """

    idempotency_key: str
    request_hash: str
    number: int
    preferred_provider: str | None
    policy_version: int
    candidates: tuple[CandidateRecord, ...]
    left_out: tuple[LeftOutRecord, ...]
    language: str | None = None
    client_hash: str | None = None
    routing_rule: str | None = None
    trial: TrialPlace | None = None

    @property
    def counts_in(self) -> TrialPlace | None:
        """The trial that its order is counted in from now on."""
        return self.trial if self.number == 1 else None


@dataclass(frozen=True, slots=True)
class Intent:
    """The attempt that is about to be sent; committed before the provider is called."""

    id: TransactionId
    provider_code: str
    chosen_because: str
    sequence: int
    attempt_number: int
    started_at: datetime
    lease_s: float
    card: CardSummary | None
    card_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class StartedSubmission:
    order_key: int
    submission_key: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """A submission found by its idempotency key; `result` is None while it is not over.

    `is_leased`: a process is at work on it now. `redirect_url`: the customer has to go there.
    """

    order_id: OrderId
    request_hash: str
    result: Mapping[str, object] | None
    is_leased: bool
    redirect_url: str | None


@dataclass(frozen=True, slots=True)
class DeclineRecord:
    scheme: str | None
    code: str
    advice_code: str | None
    reason: str
    decline_class: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One step of the single writer: the transaction's new state and all that follows from it.

    `token` None means the evidence is definitive and needs no lease; the version still guards.
    `next_intent` is only ever set together with a final status that proves no charge. `jobs` are
    enqueued, and `gives_back` are given back, in the same transaction.
    """

    order_key: int
    submission_key: int
    transaction: Transaction
    token: int | None
    status: TransactionStatus
    at: datetime
    latency_ms: int | None = None
    provider_reference: str | None = None
    redirect_url: str | None = None
    decline: DeclineRecord | None = None
    technical_reason: str | None = None
    order_status: PaymentStatus = PaymentStatus.PROCESSING
    order_flag: str | None = None
    next_check_at: datetime | None = None
    lease_s: float = 0.0
    next_intent: Intent | None = None
    result: Mapping[str, object] | None = None
    jobs: tuple[NewJob, ...] = ()
    gives_back: tuple[GiveBack, ...] = ()


class DuplicateKey(Exception):
    """The idempotency key of a submission or an order is already taken."""


class ClaimLost(Exception):
    """Another submission claimed the order first, or its status no longer allows a payment."""


class ContradictsLedger(Exception):
    """The books refuse the outcome: a second approval, a reference that another transaction has,
    an order that is not being processed any more, or a charge that is being given back.

    `is_foreign`: the provider's reference belongs to another transaction of ours.
    `is_given_back`: the guard has this charge; it must never count as the payment.
    """

    def __init__(
        self, message: str, *, is_foreign: bool = False, is_given_back: bool = False
    ) -> None:
        super().__init__(message)
        self.is_foreign = is_foreign
        self.is_given_back = is_given_back


class PaymentLedger(Protocol):
    """Every method raises LedgerUnavailable when the database does not answer or take it."""

    def insert_order(self, new: NewOrder) -> None:
        """Raises DuplicateKey when the order's idempotency key exists."""

    def find_order_by_key(self, idempotency_key: str) -> tuple[OrderId, str | None] | None:
        """The order that was created with this key, and the hash of its request."""

    def load_payable(
        self, order_id: OrderId, *, submissions_since: datetime
    ) -> PayableOrder | None: ...

    def configuration_revision(self) -> int: ...

    def find_submission(self, idempotency_key: str) -> StoredSubmission | None: ...

    def start(
        self,
        payable: PayableOrder,
        *,
        new_order: NewOrder | None,
        customer: Customer | None,
        country: str | None,
        submission: NewSubmission,
        intent: Intent,
    ) -> StartedSubmission:
        """Commit 1: claim the order by compare-and-swap and write the intent.

        Raises DuplicateKey or ClaimLost; then nothing was written.
        """

    def record(self, recording: Recording) -> Transaction | None:
        """Commit 2 (and 3 ...): the outcome, the order's status and perhaps the next intent.

        Returns the next attempt's transaction, or the finished one as it now stands; None when
        the compare-and-swap lost: somebody else changed the transaction meanwhile.
        Raises ContradictsLedger when a constraint refuses the outcome; nothing was written.
        """
