from collections.abc import Iterator

import pytest

from tests.sandbox_process import SandboxProcess, sandbox_process

from .listening_merchant import ListeningMerchant, listening_merchant
from .practice_merchant import PracticeMerchant


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with sandbox_process(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def alpha(sandbox: SandboxProcess) -> PracticeMerchant:
    return PracticeMerchant(sandbox, "alpha")


@pytest.fixture
def merchant() -> Iterator[ListeningMerchant]:
    with listening_merchant() as merchant:
        yield merchant


@pytest.fixture
def told(alpha: PracticeMerchant, merchant: ListeningMerchant) -> PracticeMerchant:
    """Alpha's merchant, who is told of everything and quickly asked again."""
    alpha.sandbox.patch_profile(
        "alpha", webhook_url=f"{merchant.base_url}/alpha", webhook_retry_after_s=[0.05] * 10
    )
    return alpha
