import csv
import io
import re
from datetime import UTC, datetime, timedelta

import plotly.graph_objects as go
import pytest

from payorch.application.alerts import MetricAlert
from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.circuit_board import CircuitIncident, IncidentKind
from payorch.application.configuration import PublishedPolicy
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import MIN_POINT_N
from payorch.domain.circuit import Evidence
from payorch.domain.payment_status import TransactionStatus as Status
from payorch.domain.routing_policy import RoutingPolicy
from payorch.factory import wired
from payorch.presentation.backoffice.dashboard.chart_layout import ProviderLook
from payorch.presentation.backoffice.dashboard.chart_marks import (
    alert_marks,
    incident_marks,
    policy_marks,
    time_markers,
)
from payorch.presentation.backoffice.dashboard.chart_tables import TABLE_NAMES
from tests.metrics_history import FrozenClock, MetricsHistory
from tests.shop import a_method

PAGE = "/admin/dashboard/"
FIGURES = "/admin/dashboard/figures.json"


@pytest.fixture
def office(open_office):
    return open_office()


@pytest.fixture
def history(office):
    return MetricsHistory(office.database, FrozenClock(office.services.clock.now()))


@pytest.fixture
def olga(office):
    return office.logged_in("olga")


def a_busy_hour(history):
    """40 first attempts at alpha, 30 approved; 10 fallbacks at beta, all approved."""
    now = history.clock.now()
    with history.together():
        for number in range(40):
            at = now - timedelta(minutes=number % 8)
            status = Status.DECLINED if number % 4 == 0 else Status.APPROVED
            codes = ["alpha", "beta"]
            order, _ = history.attempt(
                at=at, status=status, latency_ms=100 + number, candidates=codes
            )
            if status is Status.DECLINED:
                history.attempt(
                    at=at,
                    provider="beta",
                    number=2,
                    order_id=order,
                    latency_ms=400,
                    candidates=codes,
                )


def text_of(answer):
    return answer.text.replace("\N{NO-BREAK SPACE}", " ")


def test_figures_are_what_plotly_understands(office, history, olga):
    a_busy_hour(history)
    wired(office.app).rollup.run_once()

    charts = olga.get(FIGURES).json["charts"]

    assert list(charts) == [
        "approval",
        "latency",
        "outcomes",
        "flow",
        "declines",
        "heat",
        "by-country",
        "by-card-brand",
        "by-amount",
        "volume",
        "fallback",
    ]
    for chart in charts.values():
        go.Figure(chart["figure"])
        assert chart["drawn"]


def test_tiles_say_the_rate_with_its_interval_and_n(history, olga):
    a_busy_hour(history)

    page = text_of(olga.get(PAGE))

    assert "75.0 %" in page
    assert "95 %: 59.8 to 85.8 %, n = 40" in page
    assert "100.0 %" in page


def test_too_few_attempts_are_no_rate(history, olga):
    for _ in range(MIN_POINT_N - 1):
        history.attempt()

    page = text_of(olga.get(PAGE))
    figures = olga.get(FIGURES).json["charts"]

    assert "Not enough data" in page
    assert "n = 4, at least 30 needed" in page
    assert not figures["approval"]["drawn"]
    assert figures["approval"]["n"] == 4


def test_an_empty_shop_gets_a_page_without_numbers(olga):
    page = olga.get(PAGE)

    assert page.status_code == 200
    assert page.text.count("No attempts in this window.") == 13
    assert "NaN" not in page.text


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_each_chart_has_a_table_and_a_csv_of_the_same_rows(office, history, olga, name):
    a_busy_hour(history)
    wired(office.app).rollup.run_once()

    page = olga.get(f"/admin/dashboard/table/{name}")
    rows = list(csv.reader(io.StringIO(olga.get(f"/admin/dashboard/{name}.csv").text)))

    assert page.status_code == 200
    assert len(rows) > 1
    assert page.text.count("<tr>") == len(rows)
    assert all(len(row) == len(rows[0]) for row in rows)


def test_one_segment_is_shown_by_whole_hours_and_says_what_it_leaves_out(office, history, olga):
    a_busy_hour(history)
    history.attempt(country="JP", status=Status.DECLINED)
    wired(office.app).rollup.run_once()

    page = olga.get(f"{PAGE}?window=6h&segment=country:DE")
    charts = olga.get(f"{FIGURES}?window=6h&segment=country:DE").json["charts"]

    assert "Only Germany (DE), counted by whole hours" in page.text
    assert '<option value="country:DE" selected>Germany (DE)</option>' in page.text
    assert '<option value="country:JP">Japan (JP)</option>' in page.text
    assert "30 of 40" in text_of(page) or "n = 40" in text_of(page)
    for name in ("latency", "flow", "declines", "by-country"):
        assert not charts[name]["drawn"]
        assert "clear that filter" in charts[name]["why"]
    assert charts["volume"]["n"] == 50


@pytest.mark.parametrize("segment", ["country:XX", "moon:DE", "country", "amount:huge", "<b>:DE"])
def test_a_segment_that_there_is_not_narrows_nothing(history, olga, segment):
    a_busy_hour(history)

    page = olga.get(PAGE, query_string={"window": "1h", "segment": segment})

    assert page.status_code == 200
    assert '<p class="notice">Only' not in page.text


def test_unknown_tables_are_not_found(olga):
    assert olga.get("/admin/dashboard/table/nonsense").status_code == 404
    assert olga.get("/admin/dashboard/nonsense.csv").status_code == 404


def test_csv_never_starts_a_formula(open_office, history):
    office = open_office(methods=[a_method("alpha", display_name="=HYPERLINK(1)")])
    MetricsHistory(office.database, history.clock).attempt()

    text = office.logged_in("olga").get("/admin/dashboard/volume.csv").text

    assert ",'=HYPERLINK(1)," in text


@pytest.mark.parametrize(
    "query",
    [
        "window=nonsense",
        "window=custom&from=yesterday",
        "window=custom&from=2026-01-02T00:00&to=2026-01-01T00:00",
        "window=custom&from=1026-01-02T00:00&to=2026-01-01T00:00",
        "window=custom&from=0001-01-01T00:00%2B14:00&to=0001-01-02T00:00",
        "provider=%00&currency=euros&compare=x",
        "provider=" + "x" * 500,
    ],
)
def test_a_strange_address_shows_the_default_and_says_so(olga, query):
    answer = olga.get(f"{PAGE}?{query}")

    assert answer.status_code == 200
    if "custom" in query:
        assert "last hour is shown" in answer.text


def test_filters_stay_in_the_address_of_every_link(history, olga):
    history.attempt()

    page = olga.get(f"{PAGE}?window=6h&provider=alpha&currency=EUR&compare=none").text

    asked = "window=6h&amp;provider=alpha&amp;currency=EUR&amp;compare=none"
    assert f"figures.json?{asked}" in page
    assert f"approval.csv?{asked}" in page
    assert not re.search(r"points \(95|Before:", page)


def test_unchanged_numbers_are_not_sent_again(history, office, olga):
    at = "window=custom&from=2026-01-01T00:00&to=2026-01-02T00:00"
    first = olga.get(f"{FIGURES}?{at}")

    again = olga.get(f"{FIGURES}?{at}", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert "no-store" not in first.headers["Cache-Control"]


HOUR = timedelta(hours=1)
START = datetime(2026, 11, 20, tzinfo=UTC)
DAY = MetricsWindow(START, START + 24 * HOUR)
LOOK = ProviderLook({"alpha": "Alpha <b>"})


def an_incident(begins, ends):
    return CircuitIncident(
        provider_code="alpha",
        kind=IncidentKind.FAILURES,
        began_at=START + begins * HOUR,
        ended_at=None if ends is None else START + ends * HOUR,
        ended_because=None,
        evidence=Evidence(),
        failed_probes=0,
        begun_by="web-1:7",
        reason="",
    )


def an_alert(opens, provider="alpha"):
    return MetricAlert(
        id=1,
        rule_id=1,
        rule_name="Approval drop",
        provider_code=provider,
        facts={},
        since=None,
        opened_at=START + opens * HOUR,
        last_found_at=START + opens * HOUR,
        closed_at=None,
        acknowledged=None,
    )


def test_a_circuit_that_was_open_is_a_shaded_stretch_cut_at_the_window():
    marks = incident_marks([an_incident(-2, 1), an_incident(20, None)], LOOK, now=START + 30 * HOUR)

    first, second = time_markers(DAY, marks)["shapes"]

    assert (first["type"], first["x0"], first["x1"]) == (
        "rect",
        "2026-11-20 00:00:00",
        "2026-11-20 01:00:00",
    )
    assert second["x1"] == "2026-11-21 00:00:00"


def test_what_was_over_before_the_window_is_not_marked():
    marks = incident_marks([an_incident(-3, -1)], LOOK, now=START)

    assert time_markers(DAY, marks) == {"shapes": [], "annotations": []}


def test_alerts_and_circuits_are_named_and_told_together_where_they_would_overlap():
    marks = [
        *alert_marks([an_alert(2.1), an_alert(12, provider="")], LOOK),
        *incident_marks([an_incident(2, 3)], LOOK, now=START),
    ]

    both, alone = time_markers(DAY, marks)["annotations"]

    assert both["text"] == "2 events"
    assert both["hovertext"].split("<br>") == [
        "20 Nov 02:00 UTC: circuit of Alpha &lt;b&gt;: opened by failures",
        "20 Nov 02:06 UTC: alert Approval drop at Alpha &lt;b&gt;",
    ]
    assert alone["text"] == "alert"


def marks_of(*hours, by="olga"):
    """The texts, and what pointing at them says, of policies published at these hours of a day."""
    published = [
        PublishedPolicy(
            policy=RoutingPolicy(version=version, entries=()),
            based_on_version=None,
            restores_version=None,
            published_at=START + hour * HOUR,
            published_by=by,
            reason="",
        )
        for version, hour in enumerate(hours, start=1)
    ]
    markers = time_markers(DAY, policy_marks(reversed(published)))
    assert len(markers["shapes"]) == len(hours)
    return [(note["text"], note["hovertext"]) for note in markers["annotations"]]


def test_marks_that_would_overlap_share_one_text_that_lists_them():
    (first, listed), (second, _) = marks_of(1, 1.2, 3, 12)

    assert (first, second) == ("policies 1 to 3", "policy 4")
    assert listed.split("<br>") == [
        "20 Nov 01:00 UTC: routing policy 1, published by olga",
        "20 Nov 01:12 UTC: routing policy 2, published by olga",
        "20 Nov 03:00 UTC: routing policy 3, published by olga",
    ]


def test_marks_in_a_row_are_not_all_drawn_into_one():
    assert [text for text, _ in marks_of(*range(0, 24, 2))] == [
        "policies 1 to 2",
        "policies 3 to 4",
        "policies 5 to 6",
        "policies 7 to 8",
        "policies 9 to 10",
        "policies 11 to 12",
    ]


def test_a_long_list_of_marks_is_cut():
    [(_, listed)] = marks_of(*[n / 100 for n in range(20)])

    assert listed.startswith("12 earlier ones, see the journal<br>")
    assert listed.count("<br>") == 8


def test_a_published_policy_is_marked_on_the_time_axes(office, history, olga):
    history.attempt()
    services = office.services
    policy = services.registry.configuration().policy
    services.change_policy.execute(
        ChangeRoutingPolicy(
            entries=policy.entries[::-1],
            based_on_version=policy.version,
            actor="olga <ops>",
            reason="Beta is faster.",
        )
    )

    charts = olga.get(FIGURES).json["charts"]

    notes = charts["volume"]["figure"]["layout"]["annotations"]
    assert notes[0]["text"] == f"policy {policy.version + 1}"
    assert "olga &lt;ops&gt;" in notes[0]["hovertext"]
    assert len(charts["latency"]["figure"]["layout"]["shapes"]) == len(notes)


@pytest.mark.parametrize("path", [PAGE, FIGURES, "/admin/dashboard/approval.csv"])
def test_a_visitor_is_sent_to_the_login(office, path):
    answer = office.visitor().get(path)

    assert answer.status_code == 302
    assert "/admin/login" in answer.location
