"""The replay of a draft: as a page, and as the stream that the board's script reads."""

import json
import re

import pytest

from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.test_routing_board import BOARD, form_of, press

CODES = ["alpha", "beta", "gamma"]


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


@pytest.fixture
def history(office):
    """120 orders of the last hours: alpha declined every fourth, beta approved these."""
    history = MetricsHistory(office.database, FrozenClock(office.services.clock.now()))
    history.orders_with_fallback(120, declined_every=4, candidates=CODES)
    return history


@pytest.mark.usefixtures("history")
def test_a_draft_is_replayed_on_a_page_of_its_own_without_a_script(olga, office):
    page = olga.get(BOARD).text
    draft = press(olga, page, move="beta:1").text

    answer = press(olga, draft, "replay", days="7")

    assert answer.status_code == 200
    assert "Replay of your draft" in answer.text
    text = re.sub(r"<[^>]+>|\s+", " ", answer.text).replace("\N{NO-BREAK SPACE}", " ")
    assert "the last 7 days would have gone: orders paid at the first try 100.0 %" in text
    assert "First-attempt approval 75.0 %" in re.sub(" +", " ", text)
    assert "Beta 0.0 % → 100.0 %" in text
    assert "Only 120" not in text
    assert "Fees in EUR are not known of every provider." in text
    assert "Back to the board" in text
    assert office.version() == 1


def test_without_orders_the_replay_says_so(olga):
    answer = press(olga, olga.get(BOARD).text, "replay", days="14")

    assert "No order was finished in the last 14 days." in answer.text


def test_the_draft_is_kept_as_it_was_posted(olga):
    page = olga.get(BOARD).text

    press(olga, page, "replay", **{"tier-alpha": "3", "tier-beta": "1", "tier-gamma": "2"})

    assert re.findall(r'data-board-row="(\w+)"', olga.get(BOARD).text) == [
        "beta",
        "gamma",
        "alpha",
    ]


def test_a_number_that_is_none_is_shown_where_it_was_typed(olga):
    answer = press(olga, olga.get(BOARD).text, "replay", **{"tier-alpha": "x"})

    assert answer.status_code == 422
    assert "A number is not usable" in answer.text


@pytest.mark.usefixtures("history")
def test_the_script_gets_lines_of_json_with_the_result_last(olga):
    page = olga.get(BOARD).text

    answer = olga.post(
        BOARD + "replay",
        form_of(page) | {"days": "1"},
        token_from=BOARD,
        headers={"Accept": "application/x-ndjson"},
    )

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.mimetype == "application/x-ndjson"
    assert [line["of"] for line in lines[:-1]] == [120] * 120
    assert lines[-2]["done"] == 120
    assert "With this order the last day would have gone" in lines[-1]["html"]


@pytest.mark.parametrize("name", ["vera", "finn", "ari"])
def test_only_who_may_change_the_routing_replays_it(office, name):
    person = office.logged_in(name)

    answer = person.post(BOARD + "replay", {"version": "1"}, token_from="/admin/orders/")

    assert answer.status_code == 403
