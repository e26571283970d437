"""`payorch demo`: everything at once, with live traffic, on this machine."""

from contextlib import ExitStack
from pathlib import Path

import click

from payorch.cli.cannot_start import CannotStart
from payorch.cli.demo_folder import DemoFolder
from payorch.cli.demo_preparation import Prepared, prepare_demo
from payorch.cli.demo_run import DemoOptions, DemoRun, demo_settings
from payorch.cli.ports import require_free_port
from payorch.cli.stop_signal import stop_on_signals

CARD_TIPS = (
    ("4242 4242 4242 4242", "is approved"),
    ("4300 0000 0000 0017", "is declined by Alpha, then approved by the next provider"),
    ("4000 0000 0000 0515", "is declined everywhere: insufficient funds"),
    ("4200 0000 0000 0018", "asks the customer to confirm on the bank's page"),
    ("4100 0000 0000 0027", "is charged, but the answer never comes: we ask until we know"),
)
"""Scenarios worth trying first; the README lists all of them."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=4321, show_default=True, type=click.IntRange(1, 65535))
@click.option("--sandbox-port", default=4330, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--data",
    default=Path("var/demo"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the demo's databases, logs and generated passwords.",
)
@click.option("--fresh", is_flag=True, help="Forget the demo that ran in this folder before.")
@click.option("--no-history", is_flag=True, help="Start with empty charts.")
@click.option("--no-outage", is_flag=True, help="Let every provider stay up.")
@click.option(
    "--rate",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 20),
    help="Made-up customers per second; 0 for none.",
)
def demo(
    *,
    host: str,
    port: int,
    sandbox_port: int,
    data: Path,
    fresh: bool,
    no_history: bool,
    no_outage: bool,
    rate: float,
) -> None:
    """Run payorch with practice providers and live traffic. No real money moves."""
    if port == sandbox_port:
        raise CannotStart(
            f"Port {port} cannot serve both the pages (--port) and the practice provider "
            "(--sandbox-port)."
        )
    require_free_port(host, port, option="--port")
    require_free_port(host, sandbox_port, option="--sandbox-port")
    folder = DemoFolder(data)
    options = DemoOptions(host, port, sandbox_port, rate, with_outages=not no_outage)
    with folder.held(), ExitStack() as stack:
        if fresh:
            folder.clear()
        click.echo("Preparing the database ...")
        prepared = prepare_demo(folder, demo_settings(folder, options), with_history=not no_history)
        stop = stop_on_signals()
        stack.callback(click.echo, "\nStopping ...")
        run = DemoRun(folder, options, stop)
        run.start(stack)
        if not stop.is_set():
            click.echo(welcome(options, prepared, folder))
            run.run()


def welcome(options: DemoOptions, prepared: Prepared, folder: DemoFolder) -> str:
    web = options.web_url
    lines = ["", "payorch is running, with practice providers and made-up customers.", ""]
    if prepared.history_transactions:
        lines += [f"  {prepared.history_transactions} past attempts were made up.", ""]
    for name, address in (
        ("Pay something", f"{web}/checkout?amount=25.00&currency=EUR&description=A+book"),
        ("Dashboard", f"{web}/admin/dashboard/"),
        ("Routing board", f"{web}/admin/routing/"),
        ("Orders", f"{web}/admin/orders/"),
        ("API", f"{web}/api/v1/docs"),
        ("Practice provider", f"{options.sandbox_url}/docs"),
    ):
        lines.append(f"  {name:18} {address}")
    lines += ["", "  Logins of the back office:"]
    lines += [f"    {login.email:22} {login.password}" for login in prepared.logins]
    lines += ["", "  Card numbers to try (any future date, any code):"]
    lines += [f"    {number}  {effect}" for number, effect in CARD_TIPS]
    lines += ["", f"  Logs are in {folder.logs}. Ctrl-C ends everything.", ""]
    return "\n".join(lines)
