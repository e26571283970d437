"""Writes played orders straight into the tables: tens of thousands in a few seconds.

For a fresh demo database only. Real payments go through the ledger, one by one.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.application.ports import OrderTokens
from payorch.domain.payment_order import Customer, OrderId
from payorch.domain.payment_status import PaymentStatus, TransactionStatus
from payorch.infrastructure.demo_history import PastAttempt, PastOrder
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.personal_data import PersonalData
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow
from payorch.infrastructure.system_clock import ID_ALPHABET, ID_LENGTH

BATCH = 2_000
_CARDS = {"visa": ("400000", "0077"), "mastercard": ("520000", "7774")}

_PAY = (
    update(OrderRow)
    .where(
        OrderRow.status == PaymentStatus.PENDING,
        select(TransactionRow.id)
        .where(
            TransactionRow.order_id == OrderRow.id,
            TransactionRow.status == TransactionStatus.APPROVED,
        )
        .exists(),
    )
    .values(
        status=PaymentStatus.PAID,
        paid_transaction_id=select(TransactionRow.id)
        .where(
            TransactionRow.order_id == OrderRow.id,
            TransactionRow.status == TransactionStatus.APPROVED,
        )
        .scalar_subquery(),
    )
)


class DemoHistoryWriter:
    def __init__(
        self,
        database: Database,
        tokens: OrderTokens,
        account_of: Callable[[str], str],
        *,
        personal_data: PersonalData,
        seed: int,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._account_of = account_of
        self._personal_data = personal_data
        self._random = Random(seed)  # noqa: S311 - ids of made-up orders, told apart by a prefix

    def write(self, history: Iterable[PastOrder]) -> int:
        """Insert all orders with what belongs to them; gives the number of transactions.

        Does nothing when there are orders already.
        """
        # The keys are read, or made, before the transaction that would be in their way.
        self._personal_data.email_index("")
        with self._database.tx() as connection:
            if connection.scalar(select(OrderRow.id).limit(1)) is not None:
                return 0
            written = 0
            first_id = 1
            for batch in _batches(history):
                written += self._write_batch(connection, batch, first_id, written + 1)
                first_id += len(batch)
            connection.execute(_PAY, execution_options={"synchronize_session": False})
            self._move_sequences(connection)
        return written

    def _write_batch(
        self, connection: Connection, batch: list[PastOrder], first_id: int, first_attempt: int
    ) -> int:
        numbered = list(enumerate(batch, start=first_id))
        public_ids = {number: self._public_id("po") for number, _ in numbered}
        connection.execute(
            insert(OrderRow), [self._order(n, public_ids[n], past) for n, past in numbered]
        )
        connection.execute(
            insert(SubmissionRow), [_submission(n, public_ids[n], past) for n, past in numbered]
        )
        attempts = [
            self._transaction(n, past, place, attempt)
            for n, past in numbered
            for place, attempt in enumerate(past.attempts, start=1)
        ]
        for number, values in enumerate(attempts, start=first_attempt):
            values["id"] = number
        connection.execute(insert(TransactionRow), attempts)
        return len(attempts)

    def _order(self, number: int, public_id: str, past: PastOrder) -> dict[str, Any]:
        order = past.order
        customer = Customer(order.customer_name, order.customer_email, order.customer_fields)
        return {
            "id": number,
            "public_id": public_id,
            "token_hash": self._tokens.hash_of(self._tokens.token_for(OrderId(public_id))),
            "idempotency_key": f"demo-history:{number}",
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "description": order.description,
            "country": order.country,
            **self._personal_data.customer_values(public_id, customer),
            "merchant_reference": f"SHOP-{100_000 + number}",
            "order_metadata": {},
            "status": PaymentStatus.PENDING if past.is_paid else PaymentStatus.FAILED,
            "version": 3,
            "created_at": past.created_at,
            "updated_at": _answered_at(past.attempts[-1]),
            "expires_at": past.created_at + timedelta(days=1),
        }

    def _transaction(
        self, number: int, past: PastOrder, place: int, attempt: PastAttempt
    ) -> dict[str, Any]:
        answered_at = _answered_at(attempt)
        was_reached = attempt.status is not TransactionStatus.NOT_SENT
        account = self._account_of(attempt.provider.provider_code)
        card_bin, last4 = _CARDS.get(past.card_brand or "", (None, None))
        return {
            "public_id": self._public_id("pa"),
            "order_id": number,
            "submission_id": number,
            "sequence": place,
            "attempt_number": place,
            "provider_code": attempt.provider.provider_code,
            "chosen_because": attempt.provider.because.value,
            "status": attempt.status,
            "version": 2,
            "token": 1,
            "lease_until": attempt.started_at + timedelta(seconds=15),
            "amount_minor": past.order.amount_minor,
            "currency": past.order.currency,
            "provider_reference": self._public_id(f"{account}_past") if was_reached else None,
            "decline_scheme": attempt.signal.scheme if attempt.signal else None,
            "decline_code": attempt.signal.code if attempt.signal else None,
            "decline_reason": attempt.verdict.reason if attempt.verdict else None,
            "decline_class": attempt.verdict.decline_class.value if attempt.verdict else None,
            "technical_reason": attempt.technical_reason,
            "latency_ms": attempt.latency_ms,
            "card_brand": past.card_brand,
            "card_bin": card_bin,
            "card_last4": last4,
            "started_at": attempt.started_at,
            "answered_at": answered_at,
            "changed_at": answered_at,
        }

    def _public_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self._random.choices(ID_ALPHABET, k=ID_LENGTH))}"

    def _move_sequences(self, connection: Connection) -> None:
        """PostgreSQL numbers rows by a sequence that has not seen the numbers given here."""
        if self._database.is_sqlite:
            return
        for table in ("orders", "submissions", "transactions"):
            highest = connection.scalar(select(func.max(text("id"))).select_from(text(table)))
            connection.execute(
                select(func.setval(func.pg_get_serial_sequence(table, "id"), highest))
            )


def _submission(number: int, public_id: str, past: PastOrder) -> dict[str, Any]:
    return {
        "id": number,
        "order_id": number,
        "number": 1,
        "idempotency_key": f"demo-history-pay:{number}",
        "request_hash": f"{number:064x}",
        "preferred_provider": past.preferred_provider,
        "policy_version": past.policy_version,
        "candidates": [
            {
                "provider": ranked.provider_code,
                "because": ranked.because.value,
                "propensity": ranked.propensity,
            }
            for ranked in past.candidates
        ],
        "left_out": [
            {"provider": code, "because": reason.value} for code, reason in past.left_out.items()
        ],
        "result": _result(public_id, past).to_json(),
        "created_at": past.created_at,
        "finished_at": _answered_at(past.attempts[-1]),
    }


def _result(public_id: str, past: PastOrder) -> PaymentResult:
    verdict = next((a.verdict for a in reversed(past.attempts) if a.verdict is not None), None)
    kind = ResultKind.NOT_CHARGED if verdict is None else ResultKind.DECLINED
    if past.is_paid:
        kind = ResultKind.PAID
    return PaymentResult(
        order_id=OrderId(public_id),
        kind=kind,
        attempts=len(past.attempts),
        provider_code=past.attempts[-1].provider.provider_code,
        customer_text=verdict.customer_text_key
        if verdict is not None and kind is ResultKind.DECLINED
        else None,
    )


def _answered_at(attempt: PastAttempt) -> datetime:
    return attempt.started_at + timedelta(milliseconds=attempt.latency_ms)


def _batches(history: Iterable[PastOrder]) -> Iterator[list[PastOrder]]:
    rest = iter(history)
    while batch := list(islice(rest, BATCH)):
        yield batch
