import pytest

from payorch.application.metrics_rollup import MetricsRollup
from payorch.infrastructure.persistence.provider_metrics_repository import (
    SqlAlchemyProviderMetricsRepository,
)
from tests.metrics_history import MetricsHistory


@pytest.fixture
def history(database):
    return MetricsHistory(database)


@pytest.fixture
def repository(database):
    return SqlAlchemyProviderMetricsRepository(database)


@pytest.fixture
def rollup(repository, history):
    return MetricsRollup(repository, history.clock)
