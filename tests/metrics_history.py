"""Builders for attempts in the past, written straight into the tables metrics are read from."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
)
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    ProviderDayRow,
    ProviderDaySpreadRow,
    ProviderHourRow,
    ProviderHourSpreadRow,
    ProviderMinuteRow,
    RollupStateRow,
    SegmentDayRow,
    SegmentHourRow,
    SubmissionRow,
    TransactionRow,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class FrozenClock:
    moment: datetime = NOON

    def now(self):
        return self.moment

    def monotonic(self):
        return self.moment.timestamp()

    def sleep(self, seconds):
        self.moment += timedelta(seconds=seconds)


@dataclass
class MetricsHistory:
    """Each call adds an order of its own unless `order_id` says otherwise."""

    database: object
    clock: FrozenClock = field(default_factory=FrozenClock)
    count: int = 0
    _open: object = None

    @contextmanager
    def together(self):
        """All attempts of the block in one commit, which is much quicker."""
        with self.database.tx() as connection:
            self._open = connection
            yield
            self._open = None

    @contextmanager
    def _tx(self):
        if self._open is not None:
            yield self._open
        else:
            with self.database.tx() as connection:
                yield connection

    def attempt(
        self,
        *,
        at=None,
        provider="alpha",
        number=1,
        status=Status.APPROVED,
        currency="EUR",
        amount_minor=1_000,
        latency_ms=200,
        decline_class=None,
        decline_reason=None,
        order_id=None,
        changed_at=None,
        candidates=None,
        country="DE",
        card_brand=None,
    ):
        """Insert one attempt; gives (order id, transaction id).

        `candidates` are the codes of a submission's, in their order; else there was only this one.
        Each attempt has a submission of its own, but for one with `candidates` of the same order.
        """
        self.count += 1
        at = at or self.clock.moment
        with self._tx() as connection:
            if order_id is None:
                order_id = self._order(connection, at, currency, amount_minor, country)
            sequence = 1 + (
                connection.scalar(
                    select(func.max(TransactionRow.sequence)).where(
                        TransactionRow.order_id == order_id
                    )
                )
                or 0
            )
            submission_id = self._submission(
                connection, order_id, at, sequence, candidates or [provider]
            )
            transaction_id = connection.execute(
                insert(TransactionRow).values(
                    public_id=f"pa_{self.count}",
                    order_id=order_id,
                    submission_id=submission_id,
                    sequence=sequence,
                    attempt_number=number,
                    provider_code=provider,
                    chosen_because="policy_order",
                    status=status,
                    lease_until=at,
                    amount_minor=amount_minor,
                    currency=currency,
                    card_brand=card_brand,
                    decline_class=decline_class,
                    decline_reason=decline_reason,
                    latency_ms=latency_ms,
                    started_at=at,
                    changed_at=changed_at or at,
                )
            ).inserted_primary_key[0]
            _follow(connection, order_id, transaction_id, status)
        return order_id, transaction_id

    def orders_with_fallback(self, orders, *, declined_every, candidates):
        """One order a minute, the last two minutes ago: the first candidate declines each n-th,
        which the second one then approves.
        """
        first, second, *_ = candidates
        with self.together():
            for number in range(orders):
                at = self.clock.now() - timedelta(minutes=2 + number)
                status = Status.APPROVED if number % declined_every else Status.DECLINED
                order_id, _ = self.attempt(
                    at=at, provider=first, status=status, candidates=candidates
                )
                if status is Status.DECLINED:
                    self.attempt(
                        at=at,
                        provider=second,
                        number=2,
                        order_id=order_id,
                        candidates=candidates,
                    )

    def change(self, transaction_id, status, *, changed_at=None, latency_ms=None):
        with self._tx() as connection:
            order_id = connection.scalar(
                select(TransactionRow.order_id).where(TransactionRow.id == transaction_id)
            )
            connection.execute(
                update(TransactionRow)
                .where(TransactionRow.id == transaction_id)
                .values(
                    status=status,
                    latency_ms=latency_ms,
                    changed_at=changed_at or self.clock.moment,
                )
            )
            _follow(connection, order_id, transaction_id, status)

    def clear(self):
        with self._tx() as connection:
            connection.execute(update(OrderRow).values(status="pending", paid_transaction_id=None))
            for table in (
                TransactionRow,
                SubmissionRow,
                OrderRow,
                ProviderDaySpreadRow,
                ProviderDayRow,
                ProviderHourSpreadRow,
                ProviderHourRow,
                ProviderMinuteRow,
                SegmentDayRow,
                SegmentHourRow,
                RollupStateRow,
            ):
                connection.execute(delete(table))

    def _order(self, connection, at, currency, amount_minor, country):
        return connection.scalar(
            insert(OrderRow)
            .returning(OrderRow.id)
            .values(
                public_id=f"po_{self.count}",
                token_hash=f"hash {self.count}",
                amount_minor=amount_minor,
                currency=currency,
                description="Concert ticket",
                country=country,
                customer_fields={},
                order_metadata={},
                status=PaymentStatus.PROCESSING,
                created_at=at,
                updated_at=at,
                expires_at=at + timedelta(days=1),
            )
        )

    def _submission(self, connection, order_id, at, number, candidates):
        if len(candidates) > 1:
            same = connection.scalar(
                select(SubmissionRow.id).where(SubmissionRow.order_id == order_id)
            )
            if same is not None:
                return same
        return connection.execute(
            insert(SubmissionRow).values(
                order_id=order_id,
                number=number,
                idempotency_key=f"key {self.count}",
                request_hash="hash",
                policy_version=1,
                candidates=[
                    {"provider": code, "because": "policy_order", "propensity": float(not place)}
                    for place, code in enumerate(candidates)
                ],
                left_out=[],
                created_at=at,
            )
        ).inserted_primary_key[0]


def _follow(connection, order_id, transaction_id, status):
    """The order's status as the flow would have left it."""
    if status in CHARGED_TRANSACTION_STATUSES:
        values = {"status": PaymentStatus.PAID, "paid_transaction_id": transaction_id}
    elif status in OPEN_TRANSACTION_STATUSES:
        values = {"status": PaymentStatus.PROCESSING, "paid_transaction_id": None}
    else:
        values = {"status": PaymentStatus.FAILED, "paid_transaction_id": None}
    connection.execute(update(OrderRow).where(OrderRow.id == order_id).values(**values))
