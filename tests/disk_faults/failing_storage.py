"""Databases that stop taking writes and take them again, while everything else goes on."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import event

from payorch.infrastructure.persistence.database import Database


class Storage(Protocol):
    database: Database

    def fail(self) -> None: ...

    def recover(self) -> None: ...


class ReadOnly:
    """Every transaction is read-only: a file system remounted, or a failover to a standby."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._fails = False
        is_sqlite = database.is_sqlite

        @event.listens_for(database.engine, "begin")
        def _restrict(connection) -> None:
            if not is_sqlite:
                # The transaction, and the single statements that are one of their own.
                mode, default = ("ONLY", "on") if self._fails else ("WRITE", "off")
                connection.exec_driver_sql(f"SET TRANSACTION READ {mode}")
                connection.exec_driver_sql(f"SET default_transaction_read_only = {default}")
            elif self._fails:
                connection.exec_driver_sql("PRAGMA query_only=ON")

        @event.listens_for(database.engine, "rollback")
        def _lift(connection) -> None:
            # On SQLite it would outlive the transaction.
            if is_sqlite:
                connection.connection.driver_connection.execute("PRAGMA query_only=OFF")

    def fail(self) -> None:
        self._fails = True

    def recover(self) -> None:
        self._fails = False


class FullDisk:
    """A small file system that something else fills up to the last byte."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self._filler = folder / "filler"

    def fail(self) -> None:
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            # Small pieces at the end, so that not a single page is left over.
            for piece in (65_536, 512, 1):
                with suppress(OSError):
                    while True:
                        filler.write(b"x" * piece)

    def recover(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path | None]:
    """A tmpfs of that size, or None for somebody who may not mount one."""
    if os.geteuid() != 0:
        yield None
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
