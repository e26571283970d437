"""What `payorch doctor` says of the sealing of personal data."""

from collections.abc import Iterator

from payorch.application.personal_data import SealingState
from payorch.cli.findings import Finding, Level
from payorch.config import InvalidSettings, Settings
from payorch.infrastructure.persistence.database import Database
from payorch.wiring import wire

_SUBJECT = "encryption"


def encryption_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """For a database that is migrated."""
    try:
        state = wire(settings, database.engine).seal.state()
    except InvalidSettings as error:
        yield Finding(Level.FAIL, _SUBJECT, "the data keys cannot be opened", error.problems[0])
        return
    if settings.encryption_key is None:
        yield Finding(
            Level.WARN,
            _SUBJECT,
            "derived from PAYORCH_SECRET_KEY, which is for development only",
            "Set PAYORCH_ENCRYPTION_KEY to the output of: openssl rand -base64 32",
        )
    yield from _left_to_do(state)
    if settings.encryption_key is not None and not state.in_clear:
        yield Finding(Level.OK, _SUBJECT, "personal data is sealed")


def _left_to_do(state: SealingState) -> Iterator[Finding]:
    if state.in_clear:
        yield Finding(
            Level.WARN,
            _SUBJECT,
            f"rows with personal data in the clear: {state.in_clear}",
            "A background job seals them; at once: payorch encryption reencrypt",
        )
    if not all(key.is_wrapped_anew for key in state.keys):
        yield Finding(
            Level.WARN,
            _SUBJECT,
            "data keys are wrapped with a former encryption key",
            "The next hourly job wraps them anew; at once: payorch encryption reencrypt",
        )
