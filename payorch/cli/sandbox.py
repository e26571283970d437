"""`payorch sandbox`: the practice provider."""

from datetime import datetime
from pathlib import Path

import click

from payorch.cli.cannot_start import writing_to
from payorch.sandbox_provider import serve_sandbox
from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.settings import SHIPPED_PROFILES
from payorch.sandbox_provider.settlement_report import Wanted, report_lines

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group("sandbox", invoke_without_command=True)
@click.pass_context
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=4330, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--ledger",
    default=Path("var/sandbox.sqlite3"),
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The practice provider's own record of what it charged.",
)
@click.option(
    "--profiles",
    default=SHIPPED_PROFILES,
    show_default="the shipped ones",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file that says how each account behaves.",
)
@click.option("--seed", default=1, show_default=True, help="Same seed, same answers.")
@click.option("--threads", default=64, show_default=True, type=click.IntRange(1, 512))
@click.option("--public-url", help="Where customers' browsers reach it, if not at host and port.")
@click.option("--admin-key", help="Key of the operator's calls, if not the documented one.")
@click.option("--webhook-base-url", help="Post events to {this}/{account}; none without it.")
def sandbox(
    context: click.Context,
    *,
    host: str,
    port: int,
    ledger: Path,
    profiles: Path,
    seed: int,
    threads: int,
    public_url: str | None,
    admin_key: str | None,
    webhook_base_url: str | None,
) -> None:
    """Serve several practice payment providers that take no real money."""
    if context.invoked_subcommand is not None:
        return
    with writing_to(ledger, instead="another file (--ledger)"):
        ledger.parent.mkdir(parents=True, exist_ok=True)
        ledger.touch(mode=0o600)
    serve_sandbox(
        host=host,
        port=port,
        ledger_path=ledger,
        profiles_path=profiles,
        seed=seed,
        threads=threads,
        public_url=public_url,
        admin_key=admin_key,
        webhook_base_url=webhook_base_url,
    )


@sandbox.command()
@click.option(
    "--ledger",
    default=Path("var/sandbox.sqlite3"),
    show_default=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The practice provider's record; the demo keeps it as practice-provider.sqlite3.",
)
@click.option("--account", default="alpha", show_default=True)
@click.option("--since", type=_DAY, help="First day: 2030-01-31.")
@click.option("--until", type=_DAY, help="Last day.")
def settlement(
    *, ledger: Path, account: str, since: datetime | None, until: datetime | None
) -> None:
    """Print an account's settlement report as CSV, as real providers send it."""
    days = {
        name: f"{day:%Y-%m-%d}"
        for name, day in (("since", since), ("until", until))
        if day is not None
    }
    opened = Ledger(ledger, sync=True)
    try:
        for piece in report_lines(opened, Wanted(account, **days)):
            click.echo(piece, nl=False)
    finally:
        opened.close()
