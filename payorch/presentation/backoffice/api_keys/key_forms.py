"""The forms of an API key. Each field is checked by the domain's own rule.

The token against forged requests is the page's, not the form's: see presentation/csrf.py.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import ValidationError

from payorch.application.manage_api_keys import DEFAULT_OVERLAP, CreateApiKey, RotateApiKey
from payorch.application.staff_reason import checked_reason
from payorch.domain.api_key import Scope, checked_name, checked_networks, checked_scopes
from payorch.domain.errors import PayorchError

_NEVER = ""
_LIFETIMES = {_NEVER: "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
_OVERLAPS = {
    "0": "Not at all: it ends now",
    "1": "For one hour",
    "24": "For a day",
    str(DEFAULT_OVERLAP // timedelta(hours=1)): f"For {DEFAULT_OVERLAP.days} days",
    str(30 * 24): "For 30 days",
}
"""Hours, and what they mean for the old key."""


def _by(rule: Callable[[Any], object]) -> Callable[[Form, Any], None]:
    """A validator that says what the domain's `rule` says."""

    def check(_form: Form, field: Any) -> None:
        try:
            rule(field.data)
        except PayorchError as error:
            raise ValidationError(error.message) from None

    return check


class _PostedForm(Form):
    """`posted` None: an empty form."""

    def __init__(self, posted: MultiDict[str, str] | None = None) -> None:
        super().__init__(posted)  # type: ignore[no-untyped-call]  # WTForms has no types

    def is_valid(self) -> bool:
        return bool(self.validate())  # type: ignore[no-untyped-call]  # WTForms has no types


class NewKeyForm(_PostedForm):
    name = StringField("Name", default="", validators=[_by(checked_name)])
    scopes = SelectMultipleField(
        "What may it do?",
        choices={scope.value: scope.meaning for scope in Scope},
        default=[],
        validate_choice=False,
        validators=[_by(checked_scopes)],
    )
    lifetime = SelectField("When does it end?", choices=_LIFETIMES, default="365")
    networks = TextAreaField(
        "From where may it be used?",
        default="",
        validators=[_by(lambda text: checked_networks(_lines(text)))],
    )
    reason = StringField("What is it for?", default="", validators=[_by(checked_reason)])

    def command(self, actor: str) -> CreateApiKey:
        """Once the form is valid."""
        days = self.lifetime.data
        return CreateApiKey(
            name=self.name.data,
            scopes=self.scopes.data,
            actor=actor,
            reason=self.reason.data,
            lifetime=None if days == _NEVER else timedelta(days=int(days)),
            networks=_lines(self.networks.data),
        )


class RotateForm(_PostedForm):
    overlap = SelectField(
        "How long does the old key still work?",
        choices=_OVERLAPS,
        default=str(DEFAULT_OVERLAP // timedelta(hours=1)),
    )
    reason = StringField("Why?", default="", validators=[_by(checked_reason)])

    def command(self, key_id: str, actor: str) -> RotateApiKey:
        """Once the form is valid."""
        return RotateApiKey(
            key_id=key_id,
            actor=actor,
            reason=self.reason.data,
            overlap=timedelta(hours=int(self.overlap.data)),
        )


class RevokeForm(_PostedForm):
    reason = StringField("Why?", default="", validators=[_by(checked_reason)])


def _lines(text: str) -> Sequence[str]:
    return text.replace(",", "\n").split("\n")
