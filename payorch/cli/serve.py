"""`payorch serve`: the web process."""

import click

from payorch.cli.environment import read_settings, require_migrated
from payorch.config import InvalidSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=4321, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=16, show_default=True, type=click.IntRange(1, 512))
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve checkout, API and back office with gunicorn.

    Refuses to start on a database that is not migrated to this release.
    """
    settings = read_settings()
    require_migrated(settings)
    from payorch.cli.web_server import serve_web  # noqa: PLC0415 - imports the whole application

    try:
        serve_web(settings, host=host, port=port, workers=workers, threads=threads)
    except InvalidSettings as error:
        # Such as an encryption key that is not this database's: known when the database is open.
        raise click.ClickException(str(error)) from None
