"""Totals of a list, of each currency, for exactly its filter; never added up across currencies.

An exact sum of millions of rows takes seconds, so the list does not wait for it: the totals are
a small page of their own, which a script puts below the list. The work is bounded twice: by the
newest rows of the list, and by time. Where a bound was met, the page says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from sqlalchemy import func, select

from payorch.presentation.backoffice.shell.bounded_work import TooMuchWork, answered_within
from payorch.presentation.backoffice.shell.exact_filters import InvalidFilter
from payorch.presentation.backoffice.shell.keyset_list import KeysetListView
from payorch.presentation.backoffice.shell.list_criteria import ListCriteria
from payorch.presentation.money_format import format_money

MOST_ROWS = 200_000
"""What PostgreSQL adds up in about half a second, also where the orders' refunds are asked for."""

LONGEST_S = 2.0
"""A filter that finds little among much may read all of it before it has enough rows."""


@dataclass(frozen=True, slots=True)
class SummedColumn:
    """`amount_minor` is an expression over the list's rows, in their own currency."""

    label: str
    amount_minor: Any


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    currency: str
    number: str
    amounts: Sequence[str]


@dataclass(frozen=True, slots=True)
class ListTotals:
    """`newest` is set where only so many of the newest rows were added up."""

    totals: Sequence[CurrencyTotal]
    newest: str | None


class TotalledListView(KeysetListView):
    """A subclass says what is added up."""

    summed_columns: ClassVar[Sequence[SummedColumn]] = ()

    def render(self, template: str, **context: Any) -> str:
        if template == self.list_template and context["problem"] is None:
            criteria: ListCriteria = context["criteria"]
            context["totals_args"] = criteria.from_start().query_args()
        page: str = super().render(template, **context)
        return page

    @expose("/totals")
    def totals(self) -> ResponseReturnValue:
        """A page; with `part` only what the list's script puts in place."""
        criteria = ListCriteria.from_args(request.args, self.exact_filters).from_start()
        totals, problem, status = None, None, 200
        try:
            totals = self.read_totals(criteria)
        except InvalidFilter as error:
            problem, status = str(error), 422
        except TooMuchWork:
            problem = (
                f"This list could not be added up within {LONGEST_S:.0f} seconds. "
                "Set a filter, such as a time, to see totals."
            )
        is_part = "part" in request.args
        body = self.render(
            "backoffice/list_totals_part.html" if is_part else "backoffice/list_totals.html",
            totals=totals,
            problem=problem,
            columns=[column.label for column in self.summed_columns],
            chips=self._chips(criteria),
            list_address=self._address(criteria),
        )
        return body, status

    def read_totals(self, criteria: ListCriteria) -> ListTotals:
        """Raises InvalidFilter and TooMuchWork."""
        model: Any = self.model
        newest = (
            self.get_query()
            .filter(*self._conditions(criteria))
            .with_entities(
                model.currency.label("currency"),
                *(
                    column.amount_minor.label(f"amount_{number}")
                    for number, column in enumerate(self.summed_columns)
                ),
            )
            .order_by(*(column.desc() for column in self._order_columns(criteria)))
            .limit(MOST_ROWS)
            .subquery()
        )
        sums = [
            func.sum(newest.c[f"amount_{number}"]) for number in range(len(self.summed_columns))
        ]
        statement = (
            select(newest.c.currency, func.count(), *sums)
            .group_by(newest.c.currency)
            .order_by(newest.c.currency)
        )
        with answered_within(self.session.session, LONGEST_S):
            found = self.session.session.execute(statement).all()
        return ListTotals(
            totals=[
                CurrencyTotal(
                    currency,
                    f"{number:,}",
                    [format_money(int(amount or 0), currency) for amount in amounts],
                )
                for currency, number, *amounts in found
            ],
            newest=f"{MOST_ROWS:,}" if sum(row[1] for row in found) >= MOST_ROWS else None,
        )
