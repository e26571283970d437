"""Who may see a back office page: nobody, unless the page names a permission they have."""

from typing import Any, ClassVar

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from payorch.presentation.backoffice.permissions import Permission

LOGIN_ENDPOINT = "security.login"


class AccessGuard:
    """Mixed in before a Flask-Admin view; Flask-Admin asks it before each of the view's pages.

    `required_permission` is the one permission that opens every page of the view. A view that
    forgets to name one stays closed for everybody.
    """

    required_permission: ClassVar[Permission | None] = None

    def menu_count(self) -> int:
        """How many things on this page wait for a person; shown in the menu unless it is 0."""
        return 0

    def is_accessible(self) -> bool:
        return self.required_permission is not None and staff_may(self.required_permission)

    def inaccessible_callback(self, name: str, **kwargs: object) -> ResponseReturnValue:  # noqa: ARG002 - Flask-Admin's signature
        return turned_away()


def turned_away() -> ResponseReturnValue:
    """The login page for a visitor, 403 for staff who lack the permission."""
    if current_staff().is_authenticated:
        abort(403)
    # After a login the page itself is shown; a form that was lost on the way is not resent.
    came_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for(LOGIN_ENDPOINT, next=came_for))


def staff_may(permission: Permission) -> bool:
    """Whether the person of this request is logged in, active and has the permission now.

    Asked on each request, so that a role taken away works at once.
    """
    return is_active_staff() and bool(current_staff().has_permission(permission.value))


def is_active_staff() -> bool:
    """Whether somebody with a working account is logged in, whatever their role."""
    staff = current_staff()
    return bool(staff.is_authenticated and staff.is_active)


def current_staff() -> Any:
    """The account of this request, or Flask-Login's anonymous one; its stub knows no fields."""
    return current_user
