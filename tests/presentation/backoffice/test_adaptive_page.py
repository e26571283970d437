"""Adaptive routing in the back office: the form writes a draft, the table shows the shares."""

import pytest

from payorch.application.adapt_routing import Arm, SegmentShares
from payorch.application.configuration import Segment
from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveMode
from payorch.domain.payment_method import MethodKind
from tests.presentation.backoffice.office import NOW
from tests.presentation.backoffice.test_routing_board import BOARD, messages, press
from tests.presentation.backoffice.test_routing_pages import draft_of, policy, text_of

PAGE = BOARD + "adaptive/"
FORM = {
    "mode": "shadow",
    "floor": "2.5",
    "max_shift_per_h": "10",
    "min_sample": "300",
    "half_life_h": "24",
}


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def save(person, **changed):
    return person.post(PAGE + "save", FORM | changed, token_from=BOARD)


def test_it_is_off_at_first_and_the_page_says_how_to_begin(olga):
    text = text_of(olga.get(PAGE).text)

    assert "adaptive routing is off" in text
    assert "Publish it as a shadow first" in text


def test_guard_rails_go_into_the_draft_and_are_published_on_the_board(office, olga):
    assert save(olga).location == PAGE
    assert policy(office).adaptive == ADAPTIVE_OFF
    assert draft_of(office).policy.adaptive.floor == 0.025

    board = olga.get(BOARD).text
    press(olga, board, "publish", reason="see what it would do")

    adaptive = policy(office).adaptive
    assert (adaptive.mode, adaptive.min_sample) == (AdaptiveMode.SHADOW, 300)
    assert "Adaptive routing: off → shadow" in text_of(olga.get(BOARD + "history/").text)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("mode", "always"),
        ("floor", "0"),
        ("floor", "25"),
        ("max_shift_per_h", "nan"),
        ("min_sample", "7"),
        ("half_life_h", "1.5"),
    ],
)
def test_what_is_out_of_range_is_told_at_its_field_and_nothing_is_lost(office, olga, field, typed):
    answer = save(olga, **{field: typed})

    assert answer.status_code == 422
    assert f'id="{field}-problem"' in answer.text
    assert field == "min_sample" or 'value="300"' in answer.text
    assert draft_of(office) is None


def test_only_who_may_change_routing_may_save(office):
    finn = office.logged_in("finn")

    assert "Keep in my draft" not in finn.get(PAGE).text
    assert save(finn).status_code == 403


def test_shares_are_shown_with_their_evidence(office, olga):
    arms = {
        "alpha": Arm(0.82, 1.0, 1200.0, 1020.0, 0.001, is_demoted=False),
        "beta": Arm(0.15, 0.0, 900.0, 855.0, 0.999, is_demoted=False),
        "gamma": Arm(0.03, 0.0, 41.0, 40.0, 0.0, is_demoted=True),
    }
    shares = SegmentShares(Segment("EUR", MethodKind.CARD), policy(office).version, arms)
    office.services.adaptive_shares.store([shares], is_in_force=False, at=NOW)

    text = text_of(olga.get(PAGE).text)

    assert "EUR, card" in text
    assert "82.0% 100.0% 85.0% n = 1,200 0.1%" in text
    assert "Gamma outage 3.0% 0.0% not enough data n = 41 of 100 needed -" in text


def test_saving_what_is_in_force_leaves_no_draft(office, olga):
    answer = save(
        olga, mode="off", floor="3", max_shift_per_h="25", min_sample="100", half_life_h="12"
    )

    assert answer.location == PAGE
    assert "in force already" in " ".join(messages(olga.get(PAGE).text))
    assert draft_of(office) is None
