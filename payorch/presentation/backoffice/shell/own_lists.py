"""A list as its reader wants it: which columns, and views under names of their own.

Both are kept for each person and list. A view opens nothing: its tab leads to the same list with
the filters in the URL, which are checked there as if they had been typed.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.own_lists import MAX_VIEW_NAME, MAX_VIEWS, OwnList
from payorch.domain.errors import ListViewRefused
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.exact_filters import InvalidFilter
from payorch.presentation.backoffice.shell.exact_search import cleaned
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.services import services


class OwnListView(KeysetListView):
    """`column_list` is what everybody sees at first; `more_columns` can be chosen as well."""

    more_columns: ClassVar[Sequence[str]] = ()

    def render(self, template: str, **context: Any) -> str:
        if template == self.list_template:
            own = services().arrange_lists.of(current_staff().email, self.endpoint)
            criteria: ListCriteria = context["criteria"]
            shown = self._shown_columns(own)
            context["list_columns"] = self.get_column_names(shown, None)
            context["tabs"] = [*context["tabs"], *self._tabs(own, criteria)]
            context["own_list"] = {
                "columns": [
                    (name, label, name in shown)
                    for name, label in self.get_column_names(self._all_columns(), None)
                ],
                "is_changed": own.columns is not None,
                "views": own.views,
                "may_save": bool(criteria.filters) and context["problem"] is None,
                "may_add": len(own.views) < MAX_VIEWS,
                "max_views": MAX_VIEWS,
                "max_name": MAX_VIEW_NAME,
                "args": criteria.query_args(),
            }
        page: str = super().render(template, **context)
        return page

    @expose("/columns", methods=["POST"])
    def choose_columns(self) -> ResponseReturnValue:
        """None that the list has is the same as its own; so is "reset"."""
        wanted = set(request.form.getlist("column"))
        chosen = [name for name in self._all_columns() if name in wanted]
        if "reset" in request.form or chosen == self._first_columns():
            services().arrange_lists.show_columns(current_staff().email, self.endpoint, None)
        elif not chosen:
            flash("A list shows at least one column. Nothing was changed.", "error")
        else:
            services().arrange_lists.show_columns(current_staff().email, self.endpoint, chosen)
        return self._to_list()

    @expose("/views", methods=["POST"])
    def save_own_view(self) -> ResponseReturnValue:
        criteria = self._criteria()
        try:
            self._conditions(criteria)
        except InvalidFilter as error:
            flash(f"{error} Nothing was saved.", "error")
            return self._to_list()
        name = request.form.get("name", "")
        return self._arrange(
            lambda: services().arrange_lists.save_view(
                current_staff().email,
                self.endpoint,
                name,
                criteria.filters,
                reserved=self._reserved(),
            ),
            "The view is saved.",
        )

    @expose("/views/rename", methods=["POST"])
    def rename_own_view(self) -> ResponseReturnValue:
        view_id, name = self._posted_view(), request.form.get("name", "")
        return self._arrange(
            lambda: services().arrange_lists.rename_view(
                current_staff().email, self.endpoint, view_id, name, reserved=self._reserved()
            ),
            "The view has its new name.",
        )

    @expose("/views/delete", methods=["POST"])
    def delete_own_view(self) -> ResponseReturnValue:
        view_id = self._posted_view()
        return self._arrange(
            lambda: services().arrange_lists.delete_view(
                current_staff().email, self.endpoint, view_id
            ),
            "The view is deleted.",
        )

    def _arrange(self, action: Callable[[], None], done: str) -> ResponseReturnValue:
        try:
            action()
        except ListViewRefused as error:
            flash(error.message, "error")
        else:
            flash(done, "success")
        return self._to_list()

    def _first_columns(self) -> list[str]:
        return [str(name) for name in self.column_list or ()]

    def _all_columns(self) -> list[str]:
        return [*self._first_columns(), *self.more_columns]

    def _shown_columns(self, own: OwnList) -> list[str]:
        """The list's own where a newer release has none of the chosen ones any more."""
        chosen = set(own.columns or ())
        return [name for name in self._all_columns() if name in chosen] or self._first_columns()

    def _tabs(self, own: OwnList, criteria: ListCriteria) -> list[tuple[str, str, bool]]:
        return [
            (
                view.name,
                self._address(ListCriteria("", view.filters)),
                view.filters == criteria.filters,
            )
            for view in own.views
        ]

    def _reserved(self) -> list[str]:
        return [view.label for view in self.saved_views()]

    def _criteria(self) -> ListCriteria:
        return ListCriteria.from_args(request.args, self.exact_filters)

    def _posted_view(self) -> str:
        return cleaned(request.form.get("view", ""))

    def _to_list(self) -> ResponseReturnValue:
        return redirect(self._address(self._criteria()), code=303)
