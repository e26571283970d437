"""The choice of a country, written as HTML once per language.

250 options through the widget of every form took two thirds of the checkout page's CPU time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import escape
from wtforms import Field, SelectField
from wtforms.widgets import Select

from payorch.presentation.checkout.lean_rendering import select_html
from payorch.presentation.countries import country_choices, is_country
from payorch.presentation.page_context import page_locale

if TYPE_CHECKING:
    from markupsafe import Markup


class CountrySelect(Select):
    def __call__(self, field: Field, **attributes: Any) -> Markup:
        options = _options(page_locale())
        if field.data and is_country(field.data):
            value = f'value="{field.data}"'
            options = options.replace(value, f"selected {value}", 1)
        return select_html(field, self, attributes, options)


class CountryField(SelectField):
    """Takes any text; the form tells whether it is a country. Its choices are the widget's."""

    widget = CountrySelect()  # type: ignore[no-untyped-call]  # WTForms has no types

    def __init__(self, label: Any, **options: Any) -> None:
        options = {**options, "choices": (), "validate_choice": False}
        super().__init__(label, **options)  # type: ignore[no-untyped-call]  # WTForms has no types


@cache
def _options(locale: str) -> str:
    return "".join(
        f'<option value="{code}">{escape(name)}</option>' for code, name in country_choices(locale)
    )
