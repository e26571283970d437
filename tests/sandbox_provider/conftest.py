from collections.abc import Iterator

import pytest

from tests.sandbox_process import SandboxProcess, sandbox_process

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
