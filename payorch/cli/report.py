"""`payorch report`: the dashboard's numbers in the terminal, as CSV or as JSON.

Everything comes from PaymentMetricsService, like on the dashboard, so that the two never differ.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import click

from payorch.application.metrics_window import MAX_WINDOW, MINUTE, MetricsWindow
from payorch.application.provider_figures import (
    ComparedRate,
    DashboardFigures,
    LatencyFigures,
    MetricsQuery,
    Rate,
    RecoveredOrders,
)
from payorch.application.services import Services
from payorch.cli.environment import read_settings
from payorch.cli.verify import age_of
from payorch.cli.wired_application import wired_application
from payorch.domain.attempt_stats import RateEstimate
from payorch.presentation.backoffice.dashboard.chart_layout import ProviderLook
from payorch.presentation.backoffice.dashboard.chart_tables import TABLE_NAMES, chart_table
from payorch.presentation.backoffice.dashboard.dashboard_tiles import tiles_of
from payorch.presentation.backoffice.dashboard.metric_texts import NBSP
from payorch.presentation.backoffice.dashboard.table_cells import (
    Amount,
    Share,
    Table,
    Value,
    cell_text,
    csv_text,
)

IN_TEXT = ("providers", "money")
"""Tables of the text form; the others have a row for each provider and stretch of time."""


@click.command()
@click.option(
    "--last",
    "length",
    default="7d",
    show_default=True,
    callback=age_of,
    help="How far back from now: 90m, 48h, 7d.",
)
@click.option("--provider", "providers", multiple=True, help="A provider's code; may be repeated.")
@click.option("--currency", help="ISO code: EUR")
@click.option("--compare/--no-compare", default=True, help="With the same time before.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "json"]),
    default="text",
    show_default=True,
)
@click.option(
    "--table",
    type=click.Choice(TABLE_NAMES),
    default="providers",
    show_default=True,
    help="The one table of --format csv.",
)
def report(
    *,
    length: timedelta | None,
    providers: tuple[str, ...],
    currency: str | None,
    compare: bool,
    form: str,
    table: str,
) -> None:
    """Print the dashboard's numbers, each rate with its 95 % interval and its n."""
    if length is None or not MINUTE <= length <= MAX_WINDOW / 2:
        raise click.UsageError(f"--last lies between 1m and {MAX_WINDOW.days // 2}d.")
    with wired_application(read_settings()) as wired:
        services = wired.services
        look = _look(services)
        if unknown := sorted(set(providers) - set(look.names)):
            known = ", ".join(sorted(look.names)) or "none"
            raise click.UsageError(f"No such provider: {', '.join(unknown)}. There are: {known}.")
        query = MetricsQuery(
            window=MetricsWindow.until(services.clock.now(), length),
            providers=frozenset(providers),
            currency=None if currency is None else currency.upper(),
            compare=compare,
        )
        figures = services.metrics.dashboard(query)
    match form:
        case "csv":
            click.echo(csv_text(_table(table, figures, look)), nl=False)
        case "json":
            click.echo(_as_json(figures, look))
        case _:
            click.echo("\n".join(_lines(figures, look)).replace(NBSP, " "))


def _look(services: Services) -> ProviderLook:
    methods = services.registry.configuration().methods
    return ProviderLook({method.code: method.display_name for method in methods})


def _table(name: str, figures: DashboardFigures, look: ProviderLook) -> Table:
    table = chart_table(name, figures, look)
    if table is None:
        raise click.UsageError(f"There is no table {name}.")
    return table


def _lines(figures: DashboardFigures, look: ProviderLook) -> Iterator[str]:
    window = figures.query.window
    yield f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
    yield ""
    tiles = tiles_of(figures.tiles)
    width = max(len(tile.title) for tile in tiles)
    for tile in tiles:
        yield f"{tile.title:<{width}}  {tile.value}  ({tile.basis})"
        if tile.change is not None:
            yield f"{'':<{width}}  {tile.change}"
    for name in IN_TEXT:
        table = _table(name, figures, look)
        yield ""
        yield table.title
        yield from _aligned(table)


def _aligned(table: Table) -> Iterator[str]:
    if not table.rows:
        yield "  nothing in this time"
        return
    rows = [table.columns, *([cell_text(value) for value in row] for row in table.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(table.columns))]
    for row in rows:
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  " + "  ".join(cells)


def _as_json(figures: DashboardFigures, look: ProviderLook) -> str:
    window, tiles = figures.query.window, figures.tiles
    return json.dumps(
        {
            "from": window.start.isoformat(),
            "to": window.end.isoformat(),
            "providers": sorted(figures.query.providers),
            "currency": figures.query.currency,
            "order_conversion": _compared_json(tiles.order_conversion),
            "first_attempt_approval": _compared_json(tiles.first_approval),
            "technical_failure_rate": _compared_json(tiles.technical_failure),
            "latency": _latency_json(tiles.latency),
            "latency_before": _latency_json(tiles.latency_before),
            "recovered": _recovered_json(tiles.recovered),
            "recovered_before": _recovered_json(tiles.recovered_before),
            "unknown_now": {
                "attempts": tiles.unknown.attempts,
                "oldest_age_s": None
                if tiles.unknown.oldest_age is None
                else tiles.unknown.oldest_age.total_seconds(),
            },
            "tables": {name: _table_json(_table(name, figures, look)) for name in TABLE_NAMES},
        },
        indent=2,
    )


def _compared_json(compared: ComparedRate) -> dict[str, object]:
    change = compared.change
    return {
        "now": _rate_json(compared.now),
        "before": None if compared.before is None else _rate_json(compared.before),
        "change": None
        if change is None
        else {"low": change.low, "high": change.high, "is_clear": compared.is_clear},
    }


def _rate_json(rate: Rate) -> dict[str, float | int | None]:
    """`rate` is null where there are too few: below the minimum sample."""
    if isinstance(rate, RateEstimate):
        interval = rate.interval
        return {"rate": rate.rate, "low": interval.low, "high": interval.high, "n": rate.n}
    return {"rate": None, "low": None, "high": None, "n": rate.n}


def _latency_json(latency: LatencyFigures | None) -> dict[str, float | int | None] | None:
    if latency is None:
        return None
    return {
        "p50_ms": latency.p50_ms,
        "p95_ms": latency.p95_ms,
        "p99_ms": latency.p99_ms,
        "n": latency.n,
    }


def _recovered_json(recovered: RecoveredOrders | None) -> dict[str, object] | None:
    if recovered is None:
        return None
    return {"orders": recovered.orders, "revenue_minor": dict(recovered.revenue_minor)}


def _table_json(table: Table) -> list[Mapping[str, object]]:
    return [_row_json(table.columns, row) for row in table.rows]


def _row_json(columns: Sequence[str], row: Sequence[Value]) -> Mapping[str, object]:
    return {column: _value_json(value) for column, value in zip(columns, row, strict=True)}


def _value_json(value: Value) -> object:
    match value:
        case Share(share):
            return share
        case Amount(amount_minor, currency):
            return {"amount_minor": amount_minor, "currency": currency}
        case datetime():
            return value.isoformat()
        case _:
            return value
