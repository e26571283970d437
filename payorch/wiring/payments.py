"""The payment flow: creating an order, paying it, and the single writer of outcomes."""

from sqlalchemy.exc import SQLAlchemyError

from payorch.application.create_payment_order import CreatePaymentOrderUseCase
from payorch.application.decline_limits import DeclineGuard, DeclineLimits
from payorch.application.late_news import LateNews
from payorch.application.process_payment_order import PaymentLimits, ProcessPaymentOrderUseCase
from payorch.application.quick_resolution import QuickResolution
from payorch.application.record_outcome import OutcomeRecorder
from payorch.config import Settings
from payorch.domain.payment_order import OrderId
from payorch.infrastructure.persistence.attempt_history import SqlAlchemyAttemptHistory
from payorch.infrastructure.persistence.surplus_charges import SqlAlchemySurplusCharges
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes
from payorch.wiring.base import Base


def kept_late_news(base: Base) -> LateNews:
    def can_void(provider_code: str) -> bool:
        return base.registry.method(provider_code).capabilities.void

    return LateNews(
        open_attempts=base.open_attempts,
        surplus_charges=SqlAlchemySurplusCharges(base.transactions),
        clock=base.clock,
        ids=base.ids,
        can_void=can_void,
        alert=base.alert,
    )


def outcome_recorder(settings: Settings, base: Base, late_news: LateNews) -> OutcomeRecorder:
    return OutcomeRecorder(
        ledger=base.ledger,
        open_attempts=base.open_attempts,
        judge=base.judge,
        clock=base.clock,
        checkpoint=base.checkpoint,
        page_budget_s=settings.page_budget_s,
        late_news=late_news,
        alert=base.alert,
    )


def order_creation(settings: Settings, base: Base) -> CreatePaymentOrderUseCase:
    return CreatePaymentOrderUseCase(
        ledger=base.ledger,
        clock=base.clock,
        ids=base.ids,
        tokens=base.tokens,
        expires_after_min=settings.order_expires_after_min,
        max_amount_minor=settings.max_amount_minor,
    )


def order_payment(
    settings: Settings,
    base: Base,
    create_order: CreatePaymentOrderUseCase,
    recorder: OutcomeRecorder,
) -> ProcessPaymentOrderUseCase:
    def return_url(order_id: OrderId) -> str:
        return f"{settings.base_url}/orders/{base.tokens.token_for(order_id)}/return"

    def disable_for_bad_credentials(provider_code: str) -> None:
        base.alert("bad_credentials", {"provider": provider_code})
        try:
            base.change_method.set_enabled(
                provider_code,
                is_enabled=False,
                actor="system",
                reason="The provider refused our credentials (401 or 403).",
            )
        except SQLAlchemyError:
            # The payment that found it out goes on; the next one will find it out again.
            base.alert("provider_not_disabled", {"provider": provider_code})

    return ProcessPaymentOrderUseCase(
        ledger=base.ledger,
        orders=create_order,
        registry=base.registry,
        gateways=base.gateways,
        judge=base.judge,
        recorder=recorder,
        quick_resolution=QuickResolution(
            clock=base.clock, checkpoint=base.checkpoint, page_budget_s=settings.page_budget_s
        ),
        clock=base.clock,
        ids=base.ids,
        checkpoint=base.checkpoint,
        return_url=return_url,
        on_bad_credentials=disable_for_bad_credentials,
        tell_circuits=base.circuits.tell,
        guard=DeclineGuard(
            history=SqlAlchemyAttemptHistory(base.transactions),
            hashes=SecretKeyedHashes(settings.secret_key),
            policy=base.decline_policy.shipped,
            limits=DeclineLimits(
                per_email=settings.max_declines_per_email,
                per_bin=settings.max_declines_per_bin,
                per_address=settings.max_declines_per_address,
                has_scheme_caps=settings.scheme_retry_caps,
            ),
            clock=base.clock,
        ),
        limits=PaymentLimits(settings.submission_deadline_s, settings.max_submissions_per_hour),
    )
