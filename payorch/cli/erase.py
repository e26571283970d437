"""`payorch erase`: forgets a customer, as the back office does."""

import click

from payorch.cli.environment import read_settings
from payorch.cli.numbered import numbered
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import PayorchError


@click.command()
@click.argument("email")
@click.option(
    "--reason",
    default="asked for by the customer",
    show_default=True,
    help="Kept in the journal for ever: no name and no address.",
)
@click.confirmation_option(prompt="Overwrite the customer's personal data for ever?")
def erase(email: str, reason: str) -> None:
    """Erase the personal data of all finished orders of EMAIL.

    Exits with 1 when an order is left because it is not over.
    """
    with wired_application(read_settings()) as wired:
        try:
            erasure = wired.services.erase_customer.of_email(
                email, actor="command line", reason=reason
            )
        except PayorchError as refusal:
            raise click.ClickException(refusal.message) from None
    click.echo(f"Erased: {numbered(len(erasure.erased), 'order')}.")
    for one in erasure.refused:
        click.echo(f"Left: {one.id}. {one.why_not}")
    if erasure.erased:
        click.echo("Notes of the staff are left as they are: look through them for names.")
    if erasure.refused:
        raise SystemExit(1)
