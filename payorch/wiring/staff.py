"""Staff sessions, passwords, second factors, passkeys, own lists, and what is forgotten of them."""

from datetime import timedelta

from payorch.application.hashing_places import HashingPlaces
from payorch.application.jobs import HOUR_S, PURGE_STAFF_SESSIONS, Job, JobHandler, Schedule
from payorch.application.own_lists import ArrangeListsUseCase
from payorch.application.own_password import ChangeOwnPasswordUseCase
from payorch.application.passkeys import PasskeysUseCase
from payorch.application.second_factor import SecondFactorsUseCase
from payorch.application.staff_sessions import SessionRules, StaffSessionsUseCase
from payorch.config import Settings
from payorch.infrastructure.persistence.own_lists import SqlAlchemyOwnLists
from payorch.infrastructure.persistence.own_password import SqlAlchemyOwnPasswords
from payorch.infrastructure.persistence.passkeys import SqlAlchemyPasskeys
from payorch.infrastructure.persistence.second_factors import SqlAlchemySecondFactors
from payorch.infrastructure.persistence.staff_sessions import SqlAlchemyStaffSessions
from payorch.infrastructure.security.common_passwords import common_passwords
from payorch.infrastructure.security.factor_chance import RandomFactorChance
from payorch.infrastructure.security.password_hashes import Argon2PasswordHashes
from payorch.infrastructure.security.sealed_secrets import AesSecretBox
from payorch.infrastructure.security.session_keys import RandomSessionKeys
from payorch.infrastructure.security.webauthn_ceremony import WebAuthnCeremony
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
            needs_second_factor=settings.requires_second_factor,
        ),
    )


def second_factors(settings: Settings, base: Base) -> SecondFactorsUseCase:
    return SecondFactorsUseCase(
        SqlAlchemySecondFactors(base.transactions),
        AesSecretBox(
            settings.secret_key, settings.secret_key_fallbacks, purpose="authenticator apps"
        ),
        RandomFactorChance(),
        base.clock,
        is_required=settings.requires_second_factor,
    )


def passkeys(settings: Settings, base: Base, factors: SecondFactorsUseCase) -> PasskeysUseCase:
    return PasskeysUseCase(
        SqlAlchemyPasskeys(base.transactions),
        WebAuthnCeremony(
            settings.base_url, settings.trusted_hosts, name=f"{settings.merchant_name} back office"
        ),
        factors,
        base.clock,
    )


def own_password(base: Base, places: HashingPlaces) -> ChangeOwnPasswordUseCase:
    return ChangeOwnPasswordUseCase(
        SqlAlchemyOwnPasswords(base.transactions),
        Argon2PasswordHashes(),
        places,
        base.clock,
        common=common_passwords,
    )


def arranged_lists(base: Base) -> ArrangeListsUseCase:
    return ArrangeListsUseCase(SqlAlchemyOwnLists(base.transactions), base.clock)


def staff_handlers(sessions: StaffSessionsUseCase) -> dict[str, JobHandler]:
    def purge(_job: Job) -> None:
        while sessions.purge(limit=_PURGED_AT_ONCE) == _PURGED_AT_ONCE:
            continue

    return {PURGE_STAFF_SESSIONS.name: purge}
