"""Passkeys on one's own account: added, renamed, removed. Each change asks first who is there."""

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.passkeys import MAX_NAME, Purpose
from payorch.application.second_factor import Passkey
from payorch.domain.login_errors import PasskeyRefused
from payorch.presentation.backoffice.people.own_factor import left_text, own_session
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.passkey_answers import challenge_answer
from payorch.presentation.backoffice.shell.staff_session import renew_session
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services


class OwnPasskeys(BackofficeView):
    @expose("/passkeys/challenge", methods=["POST"])
    def passkey_challenge(self) -> Response:
        """For the script of the pages that use or add one. It proves nothing by itself."""
        is_new = request.form.get("purpose") == Purpose.REGISTER
        return challenge_answer(
            current_staff().email,
            Purpose.REGISTER if is_new else Purpose.USE,
            session=own_session() or "",
        )

    @expose("/passkeys/add", methods=["POST"])
    def add_passkey(self) -> ResponseReturnValue:
        """Without an answer of the browser: the page that asks for one. With it: it is in force."""
        if question := identity_question(self):
            return question
        answer, session = request.form.get("passkey", ""), own_session()
        if "name" not in request.form or session is None:
            return self._add_page()
        try:
            codes = services().passkeys.register(
                current_staff().email,
                request.form["name"],
                answer,
                session=session,
                keep_session=session,
            )
        except PasskeyRefused as error:
            return self._add_page(error.message), 422
        renew_session(with_factor=True)
        if codes:
            page: str = self.render("backoffice/recovery_codes.html", codes=codes)
            return page
        flash("The passkey is added.", "success")
        return redirect(url_for(".index"), code=303)

    @expose("/passkeys/rename", methods=["POST"])
    def rename_passkey(self) -> ResponseReturnValue:
        """Without a name: the page that asks for one. With it: it is called that."""
        passkey = _own_passkey(request.form.get("id", ""))
        if question := identity_question(self):
            return question
        if "name" not in request.form:
            return self._rename_page(passkey, passkey.name)
        name = request.form["name"]
        try:
            is_renamed = services().passkeys.rename(current_staff().email, passkey.public_id, name)
        except PasskeyRefused as error:
            return self._rename_page(passkey, name, error.message), 422
        if not is_renamed:
            abort(404)
        flash("The passkey has its new name.", "success")
        return redirect(url_for(".index"), code=303)

    @expose("/passkeys/remove", methods=["POST"])
    def remove_passkey(self) -> ResponseReturnValue:
        if question := identity_question(self):
            return question
        email = current_staff().email
        try:
            is_removed = services().passkeys.remove(
                email, request.form.get("id", ""), keep_session=own_session()
            )
        except PasskeyRefused as error:
            flash(error.message, "error")
        else:
            flash(*(left_text(email) if is_removed else WAS_GONE))
        return redirect(url_for(".index"), code=303)

    def _add_page(self, problem: str = "") -> str:
        page: str = self.render(
            "backoffice/add_passkey.html", problem=problem, unusable=services().passkeys.problem
        )
        return page

    def _rename_page(self, passkey: Passkey, typed: str, problem: str = "") -> str:
        page: str = self.render(
            "backoffice/rename_passkey.html",
            passkey=passkey,
            typed=typed,
            problem=problem,
            max_name=MAX_NAME,
        )
        return page


def _own_passkey(public_id: str) -> Passkey:
    """One of somebody else is none, so that nobody learns that it is there."""
    factor = services().second_factors.state(current_staff().email)
    found = [one for one in (factor.passkeys if factor else ()) if one.public_id == public_id]
    if not found:
        abort(404)
    return found[0]


WAS_GONE = ("That passkey was removed already.", "info")
