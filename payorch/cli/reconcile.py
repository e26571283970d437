"""`payorch reconcile`: settles payments whose outcome is not known, by asking their providers."""

import click
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.reconcile import ReconcileReport, ReconcileUseCase
from payorch.cli.environment import read_settings
from payorch.cli.stop_signal import stop_on_signals
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import LedgerUnavailable


@click.command()
@click.option(
    "--limit",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Most transactions to check in one pass.",
)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.1),
    help="Go on, with a pass every so many seconds, until told to stop.",
)
def reconcile(limit: int, every_s: float | None) -> None:
    """Check the open transactions that are due and settle those that can be proved."""
    with wired_application(read_settings()) as wired:
        if every_s is None:
            click.echo(_sentence(wired.reconcile.execute(limit)))
        else:
            _repeat(wired.reconcile, limit, every_s)


def _repeat(use_case: ReconcileUseCase, limit: int, every_s: float) -> None:
    stop = stop_on_signals()
    click.echo(f"Checking every {every_s:g} s until told to stop.")
    while not stop.is_set():
        try:
            report = use_case.execute(limit)
        except (LedgerUnavailable, SQLAlchemyError) as error:
            # The database may come back; every pass starts from what it holds then.
            click.echo(f"The database is not available: {type(error).__name__}", err=True)
        else:
            if report.checked:
                click.echo(_sentence(report))
        stop.wait(every_s)


def _sentence(report: ReconcileReport) -> str:
    sentence = (
        f"checked {report.checked}, settled {report.settled}, "
        f"still open {report.still_open}, for review {report.review}"
    )
    return f"{sentence}, broken {report.broken}" if report.broken else sentence
