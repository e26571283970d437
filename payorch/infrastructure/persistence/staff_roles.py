"""Roles of staff accounts, in the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from payorch.application.staff_permissions import ROLE_DESCRIPTIONS, ROLE_PERMISSIONS
from payorch.domain.errors import PayorchError
from payorch.infrastructure.persistence.tables import RoleRow, StaffRow
from payorch.infrastructure.persistence.tables.staff import staff_roles

ADMIN = "admin"


class StaffAccountRefused(PayorchError):
    """The e-mail, a role or the password cannot be used, or the account exists or is unknown."""

    code = "staff_account_refused"


def ensure_roles(connection: Connection) -> None:
    rows = connection.execute(select(RoleRow.name, RoleRow.id))
    known = {row.name: row.id for row in rows}
    for name, permissions in ROLE_PERMISSIONS.items():
        values = {
            "description": ROLE_DESCRIPTIONS[name],
            "permissions": sorted(permission.value for permission in permissions),
        }
        if name in known:
            connection.execute(update(RoleRow).where(RoleRow.id == known[name]).values(values))
        else:
            connection.execute(insert(RoleRow).values(name=name, **values))


def role_names(connection: Connection, email: str) -> list[str]:
    names = (
        select(RoleRow.name)
        .join(staff_roles, staff_roles.c.role_id == RoleRow.id)
        .join(StaffRow, StaffRow.id == staff_roles.c.staff_id)
        .where(StaffRow.email == email)
        .order_by(RoleRow.name)
    )
    return list(connection.scalars(names))


def give_roles(connection: Connection, staff_id: int | None, names: Sequence[str]) -> None:
    role_ids = connection.scalars(select(RoleRow.id).where(RoleRow.name.in_(names)))
    connection.execute(
        insert(staff_roles), [{"staff_id": staff_id, "role_id": role_id} for role_id in role_ids]
    )


def require_an_admin(connection: Connection) -> None:
    """Somebody has to be able to look after logins. Raises StaffAccountRefused when nobody is."""
    admins = (
        select(StaffRow.id)
        .join(staff_roles, staff_roles.c.staff_id == StaffRow.id)
        .join(RoleRow, RoleRow.id == staff_roles.c.role_id)
        .where(RoleRow.name == ADMIN, StaffRow.active)
        .limit(1)
    )
    if connection.scalar(admins) is None:
        raise StaffAccountRefused("This is the last administrator: make another one first.")
