"""The providers that every adapter's contract is proved against, one class for each connector.

A new connector joins by a class of its own here, and an entry in PROVIDERS. Its class says which
test card of its provider brings about which scenario; a scenario that its provider cannot play is
left out of CARDS, and the contract's test of it is skipped.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import pytest

from payorch.infrastructure.gateways.connector import Connector
from payorch.infrastructure.gateways.sandbox import SandboxConnector
from tests.sandbox_process import SandboxProcess


class ProviderUnderTest(Protocol):
    """A provider of practice that speaks real HTTP. `base_url` is where it listens."""

    CARDS: ClassVar[Mapping[str, str]]
    DECLINE: ClassVar[tuple[str, str]]
    """Scheme and code of the scenario "declined"."""

    base_url: str

    def connector(self, base_url: str) -> Connector:
        """A connector to the provider at this address."""

    def charges_of(self, reference: str) -> list[str]:
        """Status of each payment that it holds for a reference of ours, "approved" for charged."""

    def start_refusing(self, scenario: str) -> None:
        """From now on it answers every request as in this scenario."""


class PracticeProvider:
    CARDS: ClassVar[Mapping[str, str]] = {
        "approved": "4242424242424242",
        "declined": "4000000000000515",
        "declined_by_chance": "4000000000000051",
        "waits_for_customer": "4200000000000018",
        "charged_without_answer": "4100000000000027",
        "charged_with_server_error": "4100000000000043",
        "charged_with_broken_answer": "4100000000000050",
        "charged_then_reset": "4100000000000100",
        "charged_with_dripping_answer": "4100000000000142",
        "rate_limited": "4100000000000118",
        "not_processed": "4100000000000126",
        "bad_credentials": "4100000000000134",
    }
    DECLINE: ClassVar[tuple[str, str]] = ("visa", "51")
    _FAULTS: ClassVar[Mapping[str, str]] = {
        "rate_limited": "rate_limit_429",
        "not_processed": "not_processed_503",
        "bad_credentials": "unauthorized_401",
    }

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._sandbox = sandbox
        self.base_url = sandbox.base_url

    def connector(self, base_url: str) -> Connector:
        return SandboxConnector(
            base_url=base_url, account="alpha", api_key="practice_key_alpha", method="card"
        )

    def charges_of(self, reference: str) -> list[str]:
        return [payment["status"] for payment in self._sandbox.payments_of(reference)]

    def start_refusing(self, scenario: str) -> None:
        self._sandbox.start_outage("alpha", self._FAULTS[scenario], lasts_s=60)


PROVIDERS = {"sandbox": PracticeProvider}


def card_of(provider: ProviderUnderTest, scenario: str) -> str:
    if scenario not in provider.CARDS:
        pytest.skip(f"This provider cannot play: {scenario}")
    return provider.CARDS[scenario]
