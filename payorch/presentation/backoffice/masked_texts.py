"""Customers' names and addresses as far as everyday work needs them: enough to tell two apart.

Whoever has to know the whole of it asks for it with a reason (reveal_pages.py). Shapes are the
same for all lengths, so that a short name does not stand out.
"""

import re
from urllib.parse import quote

from markupsafe import escape

DOTS = "•••"

MOST_WORDS = 3
"""Of a name; more of them would tell rather who somebody is than help to recognise them."""


def masked_name(name: str) -> str:
    """The initials: "Ana Diaz" reads "A••• D•••"."""
    return " ".join(_masked(word) for word in name.split()[:MOST_WORDS]) or DOTS


def masked_email(email: str) -> str:
    """The first character, and the domain, by which a wrong address is mostly seen."""
    local, at, domain = email.rpartition("@")
    return f"{_masked(local)}@{domain}" if at else _masked(email)


def without_address(text: str, email: str) -> str:
    """`text` with the address masked wherever it stands in it, also as HTML or in a link."""
    for written in {email, str(escape(email)), quote(email)} - {""}:
        text = re.sub(re.escape(written), lambda _: masked_email(email), text, flags=re.IGNORECASE)
    return text


def _masked(text: str) -> str:
    # What is no letter may turn the line around, or be the half of a sign.
    initial = text[:1]
    return f"{initial if initial.isalnum() else ''}{DOTS}"
