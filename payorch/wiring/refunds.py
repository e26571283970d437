"""Giving money back: the use case, its handlers and the schedule that carries refunds on."""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.jobs import (
    APPLY_REFUND_REVIEW,
    RECONCILE_REFUNDS,
    SEND_REFUND,
    JobHandler,
    Schedule,
)
from payorch.application.large_refunds import LargeRefundsUseCase
from payorch.application.reconcile_refunds import ReconcileRefunds
from payorch.application.record_refund import RefundRecorder
from payorch.application.refund_payment import RefundPaymentUseCase
from payorch.application.resolve_refund import ResolveRefund, SendRefund
from payorch.application.review_refund import ReviewRefundUseCase
from payorch.config import Settings
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.second_person import SecondPersonLimits
from payorch.infrastructure.persistence.refund_ledger import SqlAlchemyRefundLedger
from payorch.infrastructure.persistence.refund_proposal_book import SqlAlchemyRefundProposalBook
from payorch.infrastructure.persistence.refund_review_book import SqlAlchemyRefundReviewBook
from payorch.wiring.base import Base

RECONCILE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Refunds:
    refund_payment: RefundPaymentUseCase
    large: LargeRefundsUseCase
    review: ReviewRefundUseCase
    resolve: ResolveRefund
    reconcile: ReconcileRefunds
    handlers: Mapping[str, JobHandler]
    schedules: tuple[Schedule, ...]


def refunds(settings: Settings, base: Base) -> Refunds:
    def can_refund(provider_code: str) -> bool:
        try:
            return base.registry.method(provider_code).capabilities.refund
        except PaymentMethodNotFound:
            return False

    ledger = SqlAlchemyRefundLedger(base.transactions, base.clock)
    recorder = RefundRecorder(
        ledger=ledger,
        clock=base.clock,
        ids=base.ids,
        checkpoint=base.checkpoint,
        can_refund=can_refund,
        alert=base.alert,
    )
    resolve = ResolveRefund(
        ledger=ledger,
        recorder=recorder,
        registry=base.registry,
        gateways=base.gateways,
        clock=base.clock,
        checkpoint=base.checkpoint,
    )
    reconcile = ReconcileRefunds(ledger=ledger, jobs=base.jobs, clock=base.clock)
    review = ReviewRefundUseCase(
        book=SqlAlchemyRefundReviewBook(base.transactions),
        ledger=ledger,
        recorder=recorder,
        clock=base.clock,
    )
    limits = SecondPersonLimits(settings.second_person_limits)
    refund_payment = RefundPaymentUseCase(
        ledger=ledger,
        resolve=resolve,
        registry=base.registry,
        clock=base.clock,
        ids=base.ids,
        checkpoint=base.checkpoint,
        limits=limits,
    )
    return Refunds(
        refund_payment=refund_payment,
        large=LargeRefundsUseCase(
            book=SqlAlchemyRefundProposalBook(base.transactions),
            refunds=refund_payment,
            ledger=ledger,
            limits=limits,
            clock=base.clock,
            ids=base.ids,
            checkpoint=base.checkpoint,
        ),
        review=review,
        resolve=resolve,
        reconcile=reconcile,
        handlers={
            SEND_REFUND.name: SendRefund(resolve),
            RECONCILE_REFUNDS.name: reconcile,
            APPLY_REFUND_REVIEW.name: review.handle,
        },
        schedules=(Schedule(RECONCILE_REFUNDS, RECONCILE_EVERY_S),),
    )
