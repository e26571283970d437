"""Times that staff type: inputs of the type datetime-local know no zone, and mean UTC here."""

from datetime import UTC, datetime


def typed(moment: datetime) -> str:
    """As such an input wants it, to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def utc_moment(text: str) -> datetime:
    """What was typed. Raises ValueError, also for a zone of its own: no browser sends one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("Times are typed in UTC, without a zone.")
    return moment.replace(tzinfo=UTC)
