"""Staff accounts for tests that need no login: who proposes has to have the right to it."""

from datetime import UTC, datetime

from argon2 import PasswordHasher

from payorch.infrastructure.persistence.staff_accounts import StaffAccounts

_HIRED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def accounts_of(database) -> StaffAccounts:
    return StaffAccounts(database, _QUICK)


def hire(database, email, role="finance") -> None:
    """Nothing happens to who is there already."""
    accounts = accounts_of(database)
    if email not in {account.email for account in accounts.all()}:
        accounts.create(email, [role], at=_HIRED_AT)


def close_account(database, email) -> None:
    accounts_of(database).set_active(email, is_active=False, at=_HIRED_AT)


def demote(database, email) -> None:
    """They may look, and nothing else."""
    accounts_of(database).set_roles(email, ["viewer"], at=_HIRED_AT)
