"""The dashboard of the back office: one page, its figures as JSON, its tables as HTML and CSV."""

from typing import ClassVar

import orjson
import structlog
from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.provider_figures import DashboardFigures
from payorch.domain.segment import Segment
from payorch.presentation.backoffice.dashboard.chart_layout import Chart, ProviderLook
from payorch.presentation.backoffice.dashboard.chart_marks import (
    Mark,
    alert_marks,
    incident_marks,
    policy_marks,
)
from payorch.presentation.backoffice.dashboard.chart_tables import chart_table
from payorch.presentation.backoffice.dashboard.charts import all_charts
from payorch.presentation.backoffice.dashboard.dashboard_filters import (
    CUSTOM,
    NO_COMPARISON,
    PRESET_NAMES,
    DashboardFilters,
    read_filters,
    segment_code,
    url_time,
)
from payorch.presentation.backoffice.dashboard.dashboard_tiles import tiles_of
from payorch.presentation.backoffice.dashboard.table_cells import cell_text, csv_text
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.rule_words import KIND_LABELS
from payorch.presentation.backoffice.segment_texts import (
    DIMENSION_TITLES,
    LIST_FILTERS,
    segment_choices,
    segment_name,
)
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services

POLICIES_MARKED = 100
"""Most recent policy versions that may be marked on a chart; older ones are beyond any window."""

_log = structlog.get_logger("payorch.backoffice")


class DashboardView(BackofficeView):
    """Everything it shows is computed by PaymentMetricsService; here it only becomes visible."""

    required_permission: ClassVar[Permission | None] = Permission.READ_METRICS

    @expose("/")
    def index(self) -> ResponseReturnValue:
        filters, figures, look = _asked_for()
        return self.render(
            "backoffice/dashboard.html",
            filters=filters,
            charts=_charts(figures, look),
            provider_choices=sorted(look.names.items(), key=lambda item: item[1]),
            currencies=_currency_choices(figures),
            segments=_segment_choices(figures),
            segment=_shown_segment(filters.query.segment),
            methods=_method_choices(),
            presets=PRESET_NAMES,
            custom=CUSTOM,
            no_comparison=NO_COMPARISON,
            url_time=url_time,
            **_changing_parts(figures, look),
        )

    @expose("/figures.json")
    def figures(self) -> ResponseReturnValue:
        """All charts as plotly figures, and the parts of the page that move with them."""
        _, figures, look = _asked_for()
        body = orjson.dumps(
            {
                "charts": {chart.name: _drawing(chart) for chart in _charts(figures, look)},
                "parts": render_template(
                    "backoffice/dashboard_refresh.html", **_changing_parts(figures, look)
                ),
            }
        )
        response = Response(body, mimetype="application/json")
        # Kept by this browser only, and asked again each time: a quiet shop answers 304.
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        return response.make_conditional(request)

    @expose("/table/<chart>")
    def table(self, chart: str) -> ResponseReturnValue:
        filters, figures, look = _asked_for()
        table = chart_table(chart, figures, look)
        if table is None:
            abort(404)
        return self.render(
            "backoffice/dashboard_table.html", filters=filters, table=table, cell_text=cell_text
        )

    @expose("/<chart>.csv")
    def export(self, chart: str) -> ResponseReturnValue:
        filters, figures, look = _asked_for()
        table = chart_table(chart, figures, look)
        if table is None:
            abort(404)
        staff = current_staff()
        _log.info(
            "chart_exported",
            chart=chart,
            rows=len(table.rows),
            filters=filters.query_string,
            staff_id=getattr(staff, "id", None),
        )
        services().record_access.figures_exported(
            staff.email,
            chart=chart,
            query=filters.query_string,
            address=request.remote_addr or "",
        )
        window = figures.query.window
        file = f"payorch-{chart}-{window.start:%Y%m%dT%H%M}-{window.end:%Y%m%dT%H%M}.csv"
        return Response(
            csv_text(table),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )


def _asked_for() -> tuple[DashboardFilters, DashboardFigures, ProviderLook]:
    methods = services().registry.configuration().methods
    kinds = {method.code: method.kind for method in methods}
    filters = read_filters(request.args, now=services().clock.now(), kinds=kinds)
    look = ProviderLook({method.code: method.display_name for method in methods})
    return filters, services().metrics.dashboard(filters.query), look


def _charts(figures: DashboardFigures, look: ProviderLook) -> list[Chart]:
    window = figures.query.window
    marks = [
        *policy_marks(services().policies.history(limit=POLICIES_MARKED)),
        *incident_marks(
            services().circuit_history.circuit_incidents(window.start, window.end),
            look,
            now=services().clock.now(),
        ),
        *alert_marks(services().alerts.between(window.start, window.end), look),
    ]
    chosen = figures.query.providers
    return all_charts(figures, look, [m for m in marks if _concerns(m, chosen)])


def _concerns(mark: Mark, providers: frozenset[str]) -> bool:
    """What happened to a provider that is filtered out explains nothing that is shown."""
    return not providers or not mark.provider_code or mark.provider_code in providers


def _changing_parts(figures: DashboardFigures, look: ProviderLook) -> dict[str, object]:
    """What dashboard_parts.html prints: tiles, the table of providers, the amounts, freshness."""
    return {
        "tiles": tiles_of(figures.tiles),
        "provider_table": chart_table("providers", figures, look),
        "money_table": chart_table("money", figures, look),
        "cell_text": cell_text,
        "freshness": figures.freshness,
    }


def _method_choices() -> list[tuple[str, str]]:
    kinds = {method.kind for method in services().registry.configuration().methods}
    return [(kind.value, label) for kind, label in KIND_LABELS.items() if kind in kinds]


def _drawing(chart: Chart) -> dict[str, object]:
    return {
        "figure": chart.figure,
        "n": chart.n,
        "drawn": chart.is_drawn,
        "why": chart.why_empty,
    }


def _segment_choices(figures: DashboardFigures) -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, [(code, name)]) of each dimension: what had attempts, and what is chosen."""
    found = {one.segment for one in figures.segments}
    if figures.query.segment is not None:
        found.add(figures.query.segment)
    return [
        (
            title,
            [
                (segment_code(segment), segment_name(segment))
                for value, _ in segment_choices(dimension)
                for segment in [Segment(dimension, value)]
                if segment in found
            ],
        )
        for dimension, title in DIMENSION_TITLES.items()
    ]


def _shown_segment(segment: Segment | None) -> dict[str, object] | None:
    """Its name, its code in the URL, and the filter of the list that it is."""
    if segment is None:
        return None
    return {
        "name": segment_name(segment),
        "code": segment_code(segment),
        "filter": {LIST_FILTERS[segment.dimension]: segment.value},
    }


def _currency_choices(figures: DashboardFigures) -> list[str]:
    """What can be filtered by: currencies the methods take, and those in the window."""
    methods = services().registry.configuration().methods
    found = {currency for method in methods for currency in method.currencies}
    for provider in figures.providers:
        found.update(provider.approved_minor)
    if figures.query.currency:
        found.add(figures.query.currency)
    return sorted(found)
