"""A list over millions of rows: as fast on its last page as on its first.

Pages are cut at a row ("older than this one"), never at a number of rows to skip, and the count
stops at a cap: counting all of 2 million rows takes 50 times as long as the page itself. It also
stops after a while, because what is rare among millions is not found sooner by counting it first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from sqlalchemy import ColumnElement, and_, or_

from payorch.presentation.backoffice.shell.base_view import BackofficeModelView
from payorch.presentation.backoffice.shell.bounded_work import TooMuchWork, answered_within
from payorch.presentation.backoffice.shell.exact_filters import (
    ExactFilter,
    InvalidFilter,
    TimeFilter,
    typed,
)
from payorch.presentation.backoffice.shell.list_criteria import (
    NO_FILTERS,
    SEARCH,
    Direction,
    ListCriteria,
)

COUNT_CAP = 10_000
COUNT_WITHIN_S = 0.25
PAGE_WITHIN_S = 15.0
TOO_LONG = (
    f"The database was stopped after {PAGE_WITHIN_S:.0f} seconds of looking. Set a time as well, "
    "so that it has less to look through."
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address of the list without it."""

    label: str
    text: str
    address_without: str


@dataclass(frozen=True, slots=True)
class SavedView:
    """A tab: a name for a set of filters that somebody looks at every day."""

    label: str
    filters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows from newest to oldest; `count_text` is the number found, "10,000+" from the cap on,
    "Many" where counting took too long.
    """

    rows: Sequence[Any]
    count_text: str
    newer: ListCriteria | None
    older: ListCriteria | None


class KeysetListView(BackofficeModelView):
    """Rows newest first. A subclass gives columns, filters and what its search looks at."""

    list_template = "backoffice/list.html"
    uses_admin_scripts = False

    exact_filters: Sequence[ExactFilter] = ()
    search_hint: ClassVar[str | None] = None
    # How a column is set: amount, number, time, id or text (static/css/backoffice.css).
    column_kinds: ClassVar[Mapping[str, str]] = {}
    time_column: ClassVar[str] = "created_at"

    def __init__(self, model: type[Any], session: Any, **kwargs: Any) -> None:
        if taken := NO_FILTERS & {filter_.name for filter_ in self.exact_filters}:
            raise TypeError(f"{type(self).__name__}: no filter may be called {sorted(taken)}.")
        super().__init__(model, session, **kwargs)

    def saved_views(self) -> Sequence[SavedView]:
        """The tabs above the list; none unless a subclass has some."""
        return ()

    def loading(self) -> Sequence[Any]:
        """Loader options for what the columns read beyond the row itself."""
        return ()

    def search_condition(self, text: str) -> ColumnElement[bool]:
        """The rows that a search finds; asked only when `search_hint` is set."""
        raise NotImplementedError(f"{type(self).__name__} has a search box but no search.")

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        criteria = ListCriteria.from_args(request.args, self.exact_filters)
        try:
            page, problem = self.read_page(criteria), None
        except InvalidFilter as error:
            page, problem = ListPage((), "0", None, None), str(error)
        except TooMuchWork:
            page, problem = ListPage((), "0", None, None), TOO_LONG
        body = self.render(
            self.list_template,
            page=page,
            problem=problem,
            criteria=criteria,
            chips=self._chips(criteria),
            tabs=[
                (
                    tab.label,
                    self._address(ListCriteria("", tab.filters)),
                    tab.filters == criteria.filters,
                )
                for tab in self.saved_views()
            ],
            address_of=self._address,
            list_columns=self.get_list_columns(),
            get_value=self.get_list_value,
            # Flask-Admin's own templates find the way back here.
            return_url=self._address(criteria),
        )
        return (body, 422) if problem else body

    def read_page(self, criteria: ListCriteria) -> ListPage:
        """One page and what surrounds it. Raises InvalidFilter and TooMuchWork."""
        matching = self.get_query().filter(*self._conditions(criteria))
        columns = self._order_columns(criteria)
        count = self._count(matching.with_entities(columns[-1]))
        newer_first = criteria.direction == "after"
        start = self.get_one(criteria.cursor)
        following = matching
        if start is not None:
            following = matching.filter(beyond(columns, start, older=newer_first))
        order = [column.desc() if newer_first else column.asc() for column in columns]
        # One row more than is shown tells whether there is another page.
        limited = following.order_by(*order).limit(self.page_size + 1)
        with answered_within(self.session.session, PAGE_WITHIN_S):
            found = limited.options(*self.loading()).all()
        has_more, rows = len(found) > self.page_size, found[: self.page_size]
        if not newer_first:
            rows.reverse()
        if start is None and not has_more:
            count = len(rows)
        has_newer, has_older = (start is not None, has_more) if newer_first else (has_more, True)
        return ListPage(
            rows=rows,
            count_text=_count_text(count),
            newer=self._at_edge(criteria, "before", rows[:1]) if has_newer else None,
            older=self._at_edge(criteria, "after", rows[-1:]) if has_older else None,
        )

    def _count(self, matching: Any) -> int | None:
        """At most one more than COUNT_CAP; None when it takes too long."""
        try:
            with answered_within(self.session.session, COUNT_WITHIN_S):
                return int(matching.limit(COUNT_CAP + 1).count())
        except TooMuchWork:
            return None

    def _conditions(self, criteria: ListCriteria) -> list[ColumnElement[bool]]:
        conditions = [
            f.condition(criteria.filters[f.name], criteria.filters)
            for f in self.exact_filters
            if f.name in criteria.filters
        ]
        if criteria.search and self.search_hint:
            conditions.append(self.search_condition(criteria.search))
        return conditions

    def _order_columns(self, criteria: ListCriteria) -> list[Any]:
        """Newest first is by id, which every filter's index ends with.

        Within a time range it is by time: that index then gives the range and the order.
        """
        model: Any = self.model
        for filter_ in self.exact_filters:
            if isinstance(filter_, TimeFilter) and filter_.name in criteria.filters:
                return [getattr(model, self.time_column), model.id]
        return [model.id]

    def _at_edge(
        self, criteria: ListCriteria, direction: Direction, edge: Sequence[Any]
    ) -> ListCriteria | None:
        return criteria.at(direction, str(self.get_pk_value(edge[0]))) if edge else None

    def _chips(self, criteria: ListCriteria) -> list[Chip]:
        chips = []
        if criteria.search:
            chips.append(Chip("Search", criteria.search, self._address(criteria.without(SEARCH))))
        for f in self.exact_filters:
            if value := criteria.filters.get(f.name):
                try:
                    text = f.text_of(value)
                except InvalidFilter:
                    text = value
                chips.append(Chip(f.label, text, self._address(criteria.without(f.name))))
        return chips

    def _address(self, criteria: ListCriteria) -> str:
        return url_for(f"{self.endpoint}.index_view", **criteria.query_args())  # type: ignore[arg-type]  # url_for's own keywords start with "_", filters never do


def _count_text(count: int | None) -> str:
    if count is None:
        return "Many"
    return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"


def beyond(columns: Sequence[Any], start: Any, *, older: bool) -> ColumnElement[bool]:
    """Rows past `start` in the order of `columns`, of which the last one is unique."""
    first, *rest = columns
    value = getattr(start, first.key)
    passed = first < value if older else first > value
    if not rest:
        return typed(passed)
    # The bound on the first column alone is implied, but it is what lets an index start there.
    bound = first <= value if older else first >= value
    return and_(bound, or_(passed, and_(first == value, beyond(rest, start, older=older))))
