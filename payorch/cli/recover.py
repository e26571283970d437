"""`payorch recover`: after a restored backup, brings the books back to what providers have done."""

import getpass
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.recover_ledger import RecoveryReport
from payorch.cli.environment import read_settings
from payorch.cli.verify import age_of
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import LedgerUnavailable, ReasonRequired

MOST_SHOWN = 20


@click.command()
@click.option(
    "--since",
    "age",
    default="48h",
    show_default=True,
    callback=age_of,
    help="How far back to compare, such as 48h or 7d: further than the backup's age.",
)
@click.option("--yes", is_flag=True, help="Do not ask before entering SAFE mode.")
@click.option("--finish", is_flag=True, help="Leave SAFE mode when nothing is left to explain.")
@click.option("--force", "force_because", metavar="REASON", help="With --finish: leave it anyway.")
def recover(*, age: timedelta | None, yes: bool, finish: bool, force_because: str | None) -> None:
    """Compare the books with the providers, and find what a restored backup has forgotten.

    It enters SAFE mode first: no payment is taken and no refund is sent until --finish. It may
    be run again at any time. Exits with 1 while something is open or unexplained.
    """
    if age is None:
        raise click.UsageError("Say how far back: providers list payments since a moment.")
    if force_because is not None and not finish:
        raise click.UsageError("--force goes with --finish.")
    if not yes and not finish:
        click.confirm(
            "No payment will be taken until `payorch recover --finish`. Go on?", abort=True
        )
    since, actor = datetime.now(UTC) - age, f"payorch recover ({getpass.getuser()})"
    try:
        with wired_application(read_settings()) as wired:
            if finish:
                report = wired.recover.finish(since=since, actor=actor, force_because=force_because)
            else:
                report = wired.recover.execute(since=since, actor=actor)
    except ReasonRequired as error:
        raise click.ClickException(error.message) from None
    except (LedgerUnavailable, SQLAlchemyError) as error:
        raise click.ClickException(
            f"The database is not available ({type(error).__name__}). Run it again."
        ) from None
    _show(report)
    if not report.is_clean and not report.has_left_safe_mode:
        raise SystemExit(1)


def _show(report: RecoveryReport) -> None:
    click.echo(f"settled {report.settled} open transactions, {report.still_open} are still open")
    click.echo(f"compared {report.compared} closed ones, {report.contradicted} contradictions kept")
    click.echo(
        f"read {report.listed} listed payments: {report.recreated} forgotten ones taken up again, "
        f"{report.orphans} new ones without an order"
    )
    if report.foreign:
        click.echo(f"{report.foreign} of them name no order of a payorch and were left alone")
    click.echo(
        f"read {report.refunds_listed} listed refunds: {report.refunds_recreated} forgotten ones "
        f"taken up again, {report.refunds_settled} open ones settled"
    )
    for reference, why in list(report.unclear.items())[:MOST_SHOWN]:
        click.echo(f"unclear: {reference}: {why}")
    if len(report.unclear) > MOST_SHOWN:
        click.echo(f"... and {len(report.unclear) - MOST_SHOWN} more")
    for code in report.not_listed:
        click.echo(f"not listed: {code}: compare its payments on the provider's own pages")
    if report.orphans_left:
        click.echo(f"{report.orphans_left} payments without an order wait for staff")
    if report.has_left_safe_mode:
        click.echo("SAFE mode is over: payments are taken again.")
    elif report.is_clean:
        click.echo("Nothing is left open. Run: payorch recover --finish")
    else:
        click.echo("SAFE mode stays. Run it again, or: payorch recover --finish --force REASON")
