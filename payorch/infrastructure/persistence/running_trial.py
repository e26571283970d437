"""The one trial that may be running, as the configuration and publications look at it."""

from sqlalchemy import Connection, RowMapping, select

from payorch.domain.policy_trial import PolicyTrial
from payorch.infrastructure.persistence.routing_document import policy_from_document
from payorch.infrastructure.persistence.tables import PolicyTrialRow

TRIAL_COLUMNS = tuple(
    getattr(PolicyTrialRow, name).label(f"trial_{name}")
    for name in ("number", "name", "control_version", "candidate", "share_percent", "salt")
)


def running_trial_name(connection: Connection) -> str | None:
    return connection.scalar(select(PolicyTrialRow.name).where(PolicyTrialRow.is_running))


def trial_from(row: RowMapping) -> PolicyTrial | None:
    """From a row with TRIAL_COLUMNS; None where they are empty."""
    if row["trial_number"] is None:
        return None
    return PolicyTrial(
        number=row["trial_number"],
        name=row["trial_name"],
        control_version=row["trial_control_version"],
        candidate=policy_from_document(row["trial_control_version"], row["trial_candidate"]),
        share_percent=row["trial_share_percent"],
        salt=row["trial_salt"],
    )
