"""Trials of policies on both databases: started, routed by, counted, ended."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.jobs import WATCH_TRIALS, Job
from payorch.application.payment_method_registry import RoutingQuestion
from payorch.application.policy_trials import EndPolicyTrial, StartPolicyTrial
from payorch.domain.errors import (
    InvalidPolicyTrial,
    InvalidRoutingPolicy,
    PolicyChangedMeanwhile,
    ReasonRequired,
    TrialIsRunning,
    TrialNotRunning,
)
from payorch.domain.money import Money
from payorch.domain.payment_order import OrderId
from payorch.domain.payment_status import PaymentStatus
from payorch.domain.policy_trial import TrialArm
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.trial_evidence import ArmCounts
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow, SubmissionRow
from tests.concurrency.racing import race
from tests.fakes import FakeClock, fake_time
from tests.shop import Shop, a_card, a_method, a_payment, an_order

CODES = ("alpha", "beta", "gamma")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def shop(database, sandbox, clock):
    return Shop(database, sandbox_url=sandbox.base_url, seams=fake_time(clock))


def in_order(*codes, version=1) -> RoutingPolicy:
    return RoutingPolicy(
        version, tuple(PolicyEntry(code, tier) for tier, code in enumerate(codes, start=1))
    )


def start(shop, *, candidate=None, share=50, reason="is beta better?", actor="olga"):
    return shop.services.start_trial.execute(
        StartPolicyTrial(
            name="Beta first",
            candidate=candidate or in_order("beta", "alpha", "gamma"),
            share_percent=share,
            actor=actor,
            reason=reason,
        )
    )


def end(shop, number=1, *, adopt=False, reason="enough"):
    return shop.services.end_trial.execute(
        EndPolicyTrial(number=number, adopts_candidate=adopt, actor="olga", reason=reason)
    )


def publish(shop, *codes, base=1):
    return shop.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=in_order(*codes).entries, based_on_version=base, actor="ana", reason="mine"
        )
    )


def look(shop):
    shop.wired.handlers[WATCH_TRIALS.name](Job(1, WATCH_TRIALS.name, {}, 1))


def report(shop, number=1):
    return shop.services.report_trial.execute(shop.services.trials.trial(number))


def journal(database, action):
    with database.read() as connection:
        rows = connection.execute(select(JournalRow.__table__).where(JournalRow.action == action))
        return rows.mappings().all()


def first_providers(shop, orders):
    """By arm: who was asked first for orders that were paid at once."""
    trial = shop.services.registry.configuration().trial
    found = {arm: set() for arm in TrialArm}
    for order in orders:
        decision = shop.services.decisions.of_order(order)[0]
        found[trial.arm_of(order)].add(decision.candidates[0].provider_code)
    return found


def paid_at_once(shop, number=1):
    payments = [a_payment(new_order=an_order()) for _ in range(number)]
    return [shop.services.pay_order.execute(payment).order_id for payment in payments]


def test_each_order_goes_by_the_document_of_its_arm_and_says_so(shop):
    start(shop)

    orders = paid_at_once(shop, 12)

    assert first_providers(shop, orders) == {
        TrialArm.CONTROL: {"alpha"},
        TrialArm.CANDIDATE: {"beta"},
    }
    trial = shop.services.registry.configuration().trial
    for order in orders:
        decision = shop.services.decisions.of_order(order)[0]
        assert (decision.trial.number, decision.trial.arm) == (1, trial.arm_of(order))
        assert decision.policy_version == 1
        assert decision.candidates[0].propensity == 1.0


def test_every_process_finds_the_same_arm_at_the_next_order(shop, sandbox, clock):
    other = Shop(shop.database, sandbox_url=sandbox.base_url, methods=[], seams=fake_time(clock))
    other.services.registry.configuration()
    start(shop)

    here, there = (one.services.registry.configuration().trial for one in (shop, other))

    ids = [OrderId(f"po_{number}") for number in range(50)]
    assert [here.arm_of(order) for order in ids] == [there.arm_of(order) for order in ids]
    end(other)
    assert shop.services.registry.configuration().trial is None


def test_an_order_made_before_is_drawn_by_its_first_press_and_keeps_its_arm(shop, database):
    order = shop.order()
    start(shop)
    declined = a_card("4000000000009995")

    shop.services.pay_order.execute(a_payment(order_id=order.id, instrument=declined))
    shop.services.pay_order.execute(a_payment(order_id=order.id))

    arms = {decision.trial.arm for decision in shop.services.decisions.of_order(order.id)}
    counts = report(shop).counts
    assert len(arms) == 1
    assert counts.of(arms.pop()).entered == 1
    assert counts.control.entered + counts.candidate.entered == 1


def test_an_order_that_was_tried_before_the_trial_is_routed_by_it_and_not_counted(shop):
    order = shop.order()
    shop.services.pay_order.execute(
        a_payment(order_id=order.id, instrument=a_card("4000000000009995"))
    )
    start(shop)

    shop.services.pay_order.execute(a_payment(order_id=order.id))

    assert shop.services.decisions.of_order(order.id)[1].trial is not None
    counts = report(shop).counts
    assert counts.control.entered + counts.candidate.entered == 0


@pytest.mark.breaks_the_books
def test_orders_are_counted_by_how_they_stand(shop, database, clock):
    start(shop)
    orders = paid_at_once(shop, 6)
    statuses = [
        PaymentStatus.EXPIRED,
        PaymentStatus.CANCELLED,
        PaymentStatus.FAILED,
        PaymentStatus.PROCESSING,
        PaymentStatus.PENDING,
    ]
    with database.tx() as connection:
        connection.execute(update(OrderRow).values(trial_arm="candidate"))
        for order, status in zip(orders, statuses, strict=False):
            connection.execute(
                update(OrderRow)
                .where(OrderRow.public_id == order)
                .values(status=status, paid_transaction_id=None)
            )

    found = report(shop)

    assert found.counts.candidate == ArmCounts(paid=1, unpaid=2, failed=1, underway=2)
    assert found.counts.control == ArmCounts()


def test_secondary_figures_are_of_the_latest_presses(shop, database):
    start(shop)
    paid_at_once(shop, 2)
    with database.tx() as connection:
        connection.execute(update(SubmissionRow).values(trial_arm="candidate"))

    sample = report(shop).sample[TrialArm.CANDIDATE]

    assert (sample.presses, sample.orders, sample.attempts) == (2, 2, 2)
    assert (sample.first_attempts.approved, sample.first_attempts.finished) == (2, 2)


def test_looks_are_kept_once_for_a_time_and_go_on_until_the_last_orders_have_settled(shop, clock):
    look(shop)
    start(shop)
    paid_at_once(shop, 2)
    look(shop)
    look(shop)
    clock.advance(hours=1)
    look(shop)
    end(shop)
    clock.advance(days=2)
    look(shop)
    clock.advance(days=2)
    look(shop)

    looks = report(shop).looks

    assert [look.at - clock.started for look in looks] == [
        timedelta(0),
        timedelta(hours=1),
        timedelta(days=2, hours=1),
        timedelta(days=4, hours=1),
    ]
    assert looks[0].counts == looks[-1].counts


def test_nothing_else_is_published_while_a_trial_runs(shop):
    start(shop)

    with pytest.raises(TrialIsRunning, match="Beta first"):
        publish(shop, "gamma", "beta", "alpha")

    assert shop.services.registry.configuration().policy.version == 1
    end(shop)
    assert publish(shop, "gamma", "beta", "alpha") == 2


def test_a_second_trial_waits_for_the_first(shop):
    start(shop)

    with pytest.raises(TrialIsRunning):
        start(shop)

    end(shop)
    assert start(shop) == 2


def test_the_control_stays_when_it_is_kept(shop, database):
    start(shop)

    assert end(shop) is None

    stored = shop.services.trials.trial(1)
    assert (stored.is_running, stored.adopted_version, stored.ended_by) == (False, None, "olga")
    assert shop.services.registry.configuration().policy.version == 1
    assert [row["after"]["adopted_version"] for row in journal(database, "end_policy_trial")] == [
        None
    ]


def test_an_adopted_candidate_is_the_next_version_for_all_orders(shop, database):
    start(shop)

    assert end(shop, adopt=True) == 2

    configuration = shop.services.registry.configuration()
    assert configuration.trial is None
    assert configuration.policy.entries == in_order("beta", "alpha", "gamma").entries
    assert shop.services.trials.trial(1).adopted_version == 2
    assert journal(database, "publish_routing_policy")[-1]["after"]["adopts_trial"] == 1
    assert shop.services.policies.version(2).reason == "enough"


def test_a_candidate_that_leaves_out_a_new_provider_is_not_adopted(shop, database, clock):
    start(shop)
    SqlAlchemyPaymentMethodRepository(database).add(a_method("delta"), at=clock.now())

    with pytest.raises(InvalidRoutingPolicy, match="leaves out delta"):
        end(shop, adopt=True)

    assert shop.services.registry.configuration().trial is not None
    assert end(shop) is None


def test_a_trial_is_ended_once(shop):
    start(shop)
    end(shop)

    with pytest.raises(TrialNotRunning):
        end(shop, adopt=True)
    with pytest.raises(TrialNotRunning):
        end(shop, 7)

    assert shop.services.registry.configuration().policy.version == 1


def test_a_trial_needs_a_difference_a_reason_and_the_version_in_force(shop):
    with pytest.raises(InvalidPolicyTrial, match="nothing to try"):
        start(shop, candidate=shop.services.registry.configuration().policy)
    with pytest.raises(ReasonRequired):
        start(shop, reason=" ")
    publish(shop, "gamma", "beta", "alpha")
    with pytest.raises(PolicyChangedMeanwhile):
        start(shop)

    assert shop.services.trials.latest(limit=5) == []


def test_of_several_who_start_a_trial_at_once_exactly_one_does(shop, database):
    outcomes = race(*[partial(start, shop, actor=f"staff-{number}") for number in range(6)])

    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [1]
    assert sum(isinstance(outcome, TrialIsRunning) for outcome in outcomes) == 5
    assert len(journal(database, "start_policy_trial")) == 1


def test_a_publication_and_a_trial_at_once_leave_one_of_them(shop):
    outcomes = race(partial(start, shop), partial(publish, shop, "gamma", "beta", "alpha"))

    started = shop.services.registry.configuration().trial is not None
    version = shop.services.registry.configuration().policy.version
    assert (started, version) in {(True, 1), (False, 2)}
    refused = TrialIsRunning if started else PolicyChangedMeanwhile
    assert sum(isinstance(outcome, refused) for outcome in outcomes) == 1


def test_of_two_who_end_it_at_once_one_decides(shop):
    start(shop)

    outcomes = race(partial(end, shop, adopt=True), partial(end, shop))

    assert sum(isinstance(outcome, TrialNotRunning) for outcome in outcomes) == 1
    adopted = shop.services.trials.trial(1).adopted_version
    assert shop.services.registry.configuration().policy.version == (adopted or 1)


def test_an_explanation_names_the_trial_and_the_arm(shop):
    start(shop, share=50)
    trial = shop.services.registry.configuration().trial
    order = next(
        OrderId(f"po_{n}")
        for n in range(50)
        if trial.arm_of(OrderId(f"po_{n}")) is TrialArm.CANDIDATE
    )
    question = RoutingQuestion(
        Money(2000, "EUR"), "DE", None, has_typed_card=True, preferred_provider=None, order_id=order
    )

    explained = shop.services.explain_routing.execute(question)

    assert explained.places[0].provider_code == "beta"
    assert (explained.trial.number, explained.place.arm) == (1, TrialArm.CANDIDATE)
