"""`payorch staff`: accounts of the back office. There is no default account."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from payorch.application.staff_permissions import ROLE_DESCRIPTIONS
from payorch.cli.environment import open_database, read_settings, require_migrated
from payorch.infrastructure.persistence.staff_accounts import NewStaff, StaffAccounts
from payorch.infrastructure.persistence.staff_roles import StaffAccountRefused
from payorch.infrastructure.security.keyed_hashes import SecretKeyedHashes

_email = click.argument("email")
_password_stdin = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input instead of making one up.",
)


@contextmanager
def _accounts() -> Iterator[StaffAccounts]:
    settings = read_settings()
    require_migrated(settings)
    database = open_database(settings)
    try:
        yield StaffAccounts(database)
    except StaffAccountRefused as refusal:
        raise click.ClickException(str(refusal)) from None
    finally:
        database.engine.dispose()


@click.group("staff")
def staff_group() -> None:
    """Create and close accounts of the back office."""


@staff_group.command()
@_email
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(sorted(ROLE_DESCRIPTIONS)),
    help="May be given more than once.",
)
@_password_stdin
def create(email: str, roles: tuple[str, ...], *, password_stdin: bool) -> None:
    """Create an account. The password is shown once unless you give one."""
    with _accounts() as accounts:
        made = accounts.create(
            email, roles, at=datetime.now(UTC), password=_given_password(password_stdin)
        )
        _show(made, "Created", is_own=password_stdin)


@staff_group.command()
@_email
@_password_stdin
def password(email: str, *, password_stdin: bool) -> None:
    """Set another password. Every session of the account ends."""
    with _accounts() as accounts:
        changed = accounts.set_password(
            email, _given_password(password_stdin), at=datetime.now(UTC)
        )
        _show(changed, "Changed", is_own=password_stdin)


@staff_group.command("roles")
@_email
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(sorted(ROLE_DESCRIPTIONS)),
    help="Exactly these are kept; may be given more than once.",
)
def set_roles(email: str, roles: tuple[str, ...]) -> None:
    """Give an account other roles. Who loses one is logged out."""
    with _accounts() as accounts:
        account = accounts.set_roles(email, roles, at=datetime.now(UTC))
        click.echo(f"Changed {account.email} ({', '.join(account.roles)}).")


@staff_group.command("close")
@_email
def close_account(email: str) -> None:
    """Close an account. It is logged out at its next request."""
    with _accounts() as accounts:
        accounts.set_active(email, is_active=False, at=datetime.now(UTC))
        click.echo(f"Closed {email}.")


@staff_group.command("open")
@_email
def open_account(email: str) -> None:
    """Open a closed account again."""
    with _accounts() as accounts:
        accounts.set_active(email, is_active=True, at=datetime.now(UTC))
        click.echo(f"Opened {email}.")


@staff_group.command()
@_email
def unlock(email: str) -> None:
    """Let an account log in again at once that was tried too often."""
    keys = SecretKeyedHashes(read_settings().secret_key)
    with _accounts() as accounts:
        if accounts.unlock(email, keys, at=datetime.now(UTC)):
            click.echo(f"Unlocked {email}.")
        else:
            click.echo(f"No login of {email} failed lately: there is nothing to unlock.")


@staff_group.command("reset-factor")
@_email
def reset_factor(email: str) -> None:
    """Remove the second factor of somebody who has lost it. They are logged out everywhere."""
    with _accounts() as accounts:
        if accounts.reset_factor(email, at=datetime.now(UTC)):
            click.echo(f"Removed the second factor of {email}, and its recovery codes.")
        else:
            click.echo(f"{email} has no second factor.")


@staff_group.command("list")
def list_accounts() -> None:
    """List all accounts with their roles."""
    with _accounts() as accounts:
        for account in accounts.all():
            state = "" if account.is_active else "  (closed)"
            click.echo(f"{account.email}  {', '.join(account.roles)}{state}")


def _given_password(from_stdin: bool) -> str | None:  # noqa: FBT001 - click's flag, passed on
    return sys.stdin.readline().rstrip("\n") if from_stdin else None


def _show(staff: NewStaff, verb: str, *, is_own: bool) -> None:
    click.echo(f"{verb} {staff.email} ({', '.join(staff.roles)}).")
    if not is_own:
        click.echo(f"Password, shown this once: {staff.password}")
