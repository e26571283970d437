"""Trials in the back office: from the draft on the board to the decision at the end."""

import re
from datetime import timedelta

import plotly.graph_objects as go
import pytest
from sqlalchemy import insert

from payorch.domain.trial_evidence import ArmCounts, Look, TrialCounts
from payorch.infrastructure.persistence.tables import JournalRow, OrderRow
from payorch.infrastructure.persistence.trial_figures import SqlAlchemyTrialFigures
from tests.presentation.backoffice.office import NOW
from tests.presentation.backoffice.test_routing_board import BOARD, messages, press
from tests.presentation.backoffice.test_routing_pages import draft_of, text_of
from tests.presentation.backoffice.test_step_up import QUESTION, answered, let_time_pass

PAGE = BOARD + "trials/"
FORM = {"name": "Gamma first", "share": "20", "reason": "it got cheaper"}


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def with_draft(person):
    """Gamma goes to the top, and on to the form of a trial."""
    page = person.get(BOARD).text
    page = press(person, page, move="gamma:1").text
    return press(person, page, "try")


def stamp(person):
    found = re.search(r'name="draft" value="(\w+)"', person.get(PAGE).text)
    return found[1] if found else ""


def start(person, **changed):
    fields = {"draft": stamp(person)} | FORM | changed
    return person.post(PAGE + "start", fields, token_from=BOARD)


def end(person, decision, reason="clear enough", number=1):
    fields = {"decision": decision, "reason": reason}
    return person.post(f"{PAGE}{number}/end", fields, token_from=BOARD)


@pytest.fixture
def running(olga):
    with_draft(olga)
    assert start(olga).status_code == 303
    return olga


def orders(office, arm, status, n):
    """Orders of trial 1, without their payments: only their counts are shown here."""
    row = {
        "amount_minor": 1000,
        "currency": "EUR",
        "description": "Two books",
        "country": "DE",
        "customer_fields": {},
        "order_metadata": {},
        "status": status,
        "version": 1,
        "trial_number": 1,
        "trial_arm": arm,
        "created_at": NOW,
        "updated_at": NOW,
        "expires_at": NOW,
    }
    with office.database.tx() as connection:
        names = [f"{arm}{status}{number}" for number in range(n)]
        connection.execute(
            insert(OrderRow), [row | {"public_id": name, "token_hash": name} for name in names]
        )


def look(office, hours, control, candidate):
    counts = TrialCounts(ArmCounts(*control), ArmCounts(*candidate))
    SqlAlchemyTrialFigures(office.database).keep(1, Look(NOW + timedelta(hours=hours), counts))


def test_a_trial_is_started_on_the_draft_from_the_board(office, olga):
    assert with_draft(olga).location == PAGE

    text = text_of(olga.get(PAGE).text)
    assert "The candidate differs from version 1" in text
    answer = start(olga)

    trial = office.services.registry.configuration().trial
    assert answer.location == f"{PAGE}1/"
    assert (trial.name, trial.share_percent, trial.control_version) == ("Gamma first", 20, 1)
    assert trial.candidate.entries[0].provider_code == "gamma"
    assert office.version() == 1
    assert draft_of(office) is None
    assert "20 % of the orders go by your draft" in " ".join(messages(olga.get(PAGE + "1/").text))


def test_without_a_draft_the_page_says_where_to_begin(olga):
    text = text_of(olga.get(PAGE).text)

    assert "You have no draft" in text
    assert "There was no trial yet" in text


@pytest.mark.parametrize(
    ("field", "typed"),
    [("name", " "), ("name", "x" * 61), ("share", "0"), ("share", "51"), ("share", "1.5")],
)
def test_what_cannot_be_used_is_told_at_its_field(office, olga, field, typed):
    with_draft(olga)

    answer = start(olga, **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-problem"' in answer.text
    assert 'value="it got cheaper"' in answer.text
    assert office.services.registry.configuration().trial is None


def test_a_reason_is_required_at_both_ends(office, olga):
    with_draft(olga)
    assert start(olga, reason="  ").status_code == 422
    start(olga)

    assert end(olga, "keep", reason=" ").status_code == 422
    assert office.services.registry.configuration().trial is not None


def test_what_another_window_changed_is_not_tried_unseen(office, olga):
    with_draft(olga)
    seen = stamp(olga)
    press(olga, olga.get(BOARD).text, move="beta:1")

    answer = start(olga, draft=seen)

    assert answer.status_code == 409
    assert "changed in another window" in answer.text
    assert office.services.registry.configuration().trial is None


def test_the_password_is_asked_before_it_starts_and_before_it_ends(office, olga):
    with_draft(olga)
    fields = {"draft": stamp(olga)} | FORM
    let_time_pass(office)

    asked = olga.post(PAGE + "start", fields, token_from=BOARD)

    assert QUESTION in asked.text
    assert office.services.registry.configuration().trial is None
    answered(olga, asked)
    assert office.services.registry.configuration().trial is not None
    let_time_pass(office)
    assert QUESTION in end(olga, "adopt").text
    assert office.version() == 1


def test_publishing_and_rolling_back_are_refused_while_it_runs(office, running):
    page = press(running, running.get(BOARD).text, move="beta:1").text

    published = press(running, page, "publish", reason="impatient")
    with_trial = running.get(BOARD).text

    assert published.status_code == 409
    assert "Gamma first" in published.text
    assert "End it first" in published.text
    assert office.version() == 1
    assert "A trial is running" in text_of(with_trial)
    assert "Try it on a share" not in with_trial
    assert draft_of(office) is not None


def test_a_roll_back_is_refused_while_it_runs(office, olga):
    page = press(olga, olga.get(BOARD).text, move="beta:1").text
    press(olga, page, "publish", reason="first")
    with_draft(olga)
    start(olga)

    fields = {"version": "2", "restore": "1", "reason": "back"}
    olga.post(BOARD + "restore", fields, token_from=BOARD)

    assert office.version() == 2
    assert "End it first" in " ".join(messages(olga.get(BOARD).text))


def test_a_second_trial_is_refused_by_name(running):
    with_draft(running)
    text = text_of(running.get(PAGE).text)
    assert "Running now" in text

    answer = start(running)

    assert answer.status_code == 409


def test_before_the_first_order_the_page_is_not_empty(running):
    text = text_of(running.get(PAGE + "1/").text)

    assert "No verdict yet" in text
    assert "No order has settled in one of the arms yet" in text
    assert "Needs 100 settled orders in each arm" in text
    assert "Gamma" in text


def test_the_verdict_the_interval_and_the_open_orders_are_shown(office, running):
    orders(office, "control", "expired", 120)
    for arm in ("control", "candidate"):
        orders(office, arm, "pending", 3)
        orders(office, arm, "failed", 2)
    look(office, 1, (480, 120), (150, 0))

    text = text_of(running.get(PAGE + "1/").text)

    assert "Candidate better" in text
    assert "More orders are paid by the candidate than by the control: clear since" in text
    assert "5, of them 2 failed so far" in text
    assert re.search(r"at its highest [\d,]+ to 1 on 2026-11-22", text)
    assert "Always-valid p" in text


def test_arms_that_are_no_fair_draw_get_a_warning_and_no_verdict(office, running):
    orders(office, "control", "expired", 900)
    orders(office, "candidate", "expired", 60)

    text = text_of(running.get(PAGE + "1/").text)

    assert "No verdict: the arms are uneven" in text
    assert "leaves some orders without any provider" in text


def test_how_long_it_may_take_is_guessed_from_what_has_settled(office, running):
    orders(office, "control", "expired", 120)

    text = text_of(running.get(PAGE + "1/").text)

    assert "A rough guess" in text
    assert "Settled orders" in text


def test_the_chart_is_one_that_plotly_can_draw(office, running):
    look(office, 1, (80, 20), (18, 2))
    look(office, 2, (8000, 2000), (2000, 10))

    figure = running.get(PAGE + "1/figures").json

    go.Figure(figure)
    assert len(figure["data"][0]["x"]) == 3
    assert figure["data"][0]["customdata"][1] == "more than 1,000,000 to 1"
    table = text_of(running.get(PAGE + "1/").text)
    assert "Evidence over time" in table


def test_keeping_the_control_ends_it_and_adopting_publishes(office, running):
    assert end(running, "keep").status_code == 303
    assert office.version() == 1
    assert "The control stays in force" in " ".join(messages(running.get(PAGE).text))
    assert "No verdict yet" not in text_of(running.get(PAGE + "1/").text)

    with_draft(running)
    start(running, name="Once more")
    end(running, "adopt", number=2)

    assert office.version() == 2
    assert office.order()[0][0] == "gamma"
    text = text_of(running.get(PAGE).text)
    assert "2. Once more" in text
    assert "candidate adopted as version 2" in text
    assert "control kept" in text


def test_an_ended_trial_cannot_be_ended_again(office, running):
    end(running, "keep")

    answer = end(running, "adopt")

    assert answer.status_code == 409
    assert "ended already" in answer.text
    assert office.version() == 1


def test_viewers_may_look_and_nobody_else_may_change(office, running):
    finn = office.logged_in("finn")

    assert "End it" not in text_of(finn.get(PAGE + "1/").text)
    assert start(finn).status_code == 403
    assert end(finn, "keep").status_code == 403
    assert finn.get(PAGE + "1/figures").status_code == 200
    assert office.services.registry.configuration().trial is not None


@pytest.mark.parametrize("address", ["7/", "7/figures", "99999999999999/"])
def test_a_trial_that_is_not_there_is_not_found(olga, address):
    assert olga.get(PAGE + address).status_code == 404


def test_an_end_without_a_decision_is_no_end(office, running):
    assert end(running, "").status_code == 400
    assert office.services.registry.configuration().trial is not None


def test_adaptive_drafts_are_not_tried(office, olga):
    with_draft(olga)
    form = {
        "mode": "on",
        "floor": "3",
        "max_shift_per_h": "25",
        "min_sample": "100",
        "half_life_h": "12",
    }
    olga.post(BOARD + "adaptive/save", form, token_from=BOARD)

    assert "Adaptive shares are worked out" in text_of(olga.get(PAGE).text)


def test_both_ends_stand_in_the_journal_in_words(office, running):
    end(running, "adopt")
    ada = office.logged_in("ada")

    text = text_of(ada.get("/admin/journal/").text)

    assert "started the trial “Gamma first” on 20 % of the orders" in text
    assert "ended the trial “Gamma first” and adopted the candidate as version 2" in text
    with office.database.read() as connection:
        subjects = {row.subject for row in connection.execute(JournalRow.__table__.select())}
    assert "policy_trial:1" in subjects
