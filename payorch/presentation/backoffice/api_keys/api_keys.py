"""The page of the API keys, for admins only.

A new key is shown in the answer to the form itself, and nowhere else: it is kept in no session
and under no address, so that there is nothing to come back to. Sending the form once more makes
no second key, because its name is in use then.
"""

import re
from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.api_keys import ApiKeyNotFound, ApiKeyRefused, NewKey
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.api_key import MAX_NAME_LENGTH, ApiKey
from payorch.presentation.backoffice.api_keys.key_forms import NewKeyForm, RevokeForm, RotateForm
from payorch.presentation.backoffice.api_keys.key_lines import key_lines
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services, settings

# Anything else cannot be an id of ours, and PostgreSQL would refuse to look a NUL up.
_KEY_ID = re.compile(r"[0-9A-Za-z]{8}")


class ApiKeysView(BackofficeView):
    required_permission = Permission.MANAGE_API_KEYS

    def __init__(self) -> None:
        super().__init__(name="API keys", endpoint="api_keys", url="api-keys")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        keys, mode = services().api_keys.all(), services().api_keys.mode
        has_token = settings().api_token is not None
        page: str = self.render(
            "backoffice/api_keys.html",
            lines=key_lines(keys, mode, services().clock.now()),
            mode=mode,
            has_token=has_token,
            is_open=not (keys or has_token or settings().is_production),
        )
        return page

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        return self._new_page(NewKeyForm())

    @expose("/new", methods=["POST"])
    def create(self) -> ResponseReturnValue:
        form = NewKeyForm(request.form)
        if not form.is_valid():
            return self._new_page(form), 422
        if (question := identity_question(self)) is not None:
            return question
        try:
            made = services().api_keys.create(form.command(current_staff().email))
        except ApiKeyRefused as refusal:
            return self._new_page(form, refusal.message), 409
        return self._shown_once(made)

    @expose("/<key_id>/rotate")
    def rotate_page(self, key_id: str) -> ResponseReturnValue:
        return self._key_page("rotate", _key(key_id), RotateForm())

    @expose("/<key_id>/rotate", methods=["POST"])
    def rotate(self, key_id: str) -> ResponseReturnValue:
        key, form = _key(key_id), RotateForm(request.form)
        if not form.is_valid():
            return self._key_page("rotate", key, form), 422
        if (question := identity_question(self)) is not None:
            return question
        try:
            made = services().api_keys.rotate(form.command(key_id, current_staff().email))
        except ApiKeyRefused as refusal:
            return self._key_page("rotate", key, form, refusal.message), 409
        return self._shown_once(made, services().api_keys.key(key_id))

    @expose("/<key_id>/revoke")
    def revoke_page(self, key_id: str) -> ResponseReturnValue:
        return self._key_page("revoke", _key(key_id), RevokeForm())

    @expose("/<key_id>/revoke", methods=["POST"])
    def revoke(self, key_id: str) -> ResponseReturnValue:
        key, form = _key(key_id), RevokeForm(request.form)
        if not form.is_valid():
            return self._key_page("revoke", key, form), 422
        if (question := identity_question(self)) is not None:
            return question
        try:
            services().api_keys.revoke(key_id, actor=current_staff().email, reason=form.reason.data)
        except ApiKeyRefused as refusal:
            return self._key_page("revoke", key, form, refusal.message), 409
        flash(f"{key.label} “{key.name}” is revoked. It is refused from now on.", "success")
        return redirect(url_for(".index"), code=303)

    def _new_page(self, form: NewKeyForm, problem: str = "") -> str:
        return self._page("backoffice/api_key_new.html", form=form, problem=problem)

    def _key_page(
        self, what: str, key: ApiKey, form: RotateForm | RevokeForm, problem: str = ""
    ) -> str:
        template = f"backoffice/api_key_{what}.html"
        return self._page(template, key=key, form=form, problem=problem)

    def _page(self, template: str, **context: Any) -> str:
        page: str = self.render(
            template,
            mode=services().api_keys.mode,
            max_name_length=MAX_NAME_LENGTH,
            max_reason_length=MAX_REASON_LENGTH,
            **context,
        )
        return page

    def _shown_once(self, made: NewKey, old: ApiKey | None = None) -> ResponseReturnValue:
        response = make_response(self._page("backoffice/api_key_shown.html", made=made, old=old))
        # Not the default of all pages only: this one must not depend on it.
        response.headers["Cache-Control"] = "no-store"
        return response


def _key(key_id: str) -> ApiKey:
    if not _KEY_ID.fullmatch(key_id):
        abort(404)
    try:
        return services().api_keys.key(key_id)
    except ApiKeyNotFound:
        abort(404)
