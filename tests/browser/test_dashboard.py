from datetime import timedelta

import pytest
from playwright.sync_api import expect

from payorch.domain.payment_status import TransactionStatus as Status
from payorch.factory import wired
from tests.browser.live_server import serving
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.presentation.backoffice.office import PASSWORD, Office

pytestmark = pytest.mark.browser

PATH = "/admin/dashboard/"
X_RANGE = "name => document.querySelector(`[data-plot=${name}]`)._fullLayout.xaxis.range.join(' ')"
MIDDLE_OF_A_MARK = """
    ([name, provider]) => {
      const place = document.querySelector(`[data-plot=${name}]`);
      const curve = place._fullData.findLastIndex((trace) => trace.meta?.provider === provider);
      const { x: xs, y: ys } = place._fullData[curve];
      const at = ys.findLastIndex((y) => y > 0);
      const { s0 = ys[at], s1 = ys[at] } = place.calcdata[curve][at];
      const box = place.getBoundingClientRect();
      const [across, up] = [place._fullLayout.xaxis, place._fullLayout.yaxis];
      return [
        box.left + across._offset + across.d2p(xs[at]),
        box.top + up._offset + up.c2p((s0 + s1) / 2),
      ];
    }
"""
TIMES_DRAWN = "Number(document.querySelector('[data-charts]').dataset.drawn ?? 0)"


@pytest.fixture(scope="module")
def office(sqlite_files):
    office = Office(sqlite_files.new_database_url())
    history = MetricsHistory(office.database, FrozenClock(office.services.clock.now()))
    with history.together():
        for number in range(120):
            at = history.clock.now() - timedelta(seconds=5 * number)
            status = Status.DECLINED if number % 2 == 0 else Status.APPROVED
            codes = ["alpha", "beta"]
            order_id, _ = history.attempt(
                at=at, status=status, latency_ms=150 + number, candidates=codes
            )
            if status is Status.DECLINED:
                history.attempt(
                    at=at, provider="beta", number=2, order_id=order_id, candidates=codes
                )
    wired(office.app).rollup.run_once()
    yield office
    office.close()


@pytest.fixture(scope="module")
def site(office):
    with serving(office.app) as address:
        yield address


@pytest.fixture
def page(browser_page, office, site):
    browser_page.goto(f"{site}/admin/login")
    browser_page.locator("input[name=email]").fill(office.hire("olga"))
    browser_page.locator("input[name=password]").fill(PASSWORD)
    browser_page.locator("form:has(input[name=password]) [type=submit]").click()
    browser_page.wait_for_url("**/admin/**")
    return browser_page


def open_dashboard(page, site, query=""):
    page.goto(f"{site}{PATH}{query}")
    page.locator("[data-charts][data-drawn]").wait_for()


def refresh(page):
    """Pause and go on: the second press fetches at once."""
    before = page.evaluate(TIMES_DRAWN)
    page.locator("[data-live-button]").click()
    page.locator("[data-live-button]").click()
    page.locator(f"[data-charts][data-drawn='{before + 1}']").wait_for()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_within_the_policy_and_the_width(page, site, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)

    open_dashboard(page, site)

    assert page.locator(".js-plotly-plot .plot-container").count() == 11
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_changing_to_dark_recolors_the_charts_without_a_request(page, site):
    open_dashboard(page, site)
    color = "document.querySelector('[data-plot=volume]')._fullData[0].marker.color"
    before = page.evaluate(color)

    page.emulate_media(color_scheme="dark")
    page.locator("[data-charts][data-drawn='2']").wait_for()

    assert page.evaluate(color) != before


def test_charts_keep_their_height_when_the_window_changes(page, site):
    page.set_viewport_size({"width": 1280, "height": 800})
    open_dashboard(page, site)
    drawing = page.locator("[data-plot=volume] .main-svg").first
    width, height = (drawing.get_attribute(name) for name in ("width", "height"))

    for now in (700, 900, 360):
        page.set_viewport_size({"width": now, "height": 800})
        expect(drawing).not_to_have_attribute("width", width)
        expect(drawing).to_have_attribute("height", height)
        width = drawing.get_attribute("width")


def test_a_refresh_keeps_the_zoom(page, site):
    open_dashboard(page, site)
    whole = page.evaluate(X_RANGE, "volume")
    plot = page.locator("[data-plot=volume] .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    zoomed = page.evaluate(X_RANGE, "volume")

    refresh(page)

    assert zoomed != whole
    assert page.evaluate(X_RANGE, "volume") == zoomed


def test_a_bar_leads_to_its_transactions(page, site):
    open_dashboard(page, site)
    plot = page.locator("[data-plot=outcomes] .bars .point").first
    plot.scroll_into_view_if_needed()

    box = plot.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.click(box["x"] + 10, box["y"] + 10)
    page.wait_for_url("**/admin/transactions/**")

    assert "provider=alpha" in page.url
    assert "counted=approved" in page.url
    page.get_by_text("60 found").wait_for()


@pytest.mark.parametrize(
    ("mark", "filters"),
    [
        ("#flow .sankey-link >> nth=0", ("provider=alpha", "place=1", "counted=charged")),
        ("#heat .bars .point >> nth=0", ("provider=alpha", "attempt=first", "counted=finished")),
    ],
)
def test_a_part_of_the_flow_or_the_heat_map_leads_to_its_transactions(page, site, mark, filters):
    open_dashboard(page, site)
    part = page.locator(mark)
    part.scroll_into_view_if_needed()

    box = part.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 1, y - 1)
    page.mouse.click(x, y)
    page.wait_for_url("**/admin/transactions/**")

    assert all(part in page.url for part in filters)


@pytest.mark.parametrize("provider", ["alpha", "beta"])
@pytest.mark.parametrize("chart", ["latency", "volume"])
def test_a_click_on_a_chart_over_time_is_about_the_mark_under_the_pointer(
    page, site, chart, provider
):
    open_dashboard(page, site)
    page.locator(f"[data-plot={chart}]").scroll_into_view_if_needed()
    x, y = page.evaluate(MIDDLE_OF_A_MARK, [chart, provider])

    page.mouse.move(x - 2, y)
    page.mouse.click(x, y)
    page.wait_for_url("**/admin/transactions/**")

    assert f"provider={provider}" in page.url


def test_each_chart_opens_a_table_of_its_numbers(page, site):
    open_dashboard(page, site)

    page.locator("#outcomes summary").click()

    row = page.locator("#outcomes tbody tr").first
    row.wait_for()
    assert "Alpha" in row.inner_text()
    assert "120" in row.inner_text()


def test_a_failed_refresh_says_so_and_keeps_the_numbers(page, site, page_problems):
    open_dashboard(page, site)
    page.route("**/figures.json*", lambda route: route.fulfill(status=503, body="down"))

    page.locator("[data-live-button]").click()
    page.locator("[data-live-button]").click()
    notice = page.locator("[data-refresh-problem]")
    notice.wait_for()

    assert "503" in notice.inner_text()
    assert page.locator(".js-plotly-plot .plot-container").count() == 11
    page_problems.forgive("503")


def test_a_window_of_ones_own_is_chosen_in_the_bar(page, site):
    open_dashboard(page, site)
    assert page.get_by_label("From (UTC)").is_hidden()

    page.get_by_label("Window", exact=True).select_option("custom")
    page.get_by_label("From (UTC)").fill("2026-01-01T00:00")
    page.get_by_label("To (UTC)").fill("2026-01-02T00:00")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**window=custom**")

    page.locator("[data-charts][data-drawn]").wait_for()
    assert page.locator("[data-empty=approval]").is_visible()
    assert page.locator("[data-live-button]").is_hidden()
