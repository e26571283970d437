"""A practice payment provider: a separate WSGI app with a durable ledger of its own.

It stands for a real provider in the demo, the tests and the benchmarks, over real HTTP. It knows
nothing of the rest of the package and imports nothing from it.
"""

from payorch.sandbox_provider.app import create_sandbox
from payorch.sandbox_provider.server import serve_sandbox
from payorch.sandbox_provider.settings import SandboxSettings

__all__ = ["SandboxSettings", "create_sandbox", "serve_sandbox"]
