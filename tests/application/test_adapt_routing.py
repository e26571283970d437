"""Adaptive shares, from attempts in the books to the next order, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.configuration import Segment
from payorch.application.jobs import ADAPT_ROUTING, Job
from payorch.application.payment_method_registry import RoutingQuestion
from payorch.domain.adaptive_shares import AdaptiveMode, AdaptiveSettings
from payorch.domain.money import Money
from payorch.domain.payment_method import MethodKind
from payorch.domain.payment_status import TransactionStatus
from payorch.domain.tier_list import ChosenBecause, PolicyEntry
from payorch.infrastructure.persistence.tables import ConfigurationRow
from tests.fakes import FakeClock, fake_time
from tests.metrics_history import MetricsHistory
from tests.shop import Shop, a_method

# The history is written straight into the tables, without what a payment leaves beside it.
pytestmark = pytest.mark.breaks_the_books

CARDS = Segment("EUR", MethodKind.CARD)
EUROS = RoutingQuestion(
    Money(1000, "EUR"), "DE", None, has_typed_card=True, preferred_provider=None
)


class AdaptiveShop(Shop):
    def __init__(self, database, mode, *, gamma=False, **settings):
        self.clock = FakeClock()
        methods = [
            a_method("alpha"),
            a_method("beta"),
            *([a_method("gamma")] if gamma else []),
            a_method("wallet", kind=MethodKind.WALLET),
        ]
        super().__init__(
            database, sandbox_url="http://127.0.0.1:9", methods=methods, seams=fake_time(self.clock)
        )
        self.history = MetricsHistory(database, self.clock)
        self.publish(AdaptiveSettings(mode=mode, **settings), [method.code for method in methods])

    def switch(self, code, *, is_enabled):
        self.services.change_method.set_enabled(
            code, is_enabled=is_enabled, actor="olga@example.org", reason="as tests do"
        )

    def publish(self, adaptive=None, order=("alpha", "beta", "wallet")):
        self.services.change_policy.execute(
            ChangeRoutingPolicy(
                entries=tuple(PolicyEntry(code, n) for n, code in enumerate(order, start=1)),
                based_on_version=self.services.registry.configuration().policy.version,
                adaptive=adaptive,
                actor="olga@example.org",
                reason="as tests do",
            )
        )

    def attempts(self, provider, *, approved, declined=0, minutes_ago=120, number=1):
        at = self.clock.now() - timedelta(minutes=minutes_ago)
        with self.history.together():
            for place in range(approved + declined):
                status = (
                    TransactionStatus.APPROVED if place < approved else TransactionStatus.DECLINED
                )
                self.history.attempt(
                    at=at, provider=provider, status=status, number=number, changed_at=at
                )

    def adapt(self, *, after_min=0):
        self.clock.advance(minutes=after_min)
        self.wired.handlers[ADAPT_ROUTING.name](Job(1, ADAPT_ROUTING.name, {}, attempts=1))

    def shares(self, segment=CARDS):
        for stored in self.services.adaptive_shares.all():
            if stored.segment == segment:
                return {code: round(arm.share, 4) for code, arm in stored.arms.items()}
        return None

    def revision(self):
        with self.database.read() as connection:
            return connection.scalar(select(ConfigurationRow.revision))

    def first_places(self, times=400, question=EUROS):
        registry = self.services.registry
        decisions = [registry.decide(question, revision=self.revision()) for _ in range(times)]
        return [decision.candidates[0] for decision in decisions]


@pytest.fixture
def shop_in(database):
    return lambda mode, **settings: AdaptiveShop(database, mode, **settings)


@pytest.mark.parametrize("mode", [AdaptiveMode.SHADOW, AdaptiveMode.ON])
def test_shares_go_to_the_better_provider_on_the_leash(shop_in, mode):
    shop = shop_in(mode)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("beta", approved=360, declined=40)

    shop.adapt()
    at_first = shop.shares()
    shop.adapt(after_min=30)
    after_half_an_hour = shop.shares()

    assert at_first == {"alpha": 0.97, "beta": 0.03}
    assert after_half_an_hour == {"alpha": 0.845, "beta": 0.155}


def test_a_pause_of_the_workers_is_not_made_up_for(shop_in):
    shop = shop_in(AdaptiveMode.ON, half_life_h=100)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("beta", approved=360, declined=40)
    shop.adapt()

    shop.adapt(after_min=600)

    assert shop.shares() == {"alpha": 0.72, "beta": 0.28}


def test_orders_are_drawn_by_the_shares_and_say_so(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("beta", approved=360, declined=40)
    shop.adapt()
    for _ in range(3):
        shop.adapt(after_min=60)

    firsts = shop.first_places()

    shares = shop.shares()
    for first in firsts:
        assert first.because is ChosenBecause.ADAPTIVE
        assert first.propensity == pytest.approx(shares[first.provider_code], abs=0.001)
    drawn = sum(first.provider_code == "beta" for first in firsts) / len(firsts)
    assert drawn == pytest.approx(shares["beta"], abs=0.12)


def test_a_shadow_moves_no_order_and_no_revision(shop_in):
    shop = shop_in(AdaptiveMode.SHADOW)
    shop.attempts("alpha", approved=20, declined=380)
    shop.attempts("beta", approved=400)
    before = shop.revision()

    shop.adapt()
    shop.adapt(after_min=60)

    assert shop.shares()["beta"] > 0.2
    assert shop.revision() == before
    assert {first.provider_code for first in shop.first_places(50)} == {"alpha"}


def test_switched_off_nothing_is_worked_out(shop_in):
    shop = shop_in(AdaptiveMode.OFF)
    shop.attempts("alpha", approved=20, declined=380)

    shop.adapt()

    assert shop.shares() is None


def test_a_new_policy_starts_from_its_own_order(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("beta", approved=360, declined=40)
    shop.adapt()
    shop.adapt(after_min=60)

    shop.publish(order=("beta", "alpha", "wallet"))
    assert {first.provider_code for first in shop.first_places(50)} == {"beta"}
    shop.adapt()

    assert shop.shares() == {"alpha": 0.03, "beta": 0.97}


def test_a_provider_switched_off_and_on_does_not_undo_what_was_learnt(shop_in):
    shop = shop_in(AdaptiveMode.ON, gamma=True, half_life_h=100)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("beta", approved=360, declined=40)
    shop.attempts("gamma", approved=200, declined=200)
    shop.adapt()
    for _ in range(4):
        shop.adapt(after_min=60)
    learnt = shop.shares()

    shop.switch("gamma", is_enabled=False)
    shop.adapt()
    without = shop.shares()
    shop.switch("gamma", is_enabled=True)
    shop.adapt()
    again = shop.shares()

    assert learnt == {"alpha": 0.03, "beta": 0.94, "gamma": 0.03}
    assert without == pytest.approx({"alpha": 0.03, "beta": 0.97}, abs=0.002)
    assert again == pytest.approx(learnt, abs=0.002)


def test_fallback_attempts_are_no_evidence(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=380, declined=20)
    shop.attempts("beta", approved=0, declined=400, number=2)

    shop.adapt()
    [stored] = shop.services.adaptive_shares.all()

    assert stored.arms["beta"].finished == 0


def test_a_provider_that_stops_approving_falls_to_the_floor_at_once(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=380, declined=20)
    shop.attempts("beta", approved=300, declined=100)
    shop.adapt()
    assert shop.shares()["alpha"] == 0.97
    shop.attempts("alpha", approved=0, declined=15, minutes_ago=1)

    shop.adapt(after_min=1)
    demoted = shop.shares()
    shop.adapt(after_min=90)

    assert demoted["alpha"] == 0.03
    assert shop.shares()["alpha"] == 0.03, "silence is no recovery"


def test_ways_to_pay_are_never_compared_with_each_other(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=200, declined=200)
    shop.attempts("wallet", approved=400)

    shop.adapt()
    shop.adapt(after_min=60)

    assert set(shop.shares()) == {"alpha", "beta"}
    assert shop.shares(Segment("EUR", MethodKind.WALLET)) is None


def test_small_steps_give_no_process_a_new_configuration(shop_in):
    shop = shop_in(AdaptiveMode.ON)
    shop.attempts("alpha", approved=360, declined=40)
    shop.attempts("beta", approved=200, declined=200)
    shop.adapt()
    before = shop.revision()

    shop.adapt(after_min=1)

    assert shop.revision() == before
