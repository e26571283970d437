"""The folder of one demo: its databases, logs and secrets, and that no two demos share it."""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from payorch.cli.cannot_start import writing_to

ANOTHER_FOLDER = "another folder (--data)"
_OWN_FILES = ("payorch.sqlite3*", "practice-provider.sqlite3*", "secrets.json", "logs/*.log")


class DemoFolder:
    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        with writing_to(self.path, instead=ANOTHER_FOLDER):
            # It holds customers' data and the logins: for this account's eyes only.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.path / 'payorch.sqlite3'}"

    @property
    def ledger(self) -> Path:
        """The practice provider's record."""
        return self.path / "practice-provider.sqlite3"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ends the command when another demo runs on this folder. A killed one holds nothing."""
        with ExitStack() as stack:
            with writing_to(self.path, instead=ANOTHER_FOLDER):
                lock = stack.enter_context((self.path / "demo.lock").open("w"))
            self._close_to_others()
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise click.ClickException(
                    f"Another demo is running on {self.path}. Stop it, or use {ANOTHER_FOLDER}."
                ) from None
            yield

    def clear(self) -> None:
        """Remove what a demo made here, and nothing else."""
        for pattern in _OWN_FILES:
            for file in self.path.glob(pattern):
                file.unlink()

    def secret(self, name: str) -> str:
        """A generated secret, the same at every start on this folder."""
        stored = self._stored()
        if name not in stored:
            stored[name] = secrets.token_urlsafe(32 if name == "secret_key" else 12)
            self._store(stored)
        return stored[name]

    def _close_to_others(self) -> None:
        """Files of a demo that ran when they were still made readable for everybody."""
        for pattern in _OWN_FILES:
            for file in self.path.glob(pattern):
                file.chmod(0o600)

    @property
    def _secrets(self) -> Path:
        return self.path / "secrets.json"

    def _stored(self) -> dict[str, str]:
        if not self._secrets.exists():
            return {}
        stored: dict[str, str] = json.loads(self._secrets.read_text(encoding="utf-8"))
        return stored

    def _store(self, values: dict[str, str]) -> None:
        # Made unreadable for others before anything is in it.
        self._secrets.touch(mode=0o600)
        self._secrets.write_text(json.dumps(values, indent=1), encoding="utf-8")
