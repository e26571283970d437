"""The routing board in Chromium: mouse, keyboard, buttons, numbers, and a stale page."""

import pytest

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.domain.routing_policy import PolicyEntry
from tests.browser.live_server import serving
from tests.browser.navigation import follow
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.office import PASSWORD, Office
from tests.shop import a_method

pytestmark = pytest.mark.browser

CODES = ["alpha", "beta", "gamma", "delta"]


@pytest.fixture
def office(sqlite_files):
    office = Office(sqlite_files.new_database_url(), methods=[a_method(code) for code in CODES])
    yield office
    office.close()


@pytest.fixture
def board(office, browser_page):
    """The board as Olga sees it right after her login."""
    with serving(office.app, visitor=browser_page) as address:
        log_in(browser_page, office, address)
        # The handles are hidden until the board's script has set them up.
        browser_page.wait_for_selector("[data-handle]:visible")
        yield browser_page


def log_in(page, office, address):
    page.goto(f"{address}/admin/routing/")
    page.fill("#email", office.hire("olga"))
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("[data-board-row]")


def shown(page):
    return page.eval_on_selector_all(
        "[data-board-row]", "rows => rows.map(row => row.dataset.boardRow)"
    )


def pending(page, count):
    """Waits until the server's answer shows `count` changes."""
    page.wait_for_selector(f'[data-pending="{count}"]')


def says(page):
    return page.text_content("[data-board-says]")


def focused(page):
    return page.evaluate("document.activeElement.id")


def publish(page, reason="Because"):
    page.fill("#reason", reason)
    page.click("#publish")
    page.wait_for_selector(".notice-success")


def in_force(office):
    return [code for code, *_ in office.order()]


def hover_until(board, target, order):
    """Wiggles near the target's upper edge, as a hand does, until the rows lie in `order`.

    Rows that still slide to their new place take no part in dragging.
    """
    for nudge in range(200):
        board.mouse.move(target["x"] + 30 + nudge % 2, target["y"] + 6)
        if shown(board) == order:
            return
    pytest.fail(f"the rows stay in the order {shown(board)}")


def test_a_row_dragged_by_its_handle_moves_and_is_published(office, board):
    board.set_viewport_size({"width": 1280, "height": 1200})
    handle = board.locator("#handle-delta").bounding_box()
    target = board.locator('[data-board-row="beta"]').bounding_box()

    board.mouse.move(handle["x"] + 10, handle["y"] + 10)
    board.mouse.down()
    board.mouse.move(target["x"] + 30, target["y"] + target["height"] / 2, steps=12)
    hover_until(board, target, ["alpha", "delta", "beta", "gamma"])
    board.mouse.up()

    pending(board, 3)
    assert shown(board) == ["alpha", "delta", "beta", "gamma"]
    assert in_force(office) == CODES
    publish(board, "Delta is cheaper")
    assert in_force(office) == ["alpha", "delta", "beta", "gamma"]


def test_the_keyboard_picks_up_moves_and_drops(office, board):
    board.focus("#handle-gamma")
    board.keyboard.press("Space")
    assert says(board) == "Gamma picked up. Position 3 of 4."
    board.keyboard.press("ArrowUp")
    board.keyboard.press("ArrowUp")
    assert says(board) == "Position 1 of 4."
    assert shown(board) == ["gamma", "alpha", "beta", "delta"]
    board.keyboard.press("Space")

    pending(board, 3)
    assert focused(board) == "handle-gamma"
    assert says(board) == "Gamma: Position 1 of 4. 3 changes not published yet."
    publish(board)
    assert in_force(office) == ["gamma", "alpha", "beta", "delta"]


def test_escape_puts_a_picked_up_row_back(board):
    board.focus("#handle-alpha")
    board.keyboard.press("Enter")
    board.keyboard.press("ArrowDown")
    board.keyboard.press("ArrowDown")
    assert shown(board) == ["beta", "gamma", "alpha", "delta"]
    board.keyboard.press("Escape")

    assert shown(board) == CODES
    assert focused(board) == "handle-alpha"
    assert says(board) == "Alpha is back where it was."


def test_leaving_a_picked_up_row_puts_it_back(board):
    board.focus("#handle-alpha")
    board.keyboard.press("Space")
    board.keyboard.press("ArrowDown")
    board.keyboard.press("Tab")

    assert shown(board) == CODES


def test_buttons_keep_the_focus_where_the_work_is(board):
    board.click("#up-gamma")
    pending(board, 2)
    assert focused(board) == "up-gamma"
    board.click("#up-gamma")
    pending(board, 3)

    assert shown(board) == ["gamma", "alpha", "beta", "delta"]
    assert focused(board) == "down-gamma"
    assert says(board).startswith("Gamma: Position 1 of 4.")


def test_a_typed_number_sorts_the_board(office, board):
    board.fill("#tier-beta", "1")
    board.press("#tier-beta", "Tab")
    pending(board, 3)
    assert "50% of tier 1" in board.text_content('[data-board-row="beta"]')
    board.fill("#weight-beta", "3")
    board.press("#weight-beta", "Tab")
    board.wait_for_selector("text=75% of tier 1")

    publish(board)

    assert office.order() == [("alpha", 1, 1), ("beta", 1, 3), ("gamma", 2, 1), ("delta", 3, 1)]


def test_a_stale_page_shows_both_orders_and_keeps_the_own_one(office, board, page_problems):
    board.click("#up-gamma")
    pending(board, 2)
    office.services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=tuple(PolicyEntry(code, tier) for tier, code in enumerate(reversed(CODES), 1)),
            based_on_version=1,
            actor="ana@example.org",
            reason="Ana was faster",
        )
    )
    board.fill("#reason", "Gamma is cheaper")
    with board.expect_response("**/publish") as answer:
        board.click("#publish")

    assert answer.value.status == 409
    assert "Ana was faster" in board.text_content("#published-meanwhile")
    assert shown(board) == ["alpha", "gamma", "beta", "delta"]
    assert in_force(office) == ["delta", "gamma", "beta", "alpha"]
    page_problems.forgive("409")
    board.click("#publish")
    board.wait_for_selector(".notice-success")
    assert in_force(office) == ["alpha", "gamma", "beta", "delta"]


def test_when_the_session_ended_the_login_page_appears(board, page_problems):
    board.context.clear_cookies()
    board.click("#up-gamma")
    board.wait_for_url("**/admin/routing/draft")

    page_problems.forgive("400")


def test_a_provider_is_switched_off_with_a_reason(office, board):
    row = board.locator('[data-board-row="alpha"]')
    row.locator("summary").click()
    row.locator('input[name="reason"]').fill("Outage")
    row.get_by_role("button", name="Disable Alpha").click()

    board.wait_for_selector(".notice-success")
    assert not office.services.registry.method("alpha").is_enabled


def test_no_page_is_wider_than_a_small_phone(board):
    board.set_viewport_size({"width": 360, "height": 740})
    address = board.url.removesuffix("/routing/")

    board.click("#up-gamma")
    pending(board, 2)
    pages = ["/providers/", "/providers/alpha", "/routing/"]
    widths = [board.evaluate("document.documentElement.scrollWidth")]
    for path in pages:
        board.goto(address + path)
        widths.append(board.evaluate("document.documentElement.scrollWidth"))

    assert widths == [360] * 4


def test_everything_can_be_published_without_scripts(office, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with serving(office.app) as address:
        log_in(page, office, address)
        assert page.locator("#handle-beta").is_hidden()
        page.click("#up-gamma")
        page.click("#up-gamma")
        page.fill("#tier-delta", "1")
        page.press("#tier-delta", "Enter")
        assert page.locator(".pending .changes").is_visible()
        page.fill("#reason", "By hand")
        follow(page, "#publish")
        assert "Version 2 is in force" in page.text_content("main")
    context.close()

    assert office.order() == [("gamma", 1, 1), ("delta", 1, 1), ("alpha", 2, 1), ("beta", 3, 1)]


def test_a_replay_follows_the_draft(office, board):
    history_of_the_last_hours(office)
    board.click("#replay")
    board.wait_for_selector(".replay-result")
    assert "unchanged" in board.inner_text(".replay-figures >> nth=0")

    board.click("#down-alpha")
    pending(board, 2)
    board.wait_for_selector(".replay-result:has-text('Beta 0.0')")

    assert "First-attempt approval" in board.inner_text(".replay-figures >> nth=0")
    assert board.is_hidden("[data-replay-progress]")


def history_of_the_last_hours(office):
    """Alpha declined every fourth order; beta approved these."""
    history = MetricsHistory(office.database, FrozenClock(office.services.clock.now()))
    history.orders_with_fallback(200, declined_every=4, candidates=CODES)
