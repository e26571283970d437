"""The connector of the practice provider (docs/practice-provider.md is its API)."""

from payorch.infrastructure.gateways.sandbox.connector import SandboxConnector

__all__ = ["SandboxConnector"]
