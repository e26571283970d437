"""The permissions that views name. Which role has which stands in application/staff_permissions."""

from payorch.application.staff_permissions import ROLE_PERMISSIONS, Permission

__all__ = ["ROLE_PERMISSIONS", "Permission"]
