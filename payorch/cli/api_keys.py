"""`payorch api-keys`: keys for merchants' servers, where nobody opens the back office."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from payorch.application.api_keys import NewKey
from payorch.application.manage_api_keys import (
    DEFAULT_OVERLAP,
    MAX_OVERLAP,
    CreateApiKey,
    ManageApiKeysUseCase,
    RotateApiKey,
)
from payorch.cli.environment import read_settings
from payorch.cli.wired_application import wired_application
from payorch.domain.api_key import ALL_SCOPES, MAX_LIFETIME, ApiKey, KeyState, Scope
from payorch.domain.errors import PayorchError

_COMMAND_LINE = "command line"

_key = click.argument("key")
_reason = click.option("--reason", default="from the command line", help="Kept in the journal.")


@contextmanager
def _api_keys() -> Iterator[ManageApiKeysUseCase]:
    with wired_application(read_settings()) as wired:
        try:
            yield wired.services.api_keys
        except PayorchError as refusal:
            raise click.ClickException(refusal.message) from None


@click.group("api-keys")
def api_keys_group() -> None:
    """Make, replace and revoke keys of the JSON API. KEY is a key, its beginning or its id."""


@api_keys_group.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(scope.value for scope in Scope)),
    help="May be given more than once.",
)
@click.option("--all-scopes", is_flag=True, help="Let the key do all that there is.")
@click.option(
    "--expires-in-days",
    "days",
    type=click.IntRange(1, MAX_LIFETIME.days),
    help="Without it the key never expires.",
)
@click.option(
    "--from",
    "networks",
    multiple=True,
    help="Only from this address or network; may be given more than once.",
)
@_reason
def create(
    name: str,
    scopes: Sequence[str],
    days: int | None,
    networks: Sequence[str],
    reason: str,
    *,
    all_scopes: bool,
) -> None:
    """Create a key. It is shown once."""
    with _api_keys() as keys:
        made = keys.create(
            CreateApiKey(
                name=name,
                scopes=sorted(ALL_SCOPES) if all_scopes else scopes,
                actor=_COMMAND_LINE,
                reason=reason,
                lifetime=None if days is None else timedelta(days=days),
                networks=networks,
            )
        )
        _show(made, f"Created {made.key.label} ({made.key.name}).")


@api_keys_group.command()
@_key
@click.option(
    "--overlap-days",
    type=click.IntRange(0, MAX_OVERLAP.days),
    default=DEFAULT_OVERLAP.days,
    show_default=True,
    help="How long the old key still works.",
)
@_reason
def rotate(key: str, overlap_days: int, reason: str) -> None:
    """Replace a key by a new one with the same name, scopes and limits."""
    with _api_keys() as keys:
        made = keys.rotate(
            RotateApiKey(
                key_id=_id(key),
                actor=_COMMAND_LINE,
                reason=reason,
                overlap=timedelta(days=overlap_days),
            )
        )
        _show(made, f"{made.key.label} replaces it; the old key ends in {overlap_days} days.")


@api_keys_group.command()
@_key
@_reason
def revoke(key: str, reason: str) -> None:
    """Revoke a key at once and for good."""
    with _api_keys() as keys:
        revoked = keys.revoke(_id(key), actor=_COMMAND_LINE, reason=reason)
        click.echo(f"Revoked {revoked.label} ({revoked.name}).")


@api_keys_group.command("list")
def list_keys() -> None:
    """List all keys, the newest first."""
    with _api_keys() as keys:
        now = datetime.now(UTC)
        for key in keys.all():
            click.echo("  ".join(_columns(key, now)))


def _columns(key: ApiKey, now: datetime) -> Iterator[str]:
    yield key.label
    yield key.name
    yield ", ".join(sorted(key.scopes))
    if key.networks:
        yield f"from {', '.join(key.networks)}"
    yield f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    if key.state(now) is not KeyState.ACTIVE:
        yield f"({key.state(now)})"
    elif key.expires_at is not None:
        yield f"until {key.expires_at:%Y-%m-%d %H:%M}"


def _id(text: str) -> str:
    """Of "po_live_8Fk2mQx1", and of a whole key, which whoever finds one in a log has at hand."""
    parts = text.split("_")
    return parts[2] if text.startswith("po_") and len(parts) > 2 else text


def _show(made: NewKey, sentence: str) -> None:
    click.echo(sentence)
    click.echo(f"Key, shown this once: {made.text}")
