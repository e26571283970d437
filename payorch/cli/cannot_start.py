"""How a command ends that never began: one sentence that says why, and exit status 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


class CannotStart(click.ClickException):
    """Something outside of payorch stands in the way; nothing was done yet."""

    exit_code = 2


@contextmanager
def writing_to(path: Path, *, instead: str) -> Iterator[None]:
    """Ends the command when a file cannot be made or written; `instead` names what to use."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotStart(f"Cannot write to {path}: {reason}. Use {instead}.") from None
