"""The `payorch` command as it is, but each account is at an address of its own.

The environment names them: CHAOS_PROVIDERS='{"alpha": "http://127.0.0.1:4451"}'. The command
itself knows one address for all accounts of the practice provider.

Run as `python -m tests.chaos.honest_payorch serve ...`.
"""

import json
import os

from payorch.cli import main
from payorch.infrastructure.gateways.sandbox import SandboxConnector

_as_it_is = SandboxConnector.__init__


def _at_its_own_address(
    self: SandboxConnector, *, base_url: str, account: str, **fields: str
) -> None:
    addresses = json.loads(os.environ["CHAOS_PROVIDERS"])
    _as_it_is(self, base_url=addresses.get(account, base_url), account=account, **fields)


def connect() -> None:
    """From now on each account of this process is at its own address."""
    SandboxConnector.__init__ = _at_its_own_address  # type: ignore[method-assign]  # on purpose


if __name__ == "__main__":
    connect()
    main()
