"""The reason that staff give for a change. It is journalled, so it has to say something."""

from payorch.domain.errors import ReasonRequired

MAX_REASON_LENGTH = 500
"""What the journal's column holds."""


def checked_reason(reason: str) -> str:
    """`reason` without surrounding blanks. Raises ReasonRequired when it is empty or too long."""
    text = reason.strip()
    if not text:
        raise ReasonRequired("Say why: the reason is kept in the journal.")
    if len(text) > MAX_REASON_LENGTH:
        raise ReasonRequired(f"A reason has at most {MAX_REASON_LENGTH} characters.")
    return text
