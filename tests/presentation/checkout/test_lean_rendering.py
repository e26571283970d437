"""What is rendered leanly is what WTForms would write, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from wtforms import EmailField, Form, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from payorch.presentation.checkout.lean_rendering import LeanRendering

TEXTS = st.one_of(st.text(), st.sampled_from(["", '"><script>', "O'Neil & Söhne", "MXN"]))
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["class_", "data_options_trigger", "aria-describedby", "maxlength", "for_"]),
    st.one_of(TEXTS, st.booleans(), st.integers(), st.just(Markup('a "b"'))),
)


class NothingElse:
    """WTForms puts a form's Meta before its own."""


def a_form(meta: type, data: dict[str, str]) -> Form:
    class AForm(Form):
        Meta = meta

        name = StringField(validators=[DataRequired(), Length(min=2, max=100)])
        email = EmailField(render_kw={"class": "wide"})
        key = HiddenField()
        currency = SelectField(choices=[("EUR", "EUR"), ("MXN", "<Peso>")], validate_choice=False)

    return AForm(data=data)


@pytest.mark.filterwarnings("ignore:Passing SelectField choices")
@pytest.mark.parametrize("name", ["name", "email", "key", "currency"])
@given(value=TEXTS, attributes=ATTRIBUTES)
def test_a_field_looks_as_wtforms_would_write_it(name, value, attributes):
    ours, theirs = (a_form(meta, {name: value})[name] for meta in (LeanRendering, NothingElse))

    assert ours(**attributes) == theirs(**attributes)
    assert isinstance(ours(**attributes), Markup)
