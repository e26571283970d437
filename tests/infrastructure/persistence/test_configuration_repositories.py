"""Methods and policies behave alike on SQLite and PostgreSQL, also when two people publish."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update

from payorch.application.routing_draft import SavedDraft
from payorch.domain.errors import PaymentMethodNotFound, PolicyChangedMeanwhile
from payorch.domain.payment_method import (
    AmountLimits,
    Capabilities,
    MethodKind,
    PaymentMethodVO,
)
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_drafts import SqlAlchemyRoutingDrafts
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)
from payorch.infrastructure.persistence.tables import JournalRow, RoutingPolicyRow

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

ALPHA = PaymentMethodVO(
    code="alpha",
    display_name="Alpha Pay",
    kind=MethodKind.CARD,
    connector="sandbox",
    account="alpha",
    countries=frozenset({"DE", "AR"}),
    currencies=frozenset({"EUR", "USD"}),
    amount_limits={"EUR": AmountLimits(min_minor=100), "USD": AmountLimits(max_minor=50_000)},
    required_fields=("document_type", "document_number"),
    timeout_s=2.5,
    max_concurrency=7,
    capabilities=Capabilities(idempotency_window_s=86_400, find_by_reference=True, void=True),
)
BETA = replace(ALPHA, code="beta", display_name="Beta Cards", account="beta")
GAMMA = replace(ALPHA, code="gamma", display_name="Gamma", account="gamma")


@pytest.fixture
def methods(database):
    return SqlAlchemyPaymentMethodRepository(database)


@pytest.fixture
def policies(database):
    return SqlAlchemyRoutingPolicyRepository(database)


def publish(policies, *entries, based_on, actor="olga@example.org", reason="because", share=0.0):
    return policies.publish(
        tuple(PolicyEntry(*entry) for entry in entries),
        based_on_version=based_on,
        exploration_share=share,
        actor=actor,
        reason=reason,
        at=NOW,
    )


def journal(database):
    with database.read() as connection:
        return connection.execute(select(JournalRow.__table__).order_by(JournalRow.id)).all()


def test_an_empty_database_has_no_methods_and_policy_version_zero(methods):
    configuration = methods.load_configuration()

    assert configuration.methods == ()
    assert configuration.policy.version == 0
    assert configuration.revision == 0


def test_a_method_comes_back_as_it_was_added(methods):
    assert methods.add(ALPHA, at=NOW)

    (loaded,) = methods.load_configuration().methods
    assert replace(loaded, priority=ALPHA.priority, weight=ALPHA.weight) == ALPHA


def test_adding_a_known_code_changes_nothing(methods):
    methods.add(ALPHA, at=NOW)
    before = methods.load_configuration()

    assert not methods.add(replace(ALPHA, display_name="Other"), at=NOW)

    assert methods.load_configuration() == before


def test_methods_follow_the_policy_and_unknown_ones_come_last(methods, policies):
    for method in (ALPHA, BETA, GAMMA):
        methods.add(method, at=NOW)
    publish(policies, ("gamma", 1, 3), ("beta", 2, 5), based_on=0)

    loaded = methods.load_configuration().methods

    assert [(m.code, m.priority, m.weight) for m in loaded] == [
        ("gamma", 1, 3),
        ("beta", 2, 5),
        ("alpha", 3, 0),
    ]


def test_methods_of_one_tier_keep_the_order_in_which_the_policy_lists_them(methods, policies):
    for method in (ALPHA, BETA, GAMMA):
        methods.add(method, at=NOW)
    publish(policies, ("beta", 1, 1), ("gamma", 2, 1), ("alpha", 1, 1), based_on=0)

    assert [m.code for m in methods.load_configuration().methods] == ["beta", "alpha", "gamma"]


def test_every_change_bumps_the_revision(methods, policies):
    seen = [methods.load_configuration().revision]
    methods.add(ALPHA, at=NOW)
    seen.append(methods.load_configuration().revision)
    publish(policies, ("alpha", 1), based_on=0)
    seen.append(methods.load_configuration().revision)
    methods.set_enabled("alpha", is_enabled=False, actor="olga", reason="outage", at=NOW)
    seen.append(methods.load_configuration().revision)

    assert seen == sorted(set(seen))


def test_publishing_puts_the_next_version_in_force(methods, policies):
    methods.add(ALPHA, at=NOW)

    assert publish(policies, ("alpha", 1, 2), based_on=0, share=0.02) == 1
    assert publish(policies, ("alpha", 1, 9), based_on=1) == 2

    policy = methods.load_configuration().policy
    assert (policy.version, policy.entries) == (2, (PolicyEntry("alpha", 1, 9),))


def test_publishing_on_a_stale_version_changes_nothing(database, methods, policies):
    methods.add(ALPHA, at=NOW)
    publish(policies, ("alpha", 1, 2), based_on=0)
    before, journalled = methods.load_configuration(), journal(database)

    with pytest.raises(PolicyChangedMeanwhile) as raised:
        publish(policies, ("alpha", 1, 9), based_on=0)

    assert raised.value.current_version == 1
    assert methods.load_configuration() == before
    assert journal(database) == journalled


def test_of_many_publishers_at_once_exactly_one_wins(database, methods, policies):
    methods.add(ALPHA, at=NOW)
    at_once = Barrier(6)

    def attempt(weight):
        at_once.wait()
        try:
            return publish(policies, ("alpha", 1, weight), based_on=0)
        except PolicyChangedMeanwhile as lost:
            return f"lost to {lost.current_version}"

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(attempt, range(1, 7)))

    assert sorted(map(str, results)) == ["1", *["lost to 1"] * 5]
    winner = results.index(1) + 1
    assert methods.load_configuration().policy.entries == (PolicyEntry("alpha", 1, winner),)
    assert len(policies.history(limit=10)) == len(journal(database)) == 1


BRAZIL = RoutingRule(
    "Brazil cards",
    RuleConditions(
        currencies=frozenset({"BRL", "USD"}),
        countries=frozenset({"BR"}),
        amount=AmountRange("USD", 100, None),
        kinds=frozenset({MethodKind.CARD}),
        card_brands=frozenset({"visa"}),
        bin_prefixes=frozenset({"424242", "42424211"}),
    ),
    (PolicyEntry("beta", 1, 70), PolicyEntry("alpha", 1, 30)),
    then_default=False,
)
SMALL = RoutingRule(
    "Small", RuleConditions(amount=AmountRange("EUR", None, 500)), (PolicyEntry("alpha", 1),)
)


def test_rules_come_back_as_they_were_published_in_their_order(methods, policies):
    policies.publish(
        (PolicyEntry("alpha", 1),),
        based_on_version=0,
        exploration_share=0.02,
        rules=(BRAZIL, SMALL),
        actor="olga@example.org",
        reason="Cheaper",
        at=NOW,
    )

    expected = RoutingPolicy(1, (PolicyEntry("alpha", 1),), 0.02, (BRAZIL, SMALL))
    methods.add(ALPHA, at=NOW)
    assert methods.load_configuration().policy == expected
    assert policies.version(1).policy == expected
    assert policies.version(2) is None


def stored_document(database, policies, document):
    """A policy in force whose document is as another release wrote it."""
    publish(policies, ("alpha", 1), based_on=0)
    with database.tx() as connection:
        connection.execute(update(RoutingPolicyRow).values(document=document))


def test_a_document_of_before_there_were_rules_is_read(database, methods, policies):
    entry = {"provider": "alpha", "tier": 1, "weight": 3}
    stored_document(database, policies, {"entries": [entry], "exploration_share": 0.1})

    policy = methods.load_configuration().policy

    assert policy == RoutingPolicy(1, (PolicyEntry("alpha", 1, 3),), 0.1)


def test_a_rule_with_a_condition_of_a_newer_release_is_not_used(database, methods, policies):
    entry = {"provider": "alpha", "tier": 1, "weight": 3}
    rules = [
        {"name": name, "when": when, "entries": [entry], "then_default": True}
        for name, when in (
            ("of tomorrow", {"countries": ["BR"], "weekdays": ["Monday"]}),
            ("of today", {"countries": ["BR"]}),
        )
    ]
    stored_document(database, policies, {"entries": [], "exploration_share": 0.0, "rules": rules})

    assert [rule.name for rule in methods.load_configuration().policy.rules] == ["of today"]


def test_a_restored_version_is_told_in_the_history_and_the_journal(database, policies):
    for base, restores in ((0, None), (1, None), (2, 1)):
        policies.publish(
            (PolicyEntry("alpha", 1),),
            based_on_version=base,
            exploration_share=0.0,
            actor="olga@example.org",
            reason="Back",
            at=NOW,
            restores_version=restores,
        )

    assert [p.restores_version for p in policies.history(limit=5)] == [1, None, None]
    assert [p.version for p in policies.history(limit=5, before=3)] == [2, 1]
    assert journal(database)[-1].after["restores_version"] == 1
    assert "restores_version" not in journal(database)[0].after


def test_each_person_has_one_draft_that_the_next_one_replaces(database):
    drafts = SqlAlchemyRoutingDrafts(database)
    first = SavedDraft(RoutingPolicy(3, (PolicyEntry("alpha", 1),)), NOW)
    second = SavedDraft(
        RoutingPolicy(4, (PolicyEntry("alpha", 2),), 0.05, (BRAZIL,)), NOW + timedelta(minutes=1)
    )
    assert drafts.of("olga@example.org") is None

    drafts.save("olga@example.org", first)
    drafts.save("ana@example.org", first)
    drafts.save("olga@example.org", second)

    assert drafts.of("olga@example.org") == second
    assert drafts.of("ana@example.org") == first
    drafts.discard("olga@example.org")
    drafts.discard("olga@example.org")
    assert drafts.of("olga@example.org") is None
    assert drafts.of("ana@example.org") == first


def test_history_is_newest_first_with_who_why_and_when(policies):
    publish(policies, ("alpha", 1), based_on=0, actor="ana@example.org", reason="first")
    publish(policies, ("alpha", 2), based_on=1, reason="second")

    newest, oldest = policies.history(limit=5)

    assert (newest.version, newest.based_on_version, newest.reason) == (2, 1, "second")
    assert (oldest.version, oldest.based_on_version) == (1, None)
    assert (oldest.published_by, oldest.published_at) == ("ana@example.org", NOW)
    assert oldest.entries == (PolicyEntry("alpha", 1),)
    assert [p.version for p in policies.history(limit=1)] == [2]


def test_publishing_is_journalled_with_both_orders(database, policies):
    publish(policies, ("alpha", 1), based_on=0)
    publish(policies, ("alpha", 2), based_on=1, reason="beta is cheaper")

    first, second = journal(database)

    assert first.before is None
    assert (second.actor, second.action) == ("olga@example.org", "publish_routing_policy")
    assert (second.subject, second.reason) == ("routing_policy", "beta is cheaper")
    assert (second.before["version"], second.after["version"]) == (1, 2)
    assert second.before["entries"][0]["tier"] == 1
    assert second.after["entries"][0]["tier"] == 2


def test_switching_a_method_off_is_journalled_once(database, methods):
    methods.add(ALPHA, at=NOW)
    later = NOW + timedelta(hours=1)
    off = {"is_enabled": False, "actor": "olga", "reason": "outage", "at": later}

    assert methods.set_enabled("alpha", **off)
    assert not methods.set_enabled("alpha", **off)

    assert not methods.load_configuration().methods[0].is_enabled
    (entry,) = journal(database)
    assert (entry.action, entry.subject) == ("disable_payment_method", "payment_method:alpha")
    assert (entry.before, entry.after) == ({"is_enabled": True}, {"is_enabled": False})
    assert (entry.reason, entry.created_at) == ("outage", later)


def test_switching_a_method_nobody_knows_is_an_error(methods):
    with pytest.raises(PaymentMethodNotFound):
        methods.set_enabled("omega", is_enabled=True, actor="olga", reason="why not", at=NOW)
