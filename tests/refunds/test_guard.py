"""The double-payment guard: a charge that no order needs is given back once, by itself."""

from datetime import UTC, datetime

import pytest

from payorch.application.open_attempts import Evidence
from payorch.application.surplus_charges import GiveBack, SurplusCharge
from payorch.domain.errors import RefundNotRetryable
from payorch.domain.money import Money
from payorch.domain.refund import RefundId, RefundKind, RefundStatus
from payorch.domain.settlement import FLAG_SURPLUS_CHARGE
from payorch.infrastructure.persistence.surplus_charges import SqlAlchemySurplusCharges
from payorch.infrastructure.system_clock import RandomIds
from tests.concurrency.racing import race
from tests.fakes import CrashAt, SimulatedCrash
from tests.refunds.refund_shop import RefundShop

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Doubled:
    """A paid order, and a second charge for it that the provider made all the same."""

    def __init__(self, database, sandbox, *, amount_minor: int = 1999, **capabilities) -> None:
        self.shop = RefundShop(database, sandbox, **capabilities)
        self.paid = self.shop.paid_order(amount_minor)
        self.transaction_id = self.paid.transactions[0].id
        self.payment = a_second_charge(sandbox, self.transaction_id, amount_minor)
        self.sandbox = sandbox
        method = self.shop.services.registry.method("alpha")
        self._kind = RefundKind.VOID if method.capabilities.void else RefundKind.REFUND
        self._guard = SqlAlchemySurplusCharges(self.shop.ledger._transactions)

    def report(self) -> bool:
        charge = SurplusCharge(
            self.transaction_id, self.payment["id"], Money(self.payment["amount"], "EUR")
        )
        evidence = Evidence("webhook", "Approved", was_applied=False, at=AT)
        refund_id = RandomIds().refund_id()
        order = GiveBack(charge, refund_id, self._kind, evidence, FLAG_SURPLUS_CHARGE)
        return self._guard.give_back(order)

    def payment_now(self) -> dict:
        (found,) = [
            payment
            for payment in self.sandbox.ledger()["payments"]
            if payment["id"] == self.payment["id"]
        ]
        return found

    def guards(self) -> list[tuple]:
        return self.shop.rows("SELECT kind, status FROM refunds WHERE is_guard ORDER BY id")


def a_second_charge(sandbox, reference: str, amount_minor: int) -> dict:
    """Made elsewhere under a key of its own, as a provider without idempotency would."""
    body = {
        "reference": reference,
        "amount": amount_minor,
        "currency": "EUR",
        "method": "card",
        "card": {
            "number": "4242424242424242",
            "exp_month": 12,
            "exp_year": 2034,
            "cvc": "123",
            "holder": "Ana Diaz",
        },
        "description": "Two books",
        "country": "DE",
        "customer": {"name": "Ana Diaz", "email": "ana@example.com"},
        "return_url": "http://localhost/return",
    }
    status, payment = sandbox.call("alpha", "POST", "/payments", body=body, key=f"x{reference}")
    assert status == 201, payment
    return payment


def test_a_surplus_charge_is_voided_once_however_often_it_is_reported(database, sandbox):
    doubled = Doubled(database, sandbox)

    reports = [doubled.report(), doubled.report()]
    doubled.shop.carry_on()

    assert reports == [True, False]
    assert doubled.guards() == [("void", "succeeded")]
    assert doubled.payment_now()["status"] == "voided"
    assert doubled.shop.view(doubled.paid.order.id).order.flag == FLAG_SURPLUS_CHARGE
    alerts = doubled.shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'alert_staff'")
    assert len(alerts) == 1


def test_the_payment_that_counts_is_left_alone(database, sandbox):
    doubled = Doubled(database, sandbox)

    doubled.report()
    doubled.shop.carry_on()

    assert doubled.shop.statuses(doubled.paid.order.id) == [("alpha", "approved")]
    assert doubled.shop.left_minor(doubled.paid.order.id) == 1999
    refund = doubled.shop.refund(doubled.paid.order.id)
    assert refund.status is RefundStatus.SUCCEEDED


def test_reports_that_race_give_it_back_once(database, sandbox):
    doubled = Doubled(database, sandbox)

    reports = race(*[doubled.report] * 16)
    doubled.shop.carry_on()

    assert sorted(reports) == [False] * 15 + [True]
    assert doubled.guards() == [("void", "succeeded")]


def test_a_provider_without_voids_refunds_it(database, sandbox):
    doubled = Doubled(database, sandbox, void=False)

    doubled.report()
    doubled.shop.carry_on()

    assert doubled.guards() == [("refund", "succeeded")]
    assert doubled.payment_now()["refunded_amount"] == 1999


def test_a_refused_void_is_followed_by_a_refund(database, sandbox):
    doubled = Doubled(database, sandbox, amount_minor=90_000)
    # Something was given back already, so the rest can only be refunded.
    status, _ = sandbox.call(
        "alpha",
        "POST",
        f"/payments/{doubled.payment['id']}/refunds",
        body={"reference": "elsewhere", "amount": 1},
        key="elsewhere",
    )
    assert status == 201

    doubled.report()
    doubled.shop.drain()

    kinds = [kind for kind, _ in doubled.guards()]
    assert kinds == ["void", "refund"]


@pytest.mark.parametrize("place", range(1, 12))
def test_a_guard_that_dies_on_the_way_still_gives_back_once(database, sandbox, place):
    """80004: the void is refused with 402, and so is the refund: then finance is told."""
    doubled = Doubled(database, sandbox)
    doubled.report()

    dying = doubled.shop.again(checkpoint=CrashAt(place))
    try:
        dying.carry_on()
    except SimulatedCrash:
        doubled.shop.clock.advance(minutes=10)
    doubled.shop.carry_on(seconds=120)

    assert doubled.guards() == [("void", "succeeded")]
    assert doubled.payment_now()["refunded_amount"] == 1999


def test_what_cannot_be_given_back_at_all_is_told_to_the_staff(database, sandbox):
    doubled = Doubled(database, sandbox, amount_minor=80_004)

    doubled.report()
    doubled.shop.carry_on()

    assert doubled.guards() == [("void", "failed"), ("refund", "failed")]
    alerts = doubled.shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'alert_staff'")
    assert [key for (key,) in alerts if "guard_refund_failed" in key]


def test_a_refused_void_of_the_guard_is_not_tried_again_beside_its_refund(database, sandbox):
    doubled = Doubled(database, sandbox, amount_minor=80_004)
    doubled.report()
    doubled.shop.carry_on()
    ids = doubled.shop.rows("SELECT public_id FROM refunds WHERE is_guard ORDER BY id")
    void, refund = (RefundId(public_id) for (public_id,) in ids)
    retry = doubled.shop.services.refund_payment.retry

    with pytest.raises(RefundNotRetryable):
        retry(void, actor="finn", reason="Again")
    again = retry(refund, actor="finn", reason="Again")

    assert (again.kind, again.status) == (RefundKind.REFUND, RefundStatus.FAILED)


def test_the_customer_is_not_told_of_money_that_was_never_hers_to_pay(database, sandbox):
    doubled = Doubled(database, sandbox)

    doubled.report()
    doubled.shop.carry_on()

    jobs = doubled.shop.rows("SELECT dedup_key FROM jobs WHERE kind = 'notify_customer'")
    assert not [key for (key,) in jobs if "refunded" in key]
