"""Staff accounts, made from the command line only: nobody can register, none exists by default."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argon2 import PasswordHasher
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, delete, insert, select, update

from payorch.application.login_limits import LoginKeys
from payorch.application.staff_permissions import ROLE_PERMISSIONS
from payorch.application.staff_sessions import SessionEnd
from payorch.domain.password_rule import why_refused
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.login_counts import forget_tries
from payorch.infrastructure.persistence.second_factors import remove_factor
from payorch.infrastructure.persistence.staff_roles import (
    ADMIN,
    StaffAccountRefused,
    ensure_roles,
    give_roles,
    require_an_admin,
    role_names,
)
from payorch.infrastructure.persistence.staff_sessions import end_sessions
from payorch.infrastructure.persistence.tables import RoleRow, StaffRow
from payorch.infrastructure.persistence.tables.staff import staff_roles
from payorch.infrastructure.security.common_passwords import common_passwords
from payorch.infrastructure.security.password_hashes import Argon2PasswordHashes

_COMMAND_LINE = "command line"
_FROM_COMMAND_LINE = "from the command line"


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A fresh account. `password` is in clear for the one time it is shown; it is never stored."""

    email: str
    roles: tuple[str, ...]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StaffAccount:
    email: str
    roles: tuple[str, ...]
    is_active: bool


class StaffAccounts:
    """`hasher` is for tests, which need no strong hashes; the default is argon2-cffi's own."""

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._hashes = Argon2PasswordHashes(hasher)

    def ensure_roles(self) -> None:
        """Make the roles in the database those of this release. Run it after every upgrade."""
        with self._database.tx() as connection:
            ensure_roles(connection)

    def create(
        self, email: str, roles: Sequence[str], *, at: datetime, password: str | None = None
    ) -> NewStaff:
        """An account with these roles; a password is made up when none is given.

        Raises StaffAccountRefused when the e-mail, a role or the password cannot be used.
        """
        address = _checked_email(email)
        names = _checked_roles(roles)
        secret = _chosen_or_made_up(password, address)
        with self._database.tx() as connection:
            ensure_roles(connection)
            if _id_of(connection, address) is not None:
                raise StaffAccountRefused(f"{address} has an account already.")
            staff_id = connection.scalar(
                insert(StaffRow)
                .values(
                    email=address,
                    password=self._hashes.hash_of(secret),
                    active=True,
                    fs_uniquifier=uuid.uuid4().hex,
                    preferences={},
                    create_datetime=at,
                    update_datetime=at,
                )
                .returning(StaffRow.id)
            )
            give_roles(connection, staff_id, names)
            _journal(connection, "create_staff", address, {"roles": list(names)}, at)
        return NewStaff(address, names, secret)

    def set_password(self, email: str, password: str | None, *, at: datetime) -> NewStaff:
        """Another password, made up when None. Every session of the account ends.

        Raises StaffAccountRefused when there is no such account, and for a password that is too
        short or too easily guessed.
        """
        address = _checked_email(email)
        secret = _chosen_or_made_up(password, address)
        self._change(
            address,
            "set_staff_password",
            {"password": self._hashes.hash_of(secret), "fs_uniquifier": uuid.uuid4().hex},
            {"password": "changed"},
            at,
            ends_sessions=SessionEnd.PASSWORD_CHANGED,
        )
        return NewStaff(address, self._roles_of(address), secret)

    def set_roles(self, email: str, roles: Sequence[str], *, at: datetime) -> StaffAccount:
        """Exactly these roles. Who loses one is logged out; what is added counts at once.

        Raises StaffAccountRefused for an unknown account or role, and for the last administrator.
        """
        address, names = _checked_email(email), _checked_roles(roles)
        with self._database.tx() as connection:
            ensure_roles(connection)
            staff_id = _id_of(connection, address)
            if staff_id is None:
                raise StaffAccountRefused(f"{address} has no account.")
            before = role_names(connection, address)
            connection.execute(delete(staff_roles).where(staff_roles.c.staff_id == staff_id))
            give_roles(connection, staff_id, names)
            if ADMIN in before:
                require_an_admin(connection)
            _journal(
                connection,
                "set_staff_roles",
                address,
                {"roles": list(names)},
                at,
                before={"roles": before},
            )
            if set(before) - set(names):
                end_sessions(connection, address, SessionEnd.ROLE_REMOVED, by=_COMMAND_LINE, at=at)
        return next(account for account in self.all() if account.email == address)

    def set_active(self, email: str, *, is_active: bool, at: datetime) -> None:
        """Open or close an account. A closed one is logged out at its next request."""
        self._change(
            _checked_email(email),
            "open_staff_account" if is_active else "close_staff_account",
            {"active": is_active, "fs_uniquifier": uuid.uuid4().hex},
            {"is_active": is_active},
            at,
            ends_sessions=SessionEnd.ACCOUNT_CLOSED,
        )

    def unlock(self, email: str, keys: LoginKeys, *, at: datetime) -> bool:
        """Forget the account's failed logins; False when there were none lately.

        Raises StaffAccountRefused when there is no such account.
        """
        address = _checked_email(email)
        with self._database.tx() as connection:
            if _id_of(connection, address) is None:
                raise StaffAccountRefused(f"{address} has no account.")
            if not forget_tries(connection, keys.of_login(address)):
                return False
            _journal(connection, "unlock_staff", address, {"failed_logins": 0}, at)
        return True

    def reset_factor(self, email: str, *, at: datetime) -> bool:
        """Remove the second factor of who has lost it; False when there was none.

        Raises StaffAccountRefused when there is no such account.
        """
        address = _checked_email(email)
        with self._database.tx() as connection:
            if _id_of(connection, address) is None:
                raise StaffAccountRefused(f"{address} has no account.")
            return remove_factor(
                connection, address, by=_COMMAND_LINE, reason=_FROM_COMMAND_LINE, at=at
            )

    def all(self) -> tuple[StaffAccount, ...]:
        """Every account with its roles, by e-mail."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(StaffRow.email, StaffRow.active, RoleRow.name)
                .outerjoin(staff_roles, staff_roles.c.staff_id == StaffRow.id)
                .outerjoin(RoleRow, RoleRow.id == staff_roles.c.role_id)
                .order_by(StaffRow.email, RoleRow.name)
            ).all()
        roles: dict[tuple[str, bool], list[str]] = {}
        for email, is_active, role in rows:
            roles.setdefault((email, is_active), []).extend([role] if role else [])
        return tuple(
            StaffAccount(email, tuple(names), is_active)
            for (email, is_active), names in roles.items()
        )

    def _roles_of(self, email: str) -> tuple[str, ...]:
        return next((account.roles for account in self.all() if account.email == email), ())

    def _change(
        self,
        email: str,
        action: str,
        values: dict[str, object],
        journalled: dict[str, object],
        at: datetime,
        *,
        ends_sessions: SessionEnd,
    ) -> None:
        with self._database.tx() as connection:
            changed = connection.execute(
                update(StaffRow).where(StaffRow.email == email).values(**values, update_datetime=at)
            )
            if changed.rowcount == 0:
                raise StaffAccountRefused(f"{email} has no account.")
            if values.get("active") is False and ADMIN in role_names(connection, email):
                require_an_admin(connection)
            _journal(connection, action, email, journalled, at)
            end_sessions(connection, email, ends_sessions, by=_COMMAND_LINE, at=at)


def _checked_email(email: str) -> str:
    """In lower case, so that one person cannot get two accounts by another spelling."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise StaffAccountRefused(f"Not an e-mail address: {error}") from None


def _checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    names = tuple(sorted(set(roles)))
    unknown = [name for name in names if name not in ROLE_PERMISSIONS]
    if unknown or not names:
        raise StaffAccountRefused(f"A role is one of {', '.join(sorted(ROLE_PERMISSIONS))}.")
    return names


def _chosen_or_made_up(password: str | None, email: str) -> str:
    if password is None:
        return secrets.token_urlsafe(15)
    if problem := why_refused(password, email=email, common=common_passwords()):
        raise StaffAccountRefused(problem)
    return password


def _id_of(connection: Connection, email: str) -> int | None:
    return connection.scalar(select(StaffRow.id).where(StaffRow.email == email))


def _journal(
    connection: Connection,
    action: str,
    email: str,
    after: dict[str, object],
    at: datetime,
    *,
    before: dict[str, object] | None = None,
) -> None:
    insert_entry(
        connection,
        actor=_COMMAND_LINE,
        action=action,
        subject=f"staff:{email}",
        reason=_FROM_COMMAND_LINE,
        before=before,
        after=after,
        at=at,
    )
