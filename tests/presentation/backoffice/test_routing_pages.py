"""Rules, explanations, history and drafts on pages without scripts."""

import html
import re

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.domain.payment_method import AmountLimits, MethodKind
from payorch.domain.routing_policy import PolicyEntry
from payorch.domain.routing_rule import AmountRange, RoutingRule, RuleConditions
from tests.presentation.backoffice.test_routing_board import (
    BOARD,
    changes,
    form_of,
    messages,
    press,
    publish_meanwhile,
)
from tests.shop import a_method

RULES = BOARD + "rules/"
EXPLAIN = BOARD + "explain/"
HISTORY = BOARD + "history/"
BRAZIL = {"name": "Brazil", "countries": "br", "tier-beta": "1"}


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def save(person, form=BRAZIL, /, **changed):
    """Posts the form of a rule; the field `rule` names the one that is edited."""
    return person.post(RULES + "save", {"then_default": "1"} | form | changed, token_from=BOARD)


def text_of(page):
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def rule_names(page):
    return re.findall(r"<h2>\d+\. ([^<]+)</h2>", page)


def policy(office):
    return office.services.registry.configuration().policy


def draft_of(office, email="olga@example.org"):
    return office.services.drafts.of(email)


def publish_rules(office, *rules, base=1, share=0.0, reason="rules"):
    return office.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=policy(office).entries,
            rules=rules,
            exploration_share=share,
            based_on_version=base,
            actor="ana@example.org",
            reason=reason,
        )
    )


def a_rule(name="Brazil", *codes, **conditions):
    conditions = conditions or {"countries": frozenset({"BR"})}
    entries = tuple(PolicyEntry(code, 1) for code in codes or ("beta",))
    return RoutingRule(name, RuleConditions(**conditions), entries)


def test_a_rule_is_written_previewed_and_published(office, olga):
    assert save(olga).location == RULES
    assert policy(office).rules == ()

    page = olga.get(BOARD).text
    assert changes(html.unescape(page)) == [
        "Rule “Brazil”: new, as number 1: country BR → Beta, then the default order"
    ]
    assert press(olga, page, "publish", reason="Cheaper there").status_code == 303

    assert policy(office).rules == (a_rule(),)
    assert draft_of(office) is None
    assert "There is no rule" not in olga.get(RULES).text


def test_every_condition_and_place_comes_from_the_form_and_goes_back_into_it(office, olga):
    rule = {
        "name": " Large Visa ",
        "currencies": "eur, usd",
        "countries": "de;FR",
        "amount_currency": "eur",
        "amount_min": "100",
        "amount_max": "999.99",
        "kind": ["card"],
        "brand": ["visa"],
        "bins": "424242\n42000000",
        "tier-gamma": "2",
        "tier-alpha": "1",
        "weight-alpha": "70",
        "tier-beta": "1",
        "weight-beta": "30",
        "then_default": "0",
    }
    save(olga, rule)

    expected = RoutingRule(
        "Large Visa",
        RuleConditions(
            currencies=frozenset({"EUR", "USD"}),
            countries=frozenset({"DE", "FR"}),
            amount=AmountRange("EUR", 10_000, 99_999),
            kinds=frozenset({MethodKind.CARD}),
            card_brands=frozenset({"visa"}),
            bin_prefixes=frozenset({"424242", "42000000"}),
        ),
        (PolicyEntry("alpha", 1, 70), PolicyEntry("beta", 1, 30), PolicyEntry("gamma", 2)),
        then_default=False,
    )
    assert draft_of(office).policy.rules == (expected,)

    page = olga.get(RULES + "edit?rule=Large+Visa").text
    sent = {name: [] for name in ("kind", "brand")}
    form = page.partition('class="rule-form"')[2]
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag)[1], re.search(r'value="([^"]*)"', tag)
        is_choice = 'type="checkbox"' in tag or 'type="radio"' in tag
        if is_choice and "checked" not in tag:
            continue
        if name in sent and isinstance(sent[name], list):
            sent[name].append(value[1])
        else:
            sent[name] = value[1]
    sent["bins"] = re.search(r"<textarea[^>]*>([^<]*)<", page)[1]
    sent.pop("csrf_token")
    save(olga, sent)
    assert draft_of(office).policy.rules == (expected,)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"currencies": "EUX"}, "Unknown currency 'EUX'"),
        ({"countries": "Germany"}, "Unknown country 'GERMANY'"),
        ({"amount_min": "10"}, "Say in which currency"),
        ({"amount_currency": "EUR"}, "Say from or up to which amount"),
        ({"amount_currency": "EUR", "amount_min": "1,50"}, "plain number such as 12.50"),
        ({"amount_currency": "JPY", "amount_max": "1.5"}, "JPY has 0 decimals"),
        ({"amount_currency": "EUR", "amount_min": "9", "amount_max": "8"}, "from is not above to"),
        ({"bins": "4242"}, "six to eight digits"),
        ({"bins": "555555", "brand": "visa"}, "555555 is mastercard"),
        ({"kind": "wallet", "brand": "visa"}, "can never match"),
        ({"tier-beta": "first"}, "A whole number from 1 to 99"),
        ({"weight-beta": "1001"}, "A whole number from 0 to 1000"),
        ({"tier-beta": ""}, "names no provider"),
        ({"countries": ""}, "has no condition"),
        ({"name": ""}, "A rule has a name"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_typing_is_kept(office, olga, typed, says):
    answer = save(olga, **typed)

    assert answer.status_code == 422
    assert says in html.unescape(answer.text)
    for value in typed.values():
        assert (
            not value or f'value="{value}"' in answer.text or f">{value}</textarea" in answer.text
        )
    assert draft_of(office) is None


def test_a_second_rule_of_the_same_name_is_refused(office, olga):
    save(olga)

    answer = save(olga, name="brazil", countries="AR")

    assert answer.status_code == 422
    assert "stands twice" in answer.text
    assert len(draft_of(office).policy.rules) == 1


def test_rules_are_edited_moved_and_removed_in_the_draft_alone(office, olga):
    publish_rules(office, a_rule("One"), a_rule("Two"), a_rule("Three"))

    def post(path, **form):
        location = olga.post(RULES + path, form, token_from=BOARD).location
        assert location.partition("#")[0] == RULES
        return rule_names(olga.get(RULES).text)

    assert post("move", move="up:Three") == ["One", "Three", "Two"]
    assert post("move", move="up:One") == ["One", "Three", "Two"]
    assert 'id="rule-2"' in olga.get(RULES).text
    assert post("move", move="down:One") == ["Three", "One", "Two"]
    assert post("move", move="sideways:One") == ["Three", "One", "Two"]
    assert post("delete", rule="One") == ["Three", "Two"]
    save(olga, rule="Two", name="Two again", countries="AR")
    assert rule_names(olga.get(RULES).text) == ["Three", "Two again"]
    assert [rule.name for rule in policy(office).rules] == ["One", "Two", "Three"]
    assert changes(html.unescape(olga.get(BOARD).text)) == [
        "Rule “Two again”: new, as number 2: country AR → Beta, then the default order",
        "Rule “One”: removed",
        "Rule “Two”: removed",
    ]


def test_a_rule_that_was_removed_in_another_window_is_saved_as_a_new_one(office, olga):
    save(olga)
    olga.post(RULES + "delete", {"rule": "Brazil"}, token_from=BOARD)

    save(olga, rule="Brazil")

    assert [rule.name for rule in draft_of(office).policy.rules] == ["Brazil"]
    assert olga.get(RULES + "edit?rule=Nobody").status_code == 404


def test_probable_mistakes_are_told_before_they_are_in_force(open_office):
    office = open_office(
        methods=[
            a_method("alpha"),
            a_method("beta", countries=frozenset({"DE"})),
            a_method("gamma", kind=MethodKind.WALLET, currencies=frozenset({"EUR"})),
        ]
    )
    olga = office.logged_in("olga")
    save(olga, name="All Brazil", **{"tier-alpha": "1"})
    save(olga, name="Visa in Brazil", brand="visa", then_default="0")
    save(olga, name="Dollars", countries="", currencies="USD", **{"tier-gamma": "1"})

    page = text_of(olga.get(RULES).text)

    assert (
        "Rule “Visa in Brazil” is never used: “All Brazil” stands before it and takes all of its"
        " orders." in page
    )
    assert "Rule “Visa in Brazil” names Beta, which serves none of its countries." in page
    assert "Rule “Visa in Brazil” leaves no provider" in page
    assert "Rule “Dollars” names Gamma, which serves none of its currencies." in page
    assert "Rule “All Brazil” leaves" not in page


def test_a_draft_is_kept_for_its_owner_alone(office, olga):
    press(olga, olga.get(BOARD).text, move="gamma:1")
    save(olga)

    assert len(changes(olga.get(BOARD).text)) == 4
    assert changes(office.logged_in("ada").get(BOARD).text) == []
    olga.post(BOARD + "discard", token_from=BOARD)
    assert changes(olga.get(BOARD).text) == []
    assert draft_of(office) is None


def test_a_draft_that_was_moved_back_is_no_draft(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:up").text
    press(olga, page, move="gamma:down")

    assert draft_of(office) is None


def test_viewers_see_rules_and_change_nothing(office):
    publish_rules(office, a_rule())
    vera = office.logged_in("vera")

    page = vera.get(RULES).text

    assert rule_names(page) == ["Brazil"]
    assert "Add a rule" not in page
    for path in (RULES + "save", RULES + "move", RULES + "delete", BOARD + "discard"):
        assert vera.post(path, BRAZIL, token_from=RULES).status_code == 403
    assert vera.get(RULES + "edit").status_code == 403


def test_a_stale_draft_with_rules_meets_a_conflict_that_shows_both_whole(office, olga):
    save(olga)
    page = olga.get(BOARD).text
    publish_rules(office, a_rule("Argentina", countries=frozenset({"AR"})), share=0.02)

    answer = press(olga, page, "publish", reason="Mine")

    assert answer.status_code == 409
    conflict = re.search(r'id="published-meanwhile".*?</section>', answer.text, re.DOTALL)[0]
    both = text_of(conflict)
    assert "Argentina: country AR → Beta, then the default order" in both
    assert "Exploration: 2% of orders" in both
    assert "Brazil: country BR → Beta, then the default order" in both
    assert draft_of(office).policy.rules == (a_rule(),)
    assert "published while you were working" in olga.get(BOARD).text
    assert press(olga, answer.text, "publish").status_code == 303
    assert [rule.name for rule in policy(office).rules] == ["Brazil"]
    assert policy(office).version == 3


def test_what_another_window_changed_is_not_published_unseen(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:1").text
    save(olga)

    answer = press(olga, page, "publish", reason="Gamma first")

    assert answer.status_code == 409
    assert "were changed in another window" in answer.text
    assert form_of(answer.text)["reason"] == "Gamma first"
    assert office.version() == 1
    assert press(olga, answer.text, "publish").status_code == 303
    assert office.version() == 2


@pytest.mark.parametrize(("typed", "share"), [("2", 0.02), ("0.25", 0.0025), ("100", 1.0)])
def test_the_exploration_share_is_part_of_the_draft(office, olga, typed, share):
    page = press(olga, olga.get(BOARD).text, exploration=typed).text
    assert changes(page) == [f"Exploration: 0% → {typed}% of orders"]
    press(olga, page, "publish", reason="Compare them fairly")

    assert policy(office).exploration_share == share
    assert form_of(olga.get(BOARD).text)["exploration"] == typed


@pytest.mark.parametrize("typed", ["", "-1", "101", "1.234", "1.", ".5", "x", "1e1", "1,5"])
def test_an_exploration_share_that_is_none_is_refused(office, olga, typed):
    answer = press(olga, olga.get(BOARD).text, "publish", exploration=typed, reason="why")

    assert answer.status_code == 422
    assert 'id="exploration-problem"' in answer.text
    assert office.version() == 1


def test_a_roll_back_brings_rules_and_share_back_and_leaves_the_draft(office, olga):
    publish_rules(office, a_rule(), share=0.02)
    publish_rules(office, base=2)
    press(olga, olga.get(BOARD).text, move="gamma:1")

    answer = olga.post(
        BOARD + "restore",
        {"version": "3", "restore": "2", "reason": "It was right"},
        token_from=BOARD,
    )

    assert answer.status_code == 303
    restored = office.services.policies.version(4)
    assert restored.policy.rules == (a_rule(),)
    assert (restored.policy.exploration_share, restored.restores_version) == (0.02, 2)
    assert draft_of(office).policy.entries[0] == PolicyEntry("gamma", 1)
    assert "Rolled back to version 2." in text_of(olga.get(HISTORY).text)


def test_a_stale_roll_back_shows_both_versions_and_can_be_repeated(office, olga):
    publish_meanwhile(office, "gamma", "beta", "alpha")
    press(olga, olga.get(BOARD).text, move="beta:1")
    publish_meanwhile(office, "beta", "gamma", "alpha", based_on=2)

    def roll_back(version):
        form = {"version": version, "restore": "1", "reason": "As it was"}
        return olga.post(BOARD + "restore", form, token_from=BOARD)

    answer = roll_back("2")
    assert answer.status_code == 409
    conflict = re.search(r'id="published-meanwhile".*?</section>', answer.text, re.DOTALL)[0]
    assert re.findall(r"<li>([^<]+)</li>", conflict) == [
        *["Beta", "Gamma", "Alpha"],
        *["Alpha", "Beta", "Gamma"],
    ]
    assert 'value="As it was"' in conflict
    assert office.version() == 3
    assert roll_back("3").status_code == 303
    assert [code for code, *_ in office.order()] == ["alpha", "beta", "gamma"]


def test_a_roll_back_without_a_reason_is_none(office, olga):
    publish_meanwhile(office, "gamma", "beta", "alpha")

    olga.post(BOARD + "restore", {"version": "2", "restore": "1", "reason": " "}, token_from=BOARD)

    assert office.version() == 2
    assert messages(olga.get(BOARD).text) == ["Say why: the reason is kept in the journal."]


def test_the_history_goes_back_to_the_first_version(office, olga):
    for version in range(1, 13):
        codes = ("beta", "alpha", "gamma") if version % 2 else ("alpha", "beta", "gamma")
        publish_meanwhile(office, *codes, based_on=version)

    first = olga.get(HISTORY).text
    second = olga.get(HISTORY + "?before=4").text

    versions = [re.findall(r"Version (\d+)</strong>", page) for page in (first, second)]
    assert versions == [[str(n) for n in range(13, 3, -1)], ["3", "2", "1"]]
    assert 'href="/admin/routing/history/?before=4"' in first
    assert "Earlier versions" not in second
    assert olga.get(HISTORY + "?before=x").status_code == 200
    assert "Nothing was published before." in olga.get(HISTORY + "?before=1").text


EXPLAINED = "?amount=25.00&currency=EUR&country=BR&method=card&brand=visa&bin=424242"


def test_an_order_is_explained_by_what_is_in_force_and_by_the_draft(open_office):
    office = open_office(
        methods=[
            a_method("alpha"),
            a_method("beta", amount_limits={"EUR": AmountLimits(max_minor=1000)}),
            a_method("gamma"),
            a_method("wallet", kind=MethodKind.WALLET),
        ]
    )
    olga = office.logged_in("olga")
    rule = {"tier-alpha": "1", "weight-alpha": "30", "tier-gamma": "1", "weight-gamma": "70"}
    save(olga, {"name": "Visa", "brand": "visa", "then_default": "0"} | rule)

    page = text_of(olga.get(EXPLAIN + EXPLAINED).text)

    in_force, _, drafted = page.partition("By your draft")
    assert "The default order decides" in in_force
    assert "Alpha : tier 1 First for 100% of such orders" in in_force
    assert "Beta : the amount is above its limit" in in_force
    assert "Wallet : it takes another kind of payment" in in_force
    assert "Rule “Visa” decides, for card brand Visa" in drafted
    assert "Gamma : tier 1, weight 70 of 100 First for 70% of such orders" in drafted
    assert "Wallet : the routing rule does not name it" in drafted


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?amount=x&currency=EUR&country=DE", "plain number"),
        ("?amount=5&currency=EUX&country=DE", "Unknown currency"),
        ("?amount=5&currency=EUR&country=Mars", "Unknown country"),
        ("?amount=5&currency=EUR&country=DE&bin=42", "six to eight digits"),
        ("?amount=5&currency=EUR&country=DE&bin=424242&brand=amex", "start so are visa"),
        ("?amount=5&currency=EUR&country=DE&brand=bitcoin", "Choose one of the list"),
        ("?amount=5&currency=EUR&country=DE&method=cash", "Choose one of the list"),
    ],
)
def test_an_order_that_cannot_be_is_not_explained(olga, query, says):
    answer = olga.get(EXPLAIN + query)

    assert answer.status_code == 422
    assert says in html.unescape(answer.text)
    assert "decides" not in answer.text


def test_names_of_rules_are_never_markup(olga):
    save(olga, name="<script>alert(1)</script>")

    for path in (RULES, BOARD, EXPLAIN + EXPLAINED):
        assert "<script>alert" not in olga.get(path).text
