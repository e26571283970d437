import pytest

from tests.infrastructure.jobs.work import Garden


@pytest.fixture
def garden(database):
    """On a clock that only moves when told."""
    return Garden(database)
