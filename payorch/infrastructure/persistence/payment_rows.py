"""Rows of the payment path to domain values and back."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from payorch.application.payment_ledger import (
    Intent,
    NewOrder,
    NewSubmission,
    PayableOrder,
    Recording,
)
from payorch.domain.instrument import CardSummary
from payorch.domain.money import Money
from payorch.domain.payment_order import Customer, OrderId, PaymentOrder
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.policy_trial import TrialPlace
from payorch.domain.transaction import Transaction, TransactionId
from payorch.infrastructure.persistence.personal_data import PersonalData


def order_from(row: RowMapping, customer: Customer | None) -> PaymentOrder:
    """`customer` as personal_data.py reads it; None where nobody asks who it is."""
    return PaymentOrder(
        id=OrderId(row["order_public_id"]),
        money=Money(row["order_amount_minor"], row["order_currency"]),
        description=row["order_description"],
        country=row["order_country"],
        customer=customer,
        status=row["order_status"],
        version=row["order_version"],
        created_at=row["order_created_at"],
        expires_at=row["order_expires_at"],
        merchant_reference=row["order_merchant_reference"],
        metadata=row["order_order_metadata"],
        flag=row["order_flag"],
    )


def order_values(new: NewOrder, personal_data: PersonalData, **overrides: Any) -> dict[str, Any]:
    """Column values of a new order; `overrides` for one that is claimed at birth."""
    order = new.order
    return {
        "public_id": order.id,
        "token_hash": new.token_hash,
        "idempotency_key": new.idempotency_key,
        "request_hash": new.request_hash,
        "amount_minor": order.money.amount_minor,
        "currency": order.money.currency,
        "description": order.description,
        "country": order.country,
        **personal_data.customer_values(order.id, order.customer),
        "merchant_reference": order.merchant_reference,
        "order_metadata": dict(order.metadata),
        "status": order.status,
        "version": order.version,
        "created_at": order.created_at,
        "updated_at": order.created_at,
        "expires_at": order.expires_at,
        **overrides,
    }


def trial_values(place: TrialPlace | None) -> dict[str, Any]:
    return {
        "trial_number": place.number if place else None,
        "trial_arm": place.arm.value if place else None,
    }


def claim_values(
    payable: PayableOrder,
    customer: Customer | None,
    country: str | None,
    personal_data: PersonalData,
    *,
    at: datetime,
    counts_in: TrialPlace | None,
) -> dict[str, Any]:
    """The claim of an existing order, with the payer's newest data."""
    order = payable.order
    sealed = personal_data.customer_values(order.id, customer or order.customer)
    return {
        "key": payable.row_key,
        "expected_version": order.version,
        "at": at,
        "new_country": country or order.country,
        **{f"new_{name}": value for name, value in sealed.items()},
        **{f"new_{name}": value for name, value in trial_values(counts_in).items()},
    }


def transaction_from(row: RowMapping) -> Transaction:
    card = None
    if row["card_last4"] is not None:
        card = CardSummary(row["card_brand"], row["card_bin"], row["card_last4"])
    return Transaction(
        id=TransactionId(row["public_id"]),
        provider_code=row["provider_code"],
        status=row["status"],
        money=Money(row["amount_minor"], row["currency"]),
        sequence=row["sequence"],
        attempt_number=row["attempt_number"],
        version=row["version"],
        token=row["token"],
        started_at=row["started_at"],
        lease_until=row["lease_until"],
        provider_reference=row["provider_reference"],
        redirect_url=row["redirect_url"],
        card=card,
    )


def submission_values(submission: NewSubmission, at: datetime) -> dict[str, Any]:
    return {
        "number": submission.number,
        "idempotency_key": submission.idempotency_key,
        "request_hash": submission.request_hash,
        "preferred_provider": submission.preferred_provider,
        "client_hash": submission.client_hash,
        "language": submission.language,
        "policy_version": submission.policy_version,
        "routing_rule": submission.routing_rule,
        **trial_values(submission.trial),
        "candidates": [
            {"provider": c.provider_code, "because": c.because, "propensity": c.propensity}
            for c in submission.candidates
        ],
        "left_out": [
            {"provider": left.provider_code, "because": left.because}
            for left in submission.left_out
        ],
        "created_at": at,
    }


def intent_values(intent: Intent, money: Money) -> dict[str, Any]:
    card = intent.card
    return {
        "public_id": intent.id,
        "sequence": intent.sequence,
        "attempt_number": intent.attempt_number,
        "provider_code": intent.provider_code,
        "chosen_because": intent.chosen_because,
        "amount_minor": money.amount_minor,
        "currency": money.currency,
        "card_brand": card.brand if card else None,
        "card_bin": card.bin if card else None,
        "card_last4": card.last4 if card else None,
        "card_fingerprint": intent.card_fingerprint,
        "started_at": intent.started_at,
        "changed_at": intent.started_at,
    }


def started_transaction(intent: Intent, money: Money, lease_until: Any) -> Transaction:
    """The transaction as it was just inserted; saves reading it back."""
    return Transaction(
        id=intent.id,
        provider_code=intent.provider_code,
        status=TransactionStatus.STARTED,
        money=money,
        sequence=intent.sequence,
        attempt_number=intent.attempt_number,
        version=1,
        token=1,
        started_at=intent.started_at,
        lease_until=lease_until,
        card=intent.card,
    )


def settling_values(recording: Recording) -> dict[str, Any]:
    """The order's new state. Whether a transaction paid it is the statement's to say."""
    return {
        "order_key": recording.order_key,
        "order_status": recording.order_status,
        "order_flag": recording.order_flag,
        "at": recording.at,
    }


def stored_transaction(recording: Recording) -> Transaction:
    """The transaction as it stands after `recording`; saves reading it back."""
    before = recording.transaction
    return replace(
        before,
        status=recording.status,
        version=before.version + 1,
        provider_reference=recording.provider_reference or before.provider_reference,
        redirect_url=recording.redirect_url or before.redirect_url,
    )


def recording_values(recording: Recording) -> dict[str, Any]:
    decline = recording.decline
    return {
        "transaction": recording.transaction.id,
        "at_provider": recording.transaction.provider_code,
        "expected_version": recording.transaction.version,
        "expected_token": recording.token,
        "new_status": recording.status,
        "new_provider_reference": recording.provider_reference,
        "new_redirect_url": recording.redirect_url,
        "new_decline_scheme": decline.scheme if decline else None,
        "new_decline_code": decline.code if decline else None,
        "new_decline_advice": decline.advice_code if decline else None,
        "new_decline_reason": decline.reason if decline else None,
        "new_decline_class": decline.decline_class if decline else None,
        "new_technical_reason": recording.technical_reason,
        "new_latency_ms": recording.latency_ms,
        "new_next_check_at": recording.next_check_at,
        "at": recording.at,
    }
