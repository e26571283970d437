"""Whether somebody's account is open and has a right now, for those who are not at the door."""

from sqlalchemy import Connection, select

from payorch.application.staff_permissions import Permission
from payorch.infrastructure.persistence.tables import RoleRow, StaffRow
from payorch.infrastructure.persistence.tables.staff import staff_roles

PROPOSER_MAY_NOT = (
    "Who proposed it has no right to it any more. Reject it, and let somebody else propose it anew."
)
"""Two people agree at the time of the agreement: whose account was closed meanwhile because
somebody else had it is not one of them.
"""


def staff_has(connection: Connection, email: str, permission: Permission) -> bool:
    """Nobody has anything without an account."""
    granted = connection.scalars(
        select(RoleRow.permissions)
        .join(staff_roles, staff_roles.c.role_id == RoleRow.id)
        .join(StaffRow, StaffRow.id == staff_roles.c.staff_id)
        .where(StaffRow.email == email, StaffRow.active)
    )
    return any(permission.value in (permissions or ()) for permissions in granted)
