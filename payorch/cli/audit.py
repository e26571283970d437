"""`payorch audit`: the journal for auditors. It reads, and changes nothing."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.verify_journal import ChainBreak, JournalVerification
from payorch.cli.environment import read_settings
from payorch.cli.verify import COULD_NOT_CHECK
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import LedgerUnavailable
from payorch.domain.journal_chain import time_text
from payorch.presentation.journal_files import JOURNAL_FORMATS, journal_file


@click.group("audit")
def audit_group() -> None:
    """Check that the journal is as it was written, and take it away."""


def _a_hash(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    text = value.strip().lower()
    if re.fullmatch("[0-9a-f]{64}", text) is None:
        raise click.BadParameter("A hash has 64 hexadecimal digits.")
    return text


def _hash_or_none(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    return None if value is None else _a_hash(context, parameter, value)


def _hashes(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(_a_hash(context, parameter, value) for value in values)


def _moment(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("Write a time such as 2026-03-01 or 2026-03-01T12:30.") from None


@audit_group.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    callback=_hashes,
    metavar="HASH",
    help="A head's hash that was noted earlier; it has to be in the chain. May be repeated.",
)
@click.option(
    "--since-hash",
    callback=_hash_or_none,
    metavar="HASH",
    help="Look only at what was written after the entry with this hash.",
)
def verify(*, as_json: bool, expected: tuple[str, ...], since_hash: str | None) -> None:
    """Walk along the journal's hash chain and name the first entry that is not as it was written.

    It ends with the hash of the newest entry. Note it outside of this database: --expect proves
    later that nothing up to there was removed or written anew.

    Exits with 0 when the chain holds, 1 when it is broken, and 2 when it could not be checked.
    """
    try:
        with wired_application(read_settings()) as wired:
            verification = wired.verify_journal.execute(expected=expected, since_hash=since_hash)
    except click.ClickException as error:
        error.show()
        raise SystemExit(COULD_NOT_CHECK) from None
    except (LedgerUnavailable, SQLAlchemyError) as error:
        click.echo(f"The journal could not be checked: {type(error).__name__}", err=True)
        raise SystemExit(COULD_NOT_CHECK) from None
    click.echo(_as_json(verification) if as_json else "\n".join(_lines(verification)))
    if verification.broken is not None:
        raise SystemExit(1)


def _as_json(verification: JournalVerification) -> str:
    head, broken = verification.head, verification.broken
    return json.dumps(
        {
            "holds": broken is None,
            "sound": verification.sound,
            "head": None
            if head is None
            else {"entries": head.entries, "id": head.last_id, "hash": head.hash},
            "broken": None if broken is None else broken.to_json(),
        },
        indent=2,
    )


def _lines(verification: JournalVerification) -> Iterator[str]:
    head, broken = verification.head, verification.broken
    sound = f"{verification.sound:,} {'entry' if verification.sound == 1 else 'entries'}"
    if broken is None:
        yield f"The journal is as it was written: {sound} checked."
    else:
        yield click.style("broken", fg="red") + f"  {_named(broken)}"
        yield f"        {broken.defect.value}: {broken.says}"
        yield f"{sound} sound before that."
    if head is not None:
        yield f"head  {head.hash}  (entry {head.last_id}, {head.entries} in all)"


def _named(broken: ChainBreak) -> str:
    parts = ["the chain" if broken.entry_id is None else f"entry {broken.entry_id}"]
    if broken.created_at is not None:
        parts.append(time_text(broken.created_at))
    if broken.action is not None:
        parts.append(broken.action)
    return "  ".join(parts)


@audit_group.command()
@click.option("--since", callback=_moment, help="From this time on (UTC without a zone).")
@click.option("--until", callback=_moment, help="Up to before this time.")
@click.option(
    "--format",
    "form",
    type=click.Choice(sorted(JOURNAL_FORMATS)),
    default="json",
    show_default=True,
    help="JSON to work the hashes out, CSV for a spreadsheet.",
)
def export(*, since: datetime | None, until: datetime | None, form: str) -> None:
    """Write the journal to standard output, in the order of its chain, with all hashes."""
    with wired_application(read_settings()) as wired:
        entries = wired.services.journal.entries(since, until)
        for piece in journal_file(form, entries):
            click.echo(piece, nl=False)
