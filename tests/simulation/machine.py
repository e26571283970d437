"""Hypothesis makes up what customers, providers and staff do; a small model says what must follow.

The model knows nothing of payorch's code: it says from the providers' moods what an attempt comes
to, and holds that against the books and the providers' ledgers after every step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import text

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.commands import PayOrder
from payorch.application.payment_result import PaymentResult, ResultKind
from payorch.domain.errors import OrderAlreadyPaid, PaymentInProgress
from payorch.domain.routing_policy import PolicyEntry
from payorch.infrastructure.persistence.database import Base
from tests.fakes import CrashAt, FakeClock, SimulatedCrash, fake_time
from tests.shop import Shop, a_card, a_method
from tests.simulation.books import Books
from tests.simulation.scripted_providers import NAMES, Mood, ScriptedProviders

if TYPE_CHECKING:
    from payorch.infrastructure.persistence.database import Database

SETTINGS = {"payment_methods", "configuration", "routing_policies", "journal"}
RECOVERY_STEPS_MIN = (1, 1, 5, 20, 70, 400, 1500)

# Any crash point that a submission of three attempts can have; a later one never comes.
CRASH_POINTS = st.integers(1, 24)
MOODS = st.fixed_dictionaries({name: st.sampled_from(Mood) for name in NAMES})


@dataclass(slots=True)
class ModelOrder:
    """`status` None: a process died over it, so that only the recovery will tell."""

    id: str
    status: str | None = "pending"
    last_command: PayOrder | None = None
    last_kind: ResultKind | None = None
    told: list[tuple[str, ResultKind]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Forecast:
    kind: ResultKind
    status: str


PAID = Forecast(ResultKind.PAID, "paid")


def forecast(moods: dict[str, Mood], order_of_trying: list[str]) -> Forecast:
    """What one submission comes to, by domain.md, section 4."""
    was_declined = False
    for name in order_of_trying:
        match moods[name]:
            case Mood.APPROVES | Mood.LOSES_REQUEST | Mood.LOSES_ANSWER:
                return PAID
            case Mood.PENDING | Mood.SILENT | Mood.CHARGES_SILENTLY:
                return Forecast(ResultKind.CONFIRMING, "processing")
            case Mood.WANTS_ACTION:
                return Forecast(ResultKind.ACTION_REQUIRED, "processing")
            case Mood.DECLINES:
                return Forecast(ResultKind.DECLINED, "failed")
            case Mood.DECLINES_SOFTLY:
                was_declined = True
            case Mood.REFUSED | Mood.NOT_PROCESSED:
                pass
    return Forecast(ResultKind.DECLINED if was_declined else ResultKind.NOT_CHARGED, "failed")


class PaymentMachine(RuleBasedStateMachine):
    """`database` is migrated and of no use to anybody else; it is set by `machine_on`."""

    database: Database
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        _forget_orders(self.database)
        self._clock = FakeClock()
        self._providers = ScriptedProviders(self._clock)
        self._numbers = itertools.count(1)
        self._books = Books(self.database.engine)
        self._model: list[ModelOrder] = []
        self._order_of_trying = list(NAMES)
        self._crash = CrashAt(None)
        self._shop = self._new_process(
            [a_method(name, timeout_s=2.0) for name in NAMES] if self._is_unseeded() else []
        )
        self._publish(list(NAMES))

    def teardown(self) -> None:
        self._recover()

    @rule(target=orders)
    def a_customer_orders(self) -> ModelOrder:
        order = ModelOrder(self._shop.order().id)
        self._model.append(order)
        return order

    @rule(order=orders, moods=MOODS, preferred=st.sampled_from((None, *NAMES)))
    def she_pays(self, order: ModelOrder, moods: dict[str, Mood], preferred: str | None) -> None:
        self._set_out(moods)
        command = self._command(order, preferred)
        expected = forecast(moods, self._tried(preferred))

        result = self._submit(order, command)

        if result is not None:
            self._remember(order, command, expected)
            assert result.kind is expected.kind

    @rule(order=orders)
    def she_sends_the_same_again(self, order: ModelOrder) -> None:
        """The stored answer once it is over; before that, that it is being confirmed."""
        if order.last_command is None:
            return
        result = self._submit_again(order.last_command)
        if result is None:
            assert order.status in {None, "processing"}
        elif order.last_kind is not None and result.kind is not order.last_kind:
            assert order.last_kind in {ResultKind.CONFIRMING, ResultKind.ACTION_REQUIRED}
        if result is not None and result.kind is ResultKind.PAID:
            assert self._books.status_of(order.id) == "paid"
            order.status = "paid"

    @rule(order=orders, moods=MOODS, place=CRASH_POINTS)
    def the_process_dies_while_she_pays(
        self, order: ModelOrder, moods: dict[str, Mood], place: int
    ) -> None:
        self._set_out(moods)
        command = self._command(order, None)
        expected = forecast(moods, self._tried(None))
        self._crash = CrashAt(place)
        self._shop = self._new_process()
        try:
            result = self._submit(order, command)
        except SimulatedCrash:
            is_claimed = order.status in {"pending", "failed"}
            order.status = None if is_claimed else order.status
            order.last_command, order.last_kind = command, None
        else:
            if result is not None:
                self._remember(order, command, expected)
        self._crash = CrashAt(None)
        self._shop = self._new_process()

    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self._providers.land()

    @rule(is_approved=st.booleans())
    def providers_settle_what_is_open(self, is_approved: bool) -> None:  # noqa: FBT001
        """Also what waits on a provider's page: the customer decides it, and never comes back."""
        for account in self._providers.accounts.values():
            for payment in account.payments.values():
                if payment.is_open:
                    payment.ends_as = "approved" if is_approved else "declined"
                    payment.decline_code = None if is_approved else "51"
                    payment.settle()

    @rule(order=orders)
    def she_looks_at_the_order(self, order: ModelOrder) -> None:
        """The return page asks the provider; what it says is then in the books."""
        self._providers.heal()
        self._shop.services.resolve.check_order_now(order.id)
        if order.status in {None, "processing"}:
            order.status = None

    @rule(minutes=st.sampled_from((1, 20, 600)))
    def the_reconciler_comes_by(self, minutes: int) -> None:
        self._clock.advance(minutes=minutes)
        self._shop.wired.reconcile.execute()
        for order in self._model:
            order.status = None if order.status == "processing" else order.status

    @rule()
    def everything_comes_to_rest(self) -> None:
        """Once the providers have decided what they were to decide later."""
        self.providers_settle_what_is_open(is_approved=True)
        self._recover()
        for order in self._model:
            captured = self._captured(order)
            found = self._books.status_of(order.id)
            assert (found == "paid") == (captured == 1)
            assert found != "processing"
            order.status = found

    @rule(places=st.permutations(NAMES))
    def ops_reorder_the_providers(self, places: list[str]) -> None:
        self._publish(list(places))

    @invariant()
    def books_model_and_providers_agree(self) -> None:
        for order in self._model:
            captured, found = self._captured(order), self._books.status_of(order.id)
            assert captured <= 1
            assert found != "paid" or captured == 1
            assert found not in {"failed", "pending"} or captured == 0
            assert order.status in {None, found}

    def _submit(self, order: ModelOrder, command: PayOrder) -> PaymentResult | None:
        """None when it was refused, as it has to be while the order is not payable."""
        try:
            result = self._shop.services.pay_order.execute(command)
        except OrderAlreadyPaid:
            assert order.status in {"paid", None}
            return None
        except PaymentInProgress:
            assert order.status in {"processing", None}
            return None
        assert order.status in {"pending", "failed", None}
        return result

    def _submit_again(self, command: PayOrder) -> PaymentResult | None:
        self._providers.heal()
        try:
            return self._shop.services.pay_order.execute(command)
        except (PaymentInProgress, OrderAlreadyPaid):
            return None

    def _remember(self, order: ModelOrder, command: PayOrder, expected: Forecast) -> None:
        order.status = expected.status
        order.last_command, order.last_kind = command, expected.kind

    def _recover(self) -> None:
        self._providers.heal()
        for minutes in RECOVERY_STEPS_MIN:
            self._clock.advance(minutes=minutes)
            self._shop.wired.reconcile.execute()
            if not self._books.has_open():
                return

    def _set_out(self, moods: dict[str, Mood]) -> None:
        """Later than what the circuit breakers remember."""
        self._clock.advance(minutes=3)
        self._providers.moods = dict(moods)

    def _tried(self, preferred: str | None) -> list[str]:
        others = [name for name in self._order_of_trying if name != preferred]
        return others if preferred is None else [preferred, *others]

    def _captured(self, order: ModelOrder) -> int:
        rows = self._books.rows(
            "SELECT t.public_id FROM transactions t JOIN orders o ON o.id = t.order_id"
            " WHERE o.public_id = :id",
            id=order.id,
        )
        payments = [p for row in rows for p in self._providers.of_reference(row.public_id)]
        return sum(1 for payment in payments if payment.captured)

    def _command(self, order: ModelOrder, preferred: str | None) -> PayOrder:
        number = next(self._numbers)
        return PayOrder(
            idempotency_key=f"{order.id}:{number}",
            request_hash=f"hash {number}",
            order_id=order.id,
            preferred_provider=preferred,
            instrument=a_card(),
        )

    def _new_process(self, methods: list | None = None) -> Shop:
        return Shop(
            self.database,
            sandbox_url="http://providers",
            methods=methods or [],
            seams=fake_time(self._clock, checkpoint=self._pass_point, transport=self._providers),
            max_submissions_per_hour=1000,
            order_expires_after_min=10**7,
        )

    def _pass_point(self, name: str) -> None:
        self._crash(name)

    def _is_unseeded(self) -> bool:
        return not self._books.rows("SELECT id FROM payment_methods LIMIT 1")

    def _publish(self, places: list[str]) -> None:
        version = self._books.rows("SELECT policy_version FROM configuration")[0].policy_version
        self._shop.services.change_policy.execute(
            ChangeRoutingPolicy(
                entries=tuple(PolicyEntry(name, tier) for tier, name in enumerate(places, 1)),
                based_on_version=version,
                actor="olga@example.com",
                reason="another order",
            )
        )
        self._order_of_trying = places


def _forget_orders(database: Database) -> None:
    """Every example begins with the same books, or Hypothesis could not tell it again."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text("TRUNCATE orders, jobs CASCADE"))
        else:
            connection.execute(text("ROLLBACK"))
            connection.execute(text("PRAGMA foreign_keys = OFF"))
            for table in Base.metadata.sorted_tables:
                if table.name not in SETTINGS:
                    connection.execute(table.delete())
            connection.execute(text("PRAGMA foreign_keys = ON"))
        connection.commit()


def machine_on(opened: Database) -> type[PaymentMachine]:
    class MachineHere(PaymentMachine):
        database = opened

    return MachineHere
