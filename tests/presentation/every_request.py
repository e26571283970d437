"""Every request that the application answers, and what the database holds: for tests by
enumeration, so that a page that is added tomorrow is tested without a line more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import inspect, text

SAFE = frozenset({"GET"})

MACHINES = ("/api/", "/webhooks/")

NO_REQUEST_OF_OURS = frozenset({"HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    method: str
    endpoint: str
    path: str
    arguments: tuple[str, ...] = field(default=())

    @property
    def is_of_backoffice(self) -> bool:
        return self.path.startswith("/admin")

    @property
    def is_of_machines(self) -> bool:
        return self.path.startswith(MACHINES)

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint})"


def every_request(app, fill) -> list[Request]:
    """One for each rule and method; `fill(endpoint, argument)` gives what stands in the address."""
    return sorted(_requests(app, fill), key=str)


def _requests(app, fill) -> Iterator[Request]:
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            values = {name: fill(rule.endpoint, name) for name in rule.arguments}
            for method in rule.methods - NO_REQUEST_OF_OURS:
                path = adapter.build(rule.endpoint, values, method=method)
                yield Request(method, rule.endpoint, path, tuple(sorted(rule.arguments)))


def everything_stored(database, *, but=()) -> dict[str, list[str]]:
    """Table -> its rows as text, without the tables `but`."""
    with database.read() as connection:
        tables = set(inspect(connection).get_table_names()) - {"alembic_version", *but}
        return {
            table: sorted(str(row) for row in connection.execute(text(f'SELECT * FROM "{table}"')))
            for table in tables
        }


def differences(before, after) -> dict[str, list[str]]:
    """Table -> rows that came or changed, or how many went."""
    changed = {table for table in before if before[table] != after[table]}
    return {
        table: [row for row in after[table] if row not in before[table]] or ["rows are gone"]
        for table in sorted(changed)
    }
