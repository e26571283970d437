"""What a submission does with each kind of answer, against the real practice provider."""

import pytest
from sqlalchemy import select

from payorch.application.payment_result import ResultKind
from payorch.domain.decline_terms import CustomerText
from payorch.domain.errors import (
    IdempotencyKeyReused,
    NoProviderForOrder,
    OrderAlreadyPaid,
    OrderNotFound,
    OrderNotPayable,
    TooManySubmissions,
)
from payorch.domain.payment_method import AmountLimits, MethodKind
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.tables.transactions import EvidenceRow
from tests.fakes import FakeClock, Meanwhile, fake_time
from tests.shop import Shop, a_card, a_customer, a_method, a_payment, an_order

DO_NOT_HONOR = "4000000000000051"
STOLEN = "4000000000000432"
UNCLASSIFIED = "4000000000009995"
CHARGED_WITHOUT_ANSWER = "4100000000000027"
NEVER_ANSWERED = "4100000000000175"
WRONG_AMOUNT = "4100000000000068"
REFUSES_OUR_KEY = "4100000000000134"  # at the first account only
CHALLENGE = "4200000000000018"
PENDING = "4200000000000026"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop_with(database, sandbox, clock):
    def make(*methods, **settings) -> Shop:
        return Shop(
            database,
            sandbox_url=sandbox.base_url,
            methods=list(methods) or None,
            seams=fake_time(clock),
            **settings,
        )

    return make


def test_an_approval_pays_the_order_with_one_attempt(shop_with):
    shop = shop_with()
    order = shop.order()

    result = shop.pay(order.id)

    assert (result.kind, result.attempts) == (ResultKind.PAID, 1)
    assert shop.view(order.id).order.status is PaymentStatus.PAID


def test_a_soft_decline_goes_to_the_next_provider_once(shop_with):
    shop = shop_with()

    result = shop.pay(instrument=a_card(DO_NOT_HONOR))

    assert shop.statuses(result.order_id) == [("alpha", "declined"), ("beta", "declined")]
    assert result.customer_text is CustomerText.DECLINED_BY_BANK


@pytest.mark.parametrize("card", [STOLEN, UNCLASSIFIED])
def test_a_final_or_unclassified_decline_is_not_taken_elsewhere(shop_with, card):
    shop = shop_with()

    result = shop.pay(instrument=a_card(card))

    assert shop.statuses(result.order_id) == [("alpha", "declined")]
    assert result.customer_text is CustomerText.GENERIC_DECLINE


def test_a_provider_without_a_connector_here_is_left_out_with_its_reason(shop_with):
    shop = shop_with(a_method("alpha", connector="gone"))

    with pytest.raises(NoProviderForOrder) as refusal:
        shop.pay()

    assert dict(refusal.value.reasons) == {"alpha": "not_connected"}


def test_a_charge_without_an_answer_is_found_while_the_customer_waits(shop_with, sandbox):
    shop = shop_with(a_method("alpha", timeout_s=0.3), a_method("beta"))

    result = shop.pay(instrument=a_card(CHARGED_WITHOUT_ANSWER))

    assert result.kind is ResultKind.PAID
    assert shop.statuses(result.order_id) == [("alpha", "approved")]
    assert len(sandbox.ledger()["payments"]) == 1


@pytest.mark.parametrize("fault", ["rate_limit_429", "not_processed_503", "unauthorized_401"])
def test_a_refused_replay_of_a_charge_without_an_answer_does_not_fall_back(
    database, sandbox, clock, fault
):
    """The provider charged and went silent; now it refuses all requests, the replay included."""

    def refuse() -> None:
        sandbox.start_outage("alpha", fault, lasts_s=60)

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        methods=[a_method("alpha", timeout_s=0.3), a_method("beta")],
        seams=fake_time(clock, checkpoint=Meanwhile("quick_check", refuse)),
    )

    result = shop.pay(instrument=a_card(CHARGED_WITHOUT_ANSWER))

    assert shop.statuses(result.order_id) == [("alpha", "approved")]
    assert [p["account"] for p in sandbox.ledger()["payments"]] == ["alpha"]


def test_a_proved_cancel_lets_the_next_provider_be_asked(shop_with, sandbox):
    shop = shop_with(a_method("alpha", timeout_s=0.3), a_method("beta", timeout_s=0.3))
    sandbox.start_outage("alpha", "timeout_before_charge", lasts_s=60)

    result = shop.pay()
    sandbox.end_outages()

    assert shop.statuses(result.order_id) == [("alpha", "not_sent"), ("beta", "approved")]


def test_an_approval_of_another_amount_is_never_paid_by_itself(shop_with, sandbox):
    """The answer is wrong for good here: also the lookups name another amount."""
    shop = shop_with(a_method("alpha"))
    order = shop.order()
    sandbox.patch_profile("alpha", faults={"wrong_amount": 1.0})

    result = shop.pay(order.id)

    view = shop.view(order.id)
    assert result.kind in {ResultKind.PAID, ResultKind.CONFIRMING}
    assert view.order.flag == "amount_mismatch"
    if view.order.status is PaymentStatus.PAID:
        captured = sandbox.payments_of(view.paid_by.id)
        assert [payment["amount"] for payment in captured] == [order.money.amount_minor]


def test_the_other_amount_that_an_answer_named_is_kept_as_evidence(shop_with, sandbox, database):
    shop = shop_with(a_method("alpha"))
    order = shop.order()
    sandbox.patch_profile("alpha", faults={"wrong_amount": 1.0})

    shop.pay(order.id)

    with database.read() as connection:
        kept = connection.execute(
            select(EvidenceRow.source, EvidenceRow.was_applied, EvidenceRow.detail).order_by(
                EvidenceRow.id
            )
        )
        source, was_applied, detail = kept.first()
    assert (source, was_applied) == ("answer", False)
    assert detail["amount_minor"] != order.money.amount_minor
    assert detail["currency"] == order.money.currency


def test_bad_credentials_disable_the_provider_and_the_next_one_pays(shop_with):
    shop = shop_with()

    result = shop.pay(instrument=a_card(REFUSES_OUR_KEY))

    assert shop.statuses(result.order_id) == [("alpha", "not_sent"), ("beta", "approved")]
    assert not shop.services.registry.method("alpha").is_enabled


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.breaks_the_books
def test_a_provider_that_cannot_be_disabled_now_does_not_stop_the_payment(database, sandbox, clock):
    def lose_the_journal() -> None:
        with database.tx() as connection:
            connection.exec_driver_sql("DROP TABLE journal")

    shop = Shop(
        database,
        sandbox_url=sandbox.base_url,
        seams=fake_time(clock, checkpoint=Meanwhile("before_call", lose_the_journal)),
    )

    result = shop.pay(instrument=a_card(REFUSES_OUR_KEY))

    assert shop.statuses(result.order_id) == [("alpha", "not_sent"), ("beta", "approved")]


def test_a_challenge_sends_the_customer_away_and_holds_the_order(shop_with):
    shop = shop_with()

    result = shop.pay(instrument=a_card(CHALLENGE))

    assert result.kind is ResultKind.ACTION_REQUIRED
    assert result.redirect_url is not None
    assert shop.statuses(result.order_id) == [("alpha", "requires_action")]
    assert shop.view(result.order_id).order.status is PaymentStatus.PROCESSING


def test_a_pending_payment_is_confirmed_later_by_the_reconciler(shop_with, clock, sandbox):
    shop = shop_with()
    sandbox.patch_profile("alpha", pending_settles_after_s=0)

    result = shop.pay(instrument=a_card(PENDING))
    clock.advance(minutes=2)
    shop.wired.reconcile.execute()

    assert result.kind is ResultKind.CONFIRMING
    assert shop.view(result.order_id).order.status is PaymentStatus.PAID


def test_the_same_key_with_other_data_is_refused(shop_with):
    shop = shop_with()
    payment = a_payment(new_order=an_order())
    shop.services.pay_order.execute(payment)

    with pytest.raises(IdempotencyKeyReused):
        shop.services.pay_order.execute(
            a_payment(
                new_order=an_order(amount_minor=5),
                idempotency_key=payment.idempotency_key,
                request_hash="other",
            )
        )


def test_a_replay_while_the_outcome_is_unknown_says_confirming(shop_with, clock):
    shop = shop_with(
        a_method("alpha", timeout_s=0.3, capabilities=a_method().capabilities.__class__())
    )
    payment = a_payment(new_order=an_order(), instrument=a_card(NEVER_ANSWERED))
    first = shop.services.pay_order.execute(payment)
    clock.advance(minutes=1)

    again = shop.services.pay_order.execute(payment)

    assert first.kind is again.kind is ResultKind.CONFIRMING


def test_a_paid_order_cannot_be_paid_again(shop_with):
    shop = shop_with()
    order = shop.order()
    shop.pay(order.id)

    with pytest.raises(OrderAlreadyPaid):
        shop.pay(order.id)


def test_an_expired_order_cannot_be_paid(shop_with, clock):
    shop = shop_with()
    order = shop.order()
    clock.advance(days=2)

    with pytest.raises(OrderNotPayable):
        shop.pay(order.id)


def test_an_order_that_does_not_exist_cannot_be_paid(shop_with):
    with pytest.raises(OrderNotFound):
        shop_with().pay(OrderId("po_nothing"))


def test_an_order_is_not_tried_without_end(shop_with):
    shop = shop_with(max_submissions_per_hour=2)
    order = shop.order()
    for _ in range(2):
        shop.pay(order.id, instrument=a_card(UNCLASSIFIED))

    with pytest.raises(TooManySubmissions):
        shop.pay(order.id)


def test_each_provider_that_cannot_take_the_order_is_left_out_with_its_reason(shop_with):
    shop = shop_with(
        a_method("alpha", countries=frozenset({"AR"})),
        a_method("beta", currencies=frozenset({"USD"})),
        a_method("gamma", amount_limits={"EUR": AmountLimits(max_minor=100)}),
        a_method("delta", required_fields=("document",), account="alpha"),
        a_method("wallet", kind=MethodKind.WALLET, account="alpha"),
        a_method("off", is_enabled=False, account="alpha"),
    )

    with pytest.raises(NoProviderForOrder) as refusal:
        shop.pay(new_order=an_order(customer=a_customer()))

    assert dict(refusal.value.reasons) == {
        "alpha": "country_not_served",
        "beta": "currency_not_served",
        "gamma": "amount_too_large",
        "delta": "required_field_missing",
        "wallet": "other_payment_kind",
        "off": "disabled",
    }


def test_a_required_field_that_is_filled_lets_the_provider_in(shop_with):
    shop = shop_with(a_method("alpha", required_fields=("document",)))

    result = shop.pay(new_order=an_order(customer=a_customer(fields={"document": "20-1234"})))

    assert result.kind is ResultKind.PAID


def test_at_most_three_providers_are_tried(shop_with):
    shop = shop_with(*(a_method(code, account="alpha") for code in ("a", "b", "c", "d")))

    result = shop.pay(instrument=a_card("4000000000000911"))

    assert [provider for provider, _ in shop.statuses(result.order_id)] == ["a", "b", "c"]


def test_the_only_provider_is_tried_also_while_its_circuit_lets_a_single_probe_pass(
    shop_with, clock
):
    shop = shop_with(a_method("alpha"))
    for _ in range(10):
        shop.services.circuits.record("alpha", "server_error")
    clock.advance(seconds=20)
    assert shop.services.circuits.admit("alpha", must_send=False, lease_s=60).may_send

    assert shop.pay().kind is ResultKind.PAID
