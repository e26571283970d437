"""The Flask-Admin views that every back office page inherits from.

Flask-Admin's defaults suit a toy: all is writable, a single row is found without the list's
own conditions, a malformed id or page number is an error page. Here all is closed and
read-only until a view says otherwise, and nothing is ever deleted. Tokens against forged
requests come from the application's global CSRFProtect; Flask-Admin's SecureForm must not be
used as well, because both together refuse every form.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flask import abort
from flask_admin.base import BaseView
from flask_admin.contrib.sqla.view import ModelView
from flask_admin.form import BaseForm
from flask_admin.model.base import ViewArgs
from sqlalchemy import inspect
from wtforms import Form

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import AccessGuard, staff_may

MAX_PAGE = 10_000
MAX_ID_LENGTH = 64
MAX_INTEGER_KEY = 2**63 - 1


def shown_as(text_of: Callable[[Any], str]) -> Callable[[Any, Any, Any, str], str]:
    """A Flask-Admin column formatter that needs the row only."""

    def text(_view: Any, _context: Any, row: Any, _name: str) -> str:
        return text_of(row)

    return text


class BackofficeView(AccessGuard, BaseView):
    """A page that is no list of rows, such as the dashboard or the routing board."""

    uses_admin_scripts: ClassVar[bool] = False


class BackofficeModelView(AccessGuard, ModelView):
    """A list of rows of one table, read-only.

    A subclass names `required_permission` and `column_list`, and `form_columns` too if it may
    create or edit: Flask-Admin's own guess of a form loads every related row.
    """

    # Flask-Admin's scripts (jQuery, select2, filters) are loaded only where its widgets are.
    uses_admin_scripts: ClassVar[bool] = True
    action_permissions: ClassVar[Mapping[str, Permission]] = {}

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    can_set_page_size = False
    page_size = 50
    # An exact count of a large table costs more than the page itself.
    simple_list_pager = True
    named_filter_urls = True

    def __init__(self, model: type[Any], session: Any, **kwargs: Any) -> None:
        self._refuse_unsafe_settings()
        # Without an order, pages of the same list may overlap on PostgreSQL.
        self.column_default_sort = self.column_default_sort or ("id", True)
        super().__init__(model, session, **kwargs)

    def _refuse_unsafe_settings(self) -> None:
        name = type(self).__name__
        if not self.column_list:
            raise TypeError(f"{name} must list its columns; Flask-Admin would show all of them.")
        if self.column_editable_list:
            raise TypeError(f"{name}: inline editing ignores can_edit, so it is not used.")
        if self.can_delete:
            raise TypeError(f"{name}: rows of the back office are never deleted.")
        if (self.can_create or self.can_edit) and not self.form_columns:
            raise TypeError(f"{name} may be written to, so it must list its form_columns.")

    def get_pk_value(self, model: Any) -> Any:
        """The public id where the row has one: integer keys never leave the database."""
        return getattr(model, "public_id", None) or super().get_pk_value(model)

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's signature
        return self.find_row(id)

    def find_row(self, public_id: Any, *loading: Any) -> Any:
        """The row of the list that has this id; None for any other text, however odd.

        It starts from `get_query`, so a row that the list does not show cannot be reached.
        `loading` are loader options for what the page reads beyond the row.
        """
        key = self._parsed_key(public_id)
        if key is None:
            return None
        column, value = key
        return self.get_query().filter(column == value).options(*loading).one_or_none()

    def _parsed_key(self, raw: Any) -> tuple[Any, str | int] | None:
        if not isinstance(raw, str) or not 0 < len(raw) <= MAX_ID_LENGTH or "\0" in raw:
            return None
        if hasattr(self.model, "public_id"):
            return self.model.public_id, raw
        # isdecimal() alone lets digits of other scripts pass.
        if not (raw.isascii() and raw.isdecimal()) or int(raw) > MAX_INTEGER_KEY:
            return None
        return inspect(self.model).primary_key[0], int(raw)

    def _get_list_extra_args(self) -> ViewArgs:
        """Flask-Admin's reading of the URL, without the values that break a query.

        A page below 0 or beyond 64 bits fails in SQL, and PostgreSQL refuses NUL in any text.
        """
        args = super()._get_list_extra_args()
        args.page = max(0, min(args.page or 0, MAX_PAGE))
        args.search = args.search.replace("\0", "") if args.search else None
        args.filters = [
            (*filter_[:-1], filter_[-1].replace("\0", "")) for filter_ in args.filters or ()
        ]
        return args

    def scaffold_form(self) -> type[Form]:
        """No form where nothing can be written: building one reads every relationship."""
        if not (self.can_create or self.can_edit):
            return BaseForm
        return super().scaffold_form()

    def is_action_allowed(self, name: str) -> bool:
        """Bulk actions are closed until `action_permissions` names who may run them."""
        permission = self.action_permissions.get(name)
        return permission is not None and staff_may(permission)

    def delete_model(self, model: Any) -> bool:  # noqa: ARG002 - Flask-Admin's signature
        abort(405)
