"""The SQL of docs/audit.md: payorch works with it, and may do nothing else to the journal."""

import re

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from payorch.paths import MIGRATIONS
from tests.databases import open_database
from tests.journalled import journal_entry

GUIDE = MIGRATIONS.parent / "docs" / "audit.md"
ROLE = "payorch_app"


@pytest.fixture
def as_application(postgresql):
    """The database with the rights of the guide, opened by the application's account."""
    url = postgresql.new_database_url()
    (block,) = re.findall(r"```sql\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    with open_database(url) as owner, owner.tx() as connection:
        # Roles belong to the server, which all tests share.
        exists = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": ROLE})
        for statement in block.split(";"):
            if statement.strip() and not (exists and "CREATE ROLE" in statement):
                connection.execute(text(statement))
    with open_database(
        make_url(url).set(username=ROLE).render_as_string(hide_password=False)
    ) as opened:
        yield opened


def test_payorch_journals_with_the_rights_of_the_guide(as_application):
    with as_application.tx() as connection:
        journal_entry(connection, "note", "order:po_1")
    with as_application.read() as connection:
        assert connection.scalar(text("SELECT current_user")) == ROLE
        assert connection.scalar(text("SELECT count(*) FROM journal")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET reason = 'x'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "DELETE FROM journal_head",
        "INSERT INTO journal_head VALUES (1, 9, 9, 'x')",
        "DROP TRIGGER journal_entry_stays ON journal",
        "ALTER TABLE journal DISABLE TRIGGER USER",
        "DROP TABLE journal",
    ],
)
def test_the_application_may_only_add(as_application, statement):
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        as_application.tx() as connection,
    ):
        connection.execute(text(statement))
