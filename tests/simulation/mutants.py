"""payorch broken on purpose, one rule at a time. A mutant that survives shows a fault that the
simulator does not know. Each is applied to the real code for as long as its block runs.
"""

from __future__ import annotations

import itertools
import re
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sqlalchemy import update

from payorch.application import judge_outcome
from payorch.application.process_payment_order import ProcessPaymentOrderUseCase
from payorch.application.provider_gateway import ChargeRequest
from payorch.application.reconcile import ReconcileUseCase
from payorch.application.resolve_transaction import Resolution, ResolveTransactionUseCase
from payorch.application.running_submission import IntentBook
from payorch.domain.outcome import NotSent, NotSentReason, Unknown, UnknownReason
from payorch.domain.settlement import settle
from payorch.infrastructure.gateways.adapter import PaymentGatewayAdapter
from payorch.infrastructure.gateways.sandbox import transform
from payorch.infrastructure.persistence import payment_statements
from payorch.infrastructure.persistence.open_attempts import SqlAlchemyOpenAttempts
from payorch.infrastructure.persistence.tables import OrderRow
from tests.simulation.mutant import Mutant
from tests.simulation.mutants_of_answers import MUTANTS_OF_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator


def unknown_is_a_failure() -> AbstractContextManager[Any]:
    """The first idea of everybody: no answer, so try the next one."""

    def naive(outcome, current):
        if isinstance(outcome, Unknown):
            outcome = NotSent(NotSentReason.CONNECT_TIMEOUT)
        return settle(outcome, current)

    return patch.object(judge_outcome, "settle", naive)


def a_500_is_a_failure() -> AbstractContextManager[Any]:
    original = transform._unreadable

    def unreadable(answer):
        if answer.status >= 500:
            return NotSent(NotSentReason.NOT_PROCESSED)
        return original(answer)

    return patch.object(transform, "_unreadable", unreadable)


def not_found_is_proof() -> AbstractContextManager[Any]:
    original = transform.find_outcome

    def find_outcome(answer, our_reference):
        outcome = original(answer, our_reference)
        if isinstance(outcome, Unknown) and outcome.reason is UnknownReason.NOT_FOUND:
            return NotSent(NotSentReason.PROVED_CANCELLED)
        return outcome

    return patch.object(transform, "find_outcome", find_outcome)


def a_failed_cancel_is_proof() -> AbstractContextManager[Any]:
    def cancel_outcome(answer, our_reference):
        return NotSent(NotSentReason.PROVED_CANCELLED)

    return patch.object(transform, "cancel_outcome", cancel_outcome)


@contextmanager
def called_before_the_intent_is_written() -> Iterator[None]:
    """The charge is sent first, and the attempt is written down with its answer."""
    answers: dict[str, Any] = {}
    start = ProcessPaymentOrderUseCase._start
    charge = ProcessPaymentOrderUseCase._charge

    def hasty_start(self, command, payable, new_order, intents):
        intent = intents.intent(place=0, sequence=payable.last_sequence + 1)
        candidate = intents.decision.candidates[0]
        method = intents.decision.methods[candidate.provider_code]
        order = payable.order
        request = _request_of(intent, order, command)
        self._checkpoint("before_call")
        answers[intent.id] = self._gateways.gateway_for(method).charge(request, timeout_s=10.0)
        self._checkpoint("after_call")
        return start(self, command, payable, new_order, _FixedIntents(intents, intent))

    def answered_charge(self, submission, request):
        if request.reference in answers:
            return answers.pop(request.reference)
        return charge(self, submission, request)

    with (
        patch.object(ProcessPaymentOrderUseCase, "_start", hasty_start),
        patch.object(ProcessPaymentOrderUseCase, "_charge", answered_charge),
    ):
        yield


def _request_of(intent, order, command):
    return ChargeRequest(
        reference=intent.id,
        money=order.money,
        description=order.description,
        country=order.country,
        customer=order.customer,
        return_url="http://shop/return",
        instrument=command.instrument,
    )


class _FixedIntents(IntentBook):
    """An intent book whose first intent is made already."""

    def __init__(self, intents: IntentBook, first) -> None:
        for field in fields(IntentBook):
            object.__setattr__(self, field.name, getattr(intents, field.name))
        object.__setattr__(self, "first", first)

    def intent(self, *, place, sequence, left_s=None):
        if place == 0:
            return self.first
        return super().intent(place=place, sequence=sequence, left_s=left_s)


def a_new_key_for_each_try() -> AbstractContextManager[Any]:
    numbers = itertools.count()

    def replay(self, request, *, timeout_s):
        def build():
            built = self._connector.charge_request(request)
            key = f"{request.reference}-{next(numbers)}"
            return replace(built, headers={**built.headers, "Idempotency-Key": key})

        return self._look(
            "replay", build, lambda answer: self._connector.read_charge(answer, request), timeout_s
        )

    return patch.object(PaymentGatewayAdapter, "replay", replay)


def without_unique_keys(schema: str) -> str:
    return re.sub(r",\s*CONSTRAINT uq_\w+ UNIQUE \(idempotency_key\)", "", schema)


def without_anything_against_two_payments(schema: str) -> str:
    schema = re.sub(r"CREATE UNIQUE INDEX uq_transactions_one_\w+_per_order[^;]+;", "", schema)
    return re.sub(r",\s*CONSTRAINT uq_\w+ UNIQUE \(order_id, (sequence|number)\)", "", schema)


def orders_are_not_claimed() -> AbstractContextManager[Any]:
    """Whoever has read the order pays it, whatever became of it since."""
    unguarded = update(OrderRow).where(OrderRow.id == payment_statements.bindparam("key"))
    values = payment_statements.claim_order._values or {}
    return patch.object(payment_statements, "claim_order", unguarded.values(values))


def _finish_without(*names: str) -> AbstractContextManager[Any]:
    """`finish_transaction` without the comparisons of these columns."""
    original = payment_statements._finish_transaction

    def finish(clock):
        statement = original(clock)
        kept = [part for part in statement._where_criteria if part.left.name not in names]
        statement._where_criteria = tuple(kept)
        return statement

    return patch.object(payment_statements, "_finish_transaction", finish)


def nothing_is_compared_before_it_is_written() -> AbstractContextManager[Any]:
    return _finish_without("version", "token")


def tokens_are_not_compared() -> AbstractContextManager[Any]:
    return _finish_without("token")


@contextmanager
def given_up_as_failed() -> Iterator[None]:
    """Looked for it three times, did not find it, so it must have failed."""
    original = ResolveTransactionUseCase._look_again_later

    def give_up(self, check):
        if check.attempt.checks >= 3:
            answer = (
                replace(check.climb.answer, outcome=NotSent(NotSentReason.PROVED_CANCELLED))
                if check.climb.answer is not None
                else None
            )
            if answer is not None and self._apply(check, answer):
                return Resolution.SETTLED
        return original(self, check)

    with patch.object(ResolveTransactionUseCase, "_look_again_later", give_up):
        yield


def amounts_are_not_compared() -> AbstractContextManager[Any]:
    return patch.object(judge_outcome, "verified", lambda outcome, _: outcome)


def nobody_reconciles() -> AbstractContextManager[Any]:
    return patch.object(ReconcileUseCase, "check", lambda *_, **__: Resolution.STILL_OPEN)


def nobody_is_told_of_stuck_payments() -> AbstractContextManager[Any]:
    original = SqlAlchemyOpenAttempts.schedule_check

    def schedule_check(self, attempt, *, next_check_at, review):
        original(self, attempt, next_check_at=next_check_at, review=False)

    return patch.object(SqlAlchemyOpenAttempts, "schedule_check", schedule_check)


MUTANTS = (
    Mutant("unknown is a failure", unknown_is_a_failure),
    Mutant("a 500 is a failure", a_500_is_a_failure),
    Mutant("not found is proof", not_found_is_proof),
    Mutant("a failed cancel is proof", a_failed_cancel_is_proof),
    Mutant("called before the intent is written", called_before_the_intent_is_written),
    Mutant("a new key for each try", a_new_key_for_each_try),
    Mutant("no unique submit keys", None, without_unique_keys),
    Mutant("orders are not claimed", orders_are_not_claimed, without_anything_against_two_payments),
    Mutant("nothing is compared before it is written", nothing_is_compared_before_it_is_written),
    Mutant("fencing tokens are not compared", tokens_are_not_compared),
    Mutant("given up as failed", given_up_as_failed),
    Mutant("amounts are not compared", amounts_are_not_compared),
    Mutant("nobody reconciles", nobody_reconciles),
    Mutant("orders are claimed in any state", orders_are_not_claimed),
    Mutant("nobody is told of stuck payments", nobody_is_told_of_stuck_payments),
    *MUTANTS_OF_ANSWERS,
)
