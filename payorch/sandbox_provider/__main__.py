"""`python -m payorch.sandbox_provider`: the practice provider without the rest of the house."""

from pathlib import Path

import click

from payorch.sandbox_provider.magic_cards import magic_cards_markdown
from payorch.sandbox_provider.server import serve_sandbox
from payorch.sandbox_provider.settings import SHIPPED_PROFILES


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=4330, show_default=True)
@click.option(
    "--ledger",
    default=Path("var/practice-provider.sqlite3"),
    type=click.Path(path_type=Path, dir_okay=False),
    show_default=True,
)
@click.option(
    "--profiles",
    default=SHIPPED_PROFILES,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--seed", default=1, show_default=True)
@click.option("--threads", default=64, show_default=True)
@click.option("--sync/--no-sync", default=True, help="--no-sync is for benchmarks only.")
@click.option("--public-url", default=None, help="Where customers' browsers reach this process.")
@click.option("--admin-key", default=None)
@click.option(
    "--webhook-base-url", default=None, help="Post events to {this}/{account}; none without it."
)
@click.option("--print-magic-numbers", is_flag=True, help="Print the documentation's table.")
def main(
    *,
    host: str,
    port: int,
    ledger: Path,
    profiles: Path,
    seed: int,
    threads: int,
    sync: bool,
    public_url: str | None,
    admin_key: str | None,
    webhook_base_url: str | None,
    print_magic_numbers: bool,
) -> None:
    """Serve the practice payment provider. It moves no real money."""
    if print_magic_numbers:
        click.echo(magic_cards_markdown(), nl=False)
        return
    serve_sandbox(
        host,
        port,
        ledger,
        profiles,
        seed,
        threads,
        sync=sync,
        public_url=public_url,
        admin_key=admin_key,
        webhook_base_url=webhook_base_url,
    )


main()
