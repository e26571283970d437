"""Staff sessions, and what is forgotten of them."""

from datetime import timedelta

from payorch.application.jobs import HOUR_S, PURGE_STAFF_SESSIONS, Job, JobHandler, Schedule
from payorch.application.staff_sessions import SessionRules, StaffSessionsUseCase
from payorch.config import Settings
from payorch.infrastructure.persistence.staff_sessions import SqlAlchemyStaffSessions
from payorch.infrastructure.security.session_keys import RandomSessionKeys
from payorch.wiring.base import Base

STAFF_SCHEDULE = Schedule(PURGE_STAFF_SESSIONS, HOUR_S)

_PURGED_AT_ONCE = 1_000


def staff_sessions(settings: Settings, base: Base) -> StaffSessionsUseCase:
    return StaffSessionsUseCase(
        SqlAlchemyStaffSessions(base.transactions),
        RandomSessionKeys(),
        base.clock,
        SessionRules(
            idle=timedelta(minutes=settings.staff_idle_min),
            longest=timedelta(hours=settings.staff_session_h),
        ),
    )


def staff_handlers(sessions: StaffSessionsUseCase) -> dict[str, JobHandler]:
    def purge(_job: Job) -> None:
        while sessions.purge(limit=_PURGED_AT_ONCE) == _PURGED_AT_ONCE:
            continue

    return {PURGE_STAFF_SESSIONS.name: purge}
