import pytest

from tests.infrastructure.gateways.providers_under_test import PROVIDERS, ProviderUnderTest


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> ProviderUnderTest:
    """Each provider in turn; the process that plays it is a fixture of the same name."""
    return PROVIDERS[request.param](request.getfixturevalue(request.param))
