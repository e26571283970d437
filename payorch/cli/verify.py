"""`payorch verify`: checks the books against their invariants. It reads, and repairs nothing."""

import json
import re
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.ledger_rules import Severity
from payorch.application.verify_ledger import MAX_FINDINGS, Finding, Verification
from payorch.application.verify_providers import ProviderComparison
from payorch.cli.environment import read_settings
from payorch.cli.numbered import numbered
from payorch.cli.wired_application import wired_application
from payorch.domain.errors import LedgerUnavailable

COULD_NOT_CHECK = 2
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def age_of(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta | None:
    """How far back an option reaches: 90m, 48h, 7d; None for "all"."""
    text = value.strip().lower()
    if text == "all":
        return None
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if match is None:
        raise click.BadParameter('Say how far back, such as 90m, 48h, 7d, or "all".')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option(
    "--since",
    "age",
    default="48h",
    show_default=True,
    callback=age_of,
    help='How far back to look at what is finished: 90m, 48h, 7d or "all".',
)
@click.option(
    "--limit",
    default=MAX_FINDINGS,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Most findings of each kind.",
)
@click.option(
    "--providers",
    "asks_providers",
    is_flag=True,
    help="Compare with the providers' own books too. It only asks, 20 times a second at most.",
)
def verify(*, as_json: bool, age: timedelta | None, limit: int, asks_providers: bool) -> None:
    """Check every invariant of the books. It reads, and repairs nothing.

    The charts' rollup is compared for the last two hours at most; `payorch metrics verify`
    compares all of it.

    Exits with 0 when nothing is broken (warnings alone leave 0), 1 when something is, and 2
    when it could not be checked.
    """
    if asks_providers and age is None:
        raise click.UsageError("Say how far back: providers list payments since a moment.")
    since = None if age is None else datetime.now(UTC) - age
    comparison = None
    try:
        with wired_application(read_settings()) as wired:
            verification = wired.verify.execute(since=since, limit=limit)
            if asks_providers and since is not None:
                comparison = wired.verify_providers.execute(since=since, limit=limit)
                verification = verification.with_findings(comparison.findings)
    except click.ClickException as error:
        error.show()
        raise SystemExit(COULD_NOT_CHECK) from None
    except (LedgerUnavailable, SQLAlchemyError) as error:
        click.echo(f"The books could not be checked: {type(error).__name__}", err=True)
        raise SystemExit(COULD_NOT_CHECK) from None
    click.echo((_as_json if as_json else _as_text)(verification, comparison))
    if verification.errors:
        raise SystemExit(1)


def _as_json(verification: Verification, comparison: ProviderComparison | None) -> str:
    since = verification.since
    return json.dumps(
        {
            "providers": None
            if comparison is None
            else {"listed": comparison.listed, "asked": comparison.asked},
            "started_at": verification.started_at.isoformat(),
            "finished_at": verification.finished_at.isoformat(),
            "since": since.isoformat() if since else None,
            "errors": len(verification.errors),
            "warnings": len(verification.warnings),
            "findings": [finding.to_json() for finding in verification.findings],
        },
        indent=2,
    )


def _as_text(verification: Verification, comparison: ProviderComparison | None) -> str:
    lines = [line for finding in verification.findings for line in _lines(finding)]
    seen = ""
    if comparison is not None:
        seen = (
            f"Compared with the providers: {comparison.listed} payments from their lists, "
            f"{comparison.asked} asked for one by one.\n"
        )
    errors, warnings = len(verification.errors), len(verification.warnings)
    if not lines:
        return f"{seen}Every invariant holds."
    return seen + "\n".join(
        [*lines, f"{numbered(errors, 'error')}, {numbered(warnings, 'warning')}"]
    )


def _lines(finding: Finding) -> list[str]:
    rule, violation = finding.rule, finding.violation
    facts = ", ".join(f"{name} {value}" for name, value in violation.facts.items())
    severity = click.style(f"{rule.severity.value:7}", fg=_COLORS[rule.severity])
    return [
        f"{severity}  {rule.kind}  {violation.subject}" + (f"  ({facts})" if facts else ""),
        f"         {rule.says}",
        f"         -> {rule.advice}",
    ]
