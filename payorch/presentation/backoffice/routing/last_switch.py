"""Who enabled or disabled a provider last, when and why: read where the switch is.

payorch itself disables a provider that refuses our credentials, and ops do not read the journal.
"""

from typing import Any

from sqlalchemy import select

from payorch.infrastructure.persistence.tables.journal import JournalRow


def last_switch(session: Any, code: str) -> JournalRow | None:
    """The newest entry of the journal about this provider; None when nobody ever switched it."""
    newest = (
        select(JournalRow)
        .where(JournalRow.subject == f"payment_method:{code}")
        .order_by(JournalRow.id.desc())
        .limit(1)
    )
    entry: JournalRow | None = session.scalar(newest)
    return entry
