"""`payorch db`: the schema's version."""

from datetime import UTC, datetime

import click

from payorch.cli.environment import (
    open_database,
    read_settings,
    require_migrated,
    schema_of_settings,
)
from payorch.infrastructure.demo_providers import publish_first_policy, seed_methods
from payorch.infrastructure.persistence.payment_method_repository import (
    SqlAlchemyPaymentMethodRepository,
)
from payorch.infrastructure.persistence.routing_policy_repository import (
    SqlAlchemyRoutingPolicyRepository,
)


@click.group("db")
def database_group() -> None:
    """Migrate the database and compare it with the models."""


@database_group.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Migrate up to REVISION (default: the newest)."""
    with schema_of_settings(read_settings()) as schema:
        schema.upgrade(revision)
        click.echo(f"The database is at revision {schema.current_revision()}.")


@database_group.command()
@click.argument("revision")
@click.confirmation_option(prompt="Going down can drop tables and their data. Continue?")
def downgrade(revision: str) -> None:
    """Migrate down to REVISION ("base" removes every table)."""
    with schema_of_settings(read_settings()) as schema:
        schema.downgrade(revision)
        click.echo(f"The database is at revision {schema.current_revision() or 'base'}.")


@database_group.command()
def current() -> None:
    """Print the revision of the database and that of this release."""
    with schema_of_settings(read_settings()) as schema:
        click.echo(f"database {schema.current_revision() or 'empty'}")
        click.echo(f"release  {schema.head_revision()}")


@database_group.command()
def check() -> None:
    """Exit with 1 when migrations are missing or the tables differ from the models."""
    with schema_of_settings(read_settings()) as schema:
        if schema.current_revision() != schema.head_revision():
            raise click.ClickException(
                f"The database is at {schema.current_revision() or 'no revision'}, "
                f"this release needs {schema.head_revision()}. Run: payorch db upgrade"
            )
        if differences := schema.drift():
            raise click.ClickException(
                "Models and database differ:\n" + "\n".join(f"  {line}" for line in differences)
            )
        click.echo("Database and models agree.")


@database_group.command("seed-demo")
def seed_demo() -> None:
    """Add the practice provider's accounts as payment methods, and a first order of them."""
    settings = read_settings()
    if settings.sandbox_url is None:
        raise click.ClickException("The practice provider is switched off (PAYORCH_SANDBOX_URL).")
    require_migrated(settings)
    database = open_database(settings)
    try:
        now = datetime.now(UTC)
        added = seed_methods(SqlAlchemyPaymentMethodRepository(database), at=now)
        publish_first_policy(SqlAlchemyRoutingPolicyRepository(database), at=now)
    finally:
        database.engine.dispose()
    click.echo(f"Added {added} payment methods.")
