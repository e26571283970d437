"""Staff who publish at once, while orders are being paid: one wins, the others are told, and every
payment follows one whole policy.
"""

import threading
from collections import Counter
from functools import partial

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.payment_result import ResultKind
from payorch.domain.errors import PolicyChangedMeanwhile
from payorch.domain.routing_policy import PolicyEntry
from payorch.domain.routing_rule import RoutingRule, RuleConditions
from tests.concurrency.racing import race
from tests.shop import Shop

PROVIDERS = ("alpha", "beta", "gamma")
ROUNDS = 15
RACERS = 8


@pytest.fixture
def shop(database, sandbox):
    return Shop(database, sandbox_url=sandbox.base_url)


def rotated(number: int) -> tuple[PolicyEntry, ...]:
    """The providers in an order that tells who published it: `number` modulo three."""
    order = [PROVIDERS[(number + place) % 3] for place in range(3)]
    return tuple(PolicyEntry(code, tier=tier, weight=1) for tier, code in enumerate(order, start=1))


def own_rule(actor: int) -> RoutingRule:
    """For orders that nobody pays here, so that it is only told apart."""
    conditions = RuleConditions(countries=frozenset({"BR"}))
    return RoutingRule(f"Rule of {actor}", conditions, rotated(actor))


def publish(shop, *, base: int, actor: int) -> int:
    return shop.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=rotated(actor),
            rules=(own_rule(actor),),
            based_on_version=base,
            actor=f"staff-{actor}",
            reason="a race",
        )
    )


def test_of_eight_who_publish_on_the_same_version_exactly_one_wins(shop):
    for version in range(1, ROUNDS + 1):
        outcomes = race(
            *[partial(publish, shop, base=version, actor=actor) for actor in range(RACERS)]
        )

        assert [o for o in outcomes if isinstance(o, int)] == [version + 1]
        refusals = [o for o in outcomes if isinstance(o, PolicyChangedMeanwhile)]
        assert len(refusals) == RACERS - 1
        assert {refusal.current_version for refusal in refusals} == {version + 1}
        [winner] = [actor for actor, o in enumerate(outcomes) if isinstance(o, int)]
        published = shop.services.policies.history(limit=1)[0]
        assert (published.published_by, published.entries) == (f"staff-{winner}", rotated(winner))
        assert published.policy.rules == (own_rule(winner),)

    history = shop.services.policies.history(limit=ROUNDS + 5)
    assert [policy.version for policy in history] == list(range(ROUNDS + 1, 0, -1))
    with shop.database.read() as connection:
        entries = connection.exec_driver_sql(
            "SELECT count(*) FROM journal WHERE action = 'publish_routing_policy'"
            " AND reason = 'a race'"
        ).scalar_one()
    assert entries == ROUNDS


def test_every_payment_follows_a_policy_that_was_published_whole(shop, sandbox):
    is_over = threading.Event()

    def republish() -> None:
        base = 1
        while not is_over.is_set():
            base = publish(shop, base=base, actor=base)

    staff = threading.Thread(target=republish)
    staff.start()
    try:
        results = []
        for _ in range(10):
            results += race(*[shop.pay] * 4)
    finally:
        is_over.set()
        staff.join(60)

    assert Counter(result.kind for result in results) == {ResultKind.PAID: 40}
    orders = {
        policy.version: [entry.provider_code for entry in policy.entries]
        for policy in shop.services.policies.history(limit=100_000)
    }
    with shop.database.read() as connection:
        followed = connection.exec_driver_sql(
            "SELECT s.policy_version, t.provider_code FROM transactions t"
            " JOIN submissions s ON s.id = t.submission_id"
        ).all()
    assert len(followed) == 40
    assert len({version for version, _ in followed}) > 1
    assert [code for _, code in followed] == [orders[version][0] for version, _ in followed]
