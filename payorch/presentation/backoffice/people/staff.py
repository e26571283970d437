"""The staff, for administrators: who has an account, and where each is logged in.

Accounts themselves are made, changed and closed by `payorch staff`.
"""

from dataclasses import dataclass

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from payorch.application.staff_sessions import StaffSession
from payorch.infrastructure.persistence.tables.staff import StaffRow
from payorch.presentation.backoffice.people.account import ENDED, WAS_OVER, ended_many
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.staff_session import current_session
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    roles: str
    is_active: bool
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
        own = current_session()
        page: str = self.render(
            "backoffice/staff_person.html",
            person=self._found(email),
            own_session=None if own is None else own.public_id,
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
        person, own = self._found(email), current_session()
        ended = services().staff_sessions.end_others(
            person.email,
            by=current_staff().email,
            keep=None if own is None else own.public_id,
        )
        flash(*ended_many(ended))
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
        services().staff_sessions.open_ones(row.email),
    )
