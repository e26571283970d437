"""Back offices to test with: the payment pages behind a header, and the whole real one."""

import pytest

from tests.presentation.backoffice.office import Office
from tests.presentation.backoffice.payments_site import close, payments_app, reader


@pytest.fixture
def payments(database_url):
    """An application with the orders, transactions and journal pages, on each database."""
    app = payments_app(database_url)
    yield app
    close(app)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_payments(request):
    """The same for tests that only read: one database for all tests of a module."""
    fixture = "sqlite_files" if request.param == "sqlite" else "postgresql"
    app = payments_app(request.getfixturevalue(fixture).new_database_url())
    yield app
    close(app)


@pytest.fixture
def read(payments):
    return reader(payments)


@pytest.fixture
def open_office(sqlite_files):
    """Opens an Office; without an URL on a SQLite database of its own."""
    opened = []

    def open_one(database_url=None, **options):
        opened.append(Office(database_url or sqlite_files.new_database_url(), **options))
        return opened[-1]

    yield open_one
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office):
    return open_office()
