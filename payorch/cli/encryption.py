"""`payorch encryption`: how personal data is sealed, and new keys for it."""

import click

from payorch.application.personal_data import SealingState
from payorch.cli.environment import read_settings
from payorch.cli.numbered import numbered
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import PayorchError

_COMMAND_LINE = "command line"


@click.group("encryption")
def encryption_group() -> None:
    """Keys that customers' personal data is sealed with."""


@encryption_group.command()
def status() -> None:
    """List the data keys, and how many rows need each.

    Exits with 1 when something is still in the clear.
    """
    with wired_application(read_settings()) as wired:
        state = wired.seal.state()
    for line in _lines(state):
        click.echo(line)
    if state.in_clear:
        raise SystemExit(1)


@encryption_group.command()
@click.option("--reason", default="from the command line", help="Kept in the journal.")
def rotate(reason: str) -> None:
    """Make a new data key, and let background jobs seal everything with it.

    The former key is destroyed once no row needs it, a day later at the earliest.
    """
    with wired_application(read_settings()) as wired:
        try:
            key_id = wired.seal.rotate(actor=_COMMAND_LINE, reason=reason)
        except PayorchError as refusal:
            raise click.ClickException(refusal.message) from None
    click.echo(f"Data key {key_id} is in use; a job seals all rows with it.")


@encryption_group.command()
def reencrypt() -> None:
    """Do here and now what the background job does: seal all rows with the key in use.

    It may be stopped and started again.
    """
    with wired_application(read_settings()) as wired:
        try:
            while not wired.seal.seal():
                click.echo("...")
        except PayorchError as refusal:
            raise click.ClickException(refusal.message) from None
        state = wired.seal.state()
    for line in _lines(state):
        click.echo(line)


def _lines(state: SealingState) -> list[str]:
    lines = []
    for key in state.keys:
        use = "in use" if key.retired_at is None else f"retired {key.retired_at:%Y-%m-%d %H:%M} UTC"
        wrapped = "" if key.is_wrapped_anew else ", wrapped with a former encryption key"
        rows = ""
        if key.purpose == "personal_data":
            rows = f": {numbered(key.orders, 'order')}, {numbered(key.notices, 'letter')}"
        lines.append(f"data key {key.id} ({key.purpose}), {use}{wrapped}{rows}")
    return [*lines, f"in the clear: {numbered(state.in_clear, 'row')}"]
