"""Fixtures that every test may ask for. Sockets are closed but for this machine's own."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings as hypothesis_settings

from tests.databases import (  # noqa: F401 - fixtures
    database,
    database_url,
    postgresql,
    sqlite_files,
)
from tests.sandbox_process import SandboxProcess, sandbox_process

# CI tells the same examples each time, so that a change is judged by what it changed; runs by
# hand and at night look for new ones.
hypothesis_settings.register_profile(
    "payorch", deadline=None, print_blob=True, derandomize="CI" in os.environ
)
hypothesis_settings.load_profile("payorch")


def pytest_runtest_setup() -> None:
    from pytest_socket import socket_allow_hosts

    socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """What is thrown away need not outlive a power cut.

    PostgreSQL's servers in tests do without as well. Processes that tests start, which they kill,
    keep what production has.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("payorch.infrastructure.persistence.database.SQLITE_SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """The developer's own PAYORCH_ variables must not reach the tests."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PAYORCH_")}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The practice provider as a real process, with an empty ledger and no faults."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    running_sandbox.reset()
    return running_sandbox
