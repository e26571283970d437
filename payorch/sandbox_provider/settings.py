"""How one practice provider process is set up: where its ledger lies and how honest its disk is."""

from dataclasses import dataclass, field
from pathlib import Path

SHIPPED_PROFILES = Path(__file__).with_name("profiles.toml")

# It guards nothing of worth: the process moves no money and listens on this machine by default.
DEFAULT_ADMIN_KEY = "practice-admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """Settings of one process; what a single account does stands in its profile."""

    ledger_path: Path
    profiles_path: Path = SHIPPED_PROFILES
    seed: int = 1
    # Off only for benchmarks: a charge may then be forgotten when the power fails.
    sync: bool = True
    admin_key: str = field(default=DEFAULT_ADMIN_KEY, repr=False)
    # Where a customer's browser reaches this process, when that is not where merchants do.
    public_url: str | None = None
    # The same when nobody is asking and nothing better is known.
    own_url: str = "http://127.0.0.1:4330"
    # Accounts whose profile names no address post their events to {webhook_base_url}/{account}.
    webhook_base_url: str | None = None
    # Requests that may hang at once; more are dropped at once, so that threads stay free.
    max_held: int = 32
