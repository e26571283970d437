"""`payorch metrics`: the rollup behind charts and tiles."""

import click

from payorch.application.metrics_rollup import RollupReport
from payorch.cli.environment import read_settings
from payorch.cli.numbered import numbered
from payorch.cli.wired_application import wired_application


@click.group("metrics")
def metrics_group() -> None:
    """Bring the rollup up to date, rebuild it, or check it against the transactions."""


@metrics_group.command()
def rollup() -> None:
    """Recount what changed since the last run (the web process does it by itself)."""
    with wired_application(read_settings()) as wired:
        _show(wired.rollup.run_once())


@metrics_group.command()
def rebuild() -> None:
    """Recount everything from the transactions."""
    with wired_application(read_settings()) as wired:
        _show(wired.rollup.rebuild())


@metrics_group.command()
def verify() -> None:
    """Exit with 1 when the rollup is not what a recount gives."""
    with wired_application(read_settings()) as wired:
        differing = wired.rollup.verify().differing
    if differing:
        raise click.ClickException(
            f"{numbered(len(differing), 'minute')} not like a recount, the first is "
            f"{min(differing):%Y-%m-%d %H:%M} UTC. "
            "Run: payorch metrics rebuild"
        )
    click.echo("The rollup equals a recount.")


def _show(report: RollupReport) -> None:
    if not report.is_complete:
        raise click.ClickException("Another process is at the rollup; try again.")
    click.echo(f"Recounted {numbered(report.minutes, 'minute')}.")
