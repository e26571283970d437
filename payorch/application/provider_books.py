"""What the providers' own books say, asked slowly: for verifying, and after a restored backup.

It changes nothing here. At the provider it changes nothing either, but for `cancel`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from payorch.application.payment_method_registry import PaymentMethodRegistry
from payorch.application.ports import Clock
from payorch.application.provider_gateway import (
    Answer,
    GatewayCatalog,
    ListedPayment,
    PaymentPage,
)
from payorch.application.refund_gateway import ListedRefund, RefundPage
from payorch.domain.errors import PaymentMethodNotFound
from payorch.domain.outcome import (
    Approved,
    Declined,
    NotSent,
    NotSentReason,
    Outcome,
    Unknown,
    UnknownReason,
)
from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.transaction import Transaction, TransactionId

TIMEOUT_S = 10.0
TRIES = 3
BETWEEN_TRIES_S = 1.0


class _Listed(Protocol):
    @property
    def provider_reference(self) -> str: ...


Item = TypeVar("Item", bound=_Listed)
Page = tuple[tuple[Item, ...], bool]
"""What a page holds, and whether there is more."""


class Verdict(StrEnum):
    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    VOIDED_THERE = "voided there, approved here"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`why` is a short text for people; `answer` is what the provider said, when it did."""

    verdict: Verdict
    why: str = ""
    answer: Answer | None = None


class ProviderBooks:
    """`calls_per_s` keeps a comparison of many payments from disturbing the ones being made."""

    def __init__(
        self,
        *,
        registry: PaymentMethodRegistry,
        gateways: GatewayCatalog,
        clock: Clock,
        calls_per_s: float = 20.0,
    ) -> None:
        self._registry = registry
        self._gateways = gateways
        self._clock = clock
        self._pause_s = 1.0 / calls_per_s

    def compare(self, transaction: Transaction) -> Comparison:
        """A closed transaction with the provider's word on the same reference."""
        method = self._method(transaction.provider_code)
        if method is None:
            return Comparison(Verdict.UNCLEAR, "the provider is not connected")
        answer = self._ask(transaction, method)
        if answer is None:
            # Nothing of it is known there by any name that we have.
            is_charged = transaction.status in CHARGED_TRANSACTION_STATUSES
            return Comparison(Verdict.UNCLEAR if is_charged else Verdict.AGREES, "cannot be asked")
        return compared(transaction, answer)

    def pages(
        self, method: PaymentMethodVO, since: datetime
    ) -> Iterator[tuple[ListedPayment, ...] | None] | None:
        """All payments since then, page by page; a None page: the provider stopped answering.

        None for a method that cannot be asked for a list.
        """
        if not method.capabilities.list_payments or not self._gateways.is_connected(method):
            return None
        return self._pages(lambda after: self._payments(method, since, after))

    def refund_pages(
        self, method: PaymentMethodVO, since: datetime
    ) -> Iterator[tuple[ListedRefund, ...] | None] | None:
        """All refunds since then; like `pages`, and for the same methods."""
        if not method.capabilities.list_payments or not self._gateways.is_connected(method):
            return None
        return self._pages(lambda after: self._refunds(method, since, after))

    def cancel(self, method: PaymentMethodVO, payment: ListedPayment) -> Outcome:
        """Stop a payment that nobody here waits for."""
        if not method.capabilities.cancel_by_id:
            return Unknown(UnknownReason.NEEDS_LOOKUP)
        gateway = self._gateways.gateway_for(method)
        reference = TransactionId(payment.our_reference)
        return gateway.cancel(payment.provider_reference, reference, timeout_s=TIMEOUT_S).outcome

    def _pages(
        self, ask: Callable[[str | None], Page[Item] | None]
    ) -> Iterator[tuple[Item, ...] | None]:
        after: str | None = None
        while True:
            page = self._patiently(ask, after)
            if page is None:
                yield None
                return
            items, has_more = page
            yield items
            if not has_more:
                return
            after = items[-1].provider_reference

    def _patiently(
        self, ask: Callable[[str | None], Page[Item] | None], after: str | None
    ) -> Page[Item] | None:
        for _ in range(TRIES):
            page = ask(after)
            self._clock.sleep(self._pause_s)
            if page is not None:
                return page
            self._clock.sleep(BETWEEN_TRIES_S)
        return None

    def _payments(
        self, method: PaymentMethodVO, since: datetime, after: str | None
    ) -> Page[ListedPayment] | None:
        gateway = self._gateways.gateway_for(method)
        page = gateway.list_payments(since=since, after=after, timeout_s=TIMEOUT_S)
        return (page.items, page.has_more) if isinstance(page, PaymentPage) else None

    def _refunds(
        self, method: PaymentMethodVO, since: datetime, after: str | None
    ) -> Page[ListedRefund] | None:
        gateway = self._gateways.refund_gateway_for(method)
        page = gateway.list_refunds(since=since, after=after, timeout_s=TIMEOUT_S)
        return (page.items, page.has_more) if isinstance(page, RefundPage) else None

    def _ask(self, transaction: Transaction, method: PaymentMethodVO) -> Answer | None:
        """By our reference where that is possible: it shows every charge that was made for it."""
        gateway = self._gateways.gateway_for(method)
        answer = None
        for _ in range(TRIES):
            if method.capabilities.find_by_reference:
                answer = gateway.find(transaction.id, timeout_s=TIMEOUT_S)
            elif transaction.provider_reference is not None:
                answer = gateway.read(
                    transaction.provider_reference, transaction.id, timeout_s=TIMEOUT_S
                )
            else:
                return None
            self._clock.sleep(self._pause_s)
            if not _is_silence(answer.outcome):
                return answer
            self._clock.sleep(BETWEEN_TRIES_S)
        return answer

    def _method(self, code: str) -> PaymentMethodVO | None:
        try:
            method = self._registry.method(code)
        except PaymentMethodNotFound:
            return None
        return method if self._gateways.is_connected(method) else None


def may_hold_money(outcome: Outcome) -> bool:
    return not isinstance(outcome, (Declined, NotSent))


def _is_silence(outcome: Outcome) -> bool:
    return isinstance(outcome, Unknown) and outcome.reason is not UnknownReason.NOT_FOUND


def compared(transaction: Transaction, answer: Answer) -> Comparison:
    """A closed transaction with what its provider says of the same reference."""
    is_charged = transaction.status in CHARGED_TRANSACTION_STATUSES
    match answer.outcome:
        case Approved() as first:
            return _compared_charges(transaction, (first, *first.surplus), answer)
        case NotSent(reason=NotSentReason.VOIDED_AT_PROVIDER):
            if transaction.status is TransactionStatus.APPROVED:
                return Comparison(Verdict.VOIDED_THERE, Verdict.VOIDED_THERE.value, answer)
            return Comparison(Verdict.AGREES)
        case Declined() | NotSent():
            if transaction.status is TransactionStatus.APPROVED:
                return Comparison(Verdict.CONTRADICTS, "not charged there", answer)
            return Comparison(Verdict.AGREES)
        case Unknown(reason=UnknownReason.NOT_FOUND) if not is_charged:
            return Comparison(Verdict.AGREES)
        case Unknown(reason=reason):
            return Comparison(Verdict.UNCLEAR, f"the provider did not say: {reason.value}", answer)
        case _:
            return Comparison(Verdict.UNCLEAR, "open there, closed here", answer)


def _compared_charges(
    transaction: Transaction, charges: Sequence[Approved], answer: Answer
) -> Comparison:
    """In whatever order the provider shows them: one is the booked one, the others go back."""
    money = (transaction.money.amount_minor, transaction.money.currency)
    is_charged = transaction.status in CHARGED_TRANSACTION_STATUSES
    booked = [it for it in charges if it.provider_reference == transaction.provider_reference]
    # Without the booked one a charge of its amount is another one; else it may be the same.
    speaks = booked or charges
    fits = any((charge.amount_minor, charge.currency) == money for charge in speaks)
    if is_charged and not fits:
        return Comparison(Verdict.UNCLEAR, "another amount was charged", answer)
    if is_charged and len(booked) == len(charges):
        return Comparison(Verdict.AGREES)
    return Comparison(Verdict.CONTRADICTS, "charged there", answer)
