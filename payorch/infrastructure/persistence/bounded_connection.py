"""A connection to PostgreSQL that waits for an answer only so long, whatever the network says.

The server's own statement_timeout ends a statement as long as the server works. One that has
stopped, while its kernel still acknowledges every packet, ends nothing: no timeout of TCP fires,
and the thread would wait for ever. What came of a statement that was given up is not known, as
when the connection is reset; the connection is never used again.
"""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

ANSWERS_WITHIN_S = "payorch_answers_within_s"
"""Name of the connect argument; without it a connection waits as long as it takes."""

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """`answers_within_s` is for one exchange: a statement, a commit, a ping."""

    answers_within_s: float | None = None

    def __del__(self, *_: Any) -> None:
        """A pool that is disposed while this is in use lets go of it afterwards, and this is its
        end: nothing to warn of, as psycopg does.
        """
        if hasattr(self, "pgconn") and not self.closed:
            self.pgconn.finish()

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        if self.answers_within_s is None:
            return super().wait(gen, *args, **options)
        return super().wait(self._bounded(gen, self.answers_within_s), *args, **options)

    def _bounded(self, gen: PQGen[T], seconds: float) -> PQGen[T]:
        """Psycopg sends "nothing is ready" several times a second, which is when it is noticed."""
        give_up_at = time.monotonic() + seconds
        result = yield from _until(gen, give_up_at)
        if result is None:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"The database gave no answer within {seconds:g} s.")
        return result[0]


def _until(gen: PQGen[T], give_up_at: float) -> Generator[Any, Any, tuple[T] | None]:
    """What `gen` returns, in a tuple; None when its time was up."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if time.monotonic() >= give_up_at:
                gen.close()
                return None
            wanted = gen.send(ready)
    except StopIteration as done:
        return (done.value,)


def connect(arguments: list[Any], parameters: dict[str, Any]) -> BoundedConnection:
    """As SQLAlchemy's dialect connects, but for the argument of our own."""
    others = dict(parameters)
    answers_within_s = others.pop(ANSWERS_WITHIN_S, None)
    connection = BoundedConnection.connect(*arguments, **others)
    connection.answers_within_s = answers_within_s
    return connection
