"""The staff, for administrators: who has an account, and where each is logged in.

Accounts themselves are made, changed and closed by `payorch staff`.
"""

from dataclasses import dataclass

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from payorch.application.second_factor import FactorState
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.application.staff_sessions import StaffSession
from payorch.domain.errors import ReasonRequired, SecondFactorRefused
from payorch.infrastructure.persistence.tables.staff import StaffRow
from payorch.presentation.backoffice.people.account import ENDED, WAS_OVER, ended_many
from payorch.presentation.backoffice.people.own_factor import own_session
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

REMOVED = ("The second factor is removed, and its recovery codes with it.", "success")
WAS_NONE = ("There was no second factor any more.", "info")


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    roles: str
    is_active: bool
    factor: FactorState | None
    sessions: tuple[StaffSession, ...]


class StaffView(BackofficeView):
    required_permission = Permission.MANAGE_STAFF

    def __init__(self, database: SQLAlchemy) -> None:
        self._database = database
        super().__init__(name="Staff", category="Records", endpoint="people", url="staff")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        rows = self._database.session.scalars(select(StaffRow).order_by(StaffRow.email))
        page: str = self.render("backoffice/staff.html", people=[_person(row) for row in rows])
        return page

    @expose("/<email>")
    def person(self, email: str) -> ResponseReturnValue:
        page: str = self.render(
            "backoffice/staff_person.html",
            person=self._found(email),
            own_session=own_session(),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    @expose("/<email>/sessions/end", methods=["POST"])
    def end_session(self, email: str) -> ResponseReturnValue:
        person = self._found(email)
        is_ended = services().staff_sessions.end_one(
            person.email, request.form.get("session", ""), by=current_staff().email
        )
        flash(*ENDED if is_ended else WAS_OVER)
        return redirect(url_for(".person", email=person.email), code=303)

    @expose("/<email>/sessions/end-all", methods=["POST"])
    def end_all(self, email: str) -> ResponseReturnValue:
        """All of that person; of one's own all but the present one."""
        person = self._found(email)
        ended = services().staff_sessions.end_others(
            person.email, by=current_staff().email, keep=own_session()
        )
        flash(*ended_many(ended))
        return redirect(url_for(".person", email=person.email), code=303)

    @expose("/<email>/second-factor/remove", methods=["POST"])
    def remove_factor(self, email: str) -> ResponseReturnValue:
        """For who has lost their device. That person is logged out everywhere."""
        person = self._found(email)
        if question := identity_question(self):
            return question
        try:
            is_removed = services().second_factors.remove(
                person.email,
                by=current_staff().email,
                reason=request.form.get("reason", ""),
                keep_session=own_session(),
            )
        except (ReasonRequired, SecondFactorRefused) as error:
            flash(error.message, "error")
        else:
            flash(*(REMOVED if is_removed else WAS_NONE))
        return redirect(url_for(".person", email=person.email), code=303)

    def _found(self, email: str) -> Person:
        row = self._database.session.scalar(select(StaffRow).where(StaffRow.email == email))
        if row is None:
            abort(404)
        return _person(row)


def _person(row: StaffRow) -> Person:
    return Person(
        row.email,
        ", ".join(sorted(role.name for role in row.roles)),
        row.active,
        services().second_factors.state(row.email),
        services().staff_sessions.open_ones(row.email),
    )
