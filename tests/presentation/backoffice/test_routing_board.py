"""The routing board without scripts: draft, publish, conflict, restore, switch."""

import html
import re

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.domain.routing_policy import PolicyEntry
from tests.shop import a_method

BOARD = "/admin/routing/"


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def form_of(page):
    """The board's form as a browser would send it: the fields that name the form, in order."""
    fields = {"provider": []}
    for tag in re.findall(r'<input[^>]*form="board-form"[^>]*>', page):
        name = re.search(r'name="([^"]+)"', tag)[1]
        value = html.unescape(re.search(r'value="([^"]*)"', tag)[1])
        if name == "provider":
            fields["provider"].append(value)
        else:
            fields[name] = value
    fields["version"] = re.search(
        r'id="board-form">.*?name="version" value="(\d+)"', page, re.DOTALL
    )[1]
    return fields


def shown(page):
    return re.findall(r'data-board-row="(\w+)"', page)


def changes(page):
    panel = re.search(r'class="panel pending".*?</section>', page, re.DOTALL)[0]
    found = re.search(r'<ul class="changes">(.*?)</ul>', panel, re.DOTALL)
    return re.findall(r"<li>([^<]+)</li>", found[1]) if found else []


def messages(page):
    return re.findall(r'<p class="notice notice-\w+">([^<]+)</p>', page)


def press(person, page, path="draft", **fields):
    return person.post(BOARD + path, form_of(page) | fields, token_from=BOARD)


def publish_meanwhile(office, *codes, based_on=1):
    office.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=tuple(PolicyEntry(code, tier) for tier, code in enumerate(codes, start=1)),
            based_on_version=based_on,
            actor="ana@example.org",
            reason="Ana was faster",
        )
    )


def test_the_board_shows_the_order_in_force(olga):
    page = olga.get(BOARD).text

    assert shown(page) == ["alpha", "beta", "gamma"]
    assert "Version 1 is in force" in page
    assert changes(page) == []


def test_a_move_shows_a_pending_difference_and_publishes_nothing(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:up").text

    assert shown(page) == ["alpha", "gamma", "beta"]
    assert changes(page) == ["Gamma: tier 3 → 2", "Beta: tier 2 → 3"]
    assert office.version() == 1


def test_moves_add_up_and_keep_the_reason(olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:up", reason="cheaper").text
    page = press(olga, page, move="gamma:up").text

    assert shown(page) == ["gamma", "alpha", "beta"]
    assert form_of(page)["reason"] == "cheaper"


@pytest.mark.parametrize(
    ("move", "order"),
    [
        ("alpha:down", ["beta", "alpha", "gamma"]),
        ("alpha:3", ["beta", "gamma", "alpha"]),
        ("gamma:1", ["gamma", "alpha", "beta"]),
        ("alpha:up", ["alpha", "beta", "gamma"]),
        ("gamma:down", ["alpha", "beta", "gamma"]),
        ("beta:2", ["alpha", "beta", "gamma"]),
        ("omega:up", ["alpha", "beta", "gamma"]),
        ("beta:sideways", ["alpha", "beta", "gamma"]),
        ("", ["alpha", "beta", "gamma"]),
    ],
)
def test_each_kind_of_move(olga, move, order):
    assert shown(press(olga, olga.get(BOARD).text, move=move).text) == order


def test_published_is_what_was_shown_with_who_and_why(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:1").text
    answer = press(olga, page, "publish", reason="Gamma is cheaper")

    assert (answer.status_code, answer.location) == (303, BOARD)
    assert office.order() == [("gamma", 1, 1), ("alpha", 2, 1), ("beta", 3, 1)]
    page = olga.get(BOARD).text
    assert messages(page) == ["Version 2 is in force from the next order on."]
    assert "by olga@example.org" in page
    assert "Gamma is cheaper" in page


def test_equal_numbers_share_a_tier_by_weight(office, olga):
    form = {"tier-beta": "1", "weight-alpha": "70", "weight-beta": "30"}
    page = press(olga, olga.get(BOARD).text, **form).text

    assert "70% of tier 1" in page
    press(olga, page, "publish", reason="a trial")
    assert office.order() == [("alpha", 1, 70), ("beta", 1, 30), ("gamma", 2, 1)]


def test_publishing_needs_a_reason_and_keeps_the_draft(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:1").text
    answer = press(olga, page, "publish", reason="  ")

    assert answer.status_code == 422
    assert shown(answer.text) == ["gamma", "alpha", "beta"]
    assert 'id="reason-problem"' in answer.text
    assert "autofocus" in answer.text
    assert office.version() == 1


def test_publishing_the_order_in_force_makes_no_version(office, olga):
    answer = press(olga, olga.get(BOARD).text, "publish", reason="nothing")

    assert answer.status_code == 303
    assert office.version() == 1


@pytest.mark.parametrize("path", ["draft", "publish"])
def test_a_wrong_number_is_shown_at_its_row_and_nothing_happens(office, olga, path):
    answer = press(olga, olga.get(BOARD).text, path, **{"tier-beta": "two", "reason": "why"})

    assert answer.status_code == 422
    assert 'id="problems-beta"' in answer.text
    assert 'value="two"' in answer.text
    assert office.version() == 1


def test_a_stale_page_publishes_nothing_and_shows_both_orders(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:1").text
    publish_meanwhile(office, "beta", "alpha", "gamma")

    answer = press(olga, page, "publish", reason="Gamma is cheaper")

    assert answer.status_code == 409
    assert office.version() == 2
    conflict = re.search(r'id="published-meanwhile".*?</section>', answer.text, re.DOTALL)[0]
    assert "Ana was faster" in conflict
    assert re.findall(r"<li>([^<]+)</li>", conflict) == [
        *["Beta", "Alpha", "Gamma"],
        *["Gamma", "Alpha", "Beta"],
    ]
    assert form_of(answer.text)["reason"] == "Gamma is cheaper"


def test_after_a_conflict_the_own_order_can_be_published_again(office, olga):
    page = press(olga, olga.get(BOARD).text, move="gamma:1").text
    publish_meanwhile(office, "beta", "alpha", "gamma")
    conflict = press(olga, page, "publish", reason="Gamma is cheaper").text

    answer = press(olga, conflict, "publish")

    assert answer.status_code == 303
    assert office.version() == 3
    assert [code for code, *_ in office.order()] == ["gamma", "alpha", "beta"]


def test_a_stale_page_tells_so_already_when_something_is_moved(office, olga):
    page = olga.get(BOARD).text
    publish_meanwhile(office, "beta", "alpha", "gamma")

    page = press(olga, page, move="gamma:up").text

    assert "Version 2 was published while you were working" in page


def test_moving_on_a_stale_page_never_replaces_the_other_s_order_unasked(office, olga):
    page = olga.get(BOARD).text
    publish_meanwhile(office, "beta", "alpha", "gamma")
    for move in ("gamma:up", "gamma:up"):
        page = press(olga, page, move=move).text
        assert "Version 2 was published while you were working" in page

    answer = press(olga, page, "publish", reason="Gamma is cheaper")

    assert answer.status_code == 409
    assert office.version() == 2
    assert press(olga, answer.text, "publish").status_code == 303


def test_an_earlier_order_can_be_restored_as_a_new_version(office, olga):
    publish_meanwhile(office, "gamma", "beta", "alpha")

    answer = olga.post(
        BOARD + "restore",
        {"version": "2", "restore": "1", "reason": "Back to normal"},
        token_from=BOARD,
    )

    assert answer.status_code == 303
    assert office.version() == 3
    assert [code for code, *_ in office.order()] == ["alpha", "beta", "gamma"]


def test_restoring_from_a_stale_page_is_a_conflict_too(office, olga):
    publish_meanwhile(office, "gamma", "beta", "alpha")

    answer = olga.post(
        BOARD + "restore",
        {"version": "1", "restore": "1", "reason": "Back to normal"},
        token_from=BOARD,
    )

    assert answer.status_code == 409
    assert office.version() == 2


@pytest.mark.parametrize(
    "form", [{"version": "1", "restore": "99"}, {"version": "x", "restore": "1"}, {}]
)
def test_restoring_what_is_not_in_the_history_is_not_found(office, olga, form):
    answer = olga.post(BOARD + "restore", form | {"reason": "why"}, token_from=BOARD)

    assert answer.status_code == 404
    assert office.version() == 1


def test_the_history_tells_each_change(office, olga):
    publish_meanwhile(office, "gamma", "beta", "alpha")

    page = olga.get(BOARD).text

    history = re.search(r'<ol class="history".*?</ol>', page, re.DOTALL)[0]
    assert re.findall(r"Version (\d+)</strong>", history) == ["2", "1"]
    assert "Gamma: tier 3 → 1" in history
    assert "by ana@example.org" in history


@pytest.mark.parametrize("page", ["routing", "providers"])
def test_a_provider_is_switched_off_and_on_with_a_reason(office, olga, page):
    def switch(is_enabled, reason):
        answer = olga.post(
            f"/admin/{page}/switch",
            {"provider": "alpha", "is_enabled": is_enabled, "reason": reason},
            token_from=BOARD,
        )
        assert (answer.status_code, answer.location) == (303, f"/admin/{page}/")
        return messages(olga.get(answer.location).text)

    assert switch("0", " ") == ["Say why: the reason is kept in the journal."]
    assert office.services.registry.method("alpha").is_enabled
    assert switch("0", "outage") == ["Alpha is disabled from the next order on."]
    assert not office.services.registry.method("alpha").is_enabled
    assert switch("0", "outage") == ["Alpha was disabled already."]
    assert switch("1", "over") == ["Alpha is enabled from the next order on."]


def test_switching_the_last_provider_off_warns(office, olga):
    for code in ("alpha", "beta", "gamma"):
        olga.post(
            BOARD + "switch",
            {"provider": code, "is_enabled": "0", "reason": "closed"},
            token_from=BOARD,
        )

    assert "No provider is enabled: no payment can be taken now." in messages(olga.get(BOARD).text)


def test_a_provider_nobody_knows_cannot_be_switched(olga):
    olga.post(
        BOARD + "switch", {"provider": "<b>", "is_enabled": "0", "reason": "x"}, token_from=BOARD
    )

    assert "<b>" not in olga.get(BOARD).text


def test_names_and_reasons_are_never_markup(open_office):
    office = open_office(
        methods=[a_method("alpha", display_name="<script>alert(1)</script>"), a_method("beta")],
    )
    olga = office.logged_in("olga")
    page = press(olga, olga.get(BOARD).text, move="beta:1").text
    press(olga, page, "publish", reason="<img src=x onerror=alert(1)>")

    page = olga.get(BOARD).text

    assert "<script>alert" not in page
    assert "<img" not in page


def test_the_board_without_any_provider_says_so(open_office):
    office = open_office()
    with office.database.tx() as connection:
        connection.exec_driver_sql("DELETE FROM payment_methods")
        connection.exec_driver_sql("UPDATE configuration SET revision = revision + 1")

    assert "There is no provider yet." in office.logged_in("olga").get(BOARD).text
