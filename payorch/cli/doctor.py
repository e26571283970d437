"""`payorch doctor`: says what would keep payorch from working here, and what to do about it."""

import os
from datetime import UTC, datetime

import click

from payorch.cli import findings
from payorch.cli.encryption_findings import encryption_findings
from payorch.cli.environment import open_database, schema_of, sqlite_file
from payorch.cli.findings import Finding, Level
from payorch.cli.mail_findings import mail_findings
from payorch.config import Settings
from payorch.wiring.base import connectors_of

_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
def doctor() -> None:
    """Check settings, database, migrations, mail, practice provider and clock.

    Exits with 1 when something fails; warnings alone leave 0.
    """
    found = _examine()
    width = max(len(finding.subject) for finding in found)
    for finding in found:
        click.echo(
            f"{click.style(f'{finding.level:4}', fg=_COLORS[finding.level])}  "
            f"{finding.subject:{width}}  {finding.says}"
        )
        if finding.advice:
            click.echo(f"{'':4}  {'':{width}}  -> {finding.advice}")
    if any(finding.level is Level.FAIL for finding in found):
        raise SystemExit(1)


def _examine() -> list[Finding]:
    settings, found = findings.settings_findings(os.environ)
    found += [*findings.installation_findings(), findings.clock_finding()]
    if settings is None:
        return found
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        found.append(findings.no_database_finding(file, is_production=settings.is_production))
    else:
        found += _database_findings(settings)
    found += mail_findings(settings)
    return [*found, *findings.sandbox_findings(settings.sandbox_url)]


def _database_findings(settings: Settings) -> list[Finding]:
    database = open_database(settings)
    try:
        found = list(findings.database_findings(database, schema_of(database)))
        if not any(finding.level is Level.FAIL for finding in found):
            found.append(findings.methods_finding(database, connectors_of(settings)))
            found += encryption_findings(database, settings)
            found.append(findings.api_finding(database, settings, now=datetime.now(UTC)))
        return found
    finally:
        database.engine.dispose()
