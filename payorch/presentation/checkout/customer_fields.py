"""Labels of the extra fields that some providers require, such as a national document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString

EXTRA_PREFIX = "extra_"
"""Form field names of extra fields start so; what follows is the code of the provider's field."""

_LABELS: dict[str, LazyString] = {
    "document_type": _("Type of identity document"),
    "document_number": _("Number of the identity document"),
    "tax_id": _("Tax number"),
    "phone": _("Phone number"),
    "birth_date": _("Date of birth"),
    "address_line": _("Street and number"),
    "city": _("City"),
    "state": _("State or province"),
    "postal_code": _("Postal code"),
    "company": _("Company"),
    "bank_code": _("Bank code"),
    "account_number": _("Account number"),
}

_AUTOCOMPLETE = {
    "phone": "tel",
    "birth_date": "bday",
    "address_line": "street-address",
    "city": "address-level2",
    "state": "address-level1",
    "postal_code": "postal-code",
    "company": "organization",
}


def extra_label(code: str) -> LazyString | str:
    """What the customer reads; a code without a label is made readable: "card_type" "Card type"."""
    return _LABELS.get(code) or code.replace("_", " ").capitalize()


def extra_autocomplete(code: str) -> str:
    return _AUTOCOMPLETE.get(code, "off")
